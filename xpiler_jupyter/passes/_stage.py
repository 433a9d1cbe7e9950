"""Puts a tile of a buffer into another memory: the array, the copies, the accesses turned to it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from ..dataflow.rounds import constant_value
from ..dataflow.uniform import Uniformity, has_varying_return
from ..ir.algebra import ZERO, Poly, Scope
from ..ir.build import integer
from ..ir.build import loop as make_loop
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Barrier,
    Block,
    Break,
    Const,
    Continue,
    Expr,
    For,
    If,
    Kernel,
    Load,
    Ref,
    Return,
    Select,
    Store,
    Var,
)
from ..ir.simplify import leaves_loop, simplify_expr
from ..ir.types import I32, ScalarType
from ..ir.visit import Rewriter, all_names, fresh_name, walk
from ..platforms.base import Memory, Platform
from ._bulk import Layout, bulk_copy
from ._copies import Box, block_copy, condition, private_copy
from ._footprint import NoTile, Tile, coordinates, indices_of, step_of, tile_of
from ._loops import scope_at
from ._room import place_alloc, thread_text
from ._touched import Need, what_to_copy
from ._touches import Touch, touches_in
from .base import Pass, PassResult, loop_labels, replace_node


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for, see the knobs of `cache`."""

    buffer: str
    memory: Memory
    at: str
    layout: Any = None
    flat: bool = False
    pad: float | int | None = None
    round: int = 1
    into: str | None = None
    copy_in: bool = True
    filled: tuple[Poly, ...] | None = None  # the buffer was filled just before, with this part of the tile


def stage(pass_: Pass, kernel: Kernel, platform: Platform, plan: Plan) -> tuple[PassResult, Need]:
    """The kernel with the tile staged, and what is copied. Raises IllegalPassError with the reason why not."""
    return _Stage(pass_, kernel, platform, plan).run()


class _Stage:
    def __init__(self, pass_: Pass, kernel: Kernel, platform: Platform, plan: Plan) -> None:
        self.no, self.platform, self.plan, self.buffer = pass_.refuse, platform, plan, plan.buffer
        self.kernel = dataclasses.replace(kernel, body=_Unshare(plan.buffer).visit(kernel.body))
        self.loop = loop_labels(self.kernel)[plan.at] if plan.at else None
        self.axes, self.text = thread_text(self.kernel, platform)
        self.body = self.loop.body if self.loop is not None else self.text
        self.where = f"loop {plan.at}" if plan.at else "the kernel"
        self.shared = plan.memory.scope == "block"
        self.taken = all_names(kernel)

    def run(self) -> tuple[PassResult, Need]:
        stmts = self.body.stmts
        kinds = (Load,) if self.plan.filled is not None else (Load, Store, Ref)
        mine = [k for k, s in enumerate(stmts) if any(isinstance(n, kinds) and n.buffer == self.buffer for n in walk(s))]
        if not mine:
            raise self.no(f"{self.where} does not touch {self.buffer}", self.loop)
        first, last = mine[0], mine[-1]
        self.piece = Block(stmts[first:last + 1])
        self.scope = scope_at(self.kernel, stmts[first])
        for s in stmts[:first]:
            if isinstance(s, If) and s.orelse is None and any(isinstance(n, Return | Continue) for n in walk(s.then)):
                self.scope = self.scope.given(s.cond, False)
        threads = [lp for lp in self.axes if self.shared and self._is_block_axis(lp) and self.plan.memory.shares(lp.axis)]
        touches = touches_in(self.piece, self.buffer, self.scope, tuple(threads))
        self._refuse_accesses(touches)
        if self.shared:
            self._refuse_divergence()
        written = any(t.write for t in touches)
        self._refuse_exits(written, stmts[first:last + 1])
        try:
            tile = tile_of(touches)
        except NoTile as why:
            raise self.no(f"{self.buffer} {why}", why.node) from None
        need = what_to_copy(self, tile)
        return self._rewrite(tile, need, threads, first, last), need

    # -- refusals ------------------------------------------------------------------------------------------------------

    def _is_block_axis(self, lp: For) -> bool:
        axis = self.platform.axis(lp.axis or "")
        return axis is not None and axis.level == "block"

    def _refuse_accesses(self, touches: list[Touch]) -> None:
        dtype = self.dtype
        for t in touches:
            if isinstance(t.node, Ref):
                raise self.no(f"{self.buffer} is an operand of an instr in {self.where}", t.node,
                              "Detensorize that instr first.")
            if t.node.dtype != dtype:
                raise self.no(f"{self.buffer} is seen as {t.node.dtype} here", t.node)

    def _refuse_exits(self, written: bool, stmts: tuple[AnyStmt, ...]) -> None:
        region = Block(stmts)
        anywhere = any(isinstance(n, Store) and n.buffer == self.buffer for n in walk(self.kernel.body))
        if written and leaves_loop(region, (Break, Continue)):
            raise self.no(f"an iteration of {self.where} may end before {self.buffer} would be copied out", self.loop)
        left = next((n for n in walk(region) if isinstance(n, Return)), None)
        if written and left is not None:
            raise self.no(f"a return would skip the copy of {self.buffer}", left)
        barrier = next((n for n in walk(region) if isinstance(n, Barrier)), None)
        if barrier is not None and anywhere and not self.shared:
            raise self.no(f"{self.buffer} is written, and other threads may read it at this barrier", barrier)

    def _refuse_divergence(self) -> None:
        names = [lp.var for lp in self.axes if self._is_block_axis(lp)]
        uniform = Uniformity(self.text, names)
        if has_varying_return(self.text, uniform):
            raise self.no("some threads of a block return before others: they would not come to the copy", self.loop)
        if self.loop is None:
            return
        for n in walk(self.text):
            below = any(x is self.loop for x in walk(n))
            if below and isinstance(n, If) and not uniform.expr(n.cond):
                raise self.no(f"{self.where} stands under a condition that differs between the threads of a block", n,
                              "Move the condition inside the loop.")
            if below and isinstance(n, For) and not all(uniform.expr(e) for e in (n.lo, n.hi, n.step)):
                raise self.no(f"loop {n.var} differs between the threads of a block", n)

    # -- facts ---------------------------------------------------------------------------------------------------------

    @property
    def alloc(self) -> Alloc | None:
        return next((n for n in walk(self.kernel.body) if isinstance(n, Alloc) and n.name == self.buffer), None)

    @property
    def dtype(self) -> ScalarType:
        a, p = self.alloc, self.kernel.param(self.buffer)
        found = a if a is not None else p
        assert found is not None
        return found.dtype

    @property
    def rank(self) -> int:
        return len(self.alloc.shape) if self.alloc is not None else 1

    # -- rewriting -----------------------------------------------------------------------------------------------------

    def _rewrite(self, tile: Tile, need: Need, threads: list[For], first: int, last: int) -> PassResult:
        plan, order = self.plan, self._order(len(tile.dims))
        extents = [tile.dims[d].extent for d in order]
        if extents and plan.round > 1:
            extents[-1] = -(-extents[-1] // plan.round) * plan.round
        shape = _shape(extents, plan.flat)
        name = fresh_name(plan.into or _name(self.buffer, plan.memory, self.platform), self.taken)
        alloc = Alloc(name, self.dtype, tuple(integer(n) for n in shape), plan.memory.name)

        def inside(at: list[Poly]) -> list[Poly]:
            turned = [at[d] for d in order]
            if not plan.flat or len(turned) < 2:
                return turned
            out = ZERO
            for x, n in zip(turned, extents, strict=True):
                out = out.scale(n) + x
            return [out]

        turn: dict[int, tuple[Expr, ...]] = {}
        for p in tile.places:
            dtype = _index_type(p.form.touch)
            scope = p.form.touch.scope
            turn[id(p.form.touch.node)] = tuple(
                simplify_expr(scope.expr(i, dtype), scope) for i in inside(list(p.at)))
        piece = _Turn(turn, name).visit(self.piece).stmts
        before: tuple[AnyStmt, ...] = ()
        after: tuple[AnyStmt, ...] = ()
        if need.copy_in is not None:
            before = self._copy(tile, need.copy_in, name, inside, threads, True, extents, order)
        if need.copy_out is not None:
            after = self._copy(tile, need.copy_out, name, inside, threads, False, extents, order)
        if self.shared:
            before, after = self._with_barriers(before, after, first, last)
        stmts = self.body.stmts
        old = stmts[:first]
        constant = not any(isinstance(n, Store) and n.buffer == self.buffer for n in walk(self.kernel.body))
        if self.shared and old and before and constant and isinstance(old[-1], Barrier):
            old = old[:-1]  # one barrier is enough for two tiles that are filled one after the other
        body = dataclasses.replace(self.body, stmts=(*old, *before, *piece, *after, *stmts[last + 1:]))
        kernel = replace_node(self.kernel, self.body, body)
        kernel = place_alloc(self.no, kernel, self.platform, alloc, plan.memory, body if self.loop is not None else None)
        return PassResult(kernel, self._note(alloc, need), {self.buffer: name}, need.assumptions)

    def _with_barriers(self, before: tuple[AnyStmt, ...], after: tuple[AnyStmt, ...], first: int,
                       last: int) -> tuple[tuple[AnyStmt, ...], tuple[AnyStmt, ...]]:
        meet = Barrier("block")
        if before:
            before = (*before, meet)
        next_ = self.body.stmts[last + 1:last + 2]
        met = bool(next_) and isinstance(next_[0], Barrier)
        if after:
            after = (meet, *after, meet) if self.loop is not None and not met else (meet, *after)
        elif self.loop is not None and not met:
            after = (meet,)  # the next iteration fills the tile again
        return before, after

    def _copy(self, tile: Tile, needs: tuple[Poly, ...], name: str, inside: Any, threads: list[For], fill: bool,
              extents: list[int], order: list[int]) -> tuple[AnyStmt, ...]:
        old = coordinates(tile)
        suffix = "in" if fill else "out"
        new = [Var(fresh_name(f"{_stem(tile, d)}_{suffix}", self.taken)) for d in range(len(old))]
        swap = {a.name: Poly.atom(b) for a, b in zip(old, new, strict=True)}
        turned = tuple(p.replace(lambda a: swap.get(a.name) if isinstance(a, Var) else None) for p in needs)
        full = [tile.dims[d].extent for d in range(len(old))]
        pad = self.plan.pad if fill else None
        if pad is not None:
            for k, d in enumerate(order):
                if extents[k] > full[d]:
                    turned = (*turned, Poly.const(full[d] - 1) - Poly.atom(new[d]))
                full[d] = extents[k]
        box = Box(tuple(new), tuple(full), () if pad is not None else turned)
        dtype, rank = max((_index_type(p.form.touch) for p in tile.places), key=lambda t: t.bits), self.rank

        def both(at: tuple[Expr, ...], scope: Scope) -> tuple[list[Poly], tuple[Expr, ...], tuple[Expr, ...]]:
            polys = [scope.poly(e) for e in at]
            theirs = tuple(scope.expr(i, dtype) for i in indices_of(tile.flat(polys), rank))
            return polys, tuple(scope.expr(i, I32) for i in inside(polys)), theirs

        def one(at: tuple[Expr, ...], scope: Scope) -> AnyStmt:
            polys, mine, theirs = both(at, scope)
            if not fill:
                return Store(self.buffer, theirs, Load(name, mine, self.dtype), self.dtype)
            value: Expr = Load(self.buffer, theirs, self.dtype)
            cond = None
            if pad is not None:
                seen = {x.name: q for x, q in zip(new, polys, strict=True)}
                asked = [p.replace(lambda a: seen.get(a.name) if isinstance(a, Var) else None) for p in turned]
                cond = condition([p for p in asked if not scope.nonneg(p)], scope)
            if cond is not None:
                assert pad is not None
                filler = Const(float(pad) if self.dtype.is_float else int(pad), self.dtype)
                value = Select(cond, value, filler, self.dtype)
            return Store(name, mine, value, self.dtype)

        if threads:
            axes = [(Var(lp.var, lp.dtype), _count(lp)) for lp in threads]
            return block_copy(box, self.scope, one, axes, fresh_name("e", self.taken))

        def refs(at: tuple[Expr, ...], scope: Scope) -> tuple[Ref, Ref]:
            _, mine, theirs = both(at, scope)
            return Ref(name, mine, self.dtype), Ref(self.buffer, theirs, self.dtype)

        ends = (self.memory_of_buffer, self.plan.memory.name)
        rows = self.platform.copies.get(ends if fill else ends[::-1])
        layout = self._layout(tile, extents, order)
        if rows is None or layout is None:
            return self._by_elements(private_copy(box, self.scope, one))
        real = [tile.dims[d].extent for d in range(len(old))]
        clipped = Box(tuple(new), tuple(real), turned)
        single = self.memory_of_buffer == "global" or not self.plan.memory.scalar
        called = bulk_copy(clipped, layout, refs, fill, self.scope, self.platform, rows, self.dtype, single)
        if called is None:
            return self._by_elements(private_copy(box, self.scope, one))
        return (*(self._filled(name, extents) if pad is not None and (turned or extents != real) else ()), *called)

    def _by_elements(self, loops: tuple[AnyStmt, ...]) -> tuple[AnyStmt, ...]:
        if self.plan.memory.scalar:
            return loops
        raise self.no(f"{self.plan.memory.name} is filled by copies of whole runs only, and no copy fits this tile of "
                      f"{self.buffer}", self.loop, "Its runs must be in order and large enough: try round, pad and via.")

    @property
    def memory_of_buffer(self) -> str:
        return self.alloc.memory if self.alloc is not None else "global"

    def _layout(self, tile: Tile, extents: list[int], order: list[int]) -> Layout | None:
        """Distances of neighbours on both sides; None when those of the buffer are not known."""
        shape = [constant_value(d) for d in self.alloc.shape] if self.alloc is not None else []
        steps: dict[str, Poly] = {}
        for k in range(len(shape)):
            inner = shape[k + 1:]
            if any(n is None for n in inner):
                return None
            steps[next(iter(step_of(k).names()))] = Poly.const(math.prod(n for n in inner if n is not None))
        theirs = tuple(d.stride.replace(lambda a: steps.get(a.name) if isinstance(a, Var) else None) for d in tile.dims)
        mine = [0] * len(order)
        for k, d in enumerate(order):
            mine[d] = math.prod(extents[k + 1:])
        return Layout(tuple(mine), theirs, tuple(order))

    def _filled(self, name: str, extents: list[int]) -> tuple[AnyStmt, ...]:
        """Loops that fill the staging array with the pad."""
        assert self.plan.pad is not None
        value = Const(float(self.plan.pad) if self.dtype.is_float else int(self.plan.pad), self.dtype)
        shape = _shape(extents, self.plan.flat)
        names = [fresh_name(f"{x}_pad", self.taken) for x in "ijklmn"[:len(shape)]]
        body = Block((Store(name, tuple(Var(n) for n in names), value, self.dtype),))
        for n, size in zip(reversed(names), reversed(shape), strict=True):
            body = Block((make_loop(n, integer(size), body),))
        return body.stmts

    def _order(self, dims: int) -> list[int]:
        layout = self.plan.layout
        if layout is None:
            return list(range(dims))
        order = list(layout) if isinstance(layout, list | tuple) else None
        if order is None or sorted(order) != list(range(dims)):
            raise self.no(f"layout must order the {dims} dimensions of the tile, 0 to {dims - 1}, not {layout!r}")
        return order

    def _note(self, alloc: Alloc, need: Need) -> str:
        shape = " x ".join(str(d.value) for d in alloc.shape if isinstance(d, Const)) or "one"
        ways = [w for w, c in (("copied in", need.copy_in), ("copied out", need.copy_out)) if c is not None]
        return (f"Staged what {self.where} touches of {self.buffer} in {alloc.memory} as {alloc.name} "
                f"({shape} of {alloc.dtype}, {bytes_of(alloc)} bytes; {' and '.join(ways)}).")


def bytes_of(a: Alloc) -> int:
    n = a.dtype.bytes
    for d in a.shape:
        assert isinstance(d, Const)
        n *= int(d.value)
    return n


def _count(lp: For) -> int:
    assert isinstance(lp.hi, Const)
    return int(lp.hi.value)


def _shape(extents: list[int], flat: bool) -> list[int]:
    if not flat or len(extents) < 2:
        return extents
    n = 1
    for e in extents:
        n *= e
    return [n]


def _stem(tile: Tile, d: int) -> str:
    """What to call the copy's loop over a dimension: after the loop that runs along it."""
    names = [s.var.name for p in tile.places for _, s in p.spans[d]]
    if not names:
        return "ijkl"[d] if d < 4 else f"d{d}"
    name = names[-1]
    return name.replace("threadIdx.", "t").replace(".", "_") if "." in name else name


def _index_type(t: Touch) -> ScalarType:
    wide = [i.dtype for i in t.node.indices if i.dtype.bits > 32]
    return wide[0] if wide else I32


def _name(buffer: str, memory: Memory, platform: Platform) -> str:
    for m in platform.memories:
        buffer = buffer.removesuffix(f"_{m.name}")
    return f"{buffer}_{memory.name}"


class _Unshare(Rewriter):
    """Every access of the buffer becomes an object of its own, so that it can be told from others that look the same."""

    def __init__(self, buffer: str) -> None:
        self.buffer = buffer

    def _own(self, node: Any) -> Any:
        return dataclasses.replace(node) if node.buffer == self.buffer else node

    visit_Load = visit_Store = _own


class _Turn(Rewriter):
    """Accesses, by identity, at their new place."""

    def __init__(self, turn: dict[int, tuple[Expr, ...]], name: str) -> None:
        self.turn, self.name = turn, name

    def visit(self, node: Any) -> Any:
        new = self.turn.get(id(node))
        if new is None:
            return super().visit(node)
        if isinstance(node, Store):
            return dataclasses.replace(node, buffer=self.name, indices=new, value=self.visit(node.value))
        return dataclasses.replace(node, buffer=self.name, indices=new)
