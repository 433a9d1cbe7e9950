"""detensorize: what the loops look like, that they compute the same, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from interp import run

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import Meanings
from xpiler_jupyter.ir.nodes import For, InstrCall, Kernel, Ref, const_int
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.platforms import registry as platforms
from xpiler_jupyter.port import Port

C, CUDA = platforms.meeting_point(), platforms.get("cuda")
DETENSORIZE, RECOVERY = registry.get("detensorize"), registry.get("loop_recovery")
FRAGMENTS = """using namespace nvcuda;
wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> b;
wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
"""
STEP = "wmma::load_matrix_sync(a, A + row * 32 + k, 32); wmma::load_matrix_sync(b, B + col * 32 + k, 32); " \
       "wmma::mma_sync(c, a, b, c);"
STORE = "wmma::store_matrix_sync(C + row * 32 + col, c, 32, wmma::mem_row_major);"
LOOP = f"wmma::fill_fragment(c, 0.0f); for (int k = 0; k < 32; k += 16) {{ {STEP} }} {STORE}"
TILE = f"int row = blockIdx.y * 16; int col = blockIdx.x * 16; {LOOP}"


def kernel(body: str, launch: str = "dim3(2, 2), 32", front: str = FRAGMENTS) -> Kernel:
    params = "const half* A, const half* B, float* C, int n"
    return parse(f"__global__ void mm({params}) {{ {front} {body} }}\n"
                 f"void host({params}) {{ mm<<<{launch}>>>(A, B, C, n); }}", "cuda")


def loops(k: Kernel, **knobs: object) -> Kernel:
    done = DETENSORIZE.apply(k, CUDA, **knobs).kernel
    check(done, frozenset(a.name for a in CUDA.axes if a.level == "block"))
    assert not any(isinstance(n, InstrCall) for n in walk(done.body))
    assert "wmma" not in CUDA.emit(done)
    return done


def product(k: Kernel) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel leaves in C, and A times B transposed."""
    rng = np.random.default_rng(3)
    a, b = (rng.integers(-4, 5, (32, 32)).astype(np.float16) for _ in "ab")
    c = np.full((32, 32), np.nan, np.float32)
    run(k, {"A": a.copy(), "B": b.copy(), "C": c, "n": 32})
    return c, a.astype(np.float32) @ b.astype(np.float32).T


WARPS = f"int warp = threadIdx.x / 32; int row = warp * 16; int col = blockIdx.x * 16; {LOOP}"
STAGED = """__shared__ half tile[16][40]; __shared__ float out[256];
int row = blockIdx.y * 16; int col = blockIdx.x * 16;
wmma::fill_fragment(c, 0.0f);
for (int k = 0; k < 32; k += 16) {
  for (int i = threadIdx.x; i < 256; i += 32) { tile[i / 16][i % 16] = A[(row + i / 16) * 32 + k + i % 16]; }
  __syncthreads();
  wmma::load_matrix_sync(a, &tile[0][0], 40);
  wmma::load_matrix_sync(b, B + col * 32 + k, 32);
  wmma::mma_sync(c, a, b, c);
  __syncthreads();
}
wmma::store_matrix_sync(out, c, 16, wmma::mem_row_major);
__syncthreads();
for (int i = threadIdx.x; i < 256; i += 32) { C[(row + i / 16) * 32 + col + i % 16] = out[i]; }
"""
STAGED_WARPS = """__shared__ half tile[16][48];
int warp = threadIdx.x / 32; int row = warp * 16; int col = blockIdx.x * 16;
wmma::fill_fragment(c, 0.0f);
for (int k = 0; k < 32; k += 16) {
  for (int i = threadIdx.x; i < 256; i += 64) { tile[i / 16][i % 16] = B[(col + i / 16) * 32 + k + i % 16]; }
  __syncthreads();
  wmma::load_matrix_sync(a, A + row * 32 + k, 32);
  wmma::load_matrix_sync(b, tile[0], 48);
  wmma::mma_sync(c, a, b, c);
  __syncthreads();
}
wmma::store_matrix_sync(C + row * 32 + col, c, 32, wmma::mem_row_major);
"""
ELEMENTS = TILE.replace(STORE, "for (int t = 0; t < c.num_elements; t++) c.x[t] = c.x[t] * 2.0f - c.x[t]; " + STORE)
CASES = {
    "elements": (ELEMENTS, "dim3(2, 2), 32"),
    "tile": (TILE, "dim3(2, 2), 32"),
    "warps": (WARPS, "2, 64"),
    "staged": (STAGED, "dim3(2, 2), 32"),
    "staged_warps": (STAGED_WARPS, "dim3(2, 1), 64"),
    "square_block": (TILE, "dim3(2, 2), dim3(8, 4)"),
}


@pytest.mark.parametrize("name", CASES)
def test_loops_compute_what_the_intrinsics_mean(name: str, golden: Callable[[str, str], None]) -> None:
    done = loops(kernel(*CASES[name]))
    got, wanted = product(done)
    np.testing.assert_array_equal(got, wanted)
    golden(f"detensorize/{name}", CUDA.emit(done))


@pytest.mark.parametrize("name", CASES)
def test_then_the_lanes_disappear(name: str, golden: Callable[[str, str], None]) -> None:
    plain = RECOVERY.apply(loops(kernel(*CASES[name])), C).kernel
    check(plain)
    got, wanted = product(plain)
    np.testing.assert_array_equal(got, wanted)
    if name == "tile":  # one warp that does everything together: no loop over threads is left
        assert not any(isinstance(n, For) and n.hi == const_int(32) and n.step == const_int(1) for n in walk(plain.body))
    golden(f"detensorize/{name}_recovered", C.emit(plain))


def test_tiles_can_stay() -> None:
    done = loops(kernel(TILE), forward=False)
    assert "half a[16][16];" in CUDA.emit(done)
    got, wanted = product(done)
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(("body", "launch", "said"), [
    (f"if (threadIdx.x < 16) {{ {TILE} }}", "1, 32", "not all lanes of a warp are shown to come"),
    (f"if (threadIdx.x == 3) return; {TILE}", "1, 32", "may return before the others"),
    (f"int row = threadIdx.x; int col = 0; {LOOP}", "1, 32", "operands of wmma_load_a_f16_m16n16k16_row"),
    (TILE, "dim3(2, 2), 48", "48 threads"),
    (TILE, "dim3(2, 2), dim3(16, 4)", "16 x 4 threads"),
    (TILE, "dim3(2, 2), n", "is not known"),
    (f"int row = 0; int col = 0; for (int k = 0; k < 32; k += 16) {{ if (threadIdx.x == k) break; {STEP} }}", "1, 32",
     "not all lanes"),
    (ELEMENTS.replace("* 2.0f", "* threadIdx.x"), "1, 32", "differs between lanes"),
    (ELEMENTS.replace("for (int t", "if (threadIdx.x == 1) for (int t"), "1, 32", "not all lanes"),
    ("C[0] = 1;", "1, 32", "no intrinsics"),
])
def test_refusals(body: str, launch: str, said: str) -> None:
    with pytest.raises(IllegalPassError, match=said):
        DETENSORIZE.apply(kernel(body, launch), CUDA)


@pytest.mark.parametrize("name", [i.name for i in CUDA.instrs])
def test_every_meaning_can_be_read(name: str) -> None:
    row = CUDA.instr(name)
    assert row is not None
    args = tuple(Ref(o.name.upper(), tuple(const_int(0) for _ in o.shape or (0,)), o.dtype)  # type: ignore[arg-type]
                 if o.memory else const_int(16) for o in row.operands)
    lane = "l" if any(o.per_lane for o in row.operands) else ""
    assert bool(Meanings(kernel("C[0] = 1;")).of(InstrCall(name, args), lane)) == bool(row.meaning)  # a fence does nothing alone


@pytest.mark.parametrize("target", ["c", "hip"])
def test_a_whole_port(target: str) -> None:
    text = f"""__global__ void mm(half* A, half* B, float* C) {{ {FRAGMENTS} {TILE} }}
extern "C" void mm_host(half* A, half* B, float* C) {{
  half *d_A, *d_B; float* d_C;
  cudaMalloc(&d_A, 1024 * sizeof(half)); cudaMalloc(&d_B, 1024 * sizeof(half)); cudaMalloc(&d_C, 1024 * sizeof(float));
  cudaMemcpy(d_A, A, 1024 * sizeof(half), cudaMemcpyHostToDevice);
  cudaMemcpy(d_B, B, 1024 * sizeof(half), cudaMemcpyHostToDevice);
  mm<<<dim3(2, 2), 32>>>(d_A, d_B, d_C);
  cudaMemcpy(C, d_C, 1024 * sizeof(float), cudaMemcpyDeviceToHost);
}}"""
    port = Port(text, target).run()
    assert port.finished and port.verdict.reaches("tested")
    assert [s.pass_name for s in port.steps][:2] == ["detensorize", "loop_recovery"]
    assert "wmma" not in port.code
