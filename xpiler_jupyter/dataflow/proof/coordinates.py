"""One way to name the elements of a buffer for two programs: flat indices as tuples, wherever the tuples are exact."""

from __future__ import annotations

from .. import poly as P
from ..delinearise import split
from ..poly import Poly, is_param
from ..sets import Map, NotAffine, Set, affine, universe
from .model import Program, Read, Statement, Unknown

Access = tuple[Read | Statement, Poly, Set]


def agree(a: Program, b: Program) -> None:
    """Gives the parameter buffers of both programs the same coordinates: those in which all accesses of one of them are
    plain tuples. Raises Unknown when an access of the other has no such form."""
    slots = {p.slot for prog in (a, b) for p in prog.places.values() if p.slot is not None}
    for slot in sorted(slots):
        mine, other = _accesses(a, slot), _accesses(b, slot)
        strides = _strides(mine) if mine else ()
        if len(strides) < 2:
            strides = _strides(other) if other else ()
        if len(strides) < 2:
            continue
        for at, flat, domain in mine + other:
            at.element = _tuple(flat, strides, domain)
    for p in (a, b):
        if (s := unsettled(p)) is not None:
            raise Unknown("an index is not affine", s.node)


def unsettled(p: Program) -> Statement | None:
    """A statement with an access whose element is not known yet."""
    for s in p.statements:
        accesses: list[Read | Statement] = [s, *s.reads]
        if any(at.flat is not None and at.element is None for at in accesses):
            return s
    return None


def _accesses(p: Program, slot: str) -> list[Access]:
    names = {n for n, place in p.places.items() if place.slot == slot}
    out: list[Access] = []
    for s in p.statements:
        if s.buffer in names and s.flat is not None:
            out.append((s, s.flat, s.domain))
        out += [(r, r.flat, r.domain or s.domain) for r in s.reads if r.buffer in names and r.flat is not None]
    return out


def _strides(accesses: list[Access]) -> tuple[Poly, ...]:
    """The longest chain of strides, largest first and 1 last, over which every access is a tuple."""
    found: dict[tuple[P.Mono, int], int] = {}
    for _, p, _ in accesses:
        for m, c in p.items():
            others = [x for x in m if not isinstance(x, str)]
            if others:
                found[tuple(x for x in m if isinstance(x, str)), abs(c)] = 1
    chain: list[Poly] = []
    for m, c in sorted(found, key=lambda k: (len(k[0]), k[1]), reverse=True):
        if not chain or _divides({m: c}, chain[-1]):
            chain.append({m: c})
    if not chain or chain[-1] != P.const(1):
        chain.append(P.const(1))
    while len(chain) > 1:
        if all(split(p, tuple(chain), d) is not None for _, p, d in accesses):
            return tuple(chain)
        del chain[-2]
    return tuple(chain)


def _divides(small: Poly, big: Poly) -> bool:
    (m, c), (n, d) = next(iter(small.items())), next(iter(big.items()))
    return d % c == 0 and all(m.count(x) <= n.count(x) for x in m) and (m, c) != (n, d)


def _tuple(flat: Poly, strides: tuple[Poly, ...], domain: Set) -> Map:
    levels = split(flat, strides, domain)
    if levels is None:
        if not all(is_param(m) and not m for s in strides for m in s):
            raise Unknown("an index does not follow the rows of its buffer")
        levels, rest = [], flat
        sizes = [s[()] for s in strides]
        for size in sizes[:-1]:
            q = P.atom(("fdiv", P.freeze(rest), P.freeze(P.const(size))))
            levels.append(q)
            rest = P.sub(rest, P.mul(P.const(size), q))
        levels.append(rest)
    out = Map.from_domain_and_range(domain, universe(0))
    for p in levels:
        try:
            out = out.flat_range_product(Map.from_pw_aff(affine(p, domain)))
        except NotAffine:
            raise Unknown("an index is not affine") from None
    return out.intersect_domain(domain)


