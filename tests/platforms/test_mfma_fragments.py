"""Products of a wave's matrices on HIP: every row's text compiles, reads back, and computes what its meaning says."""

from __future__ import annotations

import numpy as np
import pytest
from matrix_values import TRIALS, differing, draw
from matrix_values import run as trial_run

from xpiler_jupyter.errors import UnsupportedError
from xpiler_jupyter.execute import Argument, Entry, Launch, executor
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, InstrCall, Kernel
from xpiler_jupyter.ir.types import BF16, F16, F32, F64, I8, I32, ScalarType
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.hip.device import compile_check
from xpiler_jupyter.platforms.hip.fragments import definitions
from xpiler_jupyter.platforms.hip.mfma import SHAPES, Shape

HIP, C = registry.get("hip"), registry.meeting_point()
WORDS = {F16: "half", BF16: "__hip_bfloat16", F32: "float", F64: "double", I8: "int8_t", I32: "int"}
ARRAYS = {F16: np.float16, BF16: np.uint16, F32: np.float32, F64: np.float64, I8: np.int8, I32: np.int32}
WHOLE = [s for s in SHAPES if s.blocks == 1 and "gfx90a" in s.arch]
SIZE = 64


def text(s: Shape, a: str = "row", b: str = "row", c: str = "row") -> str:
    """A 64x64x64 product, two waves per block, one tile each; C is added to."""
    t, word, n = s.tag, WORDS[s.dtype], SIZE
    at = {"row": "({0}) * 64 + {1}", "col": "({1}) * 64 + {0}"}
    wanted = [f"mfma_{u}_{t}" for u in "abc"] + [f"mfma_load_{u}_{t}_{lay}" for u, lay in (("a", a), ("b", b), ("c", c))]
    ours = registry.get("hip").definitions
    needed = [d for w, d in ours.items() if w in [*wanted, f"mfma_store_c_{t}_{c}", f"mfma_fill_c_{t}"] or "ext_vector" in d]
    return "\n".join(needed) + f"""
__global__ void gemm(const {word}* A, const {word}* B, {WORDS[s.acc]}* C) {{
  int row = (blockIdx.y * 2 + threadIdx.x / 64) * {s.m};
  int col = blockIdx.x * {s.m};
  mfma_a_{t} a;
  mfma_b_{t} b;
  mfma_c_{t} c, zero;
  mfma_load_c_{t}_{c}(c, C + {at[c].format('row', 'col')}, {n});
  mfma_fill_c_{t}(zero, 0);
  for (int k = 0; k < {n}; k += {s.k}) {{
    mfma_load_a_{t}_{a}(a, A + {at[a].format('row', 'k')}, {n});
    mfma_load_b_{t}_{b}(b, B + {at[b].format('k', 'col')}, {n});
    c = __builtin_amdgcn_mfma_{s.builtin}(a, b, c, 0, 0, 0);
    zero = __builtin_amdgcn_mfma_{s.builtin}(a, b, zero, 0, 0, 0);
  }}
  mfma_store_c_{t}_{c}(C + {at[c].format('row', 'col')}, c, {n});
}}
void host(const {word}* A, const {word}* B, {WORDS[s.acc]}* C) {{
  gemm<<<dim3({n // s.m}, {n // s.m // 2}), 128>>>(A, B, C);
}}
"""


def some(rng: np.random.Generator, t: ScalarType) -> np.ndarray:
    if t == I8:
        return rng.integers(-128, 128, (SIZE, SIZE)).astype(np.int8)
    if t == I32:
        return rng.integers(-1 << 20, 1 << 20, (SIZE, SIZE)).astype(np.int32)
    x = rng.standard_normal((SIZE, SIZE))
    return (x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16) if t == BF16 else x.astype(ARRAYS[t])


def wide(x: np.ndarray, t: ScalarType) -> np.ndarray:
    return (x.astype(np.uint32) << 16).view(np.float32).astype(np.float64) if t == BF16 else x.astype(np.float64)


def run(source: str, s: Shape, values: dict[str, np.ndarray]) -> np.ndarray:
    args = tuple(Argument(n, s.acc if n == "C" else s.dtype, True) for n in values)
    launch = Launch((SIZE // s.m, SIZE // s.m // 2, 1), (128, 1, 1), 0)
    r = executor("hip", "sim").compile(source, Entry("gemm", args, launch)).run({k: v.copy() for k, v in values.items()}, {})
    assert r.fault is None, r.fault
    return r.outputs["C"]


def read(source: str) -> Kernel:
    kernel = parse(source, "hip")
    assert {n.memory for n in walk(kernel.body) if isinstance(n, Alloc)} == {"fragment"}
    assert sum(isinstance(n, InstrCall) for n in walk(kernel.body)) == 7
    return kernel


@pytest.mark.parametrize("s", WHOLE, ids=lambda s: s.tag)
@pytest.mark.parametrize("layouts", ["row row row", "col col col"])
def test_gemm(s: Shape, layouts: str) -> None:
    source = text(s, *layouts.split())
    kernel = read(source)
    printed = HIP.emit(kernel)
    assert HIP.emit(read(printed)) == printed
    checked = compile_check(printed)
    assert checked.status == "pass", checked.detail
    loops = HIP.emit(passes.get("detensorize").apply(kernel, HIP).kernel)
    assert "mfma" not in loops
    rng = np.random.default_rng(5)
    values = {"A": some(rng, s.dtype), "B": some(rng, s.dtype), "C": some(rng, s.acc)}
    got = run(printed, s, values)
    np.testing.assert_array_equal(got, run(loops, s, values))
    a, b, c = (wide(values[n], t) for n, t in (("A", s.dtype), ("B", s.dtype), ("C", s.acc)))
    expected = a @ b + c if layouts[0] == "r" else (a.T @ b.T).T + c
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=0 if s.acc == I32 else 1e-4)


ROOM = 32 * 48  # elements of a matrix in memory, with what lies between its lines


def trials_text(s: Shape) -> str:
    """Every row of a shape, a wave and a trial per block: places and strides come with the trial."""
    t, word, total = s.tag, WORDS[s.dtype], WORDS[s.acc]
    needed = [d for w, d in HIP.definitions.items() if t in w or "ext_vector" in d]
    lines, at = [], 0
    for a in ("row", "col"):
        for b in ("row", "col"):
            lines += [f"mfma_load_a_{t}_{a}(a, A + trial * {ROOM} + offset, lda);",
                      f"mfma_load_b_{t}_{b}(b, B + trial * {ROOM} + offset, ldb);",
                      f"mfma_load_c_{t}_{a}(c, C + trial * {ROOM} + offset, ldc);" if a == b else
                      f"mfma_fill_c_{t}(c, C[trial * {ROOM} + offset]);",
                      f"c = __builtin_amdgcn_mfma_{s.builtin}(a, b, c, 0, 0, 0);",
                      f"mfma_store_c_{t}_{b}(D + (trial * 4 + {at}) * {ROOM} + offset, c, ldc);"]
            at += 1
    body = "\n  ".join(lines)
    return "\n".join(needed) + f"""
__global__ void mma(const {word}* A, const {word}* B, const {total}* C, {total}* D, const int* L) {{
  int trial = blockIdx.x;
  int lda = L[trial * 4];
  int ldb = L[trial * 4 + 1];
  int ldc = L[trial * 4 + 2];
  int offset = L[trial * 4 + 3];
  mfma_a_{t} a;
  mfma_b_{t} b;
  mfma_c_{t} c;
  {body}
}}
void host(const {word}* A, const {word}* B, const {total}* C, {total}* D, const int* L) {{
  mma<<<{TRIALS}, 64>>>(A, B, C, D, L);
}}
"""


@pytest.mark.parametrize("s", WHOLE, ids=lambda s: s.tag)
def test_rows(s: Shape) -> None:
    source = trials_text(s)
    kernel = parse(source, "hip")
    loops = passes.get("detensorize").apply(kernel, HIP, forward=False).kernel
    plain = C.emit(passes.get("loop_recovery").apply(loops, C).kernel)
    rng, types = np.random.default_rng(12), {"A": s.dtype, "B": s.dtype, "C": s.acc, "D": s.acc, "L": I32}
    ld = np.column_stack([max(s.m, s.k) + rng.integers(0, 12, (TRIALS, 3)), rng.integers(0, 64, TRIALS)]).astype(np.int32)
    values = {"A": draw(rng, s.dtype, ROOM), "B": draw(rng, s.dtype, ROOM), "C": draw(rng, s.acc, ROOM),
              "D": draw(rng, s.acc, ROOM * 4), "L": ld.ravel()}
    got = trial_run("hip", source[:source.index("void host")], "mma", types, values, TRIALS, 64)["D"]
    wrong = differing(got, trial_run("c", plain, "mma", types, values)["D"], s.acc)
    assert not len(wrong), (len(wrong), wrong[:8] // (4 * ROOM), wrong[:8] % (4 * ROOM) // ROOM)


def test_every_row_is_tried() -> None:
    tried = {n.instr for s in WHOLE for n in walk(parse(trials_text(s), "hip").body) if isinstance(n, InstrCall)}
    assert tried == {r.name for r in HIP.instrs if r.name.startswith("mfma_") and not any(o.per_lane for o in r.operands)}


def test_a_helper_that_somebody_changed_is_not_ours() -> None:
    s = WHOLE[0]
    source = text(s).replace("f[r] = v;", "f[r] = v + v;")
    with pytest.raises(UnsupportedError, match="only instructions can use"):
        parse(source, "hip")


def test_elements_of_an_accumulator() -> None:
    """A loop over a lane's registers is one over all elements of the wave's matrix."""
    s = next(s for s in WHOLE if s.tag == "f16_m32n32k8")
    head, tail = text(s).split("__global__")
    body = tail.replace("  mfma_store_c", "  for (int i = 0; i < 16; i++) c[i] = c[i] * 0.5f + zero[i];\n  mfma_store_c")
    kernel = parse(head + "__global__" + body, "hip")
    printed = HIP.emit(kernel)
    assert "for (int i = 0; i < 16; i++) {" in printed and "num_elements" not in printed
    assert HIP.emit(parse(printed, "hip")) == printed and compile_check(printed).status == "pass"
    rng = np.random.default_rng(6)
    values = {"A": some(rng, s.dtype), "B": some(rng, s.dtype), "C": some(rng, s.acc)}
    got = run(printed, s, values)
    np.testing.assert_array_equal(got, run(HIP.emit(passes.get("detensorize").apply(kernel, HIP).kernel), s, values))
    a, b, c = (wide(values[n], t) for n, t in (("A", s.dtype), ("B", s.dtype), ("C", s.acc)))
    np.testing.assert_allclose(got, 1.5 * (a @ b) + 0.5 * c, rtol=1e-4, atol=1e-4)


def test_every_word_has_a_row() -> None:
    declared = {o.declared for r in HIP.instrs for o in r.operands}
    for word in definitions():
        assert HIP.overloads(word) or word in declared, word
