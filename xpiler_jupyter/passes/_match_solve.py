"""The scalar operands of an instr from equations between what its meaning says and what the kernel does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..ir.algebra import Scope
from ..ir.nodes import Var
from ..ir.poly import ONE, ZERO, Digit, Opaque, Poly
from ._match_row import OPERAND, quotient, remainder
from ._match_tree import NoMatchError


@dataclass(frozen=True, slots=True)
class Equation:
    """`row` over the scalar operands is `kernel` over the kernel's names. `what` says of what, for people, with {row}
    and {kernel} for the two sides; `trips`: both sides say how often a loop runs."""

    row: Poly
    kernel: Poly
    what: str
    trips: bool = False


class ContradictionError(NoMatchError):
    """An equation that cannot hold; `held` counts those that did."""

    def __init__(self, message: str, held: int) -> None:
        super().__init__(message)
        self.held = held


def solve(equations: Iterable[Equation], unknowns: Iterable[str], known: dict[str, Poly], scope: Scope) -> dict[str, Poly]:
    """A value for each unknown (an operand's name) under which all equations hold. What no equation asks for is one,
    else zero. Raises ContradictionError."""
    left = list(equations)
    found = dict(known)
    order = list(unknowns)
    while True:
        left, progress = _round(left, found, scope, len(list(equations)))
        if progress:
            continue
        free = [n for n in order if n not in found]
        if not free:
            break
        name = next((n for n in free if any(OPERAND + n in e.row.names() for e in left)), free[0])
        found[name] = ONE
    if left:
        raise ContradictionError(_words(left[0], found), 0)
    return found


def _round(left: list[Equation], found: dict[str, Poly], scope: Scope, total: int) -> tuple[list[Equation], bool]:
    """One walk over the open equations: what holds goes, what gives an unknown is used."""
    out: list[Equation] = []
    progress = False
    for e in left:
        row = put(e.row, found)
        unknown = {n for n in row.names() if n.startswith(OPERAND)}
        if not unknown:
            if not _equal(row, e.kernel, scope):
                raise ContradictionError(_words(e, found), total - len(left))
            progress = True
            continue
        value = _isolate(row, e.kernel)
        if value is None:
            out.append(e)
            continue
        name, p = value
        found[name] = p
        out.append(e)  # to be checked with the value put in
        progress = True
    return out, progress


def _isolate(row: Poly, kernel: Poly) -> tuple[str, Poly] | None:
    """(unknown, its value) when the equation is linear in its only unknown, or in a quotient of it."""
    atoms = [a for a in row.atoms() if any(n.startswith(OPERAND) for n in Poly.atom(a).names())]
    if len(atoms) != 1:
        return None
    atom = atoms[0]
    c, rest = row.collect(atom)
    if any(n.startswith(OPERAND) for n in c.names()):
        return None
    value = (kernel - rest).exact_div(c)
    if value is None:
        return None
    if isinstance(atom, Var):
        return atom.name.removeprefix(OPERAND), value
    if isinstance(atom, Digit) and atom.radix is None:
        # the least dividend with this quotient
        if value == ZERO and any(n.startswith(OPERAND) for n in atom.base.names()):
            return _isolate(atom.base, ZERO)
        if not any(n.startswith(OPERAND) for n in atom.lo.names()):
            return _isolate(atom.base, value * atom.lo)
    return None


def put(p: Poly, found: dict[str, Poly]) -> Poly:
    """`p` with the operands that are known replaced, inside quotients too."""

    def change(a: Var | Digit | Opaque) -> Poly | None:
        if isinstance(a, Var):
            return found.get(a.name.removeprefix(OPERAND)) if a.name.startswith(OPERAND) else None
        if isinstance(a, Digit):
            base, lo = put(a.base, found), put(a.lo, found)
            if a.radix is None:
                return quotient(base, lo)
            return remainder(quotient(base, lo), put(a.radix, found))
        return None

    return p.replace(change)


def _equal(row: Poly, kernel: Poly, scope: Scope) -> bool:
    """Quotients of the row are C's: they are compared only where nothing is negative."""
    for a in row.atoms():
        if isinstance(a, Digit) and not (scope.nonneg(a.base) and scope.positive(a.lo)):
            return False
    d = row - kernel
    return d == ZERO or (scope.nonneg(d) and scope.nonneg(-d))


def _words(e: Equation, found: dict[str, Poly]) -> str:
    row = put(e.row, found)
    text = e.what.format(row=text_of(row), kernel=text_of(e.kernel))
    tile, runs = row.value, e.kernel.value
    if not e.trips or not tile or tile < 0 or runs is None:
        return text
    if runs % tile == 0:
        return f"{text}: split it by {tile} first"
    return f"{text}: pad it to {-(-runs // tile) * tile}" + (f", or split it by {tile} and leave a tail of {runs % tile}"
                                                             if runs > tile else "")


def text_of(p: Poly) -> str:
    """A polynomial as a person would write it."""
    if p.value is not None:
        return str(p.value)
    terms = []
    for m, c in sorted(p.terms.items(), key=lambda t: (-len(t[0]), str(t[0]))):
        names = [a.name.removeprefix(OPERAND).split(".")[0] if isinstance(a, Var) else "(...)" for a in m]
        terms.append("*".join([str(c)] * (c != 1 or not m) + names))
    return " + ".join(terms)
