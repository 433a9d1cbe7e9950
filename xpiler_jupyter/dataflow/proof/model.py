"""A kernel as statements with integer sets: what the proofs talk about.

Every store becomes a statement: a domain (one dimension per loop around it), a time (when each instance runs, compared
lexicographically), the element it writes, and its value as a tree over reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...ir.nodes import AnyStmt, InstrCall, Kernel, Node
from ..poly import Poly
from ..sets import DIM, Map, PwAff, Set


class Unknown(Exception):
    """The proof cannot be made: `reason` is a sentence, `node` where it stopped."""

    def __init__(self, reason: str, node: Node | None = None) -> None:
        super().__init__(reason)
        self.reason, self.node = reason, node


# -- values of a statement ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A literal."""

    value: bool | int | float


@dataclass(frozen=True, eq=False, slots=True)
class Affine:
    """An integer that follows from the loop indices."""

    value: PwAff


@dataclass(frozen=True, slots=True)
class Get:
    """What read number `read` of the statement finds."""

    read: int


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or function with its type: "+f32", "exp f32", "select"; `gather NAME` reads an input at a computed place."""

    op: str
    args: tuple[Tree, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Choose:
    """`a` where the indices are in `where`, else `b`."""

    where: Set
    a: Tree
    b: Tree


Tree = Number | Affine | Get | Apply | Choose


@dataclass(eq=False, slots=True)
class Read:
    """One read: `element` maps instances to elements of `buffer`. A read of a value kept by name (`source`) is found by the
    first `depth` loop indices of its statement."""

    buffer: str
    element: Map | None
    source: Statement | None = None
    depth: int = 0
    node: Node | None = None
    flat: Poly | None = None
    domain: Set | None = None  # where it is made, when that is not the statement's whole domain


@dataclass(eq=False, slots=True)
class Statement:
    """`time` are text positions (int) and loop dimensions (`D`), as far as `races.py` and the flow need them."""

    name: str
    domain: Set
    time: tuple[int | D, ...]
    buffer: str
    element: Map | None
    tree: Tree
    reads: list[Read]
    node: Node
    update: tuple[str, int, Tree] | None = None  # x = x op e: the operator, the read of x, e
    flat: Poly | None = None

    @property
    def dims(self) -> int:
        return int(self.domain.dim(DIM.set))


@dataclass(frozen=True, slots=True)
class D:
    """Loop dimension `k` within a time."""

    k: int


@dataclass(frozen=True, slots=True)
class Place:
    """A buffer. The dimensions `own` of the loops that it is local to come before its own indices, then those of the block
    axes `apart` that each have one. `slot` of a parameter: which buffer of the C ABI function it is."""

    name: str
    own: tuple[int, ...]
    apart: tuple[str, ...]
    slot: str | None
    memory: str
    rank: int = 0


@dataclass(eq=False, slots=True)
class Fence:
    """A barrier: which instances of the threads meet there."""

    domain: Set
    time: tuple[int | D, ...]
    node: Node


@dataclass(eq=False, slots=True)
class Program:
    """All statements in text order. `grid` and `block` are the dimensions of parallel axes that threads have in common."""

    statements: list[Statement] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    fences: list[Fence] = field(default_factory=list)
    grid: int = 0
    block: int = 0
    fused: bool = False  # an fma was taken apart
    floats: set[str] = field(default_factory=set)  # floating-point types that it computes in
    words: set[str] = field(default_factory=set)  # what was read in a way that holds for ordinary numbers only


class Meanings(Protocol):
    """What the calls of a kernel stand for (`frontend.meanings`)."""

    def row(self, call: InstrCall) -> Any:
        """The row of the call: `lanes`, and `operands` with `per_lane` and `access`."""

    def of(self, call: InstrCall, lane: str = "") -> tuple[AnyStmt, ...]:
        """The statements of the call; operands of a lane are indexed by the lane's number first."""


@dataclass(slots=True)
class Words:
    """What the builder must know about a platform: the level of each axis ("grid", "block"); of a memory that a block
    shares along some of its axes only, the others; `meanings` of calls that the lanes of a warp make together."""

    levels: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    meanings: Callable[[Kernel], Meanings] | None = None
