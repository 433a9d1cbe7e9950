"""Rows with type variables become one row per choice of types, each under a name of its own.

A table states an intrinsic once for all its element types; a call in a kernel has one. The name of a concrete row is the
word of the text and the types, `__bang_add.f32`; rows that still share it are numbered, `__bang_div.f32.2`. The template
keeps the word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import overload

from ..ir.types import ScalarType
from .instr import Instr, Operand, choices


class Rows(Sequence[Instr]):
    """A table that is worked out when somebody first looks into it: thousands of rows, which most ports never ask for.
    Only for tables that are not empty: whether there is anything in it is known without looking."""

    def __init__(self, make: Callable[[], tuple[Instr, ...]]) -> None:
        self._make = make

    @cached_property
    def _rows(self) -> tuple[Instr, ...]:
        return self._make()

    def __len__(self) -> int:
        return len(self._rows)

    def __bool__(self) -> bool:
        return True

    @overload
    def __getitem__(self, k: int) -> Instr: ...

    @overload
    def __getitem__(self, k: slice) -> Sequence[Instr]: ...

    def __getitem__(self, k: int | slice) -> Instr | Sequence[Instr]:
        return self._rows[k]


def concrete(rows: Iterable[Instr], words: Mapping[ScalarType, str]) -> tuple[Instr, ...]:
    """Every row with every choice of its types; `words` spells a type in a meaning or a rule."""
    out: list[Instr] = []
    seen: Counter[str] = Counter()
    for row in rows:
        for types in choices(row):
            named = ".".join([row.name, *(str(t) for t in types.values())])
            seen[named] += 1
            name = named if seen[named] == 1 else f"{named}.{seen[named]}"
            out.append(_with_types(row, types, words, name))
    return tuple(out)


@lru_cache(maxsize=8192)  # rows share most of their extents and rules
def _put(text: str, types: tuple[tuple[str, str, str], ...]) -> str:
    """`text` with (variable, its size in bytes, its type's word) for each variable."""
    for variable, size, word in types:
        if variable in text:
            text = re.sub(rf"\b{variable}\b", word, text.replace(f"sizeof({variable})", size))
    return text


def _with_types(row: Instr, types: Mapping[str, ScalarType], words: Mapping[ScalarType, str], name: str) -> Instr:
    if not types:
        return replace(row, name=name, types={}, template=row.text)
    spelled = tuple((variable, str(t.bytes), words[t]) for variable, t in types.items())

    def put(text: str) -> str:
        return _put(text, spelled) if text else text

    def typed(o: Operand) -> Operand:
        dtype = types.get(o.dtype, o.dtype) if isinstance(o.dtype, str) else o.dtype
        extent = put(o.extent)
        return o if dtype is o.dtype and extent is o.extent else replace(o, dtype=dtype, extent=extent)

    return replace(row, name=name, operands=tuple(map(typed, row.operands)), meaning=put(row.meaning), types={},
                   rules=tuple((put(c), why) for c, why in row.rules), template=row.text)
