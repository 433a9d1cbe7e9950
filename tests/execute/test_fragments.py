"""WMMA texts against what we print for them, and against the loops that each instr's meaning gives."""

from __future__ import annotations

import numpy as np
import pytest

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry

from .conftest import run

CUDA = registry.get("cuda")
TYPES = {"half": np.float16, "float": np.float32, "double": np.float64}
KINDS = [("half", "float", 16, 16, 16), ("half", "float", 32, 8, 16), ("half", "half", 8, 32, 16),
         ("double", "double", 8, 8, 4)]


def text(kind: tuple[str, str, int, int, int], a: str, b: str, c: str) -> str:
    factor, total, m, n, k = kind
    return f"""__global__ void mma({factor}* A, {factor}* B, {total}* C, {total}* D) {{
  wmma::fragment<wmma::matrix_a, {m}, {n}, {k}, {factor}, wmma::{a}_major> a;
  wmma::fragment<wmma::matrix_b, {m}, {n}, {k}, {factor}, wmma::{b}_major> b;
  wmma::fragment<wmma::accumulator, {m}, {n}, {k}, {total}> c, d;
  wmma::load_matrix_sync(a, A, {k if a == "row" else m});
  wmma::load_matrix_sync(b, B, {n if b == "row" else k});
  wmma::load_matrix_sync(c, C, {n if c == "row" else m}, wmma::mem_{c}_major);
  wmma::mma_sync(d, a, b, c);
  for (int i = 0; i < d.num_elements; i++) {{
    d.x[i] = d.x[i] + c.x[i];
  }}
  wmma::store_matrix_sync(D, d, {m if c == "row" else n}, wmma::mem_{"col" if c == "row" else "row"}_major);
}}
void host({factor}* A, {factor}* B, {total}* C, {total}* D) {{ mma<<<1, 32>>>(A, B, C, D); }}
"""


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("layouts", ["row row row", "row col col", "col row col", "col col row"])
def test_printed_text_and_meaning_give_the_same(kind: tuple[str, str, int, int, int], layouts: str,
                                                rng: np.random.Generator) -> None:
    factor, total, m, n, k = kind
    source = text(kind, *layouts.split())
    kernel = parse(source, "cuda")
    loops = passes.get("detensorize").apply(kernel, CUDA).kernel
    values = {"A": rng.standard_normal(m * k).astype(TYPES[factor]), "B": rng.standard_normal(k * n).astype(TYPES[factor]),
              "C": rng.standard_normal(m * n).astype(TYPES[total])}
    outputs = []
    for t in (source[:source.index("void host")], CUDA.emit(kernel), CUDA.emit(loops)):
        r = run("cuda", t, "mma", grid=1, block=32, **values, D=np.zeros(m * n, TYPES[total]))
        assert r.fault is None, r.fault
        outputs.append(r.outputs["D"])
    assert np.abs(outputs[0].astype(np.float64)).max() > 1
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_array_equal(outputs[0], outputs[2])
