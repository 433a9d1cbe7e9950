"""MFMA rows: each builtin's meaning, by way of recovered loops, against the simulator and NumPy; and each fragment row."""

from __future__ import annotations

import numpy as np
import pytest

from xpiler_jupyter.execute import Argument, Entry, Launch, executor
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.types import BF16, F16, F32, F64, I8, I32, ScalarType
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.hip.mfma import SHAPES, Shape

HIP, C = registry.get("hip"), registry.meeting_point()
WORDS = {F16: "half", BF16: "__hip_bfloat16", F32: "float", F64: "double", I8: "int8_t", I32: "int"}
ARRAYS = {F16: np.float16, BF16: np.uint16, F32: np.float32, F64: np.float64, I8: np.int8, I32: np.int32}


def per_lane_text(s: Shape) -> str:
    """A kernel of one wave: C += A * B, `blocks` times, in the way a person spreads matrices over lanes."""
    lanes, registers, word, factor = 64 // s.blocks, s.registers // s.blocks, WORDS[s.acc], WORDS[s.dtype]
    row = "4 * r + lane / 16" if s.acc == F64 else f"r / 4 * {256 // s.m} + lane / {s.m} * 4 + r % 4"
    place = f"n * {s.m * s.m} + ({row}) * {s.m} + lane % {s.m}"
    k = f"lane % {lanes} / {s.m} * {s.parts} + i"
    at = {"a": f"A[block * {s.m * s.k} + lane % {s.m} * {s.k} + {k}]",
          "b": f"B[block * {s.m * s.k} + ({k}) * {s.m} + lane % {s.m}]"}
    types = ""
    if s.parts == 1:
        load = "".join(f"{word} {v} = {at[v].replace(' * 1 + i', '')}; " for v in at)
    elif s.held[1]:
        types = f"typedef {'_Float16' if s.dtype == F16 else 'short'} part __attribute__((ext_vector_type(4)));\n"
        bits = "" if s.dtype == F16 else "*(const short*)&"
        load = f"part a, b; for (int i = 0; i < 4; i++) {{ {' '.join(f'{v}[i] = {bits}{at[v]};' for v in at)} }}"
    else:
        unsigned, signed = ("uint64_t", "int64_t") if s.held[0].bits == 64 else ("uint32_t", "int")
        load = f"{signed} a = 0, b = 0; for (int i = 0; i < {s.parts}; i++) {{ " + "".join(
            f"{v} |= (({unsigned}){at[v]} & 255) << 8 * i; " for v in at) + "}"
    each = f"for (int n = 0; n < {s.blocks}; n++) for (int r = 0; r < {registers}; r++)"
    if s.blocks == 1:
        each, place = f"for (int r = 0; r < {registers}; r++)", place.replace(f"n * {s.m * s.m} + ", "")
    register = f"n * {registers} + r" if s.blocks > 1 else "r"
    return f"""{types}using sums = __attribute__((__vector_size__({s.registers} * sizeof({word})))) {word};
__global__ void mma(const {factor}* A, const {factor}* B, {word}* C) {{
  int lane = threadIdx.x;
  int block = {f'lane / {lanes}' if s.blocks > 1 else '0'};
  {load}
  sums d;
  {each} d[{register}] = C[{place}];
  d = __builtin_amdgcn_mfma_{s.builtin}(a, b, d, 0, 0, 0);
  {each} C[{place}] = d[{register}];
}}
void host({factor}* A, {factor}* B, {word}* C) {{ mma<<<1, 64>>>(A, B, C); }}
"""


def matrices(s: Shape, rng: np.random.Generator) -> dict[str, np.ndarray]:
    def some(n: int, t: ScalarType) -> np.ndarray:
        if t == I8:
            return rng.integers(-128, 128, n).astype(np.int8)
        if t == I32:
            return rng.integers(-1 << 20, 1 << 20, n).astype(np.int32)
        x = rng.standard_normal(n) * np.exp2(rng.integers(-6, 7, n))
        return (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16) if t == BF16 else x.astype(ARRAYS[t])

    n = s.blocks
    return {"A": some(n * s.m * s.k, s.dtype), "B": some(n * s.k * s.m, s.dtype), "C": some(n * s.m * s.m, s.acc)}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def run(platform: str, text: str, function: str, s: Shape, values: dict[str, np.ndarray]) -> np.ndarray:
    args = tuple(Argument(name, s.acc if name == "C" else s.dtype, True) for name in values)
    launch = Launch((1, 1, 1), (64, 1, 1), 0) if platform == "hip" else None
    r = executor(platform, "sim").compile(text, Entry(function, args, launch)).run({k: v.copy() for k, v in values.items()}, {})
    assert r.fault is None, r.fault
    return r.outputs["C"]


def wide(x: np.ndarray, t: ScalarType) -> np.ndarray:
    return (x.astype(np.uint32) << 16).view(np.float32).astype(np.float64) if t == BF16 else x.astype(np.float64)


@pytest.mark.parametrize("s", SHAPES, ids=lambda s: s.builtin)
def test_builtin(s: Shape, rng: np.random.Generator) -> None:
    source = per_lane_text(s)
    kernel = parse(source, "hip")
    plain = passes.get("loop_recovery").apply(kernel, C).kernel
    device, host = source[:source.index("void host")], C.emit(plain)
    for _ in range(5):
        values = matrices(s, rng)
        got = run("hip", device, "mma", s, values)
        np.testing.assert_array_equal(got, run("hip", HIP.emit(kernel), "mma", s, values))
        np.testing.assert_array_equal(got, run("c", host, "mma", s, values))
        a, b = (wide(values[n], s.dtype).reshape(s.blocks, *d) for n, d in (("A", (s.m, s.k)), ("B", (s.k, s.m))))
        c = wide(values["C"], s.acc).reshape(s.blocks, s.m, s.m)
        np.testing.assert_allclose(got.reshape(c.shape), a @ b + c, rtol=1e-4, atol=0 if s.acc == I32 else 1e-3)
