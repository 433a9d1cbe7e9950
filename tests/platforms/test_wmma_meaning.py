"""WMMA rows of every type, shape and layout: the meaning and what we print against the simulator, bit for bit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from matrix_values import TRIALS, differing, draw, kinds, run, wide

from xpiler_jupyter.execute import Argument, Entry, Launch, executor
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import InstrCall
from xpiler_jupyter.ir.types import BF16, F16, F32, F64, I8, I32, U8
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry

CUDA, C = registry.get("cuda"), registry.meeting_point()
WIDE = ((16, 16, 16), (32, 8, 16), (8, 32, 16))
# Word of the factors in the fragment and in memory, their type, the accumulator's word and type, shapes.
KINDS = [("half", "half", F16, "float", F32, WIDE), ("half", "half", F16, "half", F16, WIDE),
         ("__nv_bfloat16", "__nv_bfloat16", BF16, "float", F32, WIDE), ("signed char", "int8_t", I8, "int", I32, WIDE),
         ("unsigned char", "uint8_t", U8, "int", I32, WIDE),
         ("wmma::precision::tf32", "float", F32, "float", F32, ((16, 16, 8),)), ("double", "double", F64, "double", F64, ((8, 8, 4),))]
CASES = [(*k[:5], *shape) for k in KINDS for shape in k[5]]


ROOM = 32 * 64  # elements of a matrix in memory, with what lies between its lines


def text(case: tuple) -> str:
    """Every row of a case, a trial per block: places and strides come with the trial."""
    declared, word, _, total, _, m, n, k = case
    shape, x = f"{m}, {n}, {k}", {"row": "0", "col": "1"}
    lines = [f"  wmma::fragment<wmma::matrix_{f}, {shape}, {declared}, wmma::{lay}_major> {f}{x[lay]};"
             for f, lay in product("ab", x)]
    lines += [f"  wmma::load_matrix_sync({f}{x[lay]}, p{f}, ld{f});" for f, lay in product("ab", x)]

    def product_of(a: str, b: str, at: int, before: str, out: str) -> list[str]:
        return [f"  {before}", f"  wmma::mma_sync(d, {a}, {b}, c);",
                f"  wmma::store_matrix_sync(D + (trial * 8 + {at}) * {ROOM} + offset, d, ldc, wmma::mem_{out}_major);"]

    load = "wmma::load_matrix_sync(c, pc, ldc, wmma::mem_{}_major);"
    lines += product_of("a0", "b0", 0, load.format("row"), "row")
    lines += product_of("a0", "b1", 1, load.format("col"), "col")
    lines += product_of("a1", "b0", 2, "wmma::fill_fragment(c, pc[0]);", "row")
    lines += product_of("a1", "b1", 3, "wmma::mma_sync(c, a0, b1, c);", "col")
    for at, (filled, with_, a, b) in enumerate((("a0", "pa", "a0", "b0"), ("b1", "pb", "a1", "b1"), ("b0", "pb", "a1", "b0"),
                                                ("a1", "pa", "a1", "b1"))):
        lines += product_of(a, b, 4 + at, f"wmma::fill_fragment({filled}, {with_}[0]);", "row")
    body = "\n".join(lines)
    return f"""__global__ void mma(const {word}* A, const {word}* B, const {total}* C, {total}* D, const int* L) {{
  int trial = blockIdx.x;
  int lda = L[trial * 4];
  int ldb = L[trial * 4 + 1];
  int ldc = L[trial * 4 + 2];
  int offset = L[trial * 4 + 3];
  const {word}* pa = A + trial * {ROOM} + offset;
  const {word}* pb = B + trial * {ROOM} + offset;
  const {total}* pc = C + trial * {ROOM} + offset;
  wmma::fragment<wmma::accumulator, {shape}, {total}> c, d;
{body}
}}
void host(const {word}* A, const {word}* B, const {total}* C, {total}* D, const int* L) {{
  mma<<<{TRIALS}, 32>>>(A, B, C, D, L);
}}
"""


def cut(x: np.ndarray, at: int, ld: int, lines: int, columns: int, layout: str) -> np.ndarray:
    """A matrix of one trial, from the elements that begin at `at`."""
    if layout == "col":
        return cut(x, at, ld, columns, lines, "row").T
    return np.lib.stride_tricks.as_strided(x[at:], (lines, columns), (ld * x.itemsize, x.itemsize))


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{c[3]}-{c[5]}x{c[6]}x{c[7]}".replace("wmma::precision::", ""))
def test_row(case: tuple) -> None:
    _, _, dtype, _, acc, m, n, k = case
    rng = np.random.default_rng(2)
    source = text(case)
    kernel = parse(source, "cuda")
    loops = passes.get("detensorize").apply(kernel, CUDA, forward=False).kernel
    plain = passes.get("loop_recovery").apply(loops, C).kernel
    types = {"A": dtype, "B": dtype, "C": acc, "D": acc, "L": I32}
    step = {16: 16, 32: 8, 64: 4, 8: 32}  # elements of 32 bytes
    narrow = max(m, n, k) + 16 * rng.integers(0, 2, (TRIALS, 3))
    offset = rng.integers(0, 4, TRIALS) * max(step[dtype.bits], step[acc.bits])
    ld = np.column_stack([narrow, offset]).astype(np.int32)
    values = {"A": draw(rng, dtype, ROOM), "B": draw(rng, dtype, ROOM), "C": draw(rng, acc, ROOM),
              "D": draw(rng, acc, ROOM * 8), "L": ld.ravel()}
    got = run("cuda", source[:source.index("void host")], "mma", types, values, TRIALS, 32)["D"]
    for platform, t in (("cuda", CUDA.emit(kernel)), ("c", C.emit(plain))):
        other = run(platform, t, "mma", types, values, *((TRIALS, 32) if platform == "cuda" else ()))["D"]
        wrong = differing(got, other, acc)
        assert not len(wrong), (platform, len(wrong), wrong[:8] // (8 * ROOM), wrong[:8] % (8 * ROOM) // ROOM)
    tight = {F16: 5e-2, F32: 1e-4, F64: 1e-12, I32: 0}[acc]
    for trial in np.flatnonzero(kinds(TRIALS) == 0)[:20]:
        la, lb, lc, at = (int(x) for x in ld[trial])
        where = int(trial) * ROOM + at
        for number, (a, b, c) in enumerate((("row", "row", "row"), ("row", "col", "col"))):
            x = wide(cut(values["A"], where, la, m, k, a), dtype)
            y = wide(cut(values["B"], where, lb, k, n, b), dtype)
            z = wide(cut(values["C"], where, lc, m, n, c), acc)
            d = wide(cut(got, (int(trial) * 8 + number) * ROOM + at, lc, m, n, c), acc)
            np.testing.assert_allclose(d, x @ y + z, rtol=tight, atol=tight)


def test_every_row_is_tried() -> None:
    tried = {n.instr for case in CASES for n in walk(parse(text(case), "cuda").body) if isinstance(n, InstrCall)}
    assert tried == {r.name for r in CUDA.instrs if "wmma" in r.name}


@pytest.mark.parametrize("bits", [0x3F801000, 0x3F800FFF, 0xBF803000, 0x7F7FFFFF, 0x7F800000, 0x7FC00001, 0x00001000, 0x80000FFF])
def test_rounding_to_tf32(bits: int) -> None:
    """To the nearest of 10 bits, ties away from zero; infinities and NaNs stay."""
    source = "__global__ void k(const float* A, float* D) { D[threadIdx.x] = wmma::__float_to_tf32(A[threadIdx.x]); }"
    plain = passes.get("loop_recovery").apply(parse(source + "\n// launch: grid(1) block(1)\n", "cuda"), C).kernel
    value = np.array([bits], np.uint32).view(np.float32)
    args = tuple(Argument(name, F32, True) for name in "AD")
    got = []
    for platform, t in (("cuda", source), ("c", C.emit(plain))):
        launch = Launch((1, 1, 1), (1, 1, 1), 0) if platform == "cuda" else None
        r = executor(platform, "sim").compile(t, Entry("k", args, launch)).run({"A": value, "D": np.zeros(1, np.float32)}, {})
        assert r.fault is None, r.fault
        got.append(int(r.outputs["D"].view(np.uint32)[0]))
    if np.isnan(value[0]):
        assert got == [bits, bits]
        return
    sign, magnitude = bits & 0x80000000, bits & 0x7FFFFFFF
    kept, rest = magnitude >> 13, magnitude & 0x1FFF
    expected = sign | ((kept + (rest >= 0x1000)) << 13)
    assert got == [expected, expected]
