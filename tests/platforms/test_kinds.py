"""What an instr is counted as, and what counts as a use of it."""

from __future__ import annotations

import pytest

from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.kinds import KINDS, kind_of, used

EXPECTED = {
    "bang": {"__bang_matmul": "matrix", "__bang_mlp": "matrix", "__bang_conv": "matrix", "__bang_add": "vector",
             "__bang_maxpool": "vector", "__bang_sumpool": "vector", "__bang_argmax": "vector", "__bang_neg": "vector",
             "__bang_float2half_rn": "vector", "__memcpy": "copy", "__bang_write_zero": "copy",
             "__bang_transpose": "copy", "__sync_cluster": "sync"},
    "vnni": {"_mm512_dpbusd_epi32": "matrix", "_mm_mask_dpwssds_epi32": "matrix", "_mm512_fmadd_ps": "vector",
             "_mm512_reduce_add_ps": "vector", "_mm512_cvtepi32_ps": "vector", "_mm512_cmp_ps_mask": "vector",
             "_mm512_loadu_ps": "copy", "_mm512_maskz_loadu_ps": "copy", "_mm512_set1_ps": "copy",
             "_mm512_storeu_si512": "copy", "_mm512_kand": "scalar"},
    "cuda": {"mma_sync": "matrix", "load_matrix_sync": "copy", "fill_fragment": "copy"},
    "hip": {"__builtin_amdgcn_mfma_f32_16x16x4f32": "matrix"},
}


@pytest.mark.parametrize(("platform", "word"), [(p, w) for p, words in EXPECTED.items() for w in words])
def test_kinds(platform: str, word: str) -> None:
    rows = registry.get(platform).overloads(word)
    assert rows and {kind_of(r) for r in rows} == {EXPECTED[platform][word]}


@pytest.mark.parametrize("platform", registry.names())
def test_every_instr_has_one_and_overloads_agree(platform: str) -> None:
    p = registry.get(platform)
    for word in {r.word for r in p.instrs}:
        found = {kind_of(r) for r in p.overloads(word)}
        assert len(found) == 1 and found <= set(KINDS), f"{word}: {found}"


def test_only_calls_count() -> None:
    bang = registry.get("bang")
    text = """
// __bang_mul(a, b, n) was slower
__mlu_global__ void f(float* x) {
  __memcpy(a, x, 256, GDRAM2NRAM);
  __bang_add(a, a, b, 64); __bang_add (a, a, b, 64);
  printf("__bang_matmul(");
  int __bang_conv = 3;
}
"""
    assert used(text, bang) == {"vector": 2, "copy": 1}
    assert used("wmma::fill_fragment(c, 0); nvcuda::wmma::mma_sync(d, a, b, c);", registry.get("cuda")) == {
        "matrix": 1, "copy": 1}
