"""The matcher on values with a shape of their own: fragments of a warp, registers of a vector unit."""

from __future__ import annotations

import pytest
from matchkit import Move, kernel, loop_of, refused, same, taken, tried

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.ir.nodes import Const, InstrCall, Kernel, Ref
from xpiler_jupyter.passes._match import find_sites, match
from xpiler_jupyter.passes.base import loop_labels, replace_node
from xpiler_jupyter.platforms import registry as platforms

CUDA, VNNI = platforms.get("cuda"), platforms.get("vnni")

TILE = """(const T* A, const T* B, float* C) { T a[16][16]; T b[16][16]; float c[16][16];
  for (int i = 0; i < 16; i++) for (int j = 0; j < 16; j++) c[i][j] = 0.0f;
  for (int k = 0; k < 2; k++) {
    for (int x = 0; x < 16; x++) for (int y = 0; y < 16; y++) a[x][y] = A[x * 32 + k * 16 + y];
    for (int z = 0; z < 16; z++) for (int w = 0; w < 16; w++) b[z][w] = B[FROM];
    for (int p = 0; p < 16; p++) for (int q = 0; q < 16; q++) for (int r = 0; r < 16; r++) c[p][q] += TERM;
  }
  for (int s = 0; s < 16; s++) for (int t = 0; t < 16; t++) C[s * 24 + t] = c[s][t]; }"""


def tile(term: str = "(float)a[p][r] * (float)b[r][q]", at: str = "(k * 16 + z) * 40 + w", t: str = "_Float16") -> Kernel:
    text = TILE.replace("TERM", term).replace("FROM", at).replace("T ", f"{t} ").replace("T*", f"{t}*")
    return kernel("cuda", text, a="fragment", b="fragment", c="fragment")


SITES = [("i", "wmma_fill_c_f32_m16n16k16"), ("x", "wmma_load_a_f16_m16n16k16_row"), ("z", "wmma_load_b_f16_m16n16k16_row"),
         ("p", "wmma_mma_f16_m16n16k16_f32_row_row"), ("s", "wmma_store_f32_m16n16k16_row")]


@pytest.mark.parametrize(("label", "row"), SITES)
def test_each_step_of_a_tile(label: str, row: str) -> None:
    taken(tile(), row, label)


def test_all_steps_agree_on_layouts() -> None:
    assert find_sites(tile(), CUDA) == SITES
    turned = find_sites(tile(at="w * 40 + k * 16 + z"), CUDA)
    assert turned[2:4] == [("z", "wmma_load_b_f16_m16n16k16_col"), ("p", "wmma_mma_f16_m16n16k16_f32_row_col")]


def test_the_whole_tile_with_calls_computes_the_same() -> None:
    k = put = tile()
    for label, name in SITES:
        row = CUDA.instr(name)
        assert row is not None
        call = match(put, loop_of(k, label), row, CUDA)
        assert isinstance(call, InstrCall), call
        put = replace_node(put, loop_of(k, label), call)
    assert not set(loop_labels(put)) - {"k"}
    same(k, with_meanings(put), 3, 2048)


def test_a_value_that_another_call_declares_otherwise() -> None:
    k = tile()
    row = CUDA.instr("wmma_load_b_f16_m16n16k16_col")
    turned = tile(at="w * 40 + k * 16 + z")
    assert row is not None
    loaded = match(turned, loop_of(turned, "z"), row, CUDA)
    assert isinstance(loaded, InstrCall)
    put = replace_node(turned, loop_of(turned, "z"), loaded)
    refused(put, "wmma_mma_f16_m16n16k16_f32_row_row", "already", label="p")
    assert not isinstance(tried(put, "wmma_mma_f16_m16n16k16_f32_row_col", "p"), str)
    assert not isinstance(tried(k, "wmma_mma_f16_m16n16k16_f32_row_row", "p"), str)


def test_tiles_that_are_something_else() -> None:
    mma, load = "wmma_mma_f16_m16n16k16_f32_row_row", "wmma_load_b_f16_m16n16k16_row"
    refused(tile("(float)a[p][r] * (float)b[q][r]"), mma, "b moves by", label="p")
    refused(tile("(float)(a[p][r] * b[r][q])"), mma, label="p")  # the product is rounded to half
    refused(tile("(float)a[p][r] - (float)b[r][q]"), mma, "a product", "a difference", label="p")
    refused(tile(), "wmma_mma_f16_m16n16k16_f16_row_row", label="p")
    refused(tile(), "wmma_mma_f16_m32n8k16_f32_row_row", "16 x 16", "32 x 8", label="p")
    refused(tile(at="w * 40 + k * 16 + z"), load, "moves by", label="z")
    refused(tile(at="(k * 16 + z) * 40 + w + 3"), load, "multiple of 32 bytes", label="z")
    refused(tile(at="(k * 16 + z) * 40 + w / 2"), load, label="z")
    refused(tile(at="(k * 16 + w) * (w + 1)"), load, label="z")


@pytest.mark.parametrize(("runs", "said"), [(12, "pad it to 16"), (32, "split it by 16"), (20, "pad it to 32")])
def test_bounds_that_do_not_fit_say_what_to_do(runs: int, said: str) -> None:
    k = kernel("cuda", f"""(float* C) {{ float c[16][16];
      for (int i = 0; i < 16; i++) for (int j = 0; j < {runs}; j++) c[i][j] = 0.0f;
      for (int i = 0; i < 16; i++) C[i] = c[i][0]; }}""", c="fragment")
    refused(k, "wmma_fill_c_f32_m16n16k16", f"runs {runs} times", said)


LANES = """__global__ void k(const half* A, float* C) { half a[16][16]; int w = WHO;
  for (int x = 0; x < 16; x++) for (int y = 0; y < 16; y++) a[x][y] = A[(w * 16 + x) * 32 + y];
  C[threadIdx.x] = (float)a[0][0]; }
void host(const half* A, float* C) { k<<<1, 64>>>(A, C); }"""


@pytest.mark.parametrize(("who", "fits"), [("threadIdx.x / 32", True), ("threadIdx.x", False), ("blockIdx.x", True)])
def test_a_warp_works_together(who: str, fits: bool) -> None:
    k = Move({"a": "fragment"}).visit(parse(LANES.replace("WHO", who), "cuda"))
    if fits:
        assert not isinstance(tried(k, "wmma_load_a_f16_m16n16k16_row", "x"), str)
    else:
        refused(k, "wmma_load_a_f16_m16n16k16_row", "32 lanes", label="x")


# -- registers ---------------------------------------------------------------------------------------------------------

DOT = """(const unsigned char* A, const signed char* B, int* C) { unsigned char a[64]; signed char b[64]; int c[16];
  for (int i = 0; i < 64; i++) a[i] = A[i];
  for (int j = 0; j < 64; j++) b[j] = B[j];
  for (int k = 0; k < 16; k++) c[k] = C[k];
  for (int p = 0; p < LANES; p++) for (int q = 0; q < 4; q++) c[p] += TERM;
  for (int k = 0; k < 16; k++) C[k] = c[k]; }"""


def dot(term: str = "(int)a[4 * p + q] * (int)b[4 * p + q]", lanes: int = 16) -> Kernel:
    return kernel("vnni", DOT.replace("TERM", term).replace("LANES", str(lanes)), a="register", b="register", c="register")


def test_dot_products_of_lanes() -> None:
    call = taken(dot(), "_mm512_dpbusd_epi32", "p", size=64)
    assert [a.buffer for a in call.args if isinstance(a, Ref)] == ["c", "c", "a", "b"]
    taken(dot("b[4 * p + q] * a[4 * p + q]"), "_mm512_dpbusd_epi32", "p", size=64)
    refused(dot("(int)a[p + 16 * q] * (int)b[p + 16 * q]"), "_mm512_dpbusd_epi32", "a moves by", label="p")
    refused(dot("(int)a[4 * p + q] * (int)b[4 * p + 3 - q]"), "_mm512_dpbusd_epi32", label="p")
    refused(dot("(int)a[4 * p + q] * (int)a[4 * p + q]"), "_mm512_dpbusd_epi32", "a holds u8", label="p")
    refused(dot(lanes=8), "_mm512_dpbusd_epi32", "8 times", "16", label="p")
    refused(dot(), "_mm256_dpbusd_epi32", "c is 16", "is 8", label="p")
    refused(dot(), "_mm512_dpbusds_epi32", label="p")  # saturates
    refused(dot(), "_mm512_dpwssd_epi32", label="p")


def test_loads_and_stores_of_registers() -> None:
    taken(dot(), "_mm512_loadu_si512.u8", "i", size=64)
    taken(dot(), "_mm512_storeu_epi32", "k#2", size=64)
    refused(dot(), "_mm512_load_si512.u8", "multiple of 64 bytes", "A", label="i")
    refused(dot(), "_mm512_storeu_epi32", label="k")
    labels = [label for label, _ in find_sites(dot(), VNNI)]
    assert list(dict.fromkeys(labels)) == ["i", "j", "k", "p", "k#2"]


def test_pairs_of_shorts() -> None:
    text = DOT.replace("unsigned char", "short").replace("signed char", "short").replace("64", "32").replace("LANES", "16")
    text = text.replace("q < 4", "q < 2").replace("TERM", "a[2 * p + q] * b[2 * p + q]")
    call = taken(kernel("vnni", text, a="register", b="register", c="register"), "_mm512_dpwssd_epi32", "p", size=64)
    assert not any(isinstance(a, Const) for a in call.args)


def test_fewer_bits_must_be_allowed() -> None:
    text = TILE.replace("TERM", "a[p][r] * b[r][q]").replace("T ", "float ").replace("T*", "float*").replace(
        "FROM", "(k * 16 + z) * 40 + w").replace("a[16][16]", "a[16][8]").replace("b[16][16]", "b[8][16]").replace(
        "y < 16", "y < 8").replace("z < 16", "z < 8").replace("r < 16", "r < 8").replace("k * 16", "k * 8")
    k = kernel("cuda", text, a="fragment", b="fragment", c="fragment")
    row = CUDA.instr("wmma_mma_tf32_m16n16k8_f32_row_row")
    assert row is not None and row.needs
    refused(k, row.name, f"--allow {row.needs}", label="p")
    assert isinstance(match(k, loop_of(k, "p"), row, CUDA, (row.needs,)), InstrCall)
