"""Sizes: the person's word, declared extents, the search, and what the source silently demands."""

from __future__ import annotations

import pytest
from verify_fakes import product, subject

from xpiler_jupyter.errors import MissingSizeError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.sizes import choose, solve_sizes
from xpiler_jupyter.verify.subject import Subject

SCALE = """
__global__ void scale(float* x, float* y) {
  int i = blockIdx.x * 128 + threadIdx.x;
  %s y[i] = x[i] * 2.0f;
}
extern "C" void scale_host(float* x, float* y, int size) {
  float *a, *b;
  cudaMalloc(&a, size * sizeof(float));
  cudaMalloc(&b, size * sizeof(float));
  cudaMemcpy(a, x, size * sizeof(float), cudaMemcpyHostToDevice);
  scale<<<(size + 127) / 128, 128>>>(a, b);
  cudaMemcpy(y, b, size * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(a);
  cudaFree(b);
}
"""


def cuda(text: str) -> Subject:
    platform = registry.get("cuda")
    return Subject(text, platform, parse(text, platform))


def test_a_literal_guard_decides_the_host_size() -> None:
    sizes = choose(cuda(SCALE % "if (i < 700)"))
    assert sizes.sets[0].scalars["size"] == 700
    assert sizes.sets[0].lengths == {"x": 700, "y": 700}


def test_a_contract_of_the_source_is_said_in_words() -> None:
    judge = Judge(cuda(SCALE % ""), device="sim")
    assert any(a.startswith("size is a multiple of 128") for a in judge.assumptions)
    assert all(s.scalars["size"] % 128 == 0 for s in judge.sizes.sets)


def test_rows_of_a_literal_stride_end_with_consistent_sizes() -> None:
    text = (SCALE % "if (i < rows)").replace("y[i] = x[i] * 2.0f;", """{
    float s = 0.0f;
    for (int k = 0; k < 48; k++) s += x[i * 48 + k];
    y[i] = s; }""").replace("rows)", "40)").replace("int size", "int m, int n")
    text = text.replace("cudaMalloc(&a, size", "cudaMalloc(&a, m * n").replace("(a, x, size", "(a, x, m * n").replace(
        "size * sizeof", "m * sizeof").replace("(size + 127)", "(m + 127)")
    assert choose(cuda(text)).sets[0].scalars == {"m": 40, "n": 48}


def test_buffer_lengths_from_the_person() -> None:
    sizes = choose(cuda(SCALE % "if (i < 700)"), {"size": 900})
    assert [s.scalars["size"] for s in sizes.sets] == [900]


def test_sizes_from_array_lengths() -> None:
    assert solve_sizes(subject("g", product()), {"A": 6 * 7, "B": 7 * 5, "C": 6 * 5}) == {"M": 6, "N": 5, "K": 7}
    with pytest.raises(MissingSizeError, match="do not determine"):
        solve_sizes(subject("g", product()), {"C": 30})
