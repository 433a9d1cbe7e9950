"""Test inputs that a wrong kernel cannot pass by luck: no annotation needed, everything from one printed seed."""

from __future__ import annotations

import numpy as np

from ..execute.api import Array
from ..ir.types import BF16, ScalarType
from .numbers import bits, decode, dtype_of, encode

KINDS = {
    "mixed": "both signs, magnitudes from 0.01 to 5, some zeros and negative zeros",
    "integers": "small integers, so that sums are exact in any order",
    "moderate": "normally distributed around 0",
    "positive": "positive, between 0.5 and 2",
    "unit": "between 0 and 1",
    "special": "NaN, infinities and denormals among moderate values",
}


# Longer buffers repeat a block: drawing 100 million numbers takes longer than the kernel. A prime, so that no stride of
# a kernel falls in step with it.
BLOCK = 1_048_573


def fill(kind: str, rng: np.random.Generator, length: int, dtype: ScalarType, *, top: int | None = None,
         ascending: bool = False) -> Array:
    """One buffer of `length` elements.

    Args:
        kind: a key of KINDS.
        top: the elements are indices: integers in [0, top]; `ascending` ones, for loop bounds.
    """
    if length > BLOCK and not ascending:
        return np.resize(fill(kind, rng, BLOCK, dtype, top=top), length)
    if top is not None:
        if ascending:
            steps = np.sort(rng.integers(0, top + 1, length))
            if length:
                steps[0], steps[-1] = 0, top
            return encode(steps, dtype)
        return encode(rng.integers(0, top + 1, length), dtype)
    if dtype.kind == "bool":
        return encode(rng.integers(0, 2, length), dtype)
    if not dtype.is_float:
        if dtype.bits == 8:
            lo, hi = (0, 256) if dtype.kind == "uint" else (-128, 128)
        else:
            lo, hi = (0, 100) if dtype.kind == "uint" else (-50, 51)
        if kind in ("positive", "unit"):
            lo = 1
        elif kind == "integers":
            lo, hi = max(lo, -4), 5
        return encode(rng.integers(lo, hi, length), dtype)
    return encode(_floats(kind, rng, length), dtype)


def _floats(kind: str, rng: np.random.Generator, n: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    if kind == "integers":
        return rng.integers(-4, 5, n).astype(np.float64)
    if kind == "positive":
        return rng.uniform(0.5, 2.0, n)
    if kind == "unit":
        return rng.uniform(0.0, 1.0, n)
    if kind == "mixed":
        x = np.asarray(np.exp2(rng.random(n, dtype=np.float32) * np.float32(8.9) - np.float32(6.6)), dtype=np.float64)
        x[rng.random(n, dtype=np.float32) < 0.5] *= -1.0
        rare = rng.random(n, dtype=np.float32)
        x[rare < 0.05] = 0.0
        x[rare < 0.02] = -0.0
        return x
    x = np.asarray(rng.standard_normal(n, dtype=np.float32), dtype=np.float64)
    if kind == "special" and n:
        few = max(1, n // 64)
        for value in (np.nan, np.inf, -np.inf, 1e-42, -1e-42):
            x[rng.integers(0, n, few if n > 8 else 1)] = value
    return x


def poison(which: int, rng: np.random.Generator, length: int, dtype: ScalarType) -> Array:
    """What an output holds before the run. Patterns 0 and 1 differ in every element, so an element that shows the
    pattern in both runs was never written. Floats: 0 is NaN with a payload, 1 is plausible numbers."""
    if dtype.is_float:
        if which == 1:
            return np.resize(encode(rng.uniform(-3.0, 3.0, min(length, 4093)) + 0.123, dtype), length)
        payload = {2: 0x7FD3 if dtype == BF16 else 0x7ED3, 4: 0x7FC0D3AD, 8: 0x7FF8D3ADD3ADD3AD}[dtype.bytes]
        return np.full(length, payload, dtype=f"u{dtype.bytes}").view(dtype_of(dtype))
    if dtype.kind == "bool":
        return np.full(length, bool(which))
    raw = np.full(length, 0xA5A5A5A5A5A5A5A5 & ((1 << 8 * dtype.bytes) - 1), dtype=f"u{dtype.bytes}")
    return (~raw if which else raw).view(dtype_of(dtype))


def perturb(array: Array, dtype: ScalarType, rng: np.random.Generator, delta: float) -> Array:
    """`array` with each element changed by up to a relative `delta`; integers stay."""
    if not dtype.is_float:
        return array
    out = np.empty_like(array)
    factors = rng.uniform(1.0 - delta, 1.0 + delta, min(BLOCK, array.size))
    for k in range(0, array.size, BLOCK):  # block by block: no second and third array as large as the first
        part = decode(array[k:k + BLOCK], dtype)
        part *= factors[:part.size]
        out[k:k + BLOCK] = encode(part, dtype)
    return out


def scalar(rng: np.random.Generator, dtype: ScalarType) -> float:
    """A value for a float scalar parameter: exactly representable, neither 0 nor 1."""
    del dtype
    return float(rng.integers(3, 14)) / 8.0 + 0.0625


def freeze(array: Array) -> None:
    """Makes an array read-only: what runs get again and again need not be given to them anew."""
    array.flags.writeable = False
    if isinstance(array.base, np.ndarray):
        array.base.flags.writeable = False


def is_intact(after: Array, before: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which elements still hold the bits they had."""
    return np.asarray(bits(after) == bits(before))
