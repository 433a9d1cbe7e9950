"""Matrices for many trials of a matrix instr at once, and what of two runs counts as the same. For tests."""

from __future__ import annotations

import os

import numpy as np

from xpiler_jupyter.execute import Argument, Entry, Launch, Limits, executor
from xpiler_jupyter.ir.types import BF16, F16, F32, F64, I8, I32, U8, ScalarType

TRIALS = int(os.environ.get("XPILER_TRIALS", "20"))  # a trial is a block of the kernel
ARRAYS = {F16: np.float16, BF16: np.uint16, F32: np.float32, F64: np.float64, I8: np.int8, U8: np.uint8, I32: np.int32}
_BITS = {F16: np.uint16, BF16: np.uint16, F32: np.uint32, F64: np.uint64}
_EXPONENT = {F16: 0x7C00, BF16: 0x7F80, F32: 0x7F800000, F64: 0x7FF0000000000000}
KINDS = 5


def kinds(trials: int) -> np.ndarray:
    """What each trial draws; only values of kind 0 are such that a product of real numbers says what to expect."""
    return np.arange(trials) % KINDS


def draw(rng: np.random.Generator, t: ScalarType, n: int, trials: int = TRIALS) -> np.ndarray:
    """`trials` times n values: numbers around 1; small integers; any finite bits; zeros, subnormals and the largest of
    both signs; numbers around 1 with an infinity or NaN among a hundred. Integers: any; extremes; few; any; mixed."""
    kind = kinds(trials)[:, None]
    if t.is_integer:
        limit = np.iinfo(ARRAYS[t])
        anything = rng.integers(limit.min, limit.max, (trials, n), endpoint=True, dtype=ARRAYS[t])
        extreme = rng.choice(np.array([limit.min, limit.max, limit.max - 1, 0, 1], ARRAYS[t]), (trials, n))
        few = rng.integers(0, 5, (trials, n)).astype(ARRAYS[t]) - np.array(2 if limit.min else 0, ARRAYS[t])
        some = anything // 2048 if limit.bits == 32 else anything
        return np.select([kind == 0, kind == 1, kind == 2, kind == 3],
                         [some, extreme, few, anything], np.where(rng.random((trials, n)) < 0.1, extreme, some)).ravel()
    bits, exponent = _BITS[t], np.array(_EXPONENT[t], _BITS[t])
    sign, lowest = np.array(1 << t.bits - 1, bits), np.array(1, bits)
    finite = rng.integers(0, np.iinfo(bits).max, (trials, n), endpoint=True, dtype=bits)
    unit = exponent & ~(exponent << np.array(1, bits))  # the exponent's lowest bit: 2 ** -bias follows from it
    finite = np.where((finite & exponent) == exponent, finite ^ unit, finite)
    list_ = np.array([0, lowest, exponent - lowest, unit | lowest, unit - lowest, unit, unit >> np.array(1, bits)], bits)
    edges = rng.choice(list_, (trials, n)) | np.where(rng.random((trials, n)) < 0.5, sign, np.array(0, bits))
    plain = _bits(rng.standard_normal((trials, n)), t)
    small = _bits(rng.integers(-8, 9, (trials, n)).astype(np.float64), t)
    never = np.array([exponent, exponent | sign, exponent | unit >> np.array(1, bits)], bits)
    special = np.where(rng.random((trials, n)) < 0.01, rng.choice(never, (trials, n)), plain)
    out = np.select([kind == 0, kind == 1, kind == 2, kind == 3], [plain, small, finite, edges], special).ravel()
    return out if t == BF16 else out.view(ARRAYS[t])


def _bits(x: np.ndarray, t: ScalarType) -> np.ndarray:
    if t == BF16:
        return (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return x.astype(ARRAYS[t]).view(_BITS[t])


def wide(x: np.ndarray, t: ScalarType) -> np.ndarray:
    """The values in double precision."""
    return (x.astype(np.uint32) << 16).view(np.float32).astype(np.float64) if t == BF16 else x.astype(np.float64)


def differing(x: np.ndarray, y: np.ndarray, t: ScalarType) -> np.ndarray:
    """Where bits differ; any NaN is as good as another."""
    if t.is_integer:
        return np.flatnonzero(x != y)
    with np.errstate(invalid="ignore"):
        a, b = wide(x, t), wide(y, t)
    return np.flatnonzero((x.view(_BITS[t]) != y.view(_BITS[t])) & ~(np.isnan(a) & np.isnan(b)))


def run(platform: str, text: str, function: str, types: dict[str, ScalarType], values: dict[str, np.ndarray],
        grid: int = 0, lanes: int = 0) -> dict[str, np.ndarray]:
    """One run in the simulator: a kernel of `grid` blocks of `lanes` threads, or a C function."""
    entry = Entry(function, tuple(Argument(n, t, True) for n, t in types.items()),
                  Launch((grid, 1, 1), (lanes, 1, 1), 0) if grid else None)
    r = executor(platform, "sim").compile(text, entry).run({k: v.copy() for k, v in values.items()}, {},
                                                           limits=Limits(seconds=60.0 + TRIALS))
    assert r.fault is None, r.fault
    return r.outputs
