"""What a kernel touches, for given sizes: how far each buffer is accessed, how much work there is, which buffers hold
indices, and how far the guards let the launch reach. A cheap estimate by intervals: runs confirm it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..ir.nodes import (
    Alloc,
    Binary,
    Block,
    Break,
    Continue,
    Expr,
    For,
    If,
    Kernel,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Store,
    Var,
    While,
)
from ..ir.visit import children, walk
from .interval import Bound, Env, Range, assume, conjuncts, negate, strip, value_range


@dataclass(slots=True)
class Guard:
    """One comparison `lhs < bound` of the kernel: the largest value of the left side, and the bound."""

    reach: Bound
    bound: Bound


@dataclass(slots=True)
class Footprint:
    """`top[b]`: one past the largest index of buffer `b`; `bottom[b]` the smallest; `work` counts statement instances;
    `stores` holds the buffers written where at least one instance exists."""

    top: dict[str, Bound] = field(default_factory=dict)
    bottom: dict[str, Bound] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    work: Bound = 0.0


@dataclass(frozen=True, slots=True)
class Roles:
    """What the parameters are for. `index`: their elements end up in an index or a loop bound; `bounds`: in a loop
    bound (so they should ascend); `float_index`: floats that do."""

    read: frozenset[str]
    written: frozenset[str]
    index: frozenset[str]
    bounds: frozenset[str]
    float_index: frozenset[str]


def roles(kernel: Kernel) -> Roles:
    """Reads, writes and data-dependent addressing of the kernel's buffer parameters."""
    pointers = {p.name: p for p in kernel.params if p.pointer}
    nodes = list(walk(kernel.body))
    read = {n.buffer for n in nodes if isinstance(n, Load | Ref)} & set(pointers)
    written = {n.buffer for n in nodes if isinstance(n, Store | Ref)} & set(pointers)
    # Where values of local buffers and Lets come from: name -> expressions.
    sources: dict[str, list[Expr]] = {}
    for n in nodes:
        if isinstance(n, Let):
            sources.setdefault(n.name, []).append(n.value)
        elif isinstance(n, Store):
            sources.setdefault(n.buffer, []).append(n.value)
    places: list[Expr] = []
    bounds: list[Expr] = []
    for n in nodes:
        if isinstance(n, Load | Store | Ref):
            places.extend(n.indices)
        elif isinstance(n, For):
            bounds.extend((n.lo, n.hi, n.step))

    def origins(roots: list[Expr]) -> set[str]:
        seen: set[str] = set()
        found: set[str] = set()
        stack: list[Node] = list(roots)
        while stack:
            node = stack.pop()
            name = node.name if isinstance(node, Var) else node.buffer if isinstance(node, Load) else None
            if isinstance(node, Load) and node.buffer in pointers:
                found.add(node.buffer)
            elif name is not None and name not in seen:
                seen.add(name)
                stack.extend(sources.get(name, ()))
            stack.extend(children(node))
        return found

    by_place, by_bound = origins(places), origins(bounds)
    integer = {b for b in by_place | by_bound if pointers[b].dtype.is_integer}
    return Roles(frozenset(read), frozenset(written), frozenset(integer), frozenset(by_bound & integer),
                 frozenset((by_place | by_bound) - integer))


def footprint(kernel: Kernel, scalars: dict[str, Bound], data: dict[str, Range] | None = None) -> Footprint:
    """The estimate for these values of the kernel's scalars (plain numbers or arrays, one entry per choice)."""
    env = Env({k: Range(v, v) for k, v in scalars.items()}, {}, data or {})
    out = Footprint()
    pointers = {p.name for p in kernel.params if p.pointer}
    _Walk(out, pointers).block(kernel.body, env, np.asarray(1.0))
    return out


def leaves(body: Block) -> bool:
    """True when the block ends its thread, its iteration or its loop."""
    return bool(body.stmts) and isinstance(body.stmts[-1], Return | Break | Continue)


class _Walk:
    def __init__(self, out: Footprint, pointers: set[str]) -> None:
        self.out, self.pointers = out, pointers

    def touch(self, node: Node, env: Env, count: Bound) -> None:
        for n in walk(node):
            if isinstance(n, Load | Store | Ref) and n.buffer in self.pointers and n.indices:
                r = value_range(n.indices[0], env)
                live = (np.asarray(count) > 0) & (np.asarray(r.hi) >= r.lo)
                top = np.where(live, np.asarray(r.hi, dtype=float) + 1.0, 0.0)
                bottom = np.where(live, r.lo, 0.0)
                self.out.top[n.buffer] = np.maximum(self.out.top.get(n.buffer, 0.0), top)
                self.out.bottom[n.buffer] = np.minimum(self.out.bottom.get(n.buffer, 0.0), bottom)

    def block(self, body: Block, env: Env, count: Bound) -> None:
        for s in body.stmts:
            if isinstance(s, Block):
                self.block(s, env, count)
            elif isinstance(s, For):
                self.loop(s, env, count)
            elif isinstance(s, If):
                self.touch(s.cond, env, count)
                self.branch(s, env, count)
            elif isinstance(s, While):
                self.touch(s.cond, env, count)
                inner = env.child()
                assume(s.cond, inner)
                self.block(s.body, inner, count * 8.0)
            elif isinstance(s, Let):
                self.touch(s.value, env, count)
                env.names[s.name] = value_range(s.value, env)
                env.facts = {k: v for k, v in env.facts.items() if Var(s.name) not in walk(k)}
            elif isinstance(s, Alloc):
                continue
            else:
                if isinstance(s, Store):
                    self.out.work = self.out.work + count
                    if not s.indices and s.buffer not in self.pointers:
                        env.facts.pop(Load(s.buffer, (), s.dtype), None)
                self.touch(s, env, count)

    def loop(self, s: For, env: Env, count: Bound) -> None:
        self.touch(s.lo, env, count)
        self.touch(s.hi, env, count)
        lo, hi, step = value_range(s.lo, env), value_range(s.hi, env), value_range(s.step, env)
        inner = env.child()
        inner.names[s.var] = Range(lo.lo, np.asarray(hi.hi) - 1.0)
        with np.errstate(invalid="ignore"):
            trips = np.ceil((np.asarray(hi.hi) - lo.lo) / np.maximum(step.lo, 1.0))
        trips = np.where(np.isfinite(trips), np.maximum(trips, 0.0), 16.0)
        self.block(s.body, inner, count * trips)

    def branch(self, s: If, env: Env, count: Bound) -> None:
        for part in conjuncts(s.cond if not leaves(s.then) else negate(s.cond)):
            self.guard(part, env)
        yes, no = env.child(), env.child()
        assume(s.cond, yes)
        assume(negate(s.cond), no)
        self.block(s.then, yes, count)
        if s.orelse is not None:
            self.block(s.orelse, no, count)
        if leaves(s.then):
            env.names, env.facts = no.names, no.facts
        elif s.orelse is not None and leaves(s.orelse):
            env.names, env.facts = yes.names, yes.facts

    def guard(self, part: Expr, env: Env) -> None:
        if not isinstance(part, Binary) or part.op not in ("<", "<=", ">", ">="):
            return
        op = part.op
        a, b = strip(part.a), strip(part.b)
        if op in (">", ">="):
            a, b = b, a
        if not a.dtype.is_integer:
            return
        reach, bound = value_range(a, env).hi, value_range(b, env).hi
        if np.all(np.isfinite(reach)) and np.all(np.isfinite(bound)):
            self.out.guards.append(Guard(reach, np.asarray(bound) + (1.0 if op in ("<=", ">=") else 0.0)))


def evaluate(e: Expr, scalars: dict[str, Bound]) -> Bound:
    """The value of an integer expression over scalar names; NaN where it is not determined."""
    r = value_range(e, Env({k: Range(v, v) for k, v in scalars.items()}))
    return np.where(np.asarray(r.lo) == r.hi, r.lo, np.nan)

