"""Conditions over sizes: said by the person or checked by host code, kept by the tests, printed on the verdict."""

from __future__ import annotations

import numpy as np
import pytest

from xpiler_jupyter.errors import UsageError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.said import condition
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port
from xpiler_jupyter.verify.contracts import holds, moduli
from xpiler_jupyter.verify.sizes import choose
from xpiler_jupyter.verify.subject import Subject

# Four elements per thread and no guard: right only where n is a multiple of what a block does.
FOURS = """
__global__ void negate(const float* x, float* y, int n) {
  int i = 4 * (blockIdx.x * 32 + threadIdx.x);
  for (int k = 0; k < 4; ++k) y[i + k] = -x[i + k];
}
extern "C" void negate_host(const float* x, float* y, int n) {
  CHECKED
  float *dx, *dy;
  cudaMalloc(&dx, n * sizeof(float));
  cudaMalloc(&dy, n * sizeof(float));
  cudaMemcpy(dx, x, n * sizeof(float), cudaMemcpyHostToDevice);
  negate<<<(n + 127) / 128, 32>>>(dx, dy, n);
  cudaMemcpy(y, dy, n * sizeof(float), cudaMemcpyDeviceToHost);
}
"""
CUDA = registry.get("cuda")


@pytest.mark.parametrize(("said", "n", "want"), [
    ("n % 128 == 0", 256, 1), ("n % 128 == 0", 257, 0), ("n < 5 || n > 9 && n != 12", 12, 0),
    ("n < 5 || n > 9 && n != 12", 4, 1), ("!(n & 1)", 6, 1), ("n % 4", 8, 0), ("(n & (n - 1)) == 0", 64, 1),
])
def test_a_condition_is_read_and_decided(said: str, n: int, want: int) -> None:
    e = condition(said, parse(FOURS.replace("CHECKED", ""), CUDA), CUDA)
    got = np.asarray(holds(e, {"n": np.array([float(n), 1e6])}))
    assert got[0] == want or (np.isnan(got[0]) and "&" in said)


@pytest.mark.parametrize("said", ["m == 3", "n %", "n = 4", "4; n", "f(n)"])
def test_what_is_no_condition_is_said(said: str) -> None:
    with pytest.raises(UsageError, match="--assume"):
        condition(said, parse(FOURS.replace("CHECKED", ""), CUDA), CUDA)


@pytest.mark.parametrize(("checked", "assume"), [("assert(n % 128 == 0);", ()), ("if (n % 128) return;", ()),
                                                 ("", ("n % 128 == 0",))])
def test_the_tests_keep_to_it_and_the_verdict_says_it(checked: str, assume: tuple[str, ...]) -> None:
    port = Port(FOURS.replace("CHECKED", checked), "c", assume=assume).run()
    assert port.verdict.reaches("tested") and "n % 128 == 0" in port.verdict.assumptions
    sizes = port.judge.sizes.sets
    assert all(s.scalars["n"] % 128 == 0 for s in sizes) and len(sizes) > 1
    assert Port(FOURS.replace("CHECKED", ""), "c", assume=["n > 4"]).as_dict()["assume"] == ["n > 4"]


def test_conditions_lead_the_choice_of_sizes() -> None:
    import dataclasses

    kernel = parse(FOURS.replace("CHECKED", ""), CUDA)
    kernel = dataclasses.replace(kernel, assume=(condition("n % 384 == 0 && n >= 768", kernel, CUDA),))
    assert moduli(kernel) == [384, 768]
    for found in choose(Subject(FOURS, CUDA, kernel)).sets:
        n = int(found.scalars["n"])
        assert n % 384 == 0 and n >= 768
