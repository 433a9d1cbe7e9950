"""A tile of a matrix product done by one thread, as the matrix instrs that a whole warp runs together.

    for (i < 16) for (j < 16) { sum = 0; for (k < K) sum += A[i * lda + k] * B[k * ldb + j]; C[i * ldc + j] = sum; }
    ->
    fill(c, 0); for (k < K; k += 16) { load(a, A + k, lda); load(b, B + k * ldb, ldb); c += a * b; } store(C, c, ldc);
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from math import gcd

from ..ir.affine import Linear
from ..ir.algebra import Scope
from ..ir.build import integer
from ..ir.elements import element_indices
from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, For, InstrCall, Kernel, Load, Ref, Store, Var
from ..ir.poly import Poly
from ..ir.types import I32, ScalarType
from ..ir.visit import Rewriter, all_names, fresh_name, substitute, walk
from ..platforms.base import Platform
from ..platforms.instr import Instr
from ._contraction import Contraction, Factor, contraction, is_zero
from ._loops import scope_at
from ._warp_rows import MatrixUnit, matrix_units
from .base import replace_node


def warp_tile(kernel: Kernel, rows: For, target: Platform, allow: Iterable[str] = ()) -> tuple[Kernel, MatrixUnit] | str:
    """The kernel with the tile at `rows` done by a warp, and the unit that does it; or why that cannot be."""
    if kernel.platform != target.name:
        return f"the kernel is not one of {target.title} yet: bind its outer loops first"
    if not any(r.lanes > 1 for r in target.instrs):
        return f"{target.title} has no instrs that a warp runs together"
    lanes = next(a.name for a in target.axes if a.level == "block")
    if any(isinstance(n, For) and n.axis == lanes for n in walk(kernel.body)):
        return f"{lanes} is taken, but a warp's lanes are along it"
    tile = contraction(kernel, rows)
    if isinstance(tile, str):
        return tile
    if sum(isinstance(n, Store | InstrCall) for n in walk(kernel.body)) != sum(
            isinstance(n, Store | InstrCall) for n in walk(rows)):
        return "the kernel does more than this tile, and every lane of the warp would do that again"
    reasons: list[str] = []
    for unit in matrix_units(target.name):
        made = _Tile(kernel, tile, unit, tuple(allow)).made()
        if not isinstance(made, str):
            return _with_lanes(replace_node(kernel, rows, made), lanes, unit.multiply.lanes), unit
        if unit.factors == (tile.a.load.dtype, tile.b.load.dtype) and unit.sums == tile.dtype:
            reasons.append(made)
    return reasons[0] if reasons else (f"{target.title} multiplies no matrices of {tile.a.load.dtype} and "
                                       f"{tile.b.load.dtype} into {tile.dtype}")


@dataclasses.dataclass(slots=True)
class _Tile:
    kernel: Kernel
    tile: Contraction
    unit: MatrixUnit
    allow: tuple[str, ...]

    def made(self) -> tuple[AnyStmt, ...] | str:
        """The statements in place of the nest, or what does not fit."""
        t, u = self.tile, self.unit
        if u.multiply.needs and u.multiply.needs not in self.allow:
            return f"{u.multiply.word} needs --allow {u.multiply.needs}"
        if (t.a.load.dtype, t.b.load.dtype) != u.factors or t.dtype != u.sums or t.out.dtype != u.sums:
            return "other types"
        k_loop = t.reductions[-1]
        sizes = t.extents[:2]
        if sizes != u.shape[:2]:
            return f"the tile is {sizes[0]} x {sizes[1]}, not {u.shape[0]} x {u.shape[1]}"
        depth = t.extents[-1]
        if depth is None or depth % u.shape[2] or not _from_zero(t.rows) or not _from_zero(t.cols):
            return f"loop {k_loop.var} does not run over a multiple of {u.shape[2]} terms from a constant start"
        scope = scope_at(self.kernel, t.rows).loop(t.rows).loop(t.cols)
        for lp in t.reductions:
            scope = scope.loop(lp)
        a = self._lines(t.a, t.rows.var, k_loop.var, u.layouts[0])
        b = self._lines(t.b, k_loop.var, t.cols.var, u.layouts[1])
        c = next((x for x in (self._out_lines(layout) for layout in u.store) if x), None)
        if a is None or b is None or c is None:
            return "the matrices do not lie in lines"
        if not all(_aligned(f.index, k_loop, u.shape[2], row, f.load.dtype) and _on_line(ld, row, f.load.dtype)
                   for f, row, ld in ((t.a, u.load_a, a), (t.b, u.load_b, b))):
            return "the tiles do not start at addresses that the loads take"
        return self._statements(scope, a, b, c)

    def _lines(self, f: Factor, row: str, column: str, layout: str) -> Poly | None:
        """The distance of lines, when the elements along the other direction are neighbours."""
        along, across = (column, row) if layout == "row" else (row, column)
        return f.index[across] if f.index.stride(along) == 1 else None

    def _out_lines(self, layout: str) -> tuple[str, Poly] | None:
        t = self.tile
        along, across = (t.cols.var, t.rows.var) if layout == "row" else (t.rows.var, t.cols.var)
        return (layout, t.out_index[across]) if t.out_index.stride(along) == 1 else None

    def _statements(self, scope: Scope, lda: Poly, ldb: Poly, out: tuple[str, Poly]) -> tuple[AnyStmt, ...] | str:
        t, u = self.tile, self.unit
        taken = all_names(self.kernel)
        store, k_loop = u.store[out[0]], t.reductions[-1]
        fragments = {}
        allocs: list[AnyStmt] = []
        for o, stem in zip(u.multiply.operands[:4], ("", t.a.load.buffer, t.b.load.buffer, t.out.buffer), strict=True):
            if stem:
                name = fresh_name(f"{stem}_frag", taken)
                assert isinstance(o.dtype, ScalarType)
                fragments[o.name] = Ref(name, (integer(0), integer(0)), o.dtype)
                allocs.append(Alloc(name, o.dtype, tuple(integer(n) for n in o.shape), o.memory[0]))
        d, a, b, c = u.multiply.operands[:4]
        fragments[d.name] = fragments[c.name]
        first = {t.rows.var: t.rows.lo, t.cols.var: t.cols.lo}

        def at(load: Load | Store) -> Ref:
            return Ref(load.buffer, tuple(substitute(i, first) for i in load.indices), load.dtype)

        def call(row: Instr, **given: Expr) -> InstrCall:
            return InstrCall(row.name, tuple(given[o.name] for o in row.operands))

        def moved(row: Instr, fragment: Ref, place: Ref, ld: Poly) -> InstrCall:
            values = {o.name: fragment if o.shape else place if o.memory else scope.expr(ld, I32) for o in row.operands}
            return call(row, **values)

        total = fragments[c.name]
        begin = self._begin(total, at, moved, out)
        end = self._end(total, u.shape[:2], taken)
        if isinstance(begin, str) or isinstance(end, str):
            return begin if isinstance(begin, str) else str(end)
        multiply = call(u.multiply, **fragments)
        inner: tuple[AnyStmt, ...] = (moved(u.load_a, fragments[a.name], at(t.a.load), lda),
                                      moved(u.load_b, fragments[b.name], at(t.b.load), ldb), multiply)
        for lp in reversed(t.reductions):
            step = integer(u.shape[2]) if lp is k_loop else lp.step
            inner = (dataclasses.replace(lp, step=step, body=Block(inner)),)
        return (*allocs, begin, *inner, *end, moved(store, total, at(t.out), out[1]))

    def _begin(self, total: Ref, at: object, moved: object, out: tuple[str, Poly]) -> AnyStmt | str:
        """What the sums begin with: a value for all, or the matrix that is added to."""
        t, u = self.tile, self.unit
        assert callable(at) and callable(moved)
        if isinstance(t.start, Load) and (t.start.buffer, t.start.indices) == (t.out.buffer, t.out.indices):
            if out[0] not in u.load_c:
                return "sums that go on from memory cannot be loaded"
            return moved(u.load_c[out[0]], total, at(t.out), out[1])  # type: ignore[no-any-return]
        if not is_zero(t.start) and not isinstance(t.start, Const | Var):
            return "the sums do not begin with one value"
        value = next(o for o in u.fill.operands if not o.shape)
        assert isinstance(value.dtype, ScalarType)
        start = Const(0.0 if value.dtype.is_float else 0, value.dtype) if is_zero(t.start) else t.start
        return InstrCall(u.fill.name, tuple(total if o.shape else start for o in u.fill.operands))

    def _end(self, total: Ref, shape: tuple[int, ...], taken: set[str]) -> tuple[AnyStmt, ...] | str:
        """What is done to each finished sum, element by element."""
        t = self.tile
        if t.finish == t.total:
            return ()
        inside = {t.rows.var, t.cols.var}
        sums = sum(n == t.total for n in walk(t.finish))
        if any(isinstance(n, Load) for n in walk(t.finish) if n != t.total) or not sums or any(
                isinstance(n, Var) and n.name in inside for n in walk(t.finish)):
            return "the finished sums are combined with values that differ from element to element"
        var = Var(fresh_name("t", taken), I32)
        place = element_indices(var, tuple(shape))
        value = _Put(t.total, Load(total.buffer, place, t.dtype)).visit(t.finish)
        body = Block((Store(total.buffer, place, value, t.dtype),))
        return (For(var.name, integer(0), integer(shape[0] * shape[1]), integer(1), body),)


class _Put(Rewriter):
    def __init__(self, old: Load, new: Load) -> None:
        self.old, self.new = old, new

    def visit_Load(self, n: Load) -> Load:
        return self.new if n == self.old else n


def _from_zero(lp: For) -> bool:
    return isinstance(lp.lo, Const) and lp.lo.value == 0


def _aligned(index: Linear, k_loop: For, step: int, row: Instr, dtype: ScalarType) -> bool:
    """Does every tile begin at an address that the load takes?"""
    need = next(o.alignment for o in row.operands if o.memory and not o.shape)
    common = 0
    for _, coefficient in index.rest.terms.items():
        common = gcd(common, coefficient)
    for name, poly in index.strides.items():
        for coefficient in poly.terms.values():
            common = gcd(common, coefficient * (step if name == k_loop.var else 0))
    return common * dtype.bytes % need == 0


def _on_line(ld: Poly, row: Instr, dtype: ScalarType) -> bool:
    """Are lines a multiple of 16 bytes apart, where a load asks for aligned addresses at all?"""
    need = next(o.alignment for o in row.operands if o.memory and not o.shape)
    return need <= dtype.bytes or all(c * dtype.bytes % 16 == 0 for c in ld.terms.values())


def _with_lanes(kernel: Kernel, axis: str, lanes: int) -> Kernel:
    """The kernel with a new innermost axis: a warp in place of each thread."""
    innermost = None
    for n in walk(kernel.body):
        if isinstance(n, For) and n.kind == "parallel":
            innermost = n
    body = innermost.body if innermost else kernel.body
    wide = Block((For(axis, integer(0), integer(lanes), integer(1), body, "parallel", axis),))
    if innermost is None:
        return dataclasses.replace(kernel, body=wide)
    return replace_node(kernel, innermost, dataclasses.replace(innermost, body=wide))
