"""What a function said about the very same object, remembered for a while.

Nodes compare without their spans and comments, so equality is too weak a key for whatever prints or rewrites them: this
asks for the same object. It holds on to the object, so that its identity cannot become another's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """The last `size` answers, each by the object asked about and whatever else the answer depends on."""

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._known: OrderedDict[tuple[int, Hashable], tuple[object, T]] = OrderedDict()

    def get(self, about: object, more: Hashable = None) -> T | None:
        """The answer, or None when it is not (or no longer) known."""
        found = self._known.get((id(about), more))
        return found[1] if found is not None else None

    def put(self, about: object, answer: T, more: Hashable = None) -> T:
        """Remembers the answer and gives it back."""
        self._known[id(about), more] = about, answer
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        return answer
