"""Flat indices with symbolic strides back to tuples: `i*N*K + j*K + k` is `[i, j, k]` when 0 <= j < N and 0 <= k < K.

Strides of one buffer are collected from all its accesses and must form a chain of divisors. An access whose inner
parts are not proved to stay below the next stride is opaque. `A[i * N]` is taken as `[i, 0]`: that N is at least 1 is
then an assumption, which the answers name.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import gcd
from typing import Any

from .poly import Mono, Poly, add, mul
from .sets import Map, NotAffine, Set, affine, at_least_one, in_range, universe

Found = tuple[tuple[Poly, ...], Any, bool]  # delinearised index, relation instance -> element, opaque


def index_maps(rank: int, accesses: list[tuple[tuple[Poly | None, ...], Set]],
               assumes: set[str]) -> tuple[tuple[Poly, ...], list[Found]]:
    """Strides (empty: the index is used as written) and per access its relation. Parameters that had to be taken to be
    at least 1 are added to `assumes`."""
    strides = _chain([p[0] for p, _ in accesses if p and p[0] is not None]) if rank == 1 else ()
    out: list[Found] = []
    for polys, domain in accesses:
        levels = None
        if len(polys) == rank and all(p is not None for p in polys):
            levels = [p for p in polys if p is not None]
            if strides:
                flat = levels[0]
                levels = split(flat, strides, domain)
                if levels is None:
                    sizes = sorted({a for s in strides for m in s for a in m})
                    levels = split(flat, strides, at_least_one(sizes, domain))
                    assumes |= set(sizes) if levels is not None else set()
        out.append(_relation(levels, domain, len(strides) or rank))
    return strides, out


def _relation(levels: list[Poly] | None, domain: Set, rank: int) -> Found:
    if levels is not None:
        try:
            index = Map.from_domain_and_range(domain, universe(0))
            for p in levels:
                index = index.flat_range_product(Map.from_pw_aff(affine(p, domain)))
            return tuple(levels), index, False
        except NotAffine:
            pass
    return (), Map.from_domain_and_range(domain, universe(rank)), True


def _parts(m: Mono) -> tuple[Mono, Mono]:
    """(parameters, everything else) of a monomial."""
    return tuple(a for a in m if isinstance(a, str)), tuple(a for a in m if not isinstance(a, str))


def _over(m: Mono, by: Mono) -> Mono | None:
    """m / by as a multiset of atoms, or None when it does not divide."""
    left = Counter(m)
    left.subtract(Counter(by))
    return None if any(c < 0 for c in left.values()) else tuple(sorted(left.elements()))


def _chain(polys: list[Poly]) -> tuple[Poly, ...]:
    """The strides shared by all accesses, largest first, or () when there is nothing to delinearise."""
    factors: dict[Mono, int] = {}
    for p in polys:
        for m, c in p.items():
            params, others = _parts(m)
            if others and params:
                factors[params] = gcd(factors.get(params, 0), c)
    if not factors:
        return ()
    factors[()] = 1
    order = sorted(factors, key=len, reverse=True)
    for big, small in pairwise(order):
        if _over(big, small) is None or factors[big] % factors[small]:
            return ()
    return tuple({m: factors[m]} for m in order)


def ratio(big: Poly, small: Poly) -> Poly | None:
    """big / small for two single-term polynomials, or None."""
    (m, c), (n, d) = next(iter(big.items())), next(iter(small.items()))
    left = _over(m, n)
    return None if left is None or c % d else {left: c // d}


def split(p: Poly, strides: tuple[Poly, ...], domain: Set) -> list[Poly] | None:
    """The polynomial as a tuple over the strides, or None when a part may leave its range."""
    levels: list[Poly] = [{} for _ in strides]
    for m, c in p.items():
        params, others = _parts(m)
        for k, s in enumerate(strides):
            (sm, sc), = s.items()
            left = _over(params, sm)
            if left is None or c % sc or (others and left):
                continue
            levels[k] = add(levels[k], {left + others: c // sc})
            break
        else:
            return None
    for k in range(1, len(strides)):
        size = ratio(strides[k - 1], strides[k])
        if size is None or not in_range(levels[k], size, domain):
            return None
    return levels


def join(levels: tuple[Poly, ...], strides: tuple[Poly, ...]) -> Poly:
    """The flat index again."""
    out: Poly = {}
    for p, s in zip(levels, strides, strict=True):
        out = add(out, mul(p, s))
    return out


