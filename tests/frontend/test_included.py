"""Headers beside a file are part of it."""

from __future__ import annotations

from pathlib import Path

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.included import with_headers

KERNEL = """#include <cuda_runtime.h>
#include "types.cuh"
#include "missing.h"
__global__ void scale(real* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] *= FACTOR;
}
"""


def test_a_header_stands_where_it_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "types.cuh").write_text('#pragma once\n#include "sub/factor.h"\ntypedef float real;\n')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "factor.h").write_text('#pragma once\n#include "../types.cuh"\n#define FACTOR 3.0f\n')
    text = with_headers(KERNEL, tmp_path / "scale.cu")
    assert text.count("typedef float real") == 1 and '#include "missing.h"' in text and "#include <cuda_runtime.h>" in text
    assert parse(text, "cuda").name == "scale"


def test_what_is_no_source_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("words")
    assert "words" not in with_headers('#include "secret.key"\n', tmp_path / "k.cu")


def test_old_names_of_hip() -> None:
    kernel = parse("""__global__ void scale(float* x, int n) {
  int i = hipBlockIdx_x * hipBlockDim_x + hipThreadIdx_x;
  if (i < n) x[i] *= 2.0f;
}
// launch: grid((n + 63) / 64) block(64)
""", "hip")
    assert kernel == parse("""__global__ void scale(float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] *= 2.0f;
}
// launch: grid((n + 63) / 64) block(64)
""", "hip")
