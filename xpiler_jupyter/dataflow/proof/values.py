"""Values as functions of a context: what a statement's instance holds, traced back to the inputs.

A context is a tuple of integers: the instance of the output's last writer, and below a sum the index of the term. Copies
and everything computed on the way are looked through, so that staging, registers and buffers of any kind leave no trace.
What remains are inputs at places, numbers, functions, and *bags*: terms that an associative and commutative operator
combines, each given for a set of indices.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..sets import DIM, Map, Set, isl_val
from .model import Statement


@dataclass(frozen=True, slots=True)
class Num:
    """A number."""

    value: bool | int | float


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """An integer: context -> [value]."""

    at: Map


@dataclass(frozen=True, eq=False, slots=True)
class In:
    """What buffer `slot` held at the start: context -> element."""

    slot: str
    at: Map


@dataclass(frozen=True, eq=False, slots=True)
class App:
    """A function of values."""

    op: str
    args: tuple[Value, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Part:
    """Terms of a bag: `index` maps the context to the indices of the terms; `value` is a term in the context followed by
    its index."""

    index: Map
    value: Value

    @property
    def extra(self) -> int:
        return int(self.index.dim(DIM.out))


@dataclass(frozen=True, eq=False, slots=True)
class Bag:
    """All terms of the parts, combined by `op` ("+f32", "*f32", "maxf32", "&i32")."""

    op: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """What a statement leaves that builds on what it left before: context -> instance. `owner` expands it further."""

    statement: Statement
    at: Map
    owner: object


Value = Num | Place | In | App | Bag | State
Piece = tuple[Set, Value]


def wrapped(m: Map) -> Set:
    """The pairs of a relation as flat tuples."""
    return m.wrap().flatten()


def identity(domain: Set) -> Map:
    """Every tuple of the set to itself."""
    return domain.identity()


def unit(domain: Set) -> Map:
    """Every tuple of the set to the empty tuple."""
    return Map.from_domain_and_range(domain, Set.universe(domain.get_space()).project_out(DIM.set, 0, domain.dim(DIM.set)))


def constant(domain: Set, value: int) -> Map:
    """Every tuple of the set to [value]."""
    one = Set.universe(domain.get_space()).project_out(DIM.set, 0, domain.dim(DIM.set)).add_dims(DIM.set, 1)
    return Map.from_domain_and_range(domain, one).fix_val(DIM.out, 0, isl_val(value))


def below(g: Map, extra: int) -> Map:
    """{ (z, k) -> (g(z), k) } for `extra` dimensions k."""
    if not extra:
        return g
    free = Set.universe(g.domain().get_space()).project_out(DIM.set, 0, g.dim(DIM.in_)).add_dims(DIM.set, extra)
    return g.flat_product(free.identity())


def moved(v: Value, g: Map) -> Value:
    """The value in another context: `g` maps the new context to the old one."""
    if isinstance(v, Num):
        return v
    if isinstance(v, Place):
        return Place(g.apply_range(v.at))
    if isinstance(v, In):
        return In(v.slot, g.apply_range(v.at))
    if isinstance(v, State):
        return State(v.statement, g.apply_range(v.at), v.owner)
    if isinstance(v, App):
        return App(v.op, tuple(moved(a, g) for a in v.args)) if v.args else v
    return Bag(v.op, tuple(Part(g.apply_range(p.index), moved(p.value, below(g, p.extra))) for p in v.parts))


def as_map(s: Set, n: int) -> Map:
    """{ x -> k : (x, k) in s }, x the first `n` dimensions."""
    return Map.from_range(s).move_dims(DIM.in_, 0, DIM.out, 0, n)


def projection(pairs: Map) -> Map:
    """{ (x, k) -> k } for the pairs x -> k of a relation, flat."""
    return pairs.range_map().flatten_domain()


def first(pairs: Map) -> Map:
    """{ (x, k) -> x }"""
    return pairs.domain_map().flatten_domain()
