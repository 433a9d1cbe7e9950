"""Recognises sums of products over a nest: what matrix instrs compute.

    for (i) for (j) { sum = 0; for (k) sum += A[..i..k..] * B[..k..j..]; C[..i..j..] = f(sum); }
    for (i) for (j) { C[..i..j..] = 0; for (k) C[..i..j..] += A[..] * B[..]; }      (also without the first statement)

Several loops may carry the sum; the innermost is the one along which the factors are read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..ir.affine import Linear, affine
from ..ir.algebra import ZERO, Scope
from ..ir.nodes import Alloc, AnyStmt, Binary, Block, Call, Cast, Const, Expr, For, If, Kernel, Let, Load, Store
from ..ir.types import ScalarType
from ..ir.visit import Rewriter, buffers_read, stmts_of, substitute, walk
from ._loops import scope_at


@dataclass(frozen=True, slots=True)
class Factor:
    """One side of the product: the load, and its index as a linear form of the nest's loops."""

    load: Load
    index: Linear


@dataclass(frozen=True, slots=True)
class Contraction:
    """`out = finish(start + sum over reductions of a * b)` for every (row, column).

    `a` moves with `rows` and not with `cols`, `b` the other way round. `finish` is the stored value, in which the
    finished sum stands as `total`. `start` is what the sum begins with. `dtype` is the type that sums are kept in.
    `extents` are the iterations of rows, columns and reductions, None where no constant."""

    rows: For
    cols: For
    reductions: tuple[For, ...]
    a: Factor
    b: Factor
    out: Store
    out_index: Linear
    start: Expr
    finish: Expr
    total: Load
    dtype: ScalarType
    extents: tuple[int | None, ...]


def contraction(kernel: Kernel, rows: For) -> Contraction | str:
    """The contraction that the nest at `rows` computes, or why it is none."""
    body = _inlined(rows.body)
    inner = stmts_of(body)
    if len(inner) != 1 or not isinstance(inner[0], For) or inner[0].kind == "parallel":
        return f"loop {rows.var} does not hold just one loop over columns"
    cols = inner[0]
    stmts = [s for s in stmts_of(cols.body) if not isinstance(s, Alloc)]
    local = {s.name for s in stmts_of(cols.body) if isinstance(s, Alloc)}
    zeroed = {s.name: s for s in stmts_of(cols.body) if isinstance(s, Alloc) and s.zeroed and not s.shape}
    if len(stmts) == 2 and isinstance(stmts[1], Store) and len(zeroed) == 1:
        starts = [Store(n, (), Const(0.0 if a.dtype.is_float else 0, a.dtype), a.dtype) for n, a in zeroed.items()]
        stmts = [*starts, *stmts]
    goes_on = len(stmts) == 1 and isinstance(stmts[0], For)  # adds to what is in memory
    if not goes_on and (len(stmts) < 2 or not isinstance(stmts[0], Store) or not isinstance(stmts[1], For)):
        return f"loop {cols.var} is not a sum that is set to its start, added up and stored"
    nest = stmts[0 if goes_on else 1]
    nest = replace(nest, body=_Direct().visit(nest.body))
    chain = _chain(nest)
    if isinstance(chain, str):
        return chain
    reductions, update = chain
    first = replace(update, value=Load(update.buffer, update.indices, update.dtype)) if goes_on else stmts[0]
    if (update.buffer, update.indices) != (first.buffer, first.indices):
        return "what is added up is not what was set to its start"
    product = _added(update)
    if product is None:
        return f"{update.buffer} is not a sum of products"
    total, finish = Load(update.buffer, update.indices, update.dtype), update.value
    if len(stmts) == 2 - goes_on and update.buffer not in local:
        out, finish = update, total
    elif len(stmts) == 3 and isinstance(stmts[2], Store) and update.buffer in local:
        out, finish = stmts[2], stmts[2].value
    else:
        return f"loop {cols.var} does more than one sum"
    if out.buffer in buffers_read(Block((nest,))) - {update.buffer}:
        return f"{out.buffer} is read while it is written"
    scope = scope_at(kernel, rows).loop(rows).loop(cols)
    for lp in reductions:
        scope = scope.loop(lp)
    return _assigned(rows, cols, reductions, product, out, first.value, finish, total, scope)


def _assigned(rows: For, cols: For, reductions: tuple[For, ...], product: tuple[Load, Load], out: Store, start: Expr,
              finish: Expr, total: Load, scope: Scope) -> Contraction | str:
    names = [lp.var for lp in (rows, cols, *reductions)]
    factors = []
    for load in product:
        form = affine(load.indices[0], names, scope) if len(load.indices) == 1 else None
        if form is None:
            return f"the index of {load.buffer} is not linear in the loops"
        factors.append(Factor(load, form))
    a, b = factors
    if not _moves(a.index, rows):
        a, b = b, a
    if [_moves(f.index, lp) for f in (a, b) for lp in (rows, cols)] != [True, False, False, True]:
        return f"the factors do not move with {rows.var} and {cols.var}, one each"
    form = affine(out.indices[0], names, scope) if len(out.indices) == 1 else None
    if form is None or any(_moves(form, lp) for lp in reductions):
        return f"the index of {out.buffer} is not linear in the loops"
    extents = tuple(_extent(lp, scope) for lp in (rows, cols, *reductions))
    return Contraction(rows, cols, reductions, a, b, out, form, start, finish, total, total.dtype, extents)


def _extent(loop: For, scope: Scope) -> int | None:
    span, step = (scope.poly(loop.hi) - scope.poly(loop.lo)).value, scope.poly(loop.step).value
    return None if span is None or not step else max(0, -(-span // step))


def _moves(form: Linear, loop: For) -> bool:
    return form[loop.var] != ZERO


def _chain(nest: For) -> tuple[tuple[For, ...], Store] | str:
    loops = [nest]
    while True:
        inner = stmts_of(loops[-1].body)
        if len(inner) != 1 or loops[-1].kind == "parallel":
            return f"loop {loops[-1].var} does more than add up"
        if isinstance(inner[0], For):
            loops.append(inner[0])
        elif isinstance(inner[0], Store):
            return tuple(loops), inner[0]
        else:
            return f"loop {loops[-1].var} does more than add up"


def _added(update: Store) -> tuple[Load, Load] | None:
    """The two loads of `x = x + a * b`."""
    value: Any = _bare(update.value)
    same = Load(update.buffer, update.indices, update.dtype)
    if isinstance(value, Call) and value.fn == "fma" and value.args[2] == same:
        return _loads(value.args[0], value.args[1])
    if not isinstance(value, Binary) or value.op != "+":
        return None
    for x, added in ((value.a, value.b), (value.b, value.a)):
        term = _bare(added)
        if _bare(x) == same and isinstance(term, Binary) and term.op == "*":
            return _loads(term.a, term.b)
    return None


def _loads(a: Expr, b: Expr) -> tuple[Load, Load] | None:
    a, b = _bare(a), _bare(b)
    return (a, b) if isinstance(a, Load) and isinstance(b, Load) else None


def _bare(e: Expr) -> Expr:
    """Without conversions that lose nothing."""
    while isinstance(e, Cast) and e.dtype.is_float == e.x.dtype.is_float and e.dtype.bits >= e.x.dtype.bits:
        e = e.x
    return e


class _Direct(Rewriter):
    """Sums that go on in a variable of their own, without it.

        for (k) { float s = t; for (kk) s += ...; t = s; }    ->    for (k) for (kk) t += ...;
    """

    def visit_Block(self, b: Block) -> Block:
        stmts = stmts_of(b)
        own = {s.name: s for s in stmts if isinstance(s, Alloc) and not s.shape}
        acts = [s for s in stmts if not isinstance(s, Alloc)]
        if len(acts) != 3 or len(acts) + len(own) != len(stmts):
            return b
        first, loop, last = acts
        if not (isinstance(first, Store) and isinstance(loop, For) and isinstance(last, Store) and first.buffer in own):
            return b
        outer = first.value
        if not isinstance(outer, Load) or outer != Load(last.buffer, last.indices, outer.dtype) or outer.dtype != first.dtype:
            return b
        if last.value != Load(first.buffer, first.indices, first.dtype) or last.buffer in own or any(
                isinstance(n, Load | Store) and n.buffer == last.buffer for n in walk(loop)):
            return b
        rest = tuple(s for s in own.values() if s.name != first.buffer)
        return Block((*rest, _Rename(first.buffer, outer).visit(loop)), span=b.span)


class _Rename(Rewriter):
    """Another place in memory instead of a scalar."""

    def __init__(self, old: str, new: Load) -> None:
        self.old, self.new = old, new

    def visit_Load(self, n: Load) -> Load:
        return self.new if n.buffer == self.old else n

    def visit_Store(self, s: Store) -> Store:
        return Store(self.new.buffer, self.new.indices, s.value, s.dtype) if s.buffer == self.old else s


class _Lets(Rewriter):
    """Values in place of the names that `Let`s give them."""

    def visit_Block(self, b: Block) -> Block:
        out: list[AnyStmt] = []
        values: dict[str, Expr] = {}
        for s in b.stmts:
            s = substitute(s, values) if values else s
            if isinstance(s, Let):
                values[s.name] = s.value
            else:
                out.append(s)
        return Block(tuple(out), span=b.span)


def _inlined(body: Block) -> Block:
    """The body without `Let`s, where no value that one of them keeps is overwritten meanwhile."""
    written = {n.buffer for n in walk(body) if isinstance(n, Store)}
    if any(isinstance(n, If) for n in walk(body)):
        return body
    for n in walk(body):
        if isinstance(n, Let) and any(isinstance(x, Load) and x.buffer in written for x in walk(n.value)):
            return body
    return _Lets().visit(body)  # type: ignore[no-any-return]


def is_zero(e: Expr) -> bool:
    while isinstance(e, Cast):
        e = e.x
    return isinstance(e, Const) and e.value == 0
