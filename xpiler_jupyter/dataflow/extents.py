"""How far each buffer is touched, whether anything is touched outside, and whether all of it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..ir.build import add as plus
from ..ir.build import binary, integer
from ..ir.build import div as divide
from ..ir.build import mul as times
from ..ir.build import sub as minus
from ..ir.nodes import Const, Expr, Kernel, Node, Select, Var
from ..ir.types import I32, ScalarType
from . import poly as P
from .delinearise import join, ratio
from .poly import Poly
from .relations import Access, Relations, relations
from .rounds import at_sizes, constant_value
from .sets import DIM, NotAffine, Set, TooHard, affine, bounded, compare, isl_val, nonneg, space, universe

# isl operations per buffer: about two seconds where quotients and remainders nest. Operators as people write them take
# less than half of it; what takes more takes minutes, and the intervals of `verify` estimate it at once.
EXTENT_BUDGET = 120_000

LARGEST_MODULUS = 1 << 14  # of a set that is asked to cover another: beyond, minutes


@dataclass(frozen=True, slots=True)
class Violation:
    """An access that leaves its buffer, or may ("unknown": its index is not known exactly; "unsized": nobody says how long
    the buffer is)."""

    kind: str  # "outside", "unknown" or "unsized"
    buffer: str
    node: Node
    reason: str


# -- polynomials to expressions ----------------------------------------------------------------------------------------


def expression(p: Poly, dtype_of: Callable[[str], ScalarType] = lambda _: I32) -> Expr:
    """The polynomial over scalar parameters as C would write it: products first, subtractions last."""
    terms = sorted(p.items(), key=lambda t: (t[1] < 0, -len(t[0]), str(t[0])))
    out: Expr | None = None
    for m, c in terms:
        term: Expr = integer(abs(c)) if abs(c) != 1 or not m else _atom(m[0], dtype_of)
        for a in m if abs(c) != 1 else m[1:]:
            term = times(_atom(a, dtype_of), term) if isinstance(term, Const) else times(term, _atom(a, dtype_of))
        if out is None:
            out = term if c > 0 else minus(integer(0), term)
        else:
            out = plus(out, term) if c > 0 else minus(out, term)
    return integer(0) if out is None else out


def _atom(a: P.Atom, dtype_of: Callable[[str], ScalarType]) -> Expr:
    if isinstance(a, str):
        return Var(a, dtype_of(a))
    kind, x, y = a
    left, right = expression(P.thaw(x), dtype_of), expression(P.thaw(y), dtype_of)
    if kind in ("min", "max"):
        low = binary("<", left, right)
        return Select(low, *((left, right) if kind == "min" else (right, left)), left.dtype)
    return divide(left, right)


def _poly_of_aff(aff: Any) -> Poly:
    """An isl affine function of the parameters as a polynomial. Quotients are of values >= 0: sizes."""
    den = aff.get_denominator_val().to_python()
    if den != 1:
        scaled = _poly_of_aff(aff.scale_val(aff.get_denominator_val()))
        return P.atom(("fdiv", P.freeze(scaled), P.freeze(P.const(den))))
    out = P.const(aff.get_constant_val().to_python())
    for k in range(aff.dim(DIM.param)):
        c = aff.get_coefficient_val(DIM.param, k).to_python()
        if c:
            out = P.add(out, {tuple(aff.get_dim_name(DIM.param, k).split("*")): c})
    for k in range(aff.dim(DIM.div)):
        c = aff.get_coefficient_val(DIM.div, k).to_python()
        if c:
            out = P.add(out, _poly_of_aff_div(aff.get_div(k)), c)
    return out


def _poly_of_aff_div(aff: Any) -> Poly:
    den = aff.get_denominator_val()
    inner = _poly_of_aff(aff.scale_val(den))
    value = den.to_python()
    return inner if value == 1 else P.atom(("fdiv", P.freeze(inner), P.freeze(P.const(value))))


# -- extents -----------------------------------------------------------------------------------------------------------


def _positive(s: Set) -> Set:
    """The same parameters, each at least 1."""
    context = Set.universe(s.get_space().params())
    one = isl_val(1)
    for k in range(context.dim(DIM.param)):
        context = context.lower_bound_val(DIM.param, k, one)
    return context


def _maximum(top: Set, dim: int) -> Poly | None:
    """A coordinate of the one element per parameter value in `top` as a function of the parameters (sizes of at least
    1), or None when that is no polynomial, minimum or maximum of polynomials."""
    context = _positive(top)
    best = top.intersect_params(context).coalesce().dim_max(dim).coalesce().gist(context)
    pieces: list[Any] = []
    best.foreach_piece(lambda s, a: pieces.append((s, _poly_of_aff(a))))
    polys: list[Poly] = []
    for _, p in pieces:
        if p not in polys:
            polys.append(p)
    if len(polys) == 1:
        return polys[0]
    for op, kind in (("<=", "min"), (">=", "max")):
        if polys and all(_holds(op, p, q, s.intersect_params(context)) for s, p in pieces for q in polys):
            out = polys[0]
            for q in polys[1:]:
                out = P.atom((kind, P.freeze(out), P.freeze(q)))
            return out
    return None


def _holds(op: str, p: Poly, q: Poly, params: Set) -> bool:
    try:
        domain = universe(0).intersect_params(params.params())
        return bool(domain.is_subset(compare(op, p, q, domain)))
    except NotAffine:
        return False


def _extent(rel: Relations, uid: str) -> Poly | None:
    accesses = rel.of(uid)
    if not accesses or any(a.opaque for a in accesses):
        return _corner(rel, accesses)
    touched = accesses[0].index.range()
    for a in accesses[1:]:
        touched = touched.union(a.index.range())
    if not touched.is_bounded():  # as far as isl sees: its sets hold no products of sizes
        return _corner(rel, accesses)
    top = touched.lexmax()  # inner coordinates stay below their stride, so this is the largest flat index
    tops = [_maximum(top, k) for k in range(top.dim(DIM.set))]
    if any(t is None for t in tops):
        return _corner(rel, accesses)
    found = [t for t in tops if t is not None]
    strides = rel.strides.get(uid)
    flat = join(tuple(found), strides) if strides else found[0]
    return P.add(flat, P.const(1))


def _corner(rel: Relations, accesses: list[Access]) -> Poly | None:
    """The upper corner of the loop box put into index polynomials with coefficients >= 0, where no guard keeps the
    loops from that corner."""
    best: Poly | None = None
    for a in accesses:
        p = a.polys[0] if len(a.polys) == 1 and _unguarded(rel, a) else None
        for i in reversed(a.path):
            loop = rel.loops[i]
            if p is None or any(c < 0 and loop.depth in m for m, c in p.items()):
                return None
            if any(isinstance(x, tuple) for m in p for x in m):
                return None
            if any(loop.depth in m for m in p):
                if loop.hi is None:
                    return None
                p = _put(p, loop.depth, P.sub(loop.hi, P.const(1)))
        if p is None or not all(P.is_param(m) for m in p):
            return None
        p = P.add(p, P.const(1))
        if best is None or all(c >= 0 for c in P.sub(p, best).values()):
            best = p
        elif not all(c >= 0 for c in P.sub(best, p).values()):
            return None
    return best


def _unguarded(rel: Relations, a: Access) -> bool:
    box = universe(a.depth)
    for i in a.path:
        loop = rel.loops[i]
        if loop.lo is None or loop.hi is None or not a.exact:
            return False
        try:
            box = box.intersect(compare(">=", P.atom(loop.depth), loop.lo, box))
            box = box.intersect(compare("<", P.atom(loop.depth), loop.hi, box))
        except NotAffine:
            return False
    return bool(box.is_subset(a.domain))


def _put(p: Poly, dim: int, value: Poly) -> Poly:
    out: Poly = {}
    for m, c in p.items():
        term: Poly = {(): c}
        for x in m:
            term = P.mul(term, value if x == dim and isinstance(x, int) else P.atom(x))
        out = P.add(out, term)
    return out


def extents(kernel: Kernel) -> dict[str, Expr | None]:
    """Per buffer parameter the number of elements it must have, over the scalars in scope; None when that is not known.
    The answer is attained: the buffer has at least that many elements (sizes of at least 1 assumed)."""
    out: dict[str, Expr | None] = {p.name: None for p in kernel.params if p.pointer}
    types = {p.name: p.dtype for p in kernel.params + kernel.sizes if not p.pointer}
    try:
        rel = relations(kernel)
    except TooHard:
        return out
    for name in out:
        try:
            with bounded(EXTENT_BUDGET):
                found = _extent(rel, name)
        except (TooHard, NotAffine):
            found = None
        if found is not None:
            out[name] = expression(found, lambda n: types.get(n, I32))
    return out


# -- bounds ------------------------------------------------------------------------------------------------------------


def bounds_report(kernel: Kernel, scalars: dict[str, int]) -> list[Violation]:
    """Accesses that leave their buffer for these values of the scalars (all integer ones must be given), with an
    example; and those that cannot be decided."""
    fixed = at_sizes(kernel, scalars)
    out: list[Violation] = []
    try:
        with bounded():
            rel = relations(fixed)
            for a in rel.accesses:
                found = _check(rel, fixed, a)
                if found is not None:
                    out.append(found)
    except TooHard as error:
        out.append(Violation("unknown", "", kernel.body, str(error)))
    return out


def _sizes(kernel: Kernel, a: Access) -> list[int | None]:
    if a.buffer.alloc is not None:
        shape = a.buffer.alloc.shape
    else:
        param = kernel.param(a.buffer.name)
        if param is None or param.extent is None:
            return [None]
        shape = (param.extent,)
    return [constant_value(e) for e in shape]


def _check(rel: Relations, kernel: Kernel, a: Access) -> Violation | None:
    name = a.buffer.name
    if not a.polys:
        return None
    if a.opaque or any(p is None for p in a.polys):
        if a.domain.is_empty() or a.node is a.buffer.alloc:
            return None
        return Violation("unknown", name, a.node, f"the index of {name} is not an affine function of the loops")
    for k, size in enumerate(_sizes(kernel, a)):
        p = a.polys[k]
        assert p is not None
        try:
            low = compare("<", p, {}, a.domain).intersect(a.domain)
            high = Set.empty(a.domain.get_space()) if size is None else compare(">=", p, P.const(size), a.domain)
            outside = low.union(high.intersect(a.domain))
        except NotAffine:
            return Violation("unknown", name, a.node, f"the index of {name} is not an affine function of the loops")
        if not outside.is_empty():
            return Violation("outside" if a.exact else "unknown", name, a.node, _where(rel, a, p, size, outside))
        if size is None:
            return Violation("unsized", name, a.node, f"the size of {name} is not known")
    return None


def _where(rel: Relations, a: Access, p: Poly, size: int | None, outside: Set) -> str:
    point = outside.sample_point()
    at = [point.get_coordinate_val(DIM.set, k).to_python() for k in range(a.depth)]
    value = affine(p, a.domain).eval(point).to_python()
    place = ", ".join(f"{rel.loops[i].name}={v}" for i, v in zip(a.path, at, strict=True))
    verb = "" if a.exact else "may be "
    what = "written" if a.write else "read"
    limit = "" if size is None else f" of {size}"
    return f"{a.buffer.name}[{value}]{limit} {verb}{what}" + (f" at {place}" if place else "")


# -- density -----------------------------------------------------------------------------------------------------------


def footprint_is_dense(kernel: Kernel, buffer: str) -> bool:
    """Is every element of [0, extent) of the parameter certainly written, for all sizes? False when not known."""
    param = kernel.param(buffer)
    if param is None or param.extent is None:
        return False
    try:
        with bounded():
            rel = relations(kernel)
            scope = P.Scope({p.name: P.atom(p.name) for p in kernel.params + kernel.sizes if not p.pointer})
            size = P.polynomial(param.extent, scope, lambda p: nonneg(p, universe(0)))
            writes = [a.index.range() for a in rel.of(buffer) if a.write and a.must]
            if size is None or not writes:
                return False
            written = writes[0]
            for w in writes[1:]:
                written = written.union(w)
            if _scattered(written):
                return False
            return bool(_box(size, rel.strides.get(buffer), written.dim(DIM.set)).is_subset(written))
    except (TooHard, NotAffine):
        return False


def _scattered(written: Set) -> bool:
    """Are the elements those for which several unknown integers exist, one of them far apart from the next? isl then
    looks through them one by one, and its budget does not count that."""
    return any(abs(c.get_coefficient_val(DIM.div, k).to_python()) > LARGEST_MODULUS
               for part in written.get_basic_sets() if part.dim(DIM.div) > 1 for c in part.get_constraints()
               for k in range(part.dim(DIM.div)))


def _box(size: Poly, strides: tuple[Poly, ...] | None, rank: int) -> Set:
    """[0, size) as a set of (delinearised) elements."""
    limits = [size]
    if strides:
        outer = [ratio({m: c}, strides[0]) for m, c in size.items()]
        if any(o is None for o in outer):
            raise NotAffine
        first: Poly = {}
        for o in outer:
            first = P.add(first, o or {})
        inner = [ratio(a, b) for a, b in pairwise(strides)]
        limits = [first, *(r if r is not None else {} for r in inner)]
    box = Set.universe(space(rank))
    for k, limit in enumerate(limits):
        box = box.intersect(compare(">=", P.atom(k), {}, box)).intersect(compare("<", P.atom(k), limit, box))
    return box

