"""MFMA rows: each builtin's meaning, by way of recovered loops, against the simulator and NumPy; and each fragment row."""

from __future__ import annotations

import numpy as np
import pytest
from matrix_values import TRIALS, differing, draw, kinds, run, wide

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.types import BF16, F16, F32, F64, I8, I32
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.hip.mfma import SHAPES, Shape

HIP, C = registry.get("hip"), registry.meeting_point()
WORDS = {F16: "half", BF16: "__hip_bfloat16", F32: "float", F64: "double", I8: "int8_t", I32: "int"}


def per_lane_text(s: Shape) -> str:
    """A kernel of a wave per trial: C += A * B, `blocks` times, in the way a person spreads matrices over lanes."""
    lanes, registers, word, factor = 64 // s.blocks, s.registers // s.blocks, WORDS[s.acc], WORDS[s.dtype]
    row = "4 * r + lane / 16" if s.acc == F64 else f"r / 4 * {256 // s.m} + lane / {s.m} * 4 + r % 4"
    sizes = {"A": s.m * s.k * s.blocks, "B": s.m * s.k * s.blocks, "C": s.m * s.m * s.blocks}
    place = f"trial * {sizes['C']} + n * {s.m * s.m} + ({row}) * {s.m} + lane % {s.m}"
    k = f"lane % {lanes} / {s.m} * {s.parts} + i"
    at = {"a": f"A[trial * {sizes['A']} + block * {s.m * s.k} + lane % {s.m} * {s.k} + {k}]",
          "b": f"B[trial * {sizes['B']} + block * {s.m * s.k} + ({k}) * {s.m} + lane % {s.m}]"}
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
  int trial = blockIdx.x;
  int lane = threadIdx.x;
  int block = {f'lane / {lanes}' if s.blocks > 1 else '0'};
  {load}
  sums d;
  {each} d[{register}] = C[{place}];
  d = __builtin_amdgcn_mfma_{s.builtin}(a, b, d, 0, 0, 0);
  {each} C[{place}] = d[{register}];
}}
void host({factor}* A, {factor}* B, {word}* C) {{ mma<<<{TRIALS}, 64>>>(A, B, C); }}
"""


@pytest.mark.parametrize("s", SHAPES, ids=lambda s: s.builtin)
def test_builtin(s: Shape) -> None:
    source = per_lane_text(s)
    kernel = parse(source, "hip")
    plain = passes.get("loop_recovery").apply(kernel, C).kernel
    rng, n, types = np.random.default_rng(11), s.blocks, {"A": s.dtype, "B": s.dtype, "C": s.acc}
    values = {"A": draw(rng, s.dtype, n * s.m * s.k), "B": draw(rng, s.dtype, n * s.k * s.m), "C": draw(rng, s.acc, n * s.m * s.m)}
    got = run("hip", source[:source.index("void host")], "mma", types, values, TRIALS, 64)["C"]
    for platform, text in (("hip", HIP.emit(kernel)), ("c", C.emit(plain))):
        other = run(platform, text, "mma", types, values, *((TRIALS, 64) if platform == "hip" else ()))["C"]
        wrong = differing(got, other, s.acc)
        assert not len(wrong), (platform, len(wrong), wrong[:8] // (n * s.m * s.m))
    shapes = {"A": (s.m, s.k), "B": (s.k, s.m), "C": (s.m, s.m)}
    chosen = kinds(TRIALS) == 0
    a, b, c = (wide(values[x].reshape(TRIALS, n, *shapes[x])[chosen], types[x]) for x in "ABC")
    d = wide(got.reshape(TRIALS, n, s.m, s.m)[chosen], s.acc)
    np.testing.assert_allclose(d, a @ b + c, rtol=1e-4, atol=0 if s.acc == I32 else 1e-3)


def test_every_builtin_has_a_row() -> None:
    assert {f"mfma_{s.builtin}" for s in SHAPES} == {r.name for r in HIP.instrs if r.word.startswith("__builtin_") and any(o.per_lane for o in r.operands)}
