"""Comparing buffers: accept/reject pairs around the bound, NaNs, infinities, integers."""

from __future__ import annotations

import json

import numpy as np

from xpiler_jupyter.ir.types import BF16, F16, F32, I32
from xpiler_jupyter.verify.compare import compare, tolerance
from xpiler_jupyter.verify.numbers import decode, encode


def f32(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_bit_equal_is_bit_exact() -> None:
    got = compare("C", f32(1, np.nan, -0.0), f32(1, np.nan, -0.0), F32)
    assert got.ok and got.bit_exact


def test_negative_zero_is_equal_but_not_bit_exact() -> None:
    got = compare("C", f32(0.0), f32(-0.0), F32, tolerance(f32(0.0), F32))
    assert got.ok and not got.bit_exact


def test_error_just_under_and_just_over_the_bound() -> None:
    ref = np.linspace(1, 2, 1000, dtype=np.float32)
    tol = tolerance(ref, F32, double=ref.astype(np.float64) * (1 + 1e-7), length=64)
    under, over = ref.copy(), ref.copy()
    under[500] += tol.bound[500] * 0.9
    over[500] += tol.bound[500] * 1.2
    assert compare("C", ref, under, F32, tol).ok
    bad = compare("C", ref, over, F32, tol)
    assert not bad.ok and bad.wrong == 1 and bad.first is not None and bad.first["index"] == 500
    assert "C[500]" in bad.words


def test_small_integer_results_must_be_equal() -> None:
    ref = f32(12, -7, 0)
    tol = tolerance(ref, F32, double=ref.astype(np.float64), length=1000)
    assert not compare("C", ref, f32(12, -7.000001, 0), F32, tol).ok


def test_nan_and_infinity_must_sit_in_the_same_places() -> None:
    ref = f32(np.nan, np.inf, -np.inf, 1)
    tol = tolerance(ref, F32)
    assert compare("C", ref, f32(-np.nan, np.inf, -np.inf, 1), F32, tol).ok
    for i, other in ((0, 0.0), (1, -np.inf), (1, 3e38), (3, np.nan)):
        got = ref.copy()
        got[i] = other
        assert not compare("C", ref, got, F32, tol).ok


def test_undefined_elements_do_not_count() -> None:
    got = compare("C", f32(1, 2), f32(1, 99), F32, defined=np.array([True, False]))
    assert got.ok and got.total == 1


def test_integers_are_exact() -> None:
    a = np.array([1, 2, 2**31 - 1], dtype=np.int32)
    b = a.copy()
    b[2] -= 1
    assert compare("C", a, a, I32, tolerance(a, I32)).bit_exact
    assert not compare("C", a, b, I32, tolerance(a, I32)).ok


def test_a_rounding_decision_may_fall_either_way() -> None:
    ref = np.linspace(1, 2, 100, dtype=np.float32)
    double = ref.astype(np.float64)
    double[3] = 7.0
    tol = tolerance(ref, F32, double=double)
    either, neither = ref.copy(), ref.copy()
    either[3], neither[3] = 7.0, 5.0
    assert compare("C", ref, either, F32, tol).ok
    assert not compare("C", ref, neither, F32, tol).ok


def test_narrow_floats_survive_the_round_trip() -> None:
    values = np.array([1.0, -2.5, 0.15625, np.inf])
    for t in (BF16, F16):
        assert np.array_equal(decode(encode(values, t), t), values)


def test_results_are_json() -> None:
    ref = np.ones(1000, dtype=np.float32)
    got = ref.copy()
    got[7] = np.nan
    out = compare("C", ref, got, F32, tolerance(ref, F32))
    text = json.dumps(out.as_dict(), allow_nan=False)
    assert "heat" in text and len(out.heat) <= 16
