"""Comparing one buffer with the reference: integers by their bits, floats within a bound of their own per element.

The bound comes from the source itself (see `tolerance`): its own rounding error, measured against a run of the same
text in double precision, and how strongly each output element reacts to its inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..execute.api import Array
from ..ir.types import ScalarType
from .numbers import Floats, Mask, decode, eps_of, same_bits, ulps

FACTOR = 4.0  # how much more than the source's own error a port may have
NARROWINGS = 8.0  # how often each term may be rounded to a narrower type that the person allowed
UNSTABLE = 1e-2  # relative error beyond which an element hangs on a rounding decision (a floor, a comparison)


@dataclass(slots=True)
class Tolerance:
    """How far each element may be from the reference. `bound` is absolute; zero means equal values. `other` is a second
    acceptable value where `unstable` (the double-precision outcome of a decision that rounding turns)."""

    bound: Floats
    scale: Floats | None = None  # size of the terms behind each element: ulps are counted there
    unstable: Mask | None = None
    other: Floats | None = None
    why: str = ""

    def take(self, part: slice) -> Tolerance:
        """The same for some of the elements."""
        def cut(v: Any) -> Any:
            return None if v is None else v[part]

        return Tolerance(cut(self.bound), cut(self.scale), cut(self.unstable), cut(self.other), self.why)


@dataclass(slots=True)
class Comparison:
    """The outcome for one buffer. `max_ulp` counts units in the last place of the terms that an element sums up;
    `max_rel` is relative to the element. `worst` and `first` hold index, expected, got, error, bound; `heat` is a small
    grid of the largest error over bound (1 is just allowed); `histogram` counts elements per decade of that.
    """

    buffer: str
    ok: bool
    bit_exact: bool
    wrong: int
    total: int
    max_ulp: float = 0.0
    max_rel: float = 0.0
    worst: dict[str, Any] | None = None
    first: dict[str, Any] | None = None
    heat: list[list[float]] = field(default_factory=list)
    histogram: list[dict[str, Any]] = field(default_factory=list)
    words: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def tolerance(reference: Array, dtype: ScalarType, *, double: Floats | None = None, sensitivity: Floats | None = None,
              length: float = 1.0, work_eps: float | None = None, allow: float = 1.0,
              narrowed: float = 0.0) -> Tolerance:
    """The bound per element.

    Args:
        reference: what the source computed.
        double: what its double-precision twin computed from the same inputs, if that could run.
        sensitivity: |change of the output| / relative change of the inputs, per element: the size of its terms.
        length: longest reduction, in terms; rounding errors of a sum grow with its square root.
        work_eps: precision that the source computes in, when coarser than the output type's.
        allow: a factor that the person grants.
        narrowed: relative rounding error of values that the person allowed to be computed in a narrower type.
    """
    ref = decode(reference.reshape(-1), dtype)
    if not dtype.is_float:
        return Tolerance(np.zeros(ref.shape), why="integers must be equal")
    eps = eps_of(dtype)
    work = max(eps, work_eps or 0.0, narrowed)
    with np.errstate(all="ignore"):
        scale = np.where(np.isfinite(ref), np.abs(ref), 0.0)
        if sensitivity is not None:
            scale = scale + np.where(np.isfinite(sensitivity), sensitivity, 0.0)
        growth = 4.0 * (1.0 + np.sqrt(max(length, 1.0)))
        if double is None:
            return Tolerance(allow * (work * growth * scale + eps * np.abs(scale)) + _tiny(dtype), scale,
                             why=f"{growth:.0f} roundings of the terms (reductions of {length:.0f})")
        own = np.abs(ref - double)
        finite = np.isfinite(own) & (scale > 0)
        relative = np.where(finite, own / np.where(scale > 0, scale, 1.0), 0.0)
        unstable = np.asarray(relative > max(UNSTABLE, 64 * work))
        exact = not np.any(own[np.isfinite(own)]) and bool(np.all(ref[np.isfinite(ref)] % 1 == 0)) \
            and bool(np.all(np.abs(ref[np.isfinite(ref)]) < 0.25 / work))
        if exact:
            return Tolerance(np.zeros(ref.shape), scale, why="every value is a small integer: exact in any order")
        measured = float(np.max(relative, where=~unstable, initial=0.0))
        # Roundings of many terms add up like the random changes of inputs that `sensitivity` measures.
        bound = (allow * np.maximum(FACTOR * measured, eps * growth) + NARROWINGS * narrowed) * scale + _tiny(dtype)
    return Tolerance(bound, scale, unstable if unstable.any() else None, double if unstable.any() else None,
                     f"{FACTOR:.0f} times the source's own error ({measured:.1e} of the terms), "
                     f"or {growth:.0f} roundings")


def _tiny(dtype: ScalarType) -> float:
    """A few denormals: flushing them is allowed."""
    return 2.0**-24 if dtype.name == "f16" else 2.0**-126 if dtype.bits < 64 else 2.0**-1022


def compare(name: str, expected: Array, got: Array, dtype: ScalarType,
            tolerated: Tolerance | Callable[[], Tolerance] | None = None, defined: Mask | None = None) -> Comparison:
    """`got` against `expected` where `defined`. NaNs must sit in the same places, infinities with the same sign. A
    tolerance that costs runs to know may be a function: it is only asked where the bits differ."""
    expected, got = expected.reshape(-1), got.reshape(-1)
    exact = same_bits(expected, got)
    inside = np.ones(exact.shape, dtype=bool) if defined is None else defined.reshape(-1)
    total = int(inside.sum())
    if bool(np.all(exact | ~inside)):
        return Comparison(name, True, True, 0, total, words=f"{name}: all {total} elements equal, bit for bit")
    tol = tolerated() if callable(tolerated) else tolerated
    a, b = decode(expected, dtype), decode(got, dtype)
    with np.errstate(all="ignore"):
        if dtype.is_float:
            bound = tol.bound if tol is not None else np.zeros(a.shape)
            error = np.abs(a - b)
            good = error <= bound
            if tol is not None and tol.unstable is not None and tol.other is not None:
                good |= tol.unstable & ((np.abs(b - tol.other) <= bound) | ~np.isfinite(tol.other))
            ratio = np.where(good, np.minimum(error / np.where(bound > 0, bound, 1.0), 1.0),
                             np.where(bound > 0, error / np.where(bound > 0, bound, 1.0), np.inf))
            special = ~np.isfinite(a) | ~np.isfinite(b)
            same = (np.isnan(a) & np.isnan(b)) | (a == b)
            good = np.where(special, same, good)
            ratio = np.where(special, np.where(same, 0.0, np.inf), ratio)
        else:
            bound = np.zeros(a.shape)
            error, good = np.abs(a - b), exact
            ratio = np.where(good, 0.0, np.inf)
    good = good | ~inside
    ratio = np.where(inside, ratio, 0.0)
    with np.errstate(all="ignore"):
        rel = np.where(inside & np.isfinite(error) & (a != 0), error / np.where(a != 0, np.abs(a), 1.0), 0.0)
    scale = tol.scale if tol is not None else None
    out = Comparison(name, bool(good.all()), False, int((~good).sum()), total,
                     max_ulp=_finite_max(np.where(inside, ulps(a, b, dtype, scale), 0.0)) if dtype.is_float else 0.0,
                     max_rel=_finite_max(rel))
    key = np.where(np.isfinite(ratio), ratio, np.finfo(float).max)
    key = np.where(np.isnan(key), np.finfo(float).max, key)
    out.worst = _element(int(np.argmax(key)), a, b, error, bound, dtype)
    out.heat, out.histogram = _heat(key), _histogram(key, inside)
    if out.ok:
        out.words = f"{name}: {total} elements within their bounds, worst {out.max_ulp:.3g} ulp"
    else:
        out.first = _element(int(np.argmax(~good)), a, b, error, bound, dtype)
        f = out.first
        out.words = (f"{name}[{f['index']}] is {f['got']}, expected {f['expected']}"
                     + (f" within {f['bound']:.2g}" if dtype.is_float and bound[f["index"]] > 0 else "")
                     + f"; {out.wrong} of {total} elements are wrong")
    return out


def _number(x: float) -> float | str:
    """JSON has no NaN or infinity: those become words."""
    return float(f"{x:.9g}") if np.isfinite(x) else str(x)


def _element(i: int, a: Floats, b: Floats, error: Floats, bound: Floats, dtype: ScalarType) -> dict[str, Any]:
    out: dict[str, Any] = {"index": i, "expected": _number(a[i]), "got": _number(b[i]), "error": _number(error[i]),
                           "bound": float(bound[i])}
    if dtype.is_integer:
        out |= {k: int(out[k]) for k in ("expected", "got", "error")}
    return out


def _finite_max(x: Floats) -> float:
    x = x[np.isfinite(x)]
    return float(x.max()) if x.size else 0.0


def _heat(key: Floats, side: int = 16) -> list[list[float]]:
    """A grid of at most side x side: the worst of each stretch of the flat buffer, row by row."""
    cells = min(side * side, key.size)
    if not cells:
        return []
    edges = (np.arange(cells) * key.size) // cells
    best = np.maximum.reduceat(key, edges)
    flat = [float(f"{min(v, 1e30):.3g}") for v in best]
    return [flat[i:i + side] for i in range(0, cells, side)]


def _histogram(key: Floats, inside: Mask) -> list[dict[str, Any]]:
    """Counts per decade of error over bound."""
    values = key[inside]
    steps = [0.0, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, np.inf]
    out: list[dict[str, Any]] = [{"from": 0.0, "to": 0.0, "count": int((values == 0).sum())}]
    for lo, hi in itertools.pairwise(steps):
        n = int(((values > lo) & (values <= hi)).sum())
        out.append({"from": lo, "to": hi if np.isfinite(hi) else "more", "count": n})
    return out
