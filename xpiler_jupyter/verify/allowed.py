"""What a candidate makes use of means for tests: inputs for which an allowed conversion is exact, and the rounding that
it may add; inputs without NaN and infinities where a pass says that it needs numbers (`narrow.FINITE`)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..execute.api import Array
from ..ir.narrow import FINITE, NARROW
from ..ir.types import I8, ScalarType
from .numbers import decode, encode

SPREAD = 40.0  # "mixed" floats reach about 5: times this, a few of them saturate, so that both ends are tried


def restricted(array: Array, dtype: ScalarType, allow: Iterable[str], kind: str) -> Array:
    """`array` changed so that every narrowing in `allow` keeps its values: what the verdict assumes of inputs. Where
    only numbers are allowed, 0 stands for what is none.

    Args:
        dtype: of the array; arrays of types that no word in `allow` converts stay.
        kind: of the input (a key of `inputs.KINDS`); small integers are not spread out.
    """
    for word in allow:
        if word == FINITE and dtype.is_float:
            x = decode(array, dtype)
            if not np.isfinite(x).all():
                array = encode(np.where(np.isfinite(x), x, 0.0), dtype)
        narrow = NARROW.get(word)
        if narrow is None or dtype not in narrow.sources:
            continue
        x = decode(array, dtype)
        with np.errstate(all="ignore"):
            if narrow.into == I8:
                x = np.nan_to_num(x * (SPREAD if dtype.is_float and kind != "integers" else 1.0))
                x = np.clip(np.rint(x), -128, 127)
            else:
                x = _rounded(x, narrow.into, narrow.digits)
        array = encode(x, dtype)
    return array


def rounding(allow: Iterable[str]) -> float:
    """The largest relative error that the allowed conversions add to an intermediate value."""
    return max((NARROW[word].rounding for word in allow if word in NARROW), default=0.0)


def has_specials(allow: Iterable[str]) -> bool:
    """Whether what `allow` assumes leaves room for NaN and infinities."""
    return all(NARROW[word].into.is_float for word in allow if word in NARROW)


def assumptions(allow: Iterable[str], inputs: Iterable[tuple[str, ScalarType]]) -> list[str]:
    """One sentence per word of `allow`, over the inputs that it is about."""
    given = list(inputs)
    out = [NARROW[w].assumption(name for name, t in given if t in NARROW[w].sources) for w in allow if w in NARROW]
    if FINITE in allow:
        names = ", ".join(name for name, t in given if t.is_float)
        out.append(f"values of {names or 'float inputs'} are finite numbers")
    return out


def _rounded(x: np.ndarray[tuple[int, ...], np.dtype[np.float64]], into: ScalarType,
             digits: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """`x` rounded to `into`, keeping `digits` significant binary digits."""
    narrow = decode(encode(x, into), into)
    mantissa, exponent = np.frexp(narrow)
    kept = np.ldexp(np.rint(np.ldexp(mantissa, digits)), exponent - digits)
    return np.asarray(np.where(np.isfinite(narrow), kept, narrow))
