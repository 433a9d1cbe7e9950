"""Integers of a thread that change, where their values are known: analyses by integer sets then see exact indices and guards
where they saw a cell. What was stored last is put in place of a load; `for (s = 64; s > 0; s >>= 1)` becomes its seven
rounds; a `while` that adds a number to its counter becomes a `for`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from ..ir.build import add, div, mul, sub
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Barrier,
    Binary,
    Block,
    Break,
    Call,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    If,
    InstrCall,
    Kernel,
    Let,
    Load,
    Ref,
    Select,
    Store,
    Unary,
    Var,
    While,
)
from ..ir.visit import Rewriter, all_names, fresh_name, stmts_of, substitute, walk
from . import poly as P
from .poly import Scope
from .sets import NotAffine, affine, condition, universe

MANY_ROUNDS = 64  # of one loop
MANY_STATEMENTS = 4000  # of the kernel that comes out


def at_sizes(kernel: Kernel, scalars: Mapping[str, int]) -> Kernel:
    """The kernel with numbers in place of these scalars, in its body and in the extents of its buffers."""
    values = {n: Const(v, p.dtype) for n, v in scalars.items() if (p := kernel.param(n)) is not None}
    if not values:
        return kernel
    return replace(kernel, body=substitute(kernel.body, values), params=tuple(
        replace(p, extent=substitute(p.extent, values) if p.extent is not None else None) for p in kernel.params))


def written_out(kernel: Kernel) -> Kernel:
    """The same kernel with its loops over known counters written out; a loop whose rounds are not known stays."""
    return replace(kernel, body=_Rounds(kernel).block(kernel.body))


class _Put(Rewriter):
    def __init__(self, known: Mapping[str, Expr]) -> None:
        self.known = known

    def visit_Load(self, e: Load) -> Expr:
        value = self.known.get(e.buffer) if not e.indices else None
        return value if value is not None and value.dtype == e.dtype else e


class _Rounds:
    """`cells`: integers of one thread that only plain stores change. Cells of one name in two places are left alone."""

    def __init__(self, kernel: Kernel) -> None:
        allocs = [n for n in walk(kernel.body) if isinstance(n, Alloc)]
        names = [a.name for a in allocs]
        referred = {n.buffer for n in walk(kernel.body) if isinstance(n, Ref)}
        self.cells = {a.name for a in allocs if not a.shape and a.dtype.is_integer and a.memory == "local"
                      and names.count(a.name) == 1 and a.name not in referred}
        self.steering = _steering(kernel.body) & self.cells
        self.known: dict[str, Expr] = {}
        self.lets: dict[str, Expr] = {}
        self.hidden: set[str] = set()  # names for values that come from memory
        self.taken = all_names(kernel)
        self.count = 0

    def put(self, e: Any) -> Any:
        return _Put(self.known).visit(e) if self.known else e

    def pure(self, e: Expr) -> bool:
        """Does the value follow, in a few operators, from loop indices and parameters alone?"""
        nodes = list(islice(walk(e), 64))
        return len(nodes) < 64 and all(
            isinstance(n, Const | Unary | Binary | Cast | Select) or (isinstance(n, Var) and n.name not in self.hidden)
            or (isinstance(n, Call) and n.fn in ("min", "max")) for n in nodes)

    def block(self, body: Block) -> Block:
        out: list[AnyStmt] = []
        for s in stmts_of(body):
            out.extend(self.statement(s))
        self.count += len(out)
        return replace(body, stmts=tuple(out))

    def statement(self, s: AnyStmt) -> list[AnyStmt]:
        if isinstance(s, Store):
            return [self.store(s)]
        if isinstance(s, While):
            return self.rounds(s)
        if isinstance(s, For):
            return self.loop(replace(s, lo=self.put(s.lo), hi=self.put(s.hi), step=self.put(s.step)))
        if isinstance(s, If):
            cond, before = self.put(s.cond), dict(self.known)
            then = self.block(s.then)
            self.known = dict(before)
            orelse = self.block(s.orelse) if s.orelse is not None else None
            self.known = before
            self.forget(s)
            return [replace(s, cond=cond, then=then, orelse=orelse)]
        if isinstance(s, Block):
            return [self.block(s)]
        if isinstance(s, Let):
            s = replace(s, value=self.put(s.value))
            self.lets.pop(s.name, None)
            value = substitute(s.value, self.lets)
            if s.dtype.is_integer and self.pure(value):
                self.lets[s.name] = value
            else:
                self.hidden.add(s.name)
            return [s]
        if isinstance(s, Alloc):
            self.known.pop(s.name, None)
            return [replace(s, shape=tuple(self.put(e) for e in s.shape))]
        return [self.put(s) if isinstance(s, InstrCall) else replace(s)]  # a barrier of each round is one of its own

    def store(self, s: Store) -> Store:
        s = replace(s, indices=tuple(self.put(i) for i in s.indices), value=self.put(s.value))
        if s.buffer in self.cells:
            self.known.pop(s.buffer, None)
            number, value = constant_value(s.value), substitute(s.value, self.lets)
            if number is not None:
                self.known[s.buffer] = Const(number, s.dtype)
            elif self.pure(value):
                self.known[s.buffer] = value
        return s

    def forget(self, s: Any) -> None:
        for n in walk(s):
            if isinstance(n, Store):
                self.known.pop(n.buffer, None)

    def loop(self, s: For) -> list[AnyStmt]:
        """A loop that changes a known cell which says where something is (two buffers that take turns) is written out."""
        ends = [constant_value(e) for e in (s.lo, s.hi, s.step)]
        changed = {n.buffer for n in walk(s.body) if isinstance(n, Store)} & self.steering
        changed = {c for c in changed if isinstance(self.known.get(c), Const)}
        if s.kind in ("serial", "unrolled") and changed and not _leaves(s.body) and None not in ends:
            lo, hi, step = (e or 0 for e in ends)
            if step > 0 and (hi - lo) // step <= MANY_ROUNDS:
                start, count, out = dict(self.known), self.count, list[AnyStmt]()
                for k in range(lo, hi, step):
                    out.append(self.block(substitute(s.body, {s.var: Const(k, s.dtype)})))
                    if self.count > MANY_STATEMENTS or not all(isinstance(self.known.get(c), Const) for c in changed):
                        break
                else:
                    return out
                self.known, self.count = start, count
        s = self.by_rounds(s)
        self.forget(s.body)
        s = replace(s, body=self.block(s.body))
        self.forget(s.body)
        return [s]

    def by_rounds(self, s: For) -> For:
        """A loop with barriers that each thread starts elsewhere, over the number of its round: threads meet in the same
        round, whatever their loop variables are."""
        step = constant_value(s.step)
        if s.kind == "parallel" or step is None or step <= 0 or isinstance(s.lo, Const) or not any(
                isinstance(n, Barrier) for n in walk(s.body)):
            return s
        var = Var(fresh_name(f"{s.var}_round", self.taken), s.dtype)
        width, one = Const(step, s.dtype), Const(1, s.dtype)
        here = Let(s.var, s.dtype, add(s.lo, mul(var, width)))
        count = div(add(sub(s.hi, s.lo), Const(step - 1, s.dtype)), width)
        return replace(s, var=var.name, lo=Const(0, s.dtype), hi=count, step=one,
                       body=replace(s.body, stmts=(here, *s.body.stmts)))

    def rounds(self, s: While) -> list[AnyStmt]:
        """The rounds of the loop one after the other, or the loop when they are too many or not known."""
        counted = self.counted(s)
        if counted is not None:
            return counted
        start, count, out = dict(self.known), self.count, list[AnyStmt]()
        for _ in range(MANY_ROUNDS + 1 if not _leaves(s.body) else 0):
            may, must = condition(self.put(s.cond), Scope(), universe(0))
            if may.is_empty():
                return out
            if must.is_empty() or self.count > MANY_STATEMENTS:
                break
            out.append(self.block(s.body))
        self.known, self.count = start, count
        self.forget(s)
        body = self.block(s.body)
        self.forget(s)
        return [replace(s, cond=self.put(s.cond), body=body)]

    def counted(self, s: While) -> list[AnyStmt] | None:
        """`while (k < n) { ...; k += 4; }` as a `for` over what k is, when nothing else in the body changes k."""
        cond, body = s.cond, stmts_of(s.body)
        last = body[-1] if body else None
        if not isinstance(last, Store) or last.buffer not in self.cells or _leaves(s.body) or not isinstance(cond, Binary):
            return None
        cell, start = Load(last.buffer, (), last.dtype), self.known.get(last.buffer)
        writes = [n for n in walk(s.body) if isinstance(n, Store) and n.buffer == last.buffer]
        value = last.value
        if start is None or len(writes) != 1 or cond.op not in ("<", "<=") or cond.a != cell or any(
                isinstance(n, Load) for n in walk(cond.b)) or cond.b.dtype != last.dtype:
            return None
        step = constant_value(value.b) if isinstance(value, Binary) and value.op == "+" and value.a == cell else None
        if step is None or step <= 0:
            return None
        var = Var(fresh_name(last.buffer, self.taken), last.dtype)
        hi = cond.b if cond.op == "<" else add(cond.b, Const(1, last.dtype))
        self.forget(s.body)
        self.known[last.buffer] = var
        inner = self.block(replace(s.body, stmts=body[:-1]))
        self.forget(s.body)
        loop = For(var.name, start, hi, Const(step, last.dtype), inner, span=s.span, dtype=last.dtype)
        after = Call("last of " + var.name, (), last.dtype)
        return [self.by_rounds(loop), Store(last.buffer, (), after, last.dtype, span=last.span)]


def _steering(body: Block) -> set[str]:
    """Cells that indices, bounds or conditions are made of, by way of names too."""
    out: set[str] = set()
    for n in walk(body):
        where: tuple[Any, ...] = ()
        if isinstance(n, Load | Store | Ref):
            where = n.indices
        elif isinstance(n, If | While | Select):
            where = (n.cond,)
        elif isinstance(n, For):
            where = (n.lo, n.hi, n.step)
        elif isinstance(n, Let) and n.dtype.is_integer:
            where = (n.value,)
        out |= {x.buffer for e in where for x in walk(e) if isinstance(x, Load) and not x.indices}
    return out


def constant_value(e: Expr) -> int | None:
    """The value of an integer expression over constants, or None."""
    p = P.polynomial(e, Scope(), lambda _: True)
    if p is None:
        return None
    try:
        one = affine(p, universe(0))
    except NotAffine:
        return None
    value = one.max_val()
    return int(value.to_python()) if value.is_int() else None


def _leaves(body: Block) -> bool:
    """Is there a `break` or `continue` of this very loop?"""
    def look(n: Any) -> bool:
        if isinstance(n, Break | Continue):
            return True
        if isinstance(n, If):
            return look(n.then) or (n.orelse is not None and look(n.orelse))
        return isinstance(n, Block) and any(look(x) for x in n.stmts)

    return look(body)
