"""A row of the instr table as a form: its meaning read once, operands kept apart from the kernel's names.

Sizes in a row's meaning are unsigned, in bytes or in elements; they describe arrays that exist, so their arithmetic is
read as arithmetic of integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import XpilerError
from ..frontend.meanings import row_statements
from ..ir.algebra import Scope
from ..ir.nodes import Binary, Cast, Const, Expr, Unary, Var
from ..ir.poly import ONE, ZERO, Digit, Opaque, Poly
from ..ir.types import I32, ScalarType
from ..kept import Kept
from ..platforms.instr import Instr, Operand
from ._match_read import Reader, unit_trips
from ._match_tree import Form, Int, Lit, NoMatchError, Op, Tree, folds, map_tree, places, put_tree

OPERAND = "$"  # in front of the name of a scalar operand, so that no name of a kernel is taken for one


Fixed = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class RowForm:
    """What a row computes; `fixed` are scalar operands that this form has given a value."""

    row: Instr
    form: Form
    fixed: Fixed = ()

    def operand(self, name: str) -> Operand:
        return next(o for o in self.row.operands if o.name == name)


_PACKAGE = Path(__file__).parent.parent
# What reading a row depends on; a platform has thousands of rows.
_KEPT = Kept("forms", [*Path(__file__).parent.glob("_match_*.py"),
                       *(p for room in ("frontend", "ir", "platforms", "platforms/c") for p in (_PACKAGE / room).glob("*.py"))])
_CACHE: dict[tuple[str, str, tuple[Operand, ...]], tuple[RowForm, ...] | str] = {}


def row_forms(row: Instr) -> tuple[RowForm, ...] | str:
    """The forms of a row: as it stands, and with scalars that only scale its result at their neutral value. A text
    says why a row has none."""
    if row.deferred:
        return f"{row.word} may run until a wait that follows: match the one that is done at once"
    if any(o.per_lane for o in row.operands):
        return f"each lane that runs {row.word} passes values of its own"
    key = row.name, row.meaning, row.operands
    if key not in _CACHE:
        text = repr(key)
        forms: tuple[tuple[Form, Fixed], ...] | str | None = _KEPT.get(text)
        if forms is None:
            forms = _read(row)
            _KEPT.put(text, forms)
        _CACHE[key] = forms if isinstance(forms, str) else tuple(RowForm(row, form, fixed) for form, fixed in forms)
    return _CACHE[key]


def _read(row: Instr) -> tuple[tuple[Form, Fixed], ...] | str:
    try:
        return _forms(row)
    except NoMatchError as error:
        return f"the meaning of {row.name} is not one assignment per element: {error}"
    except XpilerError as error:
        return f"the meaning of {row.name} cannot be compared: {error.message}"


def _forms(row: Instr) -> tuple[tuple[Form, Fixed], ...]:
    names = {o.name for o in row.operands if not o.memory}
    types: dict[str, ScalarType] = {o.name: o.dtype for o in row.operands if o.memory and not isinstance(o.dtype, str)}

    def poly(e: Expr, scope: Scope) -> Poly:
        return lenient(e, names)

    form = Reader(types, poly, unit_trips(poly), "row ").form(row_statements(row), Scope())
    out: list[tuple[Form, Fixed]] = [(form, ())]
    sizes = _sizes(form)
    free = [o.name for o in row.operands if o.name in names and o.dtype.is_integer and o.name not in sizes]  # type: ignore[union-attr]
    for name in free:
        value = _without_neutral(put_tree(form.value, {OPERAND + name: ZERO}))
        if value != form.value:
            out.append((replace(form, value=value), ((name, 0),)))
    return tuple(out)


def _sizes(form: Form) -> set[str]:
    """Names of scalar operands in indices and extents."""
    polys = [c.extent for c in form.counters] + [i for i in form.target.index]
    polys += [c.extent for f in folds(form.value) for c in f.counters]
    polys += [i for p in places(form.value) for i in p.index]
    return {n.removeprefix(OPERAND) for p in polys for n in p.names()}


def _without_neutral(t: Tree) -> Tree:
    """`x * 2^0` is x."""

    def change(x: Tree) -> Tree:
        if not isinstance(x, Op):
            return x
        a = x.args[0]
        if x.head == "cast" and isinstance(a, Int) and a.poly.value is not None and x.dtype.is_float:
            return Lit(float(a.poly.value), x.dtype)
        if x.head == "exp2" and isinstance(a, Lit) and a.value == 0:
            return Lit(1.0, x.dtype)
        if x.head == "*":
            for one, other in (x.args, x.args[::-1]):
                if isinstance(one, Lit) and one.value == 1 and dtype_of(other) == x.dtype:
                    return other
        return x

    return map_tree(t, change)


def dtype_of(t: Tree) -> ScalarType:
    return t.dtype



def lenient(e: Expr, operands: set[str]) -> Poly:
    """The polynomial of an integer expression of a meaning, conversions and wrap-around aside."""
    if isinstance(e, Const):
        return Poly.const(int(e.value))
    if isinstance(e, Var):
        return Poly.atom(Var(OPERAND + e.name if e.name in operands else e.name, I32))
    if isinstance(e, Cast):
        return lenient(e.x, operands)
    if isinstance(e, Unary) and e.op == "-":
        return -lenient(e.x, operands)
    if isinstance(e, Binary) and e.op in ("+", "-", "*", "/", "%"):
        a, b = lenient(e.a, operands), lenient(e.b, operands)
        if e.op == "+":
            return a + b
        if e.op == "-":
            return a - b
        if e.op == "*":
            return a * b
        return quotient(a, b) if e.op == "/" else remainder(a, b)
    return Poly.atom(Opaque(e))


def quotient(a: Poly, b: Poly) -> Poly:
    """a / b, exactly where b divides a."""
    if a.value is not None and b.value:
        return Poly.const(abs(a.value) // abs(b.value) * (1 if (a.value < 0) == (b.value < 0) else -1))
    exact = a.exact_div(b) if b.terms else None
    return exact if exact is not None else Poly.atom(Digit(a, b))


def remainder(a: Poly, b: Poly) -> Poly:
    if a.value is not None and b.value:
        return Poly.const(abs(a.value) % abs(b.value) * (1 if a.value >= 0 else -1))
    if b.terms and a.exact_div(b) is not None:
        return ZERO
    return Poly.atom(Digit(a, ONE, b))
