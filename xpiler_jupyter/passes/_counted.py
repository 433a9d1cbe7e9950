"""Loops that count without saying so become loops that do: `while (p < end) { ...; p += 4; }`, and what else goes up by the
same amount in every round is computed from the counter.

    int i = a; while (i < n) { f(i); i += s; }                ->  for (i = a; i < n; i += s) f(i);
    int q = b; for (k < n) { f(q); q += s; }                  ->  for (k < n) f(b + k * s);

Only for integers that are set in front of the loop, changed by that one statement, and not read behind the loop.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir.build import add, binary, convert, div, mul, sub
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Binary,
    Block,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    InstrCall,
    Let,
    Load,
    Node,
    Ref,
    Store,
    Var,
    While,
)
from ..ir.simplify import cost, simplify_expr
from ..ir.visit import Rewriter, buffers_written, fresh_name, stmts_of, substitute, walk


def counted(body: Block, taken: set[str]) -> Block:
    """The text of one thread, every name declared once, with its counting loops as such. New names go to `taken`."""
    got: Block = _Counted(taken).visit(body)
    return got


class _Counted(Rewriter):
    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def visit_Block(self, b: Block) -> Block:
        stmts = _set_once(b.stmts)
        again = True
        while again:
            again = False
            for k, s in enumerate(stmts):
                got = self._while(stmts, k) if isinstance(s, While) else None
                if got is None and isinstance(s, For) and s.kind != "parallel":
                    got = self._induction(stmts, k)
                if got is not None:
                    stmts, again = got, True
                    break
        return b if stmts is b.stmts else dataclasses.replace(b, stmts=stmts)

    def _while(self, stmts: tuple[AnyStmt, ...], k: int) -> tuple[AnyStmt, ...] | None:
        """The list with the while loop at `k` as a for loop; None when it is none."""
        loop = stmts[k]
        assert isinstance(loop, While)
        if not (isinstance(loop.cond, Binary) and loop.cond.op in ("<", "<=", ">", ">=")):
            return None
        for x, bound, op in ((loop.cond.a, loop.cond.b, loop.cond.op), (loop.cond.b, loop.cond.a, _FLIP[loop.cond.op])):
            inner = x.x if isinstance(x, Cast) and x.implicit else x
            if op not in ("<", "<=") or not isinstance(inner, Load) or inner.indices or not inner.dtype.is_integer:
                continue
            if isinstance(bound, Const) and inner.dtype != x.dtype:
                bound = Const(bound.value, inner.dtype)
            found = _Variable.of(stmts, k, inner.buffer, loop.body)
            if found is None or bound.dtype != found.alloc.dtype or not _settled(bound, loop.body) \
                    or found.alloc.dtype.bits < 32 or (isinstance(found.step, Const) and int(found.step.value) <= 0):
                continue
            hi = bound if op == "<" else add(bound, Const(1, bound.dtype))
            return found.replaced(stmts, k, (self._loop(found, hi, stmts[:k], loop),))
        return None

    def _loop(self, found: _Variable, hi: Expr, before: tuple[AnyStmt, ...], loop: While) -> For:
        """The for loop; one that walks from somewhere for a known length counts from zero."""
        var = Var(found.alloc.name, found.alloc.dtype)
        body = found.without(var, _plus(var, found.step))
        comments = (*found.alloc.comments, *loop.comments)
        lets = {s.name: s.value for s in before if isinstance(s, Let) and not _reads_memory(
            _Put(found.alloc.name, found.start).visit(s.value))}
        end = _Put(found.alloc.name, found.start).visit(substitute(hi, lets))
        length = simplify_expr(sub(end, found.start))
        one = isinstance(found.step, Const) and found.step.value == 1
        if one and not isinstance(found.start, Const | Var) and cost(length) < cost(end) and not _reads_memory(found.start):
            k = Var(fresh_name("k", self.taken), var.dtype)
            body = dataclasses.replace(body, stmts=(Let(var.name, var.dtype, add(found.start, k)), *body.stmts))
            return For(k.name, Const(0, k.dtype), length, found.step, body, "serial", None, k.dtype, span=loop.span,
                       comments=comments)
        return For(var.name, found.start, hi, found.step, body, "serial", None, var.dtype, span=loop.span, comments=comments)

    def _induction(self, stmts: tuple[AnyStmt, ...], k: int) -> tuple[AnyStmt, ...] | None:
        """The list without one of the variables that the loop at `k` counts beside its own."""
        loop = stmts[k]
        assert isinstance(loop, For)
        for s in stmts_of(loop.body):
            found = _Variable.of(stmts, k, s.buffer, loop.body) if isinstance(s, Store) and not s.indices else None
            if found is None or found.alloc.dtype.kind != "int" or loop.dtype.kind != "int":
                continue
            rounds: Expr = sub(Var(loop.var, loop.dtype), loop.lo)
            each = _part(found.step, loop.step)
            if each is None:
                rounds, each = div(rounds, loop.step), found.step
            dtype, front = found.alloc.dtype, tuple[AnyStmt, ...]()
            start = found.start
            if _reads_memory(start):
                name = fresh_name(f"{found.alloc.name}_start", self.taken)
                front, start = (Let(name, dtype, start),), Var(name, dtype)
            now = Let(found.alloc.name, dtype, add(start, convert(mul(convert(rounds, dtype), each), dtype)),
                      comments=found.alloc.comments)
            var = Var(now.name, dtype)
            body = found.without(var, _plus(var, found.step))
            new = dataclasses.replace(loop, body=dataclasses.replace(body, stmts=(now, *body.stmts)))
            return found.replaced(stmts, k, (*front, new))
        return None


_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _part(e: Expr, n: Expr) -> Expr | None:
    """`e / n` where that plainly leaves no remainder."""
    if e == n:
        return Const(1, e.dtype)
    if isinstance(n, Const) and n.value == 1:
        return e
    if isinstance(e, Const) and isinstance(n, Const) and int(e.value) % int(n.value) == 0:
        return Const(int(e.value) // int(n.value), e.dtype)
    if isinstance(e, Binary) and e.op == "*":
        a, b = _part(e.a, n), _part(e.b, n)
        return mul(a, e.b) if a is not None else mul(e.a, b) if b is not None else None
    return None


def declared_near(body: Block) -> Block:
    """Scalars that a later statement of their list sets first are declared right in front of it."""
    got: Block = _Near().visit(body)
    return got


class _Near(Rewriter):
    def visit_Block(self, b: Block) -> Block:
        stmts = list(b.stmts)
        for a in b.stmts:
            if not (isinstance(a, Alloc) and not a.shape and a.memory == "local" and not a.zeroed):
                continue
            k = next(i for i, s in enumerate(stmts) if s is a)
            first = next((i for i in range(k + 1, len(stmts)) if any(
                isinstance(n, Load | Store | Ref) and n.buffer == a.name for n in walk(stmts[i]))), k)
            if first > k + 1 and isinstance(stmts[first], Store):
                stmts.insert(first - 1, stmts.pop(k))
        return b if all(x is y for x, y in zip(stmts, b.stmts, strict=True)) else dataclasses.replace(b, stmts=tuple(stmts))


def _set_once(stmts: tuple[AnyStmt, ...]) -> tuple[AnyStmt, ...]:
    """`int a = 0; a += e; a += f;` is `int a = e + f;`: of integers that are set several times in a row, in the list that
    declares them, the last value stays. One that nothing else changes is a name."""
    for alloc in stmts:
        if not (isinstance(alloc, Alloc) and not alloc.shape and alloc.memory == "local" and alloc.dtype.is_integer):
            continue
        name = alloc.name
        at = [k for k, s in enumerate(stmts) if isinstance(s, Store) and s.buffer == name]
        other = next((k for k, s in enumerate(stmts) if k not in at and any(
            isinstance(n, Store | Ref) and n.buffer == name for n in walk(s))), len(stmts))
        at = [k for k in at if k < other]
        if len(at) < 2 and not (at and other == len(stmts)):
            continue
        value: Expr | None = None
        out: list[AnyStmt] = []
        for k, s in enumerate(stmts):
            put = _Put(name, value) if value is not None and k <= at[-1] else None
            if k not in at:
                out.append(s if put is None or s is alloc else put.visit(s))
                continue
            assert isinstance(s, Store)
            value = s.value if put is None else put.visit(s.value)
            if _reads_memory(value) or s.dtype != alloc.dtype:
                break
            if k == at[-1]:
                kept = dataclasses.replace(s, value=value)
                out.append(kept if other < len(stmts) else Let(name, alloc.dtype, value, span=s.span, comments=s.comments))
        else:
            if other == len(stmts):
                var = Var(name, alloc.dtype)
                out = [s if isinstance(s, Let) and s.name == name else _Put(name, var).visit(s) for s in out if s is not alloc]
            return _set_once(tuple(out))
    return stmts


@dataclasses.dataclass(frozen=True, slots=True)
class _Variable:
    """A scalar that a loop adds `step` to once in every round: its declaration, its first value, the two stores."""

    alloc: Alloc
    init: Store
    change: Store
    start: Expr
    step: Expr
    body: Block

    @staticmethod
    def of(stmts: tuple[AnyStmt, ...], k: int, name: str, body: Block) -> _Variable | None:
        """What the loop at `k` with this body does to the scalar; None when it is more than counting."""
        alloc = next((s for s in stmts[:k] if isinstance(s, Alloc) and s.name == name and not s.shape
                      and s.memory == "local"), None)
        changes = [s for s in stmts_of(body) if isinstance(s, Store) and s.buffer == name]
        if alloc is None or not alloc.dtype.is_integer or len(changes) != 1 or _continues(body):
            return None
        stores = [s for s in stmts[:k] if isinstance(s, Store) and s.buffer == name]
        inside = sum(isinstance(n, Store | Ref) and n.buffer == name for n in walk(body))
        if len(stores) != 1 or inside != 1:
            return None
        (init,), (change,) = stores, changes
        first = next(i for i, s in enumerate(stmts) if s is init)
        step, between = _added(change.value, name), Block(stmts[first + 1:k])
        # What reads it between its first value and the loop may have the value itself, unless that reads memory.
        others = (*stmts[:first], *stmts[k + 1:], *(between.stmts if _reads_memory(init.value) else ()))
        if any(isinstance(n, Load | Store | Ref) and n.buffer == name for s in others for n in walk(s)) or \
                any(isinstance(n, Store | Ref) and n.buffer == name for n in walk(between)):
            return None
        if step is None or not _settled(step, body) or not _settled(init.value, between) or change.dtype != alloc.dtype:
            return None
        return _Variable(alloc, init, change, init.value, step, body)

    def without(self, before: Expr, after: Expr) -> Block:
        """The body with the scalar's value before and after its change in its place."""
        at = next(i for i, s in enumerate(self.body.stmts) if s is self.change)
        first = tuple(_Put(self.alloc.name, before).visit(s) for s in self.body.stmts[:at])
        last = tuple(_Put(self.alloc.name, after).visit(s) for s in self.body.stmts[at + 1:])
        return dataclasses.replace(self.body, stmts=(*first, *last))

    def replaced(self, stmts: tuple[AnyStmt, ...], k: int, new: tuple[AnyStmt, ...]) -> tuple[AnyStmt, ...]:
        """The list with `new` for the loop, and nothing left of the scalar."""
        put = _Put(self.alloc.name, self.start)
        kept = [(put.visit(s),) if i != k else new for i, s in enumerate(stmts) if s is not self.alloc and s is not self.init]
        return tuple(s for part in kept for s in part)


class _Put(Rewriter):
    """A value in the place of a scalar."""

    def __init__(self, name: str, value: Expr) -> None:
        self.name, self.value = name, value

    def visit_Load(self, n: Load) -> Expr:
        return self.value if n.buffer == self.name else n


def _plus(e: Expr, by: Expr) -> Expr:
    if isinstance(by, Const) and int(by.value) < 0:
        return sub(e, Const(-int(by.value), by.dtype))
    return add(e, by)


def _reads_memory(e: Expr) -> bool:
    return any(isinstance(n, Load) for n in walk(e))


def _added(e: Expr, name: str) -> Expr | None:
    """What `e` adds to the scalar; None when it does something else."""
    if not (isinstance(e, Binary) and e.op in ("+", "-")):
        return None
    a, b = e.a, e.b
    if isinstance(a, Load) and a.buffer == name and not _mentions(e.b, name):
        return e.b if e.op == "+" else binary("-", Const(0, e.b.dtype), e.b)
    if e.op == "+" and isinstance(b, Load) and b.buffer == name and not _mentions(e.a, name):
        return e.a
    return None


def _mentions(e: Node, name: str) -> bool:
    return any(isinstance(n, Load | Ref) and n.buffer == name for n in walk(e))


def _settled(e: Expr, body: Block) -> bool:
    """Does the expression keep its value through these statements?"""
    written = buffers_written(body)
    declared = {n.name for n in walk(body) if isinstance(n, Let | Alloc)} | {n.var for n in walk(body) if isinstance(n, For)}
    calls = any(isinstance(n, InstrCall) for n in walk(body))
    return not any((isinstance(n, Load) and (n.buffer in written or n.buffer in declared or calls))
                   or (isinstance(n, Var) and n.name in declared) for n in walk(e))


def _continues(body: Any) -> bool:
    """Is there a `continue` of this very loop?"""
    return any(isinstance(s, Continue) or (not isinstance(s, For | While) and any(
        _continues(b) for b in (getattr(s, "then", None), getattr(s, "orelse", None), s if isinstance(s, Block) else None)
        if b is not None)) for s in body.stmts)
