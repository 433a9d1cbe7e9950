"""What `--allow` means: inputs keep to the assumption, candidates may round as far as was allowed, and no further."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from verify_fakes import FakeExecutor, product, subject

from xpiler_jupyter.errors import UsageError
from xpiler_jupyter.ir.narrow import FINITE, checked, split, used
from xpiler_jupyter.ir.types import F16, F32, I8, I32
from xpiler_jupyter.passes._allow import may_pass_as, narrowing, narrowings
from xpiler_jupyter.verify.allowed import restricted, rounding
from xpiler_jupyter.verify.inputs import KINDS, fill
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.numbers import eps_of
from xpiler_jupyter.verify.verdict import verdict_of


def gemm(b: Any, s: Any, convert: Any, finish: Any = lambda c: c) -> None:
    m, n, k = s["M"], s["N"], s["K"]
    a, w = convert(b["A"][:m * k]).reshape(m, k), convert(b["B"][:k * n]).reshape(k, n)
    b["C"][:m * n] = finish((a.astype(np.float64) @ w.astype(np.float64)).astype(np.float32)).reshape(-1)


def float_gemm(b: Any, s: Any, reverse: bool) -> None:
    gemm(b, s, lambda x: x)


def bytes_gemm(b: Any, s: Any, reverse: bool) -> None:
    gemm(b, s, lambda x: x.astype(np.int8))


def nibbles_gemm(b: Any, s: Any, reverse: bool) -> None:
    gemm(b, s, lambda x: np.clip(x, -128, 120).astype(np.int8))


def half_gemm(b: Any, s: Any, reverse: bool) -> None:
    gemm(b, s, lambda x: x.astype(np.float16))


def half_rounded_gemm(b: Any, s: Any, reverse: bool) -> None:
    gemm(b, s, lambda x: x.astype(np.float16), lambda c: c.astype(np.float16).astype(np.float32))


def byte_rounded_gemm(b: Any, s: Any, reverse: bool) -> None:
    gemm(b, s, lambda x: (x * np.float32(1 + 2.0**-4)).astype(np.float16))


BODIES = {f.__name__: f for f in (float_gemm, bytes_gemm, nibbles_gemm, half_gemm, half_rounded_gemm, byte_rounded_gemm)}


def verdict(name: str, *allow: str) -> Any:
    judge = Judge(subject("float_gemm", product()), executors=lambda p: FakeExecutor(BODIES), allow=allow)
    return verdict_of(judge.test(subject(name, product())), judge.assumptions)


def test_bytes_need_leave() -> None:
    assert verdict("bytes_gemm").level == "wrong"
    got = verdict("bytes_gemm", "int8")
    assert got.level == "tested"
    assert "values of A, B are integers in [-128, 127]" in got.assumptions


def test_the_whole_range_of_bytes_is_tried() -> None:
    assert verdict("nibbles_gemm", "int8").level == "wrong"


@pytest.mark.parametrize("word", ["fp16", "tf32"])
def test_inputs_are_representable(word: str) -> None:
    assert verdict("half_gemm").level == "wrong"
    got = verdict("half_gemm", word)
    assert got.level == "tested"
    assert any(f"A, B are representable in {word}" in a for a in got.assumptions)


def test_roundings_of_that_size_and_no_larger_are_granted() -> None:
    assert verdict("half_rounded_gemm", "fp16").level == "tested"
    assert verdict("half_rounded_gemm", "int8").level == "wrong"
    assert verdict("byte_rounded_gemm", "fp16").level == "wrong"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["int8", "fp16", "tf32"])
def test_restricted_values_keep_their_bits(kind: str, word: str) -> None:
    x = fill(kind, np.random.default_rng(3), 4000, F32)
    y = restricted(x, F32, (word,), kind)
    if word == "int8":
        assert np.array_equal(y, y.astype(np.int8).astype(np.float32))
        assert kind != "mixed" or {y.min(), y.max()} == {-128.0, 127.0}
    elif word == "fp16":
        assert np.array_equal(y, y.astype(np.float16).astype(np.float32), equal_nan=True)
    else:
        finite = y[np.isfinite(y)]
        assert not np.any(finite[np.abs(finite) >= 2.0**-126].view(np.uint32) & 0x1FFF)
    assert len(np.unique(y)) > 4, "still inputs that tell kernels apart"
    assert restricted(np.nan_to_num(x).clip(-9, 9).astype(np.int8), I8, (word,), kind).dtype == np.int8


def test_words() -> None:
    assert split("fp16,int8") == checked(["INT8", "fp16"]) == ("int8", "fp16")
    assert split(["", "tf32,tf32"]) == ("tf32",)
    with pytest.raises(UsageError, match="did you mean fp16"):
        split("fp61")
    assert rounding(("int8",)) == 0.0 and rounding(("fp16",)) == eps_of(F16) / 2


def test_what_a_pass_may_convert() -> None:
    assert [n.name for n in narrowings(F32, ("int8", "fp16", "tf32"))] == ["tf32", "fp16", "int8"]
    assert narrowings(I8, ("int8", "fp16")) == ()
    assert may_pass_as(F32, F32, ()) and not may_pass_as(F32, F16, ("int8",)) and may_pass_as(F32, F16, ("fp16",))
    found = narrowing(I32, I8, ("int8",))
    assert found is not None and found.sums == I32


def test_only_numbers_are_tried_where_a_pass_says_so() -> None:
    special = fill("special", np.random.default_rng(3), 500, F32)
    kept = restricted(special, F32, (FINITE,), "special")
    assert not np.isfinite(special).all() and np.isfinite(kept).all()
    assert (kept[np.isfinite(special)] == special[np.isfinite(special)]).all() and (np.abs(kept[kept != 0]) < 1e-38).any()
    assert rounding((FINITE,)) == 0.0 and used(["finite", "fp16"]) == ("fp16", "finite")
    with pytest.raises(UsageError, match="no such type"):
        split("finite")


def nan_deaf(b: Any, s: Any, reverse: bool) -> None:
    gemm(b, s, np.nan_to_num)


def test_a_kernel_for_numbers_is_wrong_until_that_is_assumed() -> None:
    def level(*uses: str) -> Any:
        judge = Judge(subject("float_gemm", product()), executors=lambda p: FakeExecutor(BODIES | {"nan_deaf": nan_deaf}),
                      allow=uses)
        return verdict_of(judge.test(subject("nan_deaf", product())), judge.assumptions)

    assert level().level == "wrong"
    assumed = level(FINITE)
    assert assumed.level == "tested" and any("finite numbers" in a for a in assumed.assumptions)
