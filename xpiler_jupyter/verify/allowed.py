"""What `--allow` means for tests: inputs for which the allowed conversion is exact, and the rounding that it may add."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..execute.api import Array
from ..ir.narrow import NARROW
from ..ir.types import I8, ScalarType
from .numbers import decode, encode

SPREAD = 40.0  # "mixed" floats reach about 5: times this, a few of them saturate, so that both ends are tried


def restricted(array: Array, dtype: ScalarType, allow: Iterable[str], kind: str) -> Array:
    """`array` changed so that every narrowing in `allow` keeps its values: what the verdict assumes of inputs.

    Args:
        dtype: of the array; arrays of types that no word in `allow` converts stay.
        kind: of the input (a key of `inputs.KINDS`); small integers are not spread out.
    """
    for word in allow:
        narrow = NARROW[word]
        if dtype not in narrow.sources:
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
    return max((NARROW[word].rounding for word in allow), default=0.0)


def has_specials(allow: Iterable[str]) -> bool:
    """Whether what `allow` assumes leaves room for NaN and infinities."""
    return all(NARROW[word].into.is_float for word in allow)


def assumptions(allow: Iterable[str], inputs: Iterable[tuple[str, ScalarType]]) -> list[str]:
    """One sentence per word of `allow`, over the inputs that it may convert."""
    given = list(inputs)
    return [NARROW[w].assumption(name for name, t in given if t in NARROW[w].sources) for w in allow]


def _rounded(x: np.ndarray[tuple[int, ...], np.dtype[np.float64]], into: ScalarType,
             digits: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """`x` rounded to `into`, keeping `digits` significant binary digits."""
    narrow = decode(encode(x, into), into)
    mantissa, exponent = np.frexp(narrow)
    kept = np.ldexp(np.rint(np.ldexp(mantissa, digits)), exponent - digits)
    return np.asarray(np.where(np.isfinite(narrow), kept, narrow))
