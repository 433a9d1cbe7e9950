"""What the safety proofs must know about a platform, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ...ir.nodes import Node, Span
from ...ir.visit import children


@dataclass(frozen=True, slots=True)
class Machine:
    """How threads live together.

    Attributes:
        levels: level of each axis, "grid" or "block".
        largest: the greatest number of indices that an axis can have.
        apart: of a memory that a block shares along some of its axes only, the others.
        meets: barrier scope -> the block axes along which threads wait for each other, where these are not all.
        lanes: threads of a warp, which a barrier of scope "warp" brings together; 1 where there are none.
        together: where the calls stand that a warp makes as one: its lanes do not race with each other there.
        waits: places of calls that run behind -> the scopes of barriers that complete each.
        queues: places of calls that run one after the other, behind or not -> the queue of each.
        pauses: scopes of barriers at which a thread only waits for its own calls and meets nobody.
    """

    levels: Mapping[str, str] = field(default_factory=dict)
    largest: Mapping[str, int] = field(default_factory=dict)
    apart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    meets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lanes: int = 1
    together: frozenset[Span] = frozenset()
    waits: Mapping[Span, frozenset[str]] = field(default_factory=dict)
    queues: Mapping[Span, str] = field(default_factory=dict)
    pauses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. A violation has an example: `lines` of the text, the element, the indices of the two threads by axis."""

    status: Literal["ok", "violated", "unknown"]
    reason: str = ""
    lines: tuple[int, ...] = ()
    buffer: str = ""
    element: tuple[int, ...] = ()
    one: Mapping[str, int] = field(default_factory=dict)
    other: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status == "ok"


OK = Finding("ok")


@dataclass(frozen=True, slots=True)
class Safety:
    """Are all accesses inside their buffers; do threads never touch an element unordered when one of them writes; do all
    threads of a block come to each barrier; is nothing read that was never written? `assumes` is what the answers take for
    granted, in words."""

    bounds: Finding
    races: Finding
    barriers: Finding
    initialised: Finding
    assumes: tuple[str, ...] = ()

    @property
    def findings(self) -> dict[str, Finding]:
        return {"bounds": self.bounds, "races": self.races, "barriers": self.barriers, "initialised": self.initialised}

    @property
    def status(self) -> Literal["ok", "violated", "unknown"]:
        found = {f.status for f in self.findings.values()}
        return "violated" if "violated" in found else "unknown" if "unknown" in found else "ok"


def worst(found: list[Finding]) -> Finding:
    """A violation if there is one, else an unknown, else "ok"."""
    for status in ("violated", "unknown"):
        for f in found:
            if f.status == status:
                return f
    return OK


def said(thread: Mapping[str, int]) -> str:
    """A thread by its indices."""
    return ", ".join(f"{axis} {value}" for axis, value in thread.items())


class Places:
    """Where nodes stand: of a node without a place its own, the nearest one around it."""

    def __init__(self, root: Node) -> None:
        self.spans: dict[int, Span | None] = {}
        self.around: dict[int, tuple[Node, ...]] = {}
        self._walk(root, None, ())

    def _walk(self, node: Node, span: Span | None, around: tuple[Node, ...]) -> None:
        span = node.span or span
        self.spans[id(node)], self.around[id(node)] = span, around
        for c in children(node):
            self._walk(c, span, (*around, node))

    def span(self, node: Node) -> Span | None:
        return self.spans.get(id(node))

    def line(self, node: Node) -> int | None:
        span = self.span(node)
        return span.line if span is not None else None
