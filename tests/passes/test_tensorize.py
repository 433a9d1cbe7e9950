"""Tensorize: what becomes of loops on the tables that there are, that it means the same, and what is refused and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interp import run

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.frontend.module import parse
from xpiler_jupyter.ir.nodes import For, InstrCall, Kernel
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.ir.types import F32
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes._vec_rows import _promising
from xpiler_jupyter.passes.base import PassResult
from xpiler_jupyter.platforms import registry as platforms
from xpiler_jupyter.port import Port

PASS = registry.get("tensorize")
C = platforms.meeting_point()
TILED = next(p for p in map(platforms.get, platforms.names()) if p.memory("nram") is not None)
LANES = next(p for p in map(platforms.get, platforms.names()) if p.instrs and p.memory("register") is not None)
COUNT = 40


def tiled(body: str, t: str = "float", count: int = COUNT) -> Kernel:
    """A kernel of one core: a and b are brought in, c is brought back (and a and b too)."""
    arrays = " ".join(f"__nram__ {t} {x}[{count}];" for x in "abc")
    come = " ".join(f"__memcpy({x}, {x.upper()}, {count} * sizeof({t}), GDRAM2NRAM);" for x in "abc")
    go = " ".join(f"__memcpy({x.upper()}, {x}, {count} * sizeof({t}), NRAM2GDRAM);" for x in "abc")
    return parse(f"__mlu_global__ void kernel({t}* A, {t}* B, {t}* C, int n) {{ {arrays} {come}\n{body}\n{go} }}", TILED)


def plain(body: str, t: str = "float", out: str = "") -> Kernel:
    return parse(f'extern "C" void kernel({t}* a, {t}* b, {out or t}* c, int n) {{\n{body}\n}}', C)


def all_of(kernel: Kernel, platform: Any) -> tuple[Kernel, list[PassResult]]:
    """The kernel with every loop replaced that can be."""
    results = []
    while PASS.sites(kernel, platform):
        result = PASS.apply(kernel, platform)
        check(result.kernel)
        results.append(result)
        kernel = result.kernel
    return kernel, results


def values(kernel: Kernel, seed: int, n: int, size: int = 256, kinds: str = "") -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    types = {"f32": np.float32, "f64": np.float64, "i8": np.int8, "u8": np.uint8, "i32": np.int32}
    args: dict[str, Any] = {}
    for p in kernel.params:
        if not p.pointer:
            args[p.name] = n
            continue
        low = 1 if kinds == "positive" else -9
        raw = rng.integers(low, 10, size) / (4 if p.dtype.is_float else 1)
        args[p.name] = np.abs(raw).astype(types[p.dtype.name]) if p.dtype.kind == "uint" else raw.astype(types[p.dtype.name])
    return args


def same(before: Kernel, after: Kernel, n: int = 3, exact: bool = True, kinds: str = "") -> None:
    one, two = values(before, 1, n, kinds=kinds), values(before, 1, n, kinds=kinds)
    run(with_meanings(before), one)
    run(with_meanings(after), two)
    for name, want in one.items():
        if not isinstance(want, int):
            if exact:
                np.testing.assert_array_equal(two[name], want, err_msg=name)
            else:
                np.testing.assert_allclose(two[name], want, rtol=2e-5, atol=1e-6, err_msg=name)


def loops(kernel: Kernel) -> int:
    return sum(isinstance(s, For) and s.kind == "serial" for s in walk(kernel.body))


EACH = f"for (int i = 0; i < {COUNT}; i++) "
TILES = {
    "add": (EACH + "c[i] = a[i] + b[i];", True),
    "axpy": (EACH + "c[i] += 2.5f * a[i];", True),
    "relu": (EACH + "c[i] = fmaxf(a[i], 0.0f);", True),
    "leaky": (EACH + "c[i] = a[i] > 0 ? a[i] : 0.25f * a[i];", True),
    "gelu": (EACH + "c[i] = 0.5f * a[i] * (1.0f + tanhf(0.7978845608f * (a[i] + 0.044715f * a[i] * a[i] * a[i])));", False),
    "gelu_in_double": (EACH + "c[i] = 0.5 * a[i] * (1 + tanh(sqrt(2 / 3.14159265358979) * (a[i] + 0.044715 * pow(a[i], 3))));",
                       False),
    "sigmoid": (EACH + "c[i] = 1.0f / (1.0f + expf(-a[i]));", False),
    "silu": (EACH + "c[i] = a[i] / (1.0f + expf(-a[i]));", False),
    "softmax": (f"""float m = a[0];
for (int i = 1; i < {COUNT}; i++) if (a[i] > m) m = a[i];
float s = 0;
for (int j = 0; j < {COUNT}; j++) {{ a[j] = expf(a[j] - m); s += a[j]; }}
for (int k = 0; k < {COUNT}; k++) c[k] = a[k] / s;""", False),
    "rmsnorm": (f"""float s = 0;
for (int i = 0; i < {COUNT}; i++) s += a[i] * a[i];
float r = 1.0f / sqrtf(s / {COUNT} + 1e-5f);
for (int j = 0; j < {COUNT}; j++) c[j] = a[j] * r * b[j];""", False),
    "named_parts": (EACH + "{ float t = a[i] - b[i]; float u = t * t; c[i] = sqrtf(u + 0.5f); }", False),
    "swap": (EACH + "{ float t = a[i]; a[i] = b[i]; b[i] = t; c[i] = a[i] - b[i]; }", True),
    "tail": (EACH + "if (i < n) c[i] = a[i] + b[i];", True),
    "rows": ("for (int j = 0; j < 4; j++) for (int i = 0; i < 10; i++) c[j * 10 + i] = a[i] * b[j];", True),
}


@pytest.mark.parametrize("name", TILES)
def test_tiles(name: str, golden: Callable[[str, str], None]) -> None:
    body, exact = TILES[name]
    before = tiled(body)
    after, results = all_of(before, TILED)
    assert results and not any(isinstance(s, For) and s.kind == "serial" and not any(isinstance(x, InstrCall) for x in walk(s))
                               for s in walk(after.body))
    same(before, after, exact=exact)
    notes = "".join(f"// {r.note}\n" for r in results)
    golden(f"tensorize/tiled_{name}", notes + TILED.emit(after))


L = "for (int j = 0; j < n; j++) for (int l = 0; l < 16; l++) "
REGISTERS = {
    "add": (L + "c[j * 16 + l] = a[j * 16 + l] + b[j * 16 + l];", True),
    "axpy": (L + "c[j * 16 + l] += 2.5f * a[j * 16 + l];", False),
    "relu": (L + "c[j * 16 + l] = fmaxf(a[j * 16 + l], 0.0f);", True),
    "leaky": (L + "c[j * 16 + l] = a[j * 16 + l] > 0 ? a[j * 16 + l] : 0.25f * a[j * 16 + l];", True),
    "sign": (L + "c[j * 16 + l] = a[j * 16 + l] > 0 ? 1.0f : (a[j * 16 + l] < 0 ? -1.0f : 0.0f);", True),
    "in_double": (L + "c[j * 16 + l] = 0.5 * a[j * 16 + l] * (1 + 0.1 * a[j * 16 + l]);", False),
    "dot": ("for (int j = 0; j < n; j++) { float s = 0; for (int l = 0; l < 16; l++) s += a[j * 16 + l] * b[l]; c[j] = s; }",
            False),
    "largest": ("for (int j = 0; j < n; j++) { float s = -100; for (int l = 0; l < 16; l++) s = fmaxf(s, a[j * 16 + l]); "
                "c[j] = s; }", True),
    "gemm_row": ("for (int j = 0; j < n; j++) for (int l = 0; l < 16; l++) c[l] += a[j] * b[j * 16 + l];", False),
}


@pytest.mark.parametrize("name", REGISTERS)
def test_registers(name: str, golden: Callable[[str, str], None]) -> None:
    body, exact = REGISTERS[name]
    before = plain(body)
    after, results = all_of(before, LANES)
    assert len(results) == 1 and loops(after) == 1
    same(before, after, exact=exact)
    golden(f"tensorize/registers_{name}", f"// {results[0].note}\n" + LANES.emit(after))


BYTES = {
    "int8_t": "c[j * 64 + l] = a[j * 64 + l] > b[j * 64 + l] ? a[j * 64 + l] : b[j * 64 + l] + a[j * 64 + l];",
    "uint8_t": "c[j * 64 + l] = a[j * 64 + l] > b[j * 64 + l] ? a[j * 64 + l] : b[j * 64 + l];",
}


@pytest.mark.parametrize("t", BYTES)
def test_bytes(t: str, golden: Callable[[str, str], None]) -> None:
    before = plain("for (int j = 0; j < n; j++) for (int l = 0; l < 64; l++) " + BYTES[t], t)
    after, results = all_of(before, LANES)
    assert results and loops(after) == 1
    same(before, after)
    golden(f"tensorize/registers_{t}", LANES.emit(after))


def test_widening() -> None:
    body = "for (int j = 0; j < n; j++) for (int l = 0; l < 16; l++) c[j * 16 + l] += a[j * 16 + l] * b[j * 16 + l];"
    before = plain(body, "int8_t", "int")
    after, results = all_of(before, LANES)
    assert results and loops(after) == 1
    same(before, after)


def refused(kernel: Kernel, platform: Any, match: str, **knobs: Any) -> None:
    with pytest.raises(IllegalPassError, match=match) as caught:
        PASS.apply(kernel, platform, **knobs)
    assert caught.value.line is not None or "knob" in match or "no loop" in match


@pytest.mark.parametrize(("body", "why"), [
    (EACH + "c[i] = i * 2.0f;", "loop's own index i is a value"),
    (EACH + "c[i] = A[i] + b[i];", "A is in global memory.*stage it first"),
    ("for (int i = 0; i < 20; i++) c[i] = a[2 * i] + b[i];", "a moves by 2 elements"),
    ("for (int i = 1; i < 40; i++) c[i] = c[i - 1] + a[i];", "depend on each other"),
    (EACH + "c[i] = erff(a[i]);", "no row of .* computes erf of f32"),
    (EACH + "c[i] = powf(a[i], b[i]);", "computes pow of f32"),
    (EACH + "{ float t; if (a[i] > 0) t = b[i]; c[i] = t; }", "t may be read before"),
    (EACH + "c[i] = i < n ? A[i] : 0.0f;", "A is read only where a condition holds"),
    (EACH + "{ if (a[i] > 0) C[i] = b[i]; }", "C is written only where a condition holds"),
    ("for (int i = 0; i < 40; i += 2) c[i] = a[i] + b[i];", "does not step by 1"),
    ("float s = 0; for (int i = 0; i < 40; i++) { s += a[i]; c[i] = s; }", "depend on each other|added up so far"),
])
def test_refusals(body: str, why: str) -> None:
    refused(tiled(body), TILED, why)


def test_lengths_are_named() -> None:
    refused(plain("for (int l = 0; l < 12; l++) c[l] = a[l];"), LANES, "as many iterations as a vector has elements")


def test_no_row_for_the_exponential_in_registers() -> None:
    refused(plain("for (int l = 0; l < 16; l++) c[l] = expf(a[l]);"), LANES, "exp has no vector instruction")


def test_a_function_without_a_row_is_computed_lane_by_lane(golden: Callable[[str, str], None]) -> None:
    before = plain(L + "c[j * 16 + l] = 1.0f / (1.0f + expf(-a[j * 16 + l]));")
    after, results = all_of(before, LANES)
    assert len(results) == 1
    same(before, after)
    golden("tensorize/registers_sigmoid", f"// {results[0].note}\n" + LANES.emit(after))


def test_a_sum_of_doubles_that_may_cancel_keeps_its_type() -> None:
    refused(plain(L + "c[j * 16 + l] = 0.5 * a[j * 16 + l] * (1 + tanh((double)a[j * 16 + l]));"), LANES, "f64|conversion")


def test_a_sum_beside_what_it_sums() -> None:
    before = plain("for (int j = 0; j < n; j++) { float s = 0; for (int l = 0; l < 16; l++) { "
                   "a[j * 16 + l] = expf(a[j * 16 + l] - b[j]); s += a[j * 16 + l]; } c[j] = s; }")
    after, results = all_of(before, LANES)
    assert len(results) == 1 and "another order" in results[0].note
    same(before, after, exact=False)


def test_knobs() -> None:
    kernel = tiled(EACH + "c[i] = a[i] + b[i];")
    refused(kernel, TILED, "no knob", size=3)
    refused(kernel, TILED, "no loop 'q'", loop="q")
    refused(kernel, TILED, "without __bang_mul", loop="i", instr="__bang_mul")
    assert "__bang_add" in PASS.apply(kernel, TILED, loop="i", instr="__bang_add").note
    assert PASS.sites(kernel, C) == []
    refused(kernel, C, "no intrinsics|no loop")


# -- random expressions ------------------------------------------------------------------------------------------------


def _expressions(index: str) -> st.SearchStrategy[str]:
    leaf = st.sampled_from([f"a[{index}]", f"b[{index}]", f"c[{index}]", "2.0f", "0.5f", "s", "(s + 1.0f)"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
            st.builds("fmaxf({}, {})".format, inner, inner),
            st.builds("fabsf({})".format, inner),
            st.builds("(-{})".format, inner),
            st.builds("({} < {} ? {} : {})".format, inner, inner, inner, inner),
        )

    return st.recursive(leaf, grow, max_leaves=8)


def _body(parts: list[tuple[str, str]], index: str) -> str:
    return "{ " + " ".join(f"{target}[{index}] = {value};" for target, value in parts) + " }"


STATEMENTS = st.sampled_from(["a", "b", "c"])


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(STATEMENTS, _expressions("i")), min_size=1, max_size=3))
def test_random_tiles_mean_the_same(parts: list[tuple[str, str]]) -> None:
    tiles_mean_the_same(parts)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(STATEMENTS, _expressions("i")), min_size=1, max_size=3))
def test_many_random_tiles_mean_the_same(parts: list[tuple[str, str]]) -> None:
    tiles_mean_the_same(parts)


def tiles_mean_the_same(parts: list[tuple[str, str]]) -> None:
    before = tiled("float s = n * 0.5f; " + EACH + _body(parts, "i"))
    after, results = all_of(before, TILED)
    assert results
    same(before, after)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(STATEMENTS, _expressions("l + j * 16")), min_size=1, max_size=3))
def test_random_registers_mean_the_same(parts: list[tuple[str, str]]) -> None:
    registers_mean_the_same(parts)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(STATEMENTS, _expressions("l + j * 16")), min_size=1, max_size=3))
def test_many_random_registers_mean_the_same(parts: list[tuple[str, str]]) -> None:
    registers_mean_the_same(parts)


def registers_mean_the_same(parts: list[tuple[str, str]]) -> None:
    before = plain("float s = n * 0.5f; " + L + _body(parts, "l + j * 16"))
    try:
        PASS.apply(before, LANES)
    except IllegalPassError as e:
        assert "only where a condition holds" in e.message  # a side of a choice that may not be read
        return
    after, results = all_of(before, LANES)
    assert results
    same(before, after, exact=False)


# -- whole nests -------------------------------------------------------------------------------------------------------


def test_a_copy_of_rows_is_one_call() -> None:
    before = tiled("for (int i = 0; i < 5; i++) for (int j = 0; j < 4; j++) c[i * 4 + j] = A[i * 16 + j + n];")
    result = PASS.apply(before, TILED)
    assert loops(result.kernel) == 0 and "__memcpy" in result.note
    check(result.kernel)
    same(before, result.kernel)


def test_a_nest_that_is_no_instr() -> None:
    refused(tiled("for (int i = 0; i < 5; i++) for (int j = 0; j < 4; j++) c[i * 4 + j] = a[i * 4 + j] + j;"), TILED,
            "stands for the nest|is not", loop="i")


# -- NaN ---------------------------------------------------------------------------------------------------------------


def with_nans(kernel: Kernel, where: tuple[int, ...]) -> dict[str, Any]:
    args = values(kernel, 5, 3)
    for name in "ab":
        args[name][list(where)] = np.nan
    args["a"][20], args["b"][9] = np.inf, -np.inf
    return args


EXTREMES = {
    "passed over": "for (int j = 0; j < n; j++) {{ float s = b[j]; for (int l = 0; l < 16; l++) if (a[j * 16 + l] {} s) "
                   "s = a[j * 16 + l]; c[j] = s; }}",
    "fmax": "for (int j = 0; j < n; j++) {{ float s = b[j]; for (int l = 0; l < 16; l++) s = {}(s, a[j * 16 + l]); "
            "c[j] = s; }}",
    "elementwise": L + "c[j * 16 + l] = {}(a[j * 16 + l], b[j * 16 + l + 1]);",
}


@pytest.mark.parametrize("where", [(0,), (0, 3, 17), tuple(range(16)), (20, 31)])
@pytest.mark.parametrize("op", ["max", "min"])
@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_are_right_with_nans(name: str, op: str, where: tuple[int, ...]) -> None:
    word = {"max": ">", "min": "<"}[op] if name == "passed over" else f"f{op}f"
    before = plain(EXTREMES[name].format(word))
    result = PASS.apply(before, LANES)
    assert not result.uses and all("NaN and infinity alone" in a for a in result.assumptions) and (
        bool(result.assumptions) == (name == "fmax"))
    one, two = with_nans(before, where), with_nans(before, where)
    run(with_meanings(before), one)
    run(with_meanings(result.kernel), two)
    np.testing.assert_array_equal(two["c"], one["c"])


def test_what_hardware_does_otherwise_is_assumed_and_told_to_the_judge() -> None:
    last = "for (int j = 0; j < n; j++) { float s = b[j]; for (int l = 0; l < 16; l++) s = s > a[l] ? s : a[l]; c[j] = s; }"
    result = PASS.apply(plain(last), LANES)
    assert result.assumptions == ("no value is NaN",) and result.uses == ("finite",)
    masked = PASS.apply(tiled(EACH + "c[i] = a[i] > b[i] ? a[i] : 2.0f;"), TILED)
    assert masked.assumptions == ("every value is finite",) and masked.uses == ("finite",)


# -- warps -------------------------------------------------------------------------------------------------------------


def test_a_tile_for_a_warp() -> None:
    from test_warp_tiles import CUDA, bound, product

    kernel = bound(product())
    assert PASS.sites(kernel, CUDA)[0] == {"loop": "i_inner"}
    result = PASS.apply(kernel, CUDA, loop="i_inner")
    rows = {n.instr for n in walk(result.kernel) if isinstance(n, InstrCall)}
    assert any("mma_f16" in r for r in rows) and "mma_sync (16 x 16 x 16)" in result.note
    refused(kernel, CUDA, "without popc", loop="i_inner", instr="popc")
    refused(bound(product(depth=50)), CUDA, "multiple of 16 terms", loop="i_inner")


def test_what_a_fold_takes_for_granted_of_sizes_is_passed_on() -> None:
    before = plain("for (int j = 0; j < 5; j++) { c[j * n] = 0; for (int l = 0; l < 16; l++) c[j * n] += a[l]; }")
    result = PASS.apply(before, LANES, loop="l")
    assert result.assumptions == ("n >= 1",)


@pytest.mark.parametrize("fields", [{"deferred": True}, {"needs": "fp16"}])
def test_rows_that_run_until_a_wait_or_need_leave_are_not_taken_for_vectors(fields: dict[str, Any]) -> None:
    row = TILED.instr("__bang_add.f32")
    assert row is not None and _promising(row, None, frozenset([F32]))
    assert not _promising(dataclasses.replace(row, **fields), None, frozenset([F32]))


def test_the_verdict_says_what_is_assumed_and_is_tested_under_it() -> None:
    text = """extern "C" void rowmax(const float* a, float* c) {
  for (int i = 0; i < 4; i++) {
    float m = a[i * 32];
    for (int j = 0; j < 32; j++) m = m > a[i * 32 + j] ? m : a[i * 32 + j];
    c[i] = m;
  }
}"""
    port = Port(text, LANES.name).run()
    assert "_mm512_reduce_max_ps" in port.code and port.verdict.reaches("tested")
    assert {"no value is NaN", "values of a are finite numbers"} <= set(port.assumptions)
