"""Which narrower types a pass may compute in: what the person allowed, for values of one type. Used by `tensorize` and
`cache`, which name the words they made use of in `PassResult.uses`; the judge then tests, and the verdict says, what that
assumes."""

from __future__ import annotations

from collections.abc import Iterable

from ..ir.narrow import NARROW, Narrow
from ..ir.types import ScalarType


def narrowings(dtype: ScalarType, allow: Iterable[str]) -> tuple[Narrow, ...]:
    """The conversions of `dtype` that `allow` grants, what loses least first: floats before integers, wide before narrow."""
    granted = set(allow)
    found = [n for n in NARROW.values() if n.name in granted and dtype in n.sources]
    return tuple(sorted(found, key=lambda n: (not n.into.is_float, n.into.is_float and -n.into.bits)))


def narrowing(dtype: ScalarType, into: ScalarType, allow: Iterable[str]) -> Narrow | None:
    """The conversion of `dtype` to `into` if it is granted; None where nothing is, or nothing needs to be converted.
    For an instr that takes tf32, whose operands are floats, see `narrowings`."""
    if dtype == into:
        return None
    return next((n for n in narrowings(dtype, allow) if n.into == into), None)


def may_pass_as(dtype: ScalarType, into: ScalarType, allow: Iterable[str]) -> bool:
    """Whether values of `dtype` may be given to an operand of type `into`."""
    return dtype == into or narrowing(dtype, into, allow) is not None
