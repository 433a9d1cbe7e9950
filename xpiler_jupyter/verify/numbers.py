"""NumPy's view of the kernel language's types. bf16 has no NumPy type: it travels as the upper half of a float32."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..execute.api import Array
from ..ir.types import BF16, ScalarType

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_KINDS = {"bool": "?", "int": "i", "uint": "u", "float": "f"}


def dtype_of(t: ScalarType) -> np.dtype[np.generic]:
    """The array type that holds `t` (uint16 for bf16)."""
    if t == BF16:
        return np.dtype(np.uint16)
    return np.dtype("?") if t.kind == "bool" else np.dtype(f"{_KINDS[t.kind]}{t.bytes}")


def eps_of(t: ScalarType) -> float:
    """Spacing of `t` just above 1; zero for integers."""
    if not t.is_float:
        return 0.0
    return 2.0**-7 if t == BF16 else float(np.finfo(f"f{t.bytes}").eps)


def encode(values: npt.ArrayLike, t: ScalarType) -> Array:
    """`values` rounded to `t`, as an array of `dtype_of(t)`."""
    with np.errstate(all="ignore"):
        if t == BF16:
            wide = np.asarray(values, dtype=np.float32).view(np.uint32).astype(np.uint64)
            rounded = (wide + 0x7FFF + ((wide >> 16) & 1)) >> 16
            nan = np.isnan(np.asarray(values, dtype=np.float32))
            return np.where(nan, 0x7FC0, rounded & 0xFFFF).astype(np.uint16)
        return np.ascontiguousarray(np.asarray(values).astype(dtype_of(t)))


def decode(array: Array, t: ScalarType) -> Floats:
    """The values as float64 (64-bit integers beyond 2**53 lose bits: compare those by their bits)."""
    if t == BF16:
        return (array.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return array.astype(np.float64)


def bits(array: Array) -> Array:
    """The same memory as unsigned integers, so that NaNs and zeros compare by their bits."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8) if flat.dtype == np.bool_ else flat.view(np.dtype(f"u{flat.dtype.itemsize}"))


def same_bits(a: Array, b: Array) -> Mask:
    return np.asarray(bits(a) == bits(b))


def all_ones(array: Array) -> Mask:
    """Where every bit is set: what fresh memory holds in a simulator."""
    raw = bits(array)
    return np.asarray(raw == (1 << 8 * raw.dtype.itemsize) - 1)


def ulps(a: Floats, b: Floats, t: ScalarType, scale: Floats | None = None) -> Floats:
    """Distance in units of the last place of `t` at the largest of the two and `scale`; infinite where only one is
    finite."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(a), np.abs(b)), 2.0 ** (-14 if t.bits == 16 and t != BF16 else -126))
        size = size if scale is None else np.maximum(size, scale)
        unit = eps_of(t) * np.exp2(np.floor(np.log2(size)))
        out = np.abs(a - b) / unit
    out = np.where(a == b, 0.0, out)
    return np.where(np.isnan(a) & np.isnan(b), 0.0, np.where(np.isnan(out), np.inf, out))
