"""Do integer expressions stay within their types? Polynomials are unbounded; a value that wraps is something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...ir.build import trunc_div
from ...ir.nodes import Binary, Call, Cast, Const, Expr, Unary, Var
from ...ir.types import BOOL, ScalarType
from ..poly import Poly, Scope, polynomial, thaw
from ..sets import DIM, NotAffine, Set, affine, nonneg

Span = tuple[int, int]  # least and largest value
Look = Callable[[str], Span | None]

_RING = ("+", "-", "*", "<<")


class Ranges:
    """Answers for the expressions of one kernel."""

    def __init__(self) -> None:
        self._dims: dict[int, tuple[Set, list[Span | None]]] = {}

    def fits(self, e: Expr, scope: Scope, domain: Set) -> bool:
        """Does every integer in `e` stay within its type on the whole domain? What sizes left open decide is taken to."""
        dims = self.dims(domain)
        found: dict[str, Span | None] = {}

        def look(name: str) -> Span | None:
            if name not in found:
                p = scope.values.get(name)
                found[name] = None if p is None else _poly(p, dims)
            return found[name]

        if _plain(e, look)[1]:
            return True
        return all(_exact(part, scope, domain) for part in _seen(e))

    def dims(self, domain: Set) -> list[Span | None]:
        """Least and largest value of each dimension; None where there is no such number."""
        held = self._dims.get(id(domain))
        if held is None or held[0] is not domain:
            spans = [_ends(domain, k) for k in range(domain.dim(DIM.set))]
            held = self._dims[id(domain)] = domain, spans
        return held[1]


def _ends(domain: Set, k: int) -> Span | None:
    low, high = domain.dim_min_val(k), domain.dim_max_val(k)
    return (low.to_python(), high.to_python()) if low.is_int() and high.is_int() else None


def _poly(p: Poly, dims: list[Span | None]) -> Span | None:
    low = high = 0
    for mono, c in p.items():
        span: Span | None = (c, c)
        for a in mono:
            span = _times(span, _atom(a, dims))
        if span is None:
            return None
        low, high = low + span[0], high + span[1]
    return low, high


def _atom(a: object, dims: list[Span | None]) -> Span | None:
    if isinstance(a, int):
        return dims[a] if a < len(dims) else None
    if not isinstance(a, tuple):
        return None
    x, y = _poly(thaw(a[1]), dims), _poly(thaw(a[2]), dims)
    if x is None or y is None:
        return None
    if a[0] in ("min", "max"):
        pick = min if a[0] == "min" else max
        return pick(x[0], y[0]), pick(x[1], y[1])
    if y[0] <= 0:
        return None
    divide = trunc_div if a[0] == "div" else int.__floordiv__
    ends = [divide(u, v) for u in x for v in y]
    return min(ends), max(ends)


def _times(x: Span | None, y: Span | None) -> Span | None:
    if x is None or y is None:
        return None
    ends = [u * v for u in x for v in y]
    return min(ends), max(ends)


def limits(t: ScalarType) -> Span:
    """The least and the largest value of an integer type."""
    return (-(1 << t.bits - 1), (1 << t.bits - 1) - 1) if t.kind == "int" else (0, (1 << t.bits) - 1)


def wrapped_to(value: int, t: ScalarType) -> int:
    """The value modulo 2^bits, as the type holds it."""
    low, _ = limits(t)
    return (value - low) % (1 << t.bits) + low


def _plain(e: Expr, look: Look) -> tuple[Span | None, bool]:
    """Bounds of the expression (None: unknown), and whether it and all its parts are sure to stay within their types."""
    if isinstance(e, Const):
        span: Span | None = (int(e.value), int(e.value)) if e.dtype.is_integer else None
        return span, span is None or e.dtype == BOOL or _within(span, e.dtype)
    if isinstance(e, Var):
        span = look(e.name)
        return span, span is None or _within(span, e.dtype)
    if isinstance(e, Cast):
        span, fine = _plain(e.x, look)
        if not e.dtype.is_integer or not e.x.dtype.is_integer or BOOL in (e.dtype, e.x.dtype):
            return None, fine
    elif isinstance(e, Unary):
        inner, fine = _plain(e.x, look)
        span = (-inner[1], -inner[0]) if inner is not None and e.op == "-" else None
    elif isinstance(e, Binary):
        x, one = _plain(e.a, look)
        y, two = _plain(e.b, look)
        fine = one and two
        span = _binary(e.op, x, y) if x is not None and y is not None else None
    elif isinstance(e, Call):
        parts = [_plain(a, look) for a in e.args]
        fine = all(ok for _, ok in parts)
        known = [s for s, _ in parts if s is not None]
        if e.fn not in ("min", "max") or len(known) != len(parts):
            return None, fine
        pick = min if e.fn == "min" else max
        span = pick(s[0] for s in known), pick(s[1] for s in known)
    else:
        return None, True
    return span, fine and (span is None or not e.dtype.is_integer or e.dtype == BOOL or _within(span, e.dtype))


def _binary(op: str, x: Span, y: Span) -> Span | None:
    if op == "+":
        return x[0] + y[0], x[1] + y[1]
    if op == "-":
        return x[0] - y[1], x[1] - y[0]
    if op == "*":
        return _times(x, y)
    if op in ("/", "%") and y[0] > 0:
        if op == "%":
            return (0 if x[0] >= 0 else 1 - y[1]), (min(x[1], y[1] - 1) if x[1] >= 0 else 0)
        ends = [trunc_div(u, v) for u in x for v in y]
        return min(ends), max(ends)
    if op in ("<<", ">>") and y[0] >= 0 and y[1] < 64:
        ends = [u << v if op == "<<" else u >> v for u in x for v in y]
        return min(ends), max(ends)
    if op == "&" and y[0] >= 0:
        return 0, y[1]
    return None


def _within(span: Span, t: ScalarType) -> bool:
    low, high = limits(t)
    return low <= span[0] and span[1] <= high


def _seen(e: Expr, parent: Expr | None = None) -> Iterator[Expr]:
    """The parts whose own value matters. Within sums, products and conversions to as many or fewer bits only the result
    does: those wrap alike, whenever they do."""
    if not e.dtype.is_integer or e.dtype == BOOL:
        whole = False
    elif isinstance(parent, Cast):
        whole = parent.dtype.bits > e.dtype.bits or not parent.dtype.is_integer or parent.dtype == BOOL
    else:
        whole = not ((isinstance(parent, Binary) and parent.op in _RING) or (isinstance(parent, Unary) and parent.op == "-"))
    if whole:
        yield e
    if isinstance(e, Cast | Unary):
        yield from _seen(e.x, e)
    elif isinstance(e, Binary):
        yield from _seen(e.a, e)
        yield from _seen(e.b, e if e.op != "<<" else None)
    elif isinstance(e, Call):
        for a in e.args:
            yield from _seen(a, e)


def _exact(e: Expr, scope: Scope, domain: Set) -> bool:
    p = polynomial(e, scope, lambda q: nonneg(q, domain))
    if p is None:
        return True  # no polynomial is made of it
    try:
        value = affine(p, domain).intersect_domain(domain)
    except NotAffine:
        return False
    low, high = value.min_val(), value.max_val()
    least, most = limits(e.dtype)
    return (not low.is_int() or low.to_python() >= least) and (not high.is_int() or high.to_python() <= most)

