"""Kernels for the command line's tests, and a way to run it in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from xpiler_jupyter.cli import main

SCALE = """extern "C" void scale(const float* A, float* B, int n) {
  for (int i = 0; i < n; ++i) {
    B[i] = 2.0f * A[i];
  }
}
"""
SCALE_CUDA = """__global__ void scale_kernel(const float* A, float* B, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) B[i] = 2.0f * A[i];
}

extern "C" void scale(const float* A, float* B, int n) {
  float *d_A, *d_B;
  cudaMalloc(&d_A, n * sizeof(float));
  cudaMalloc(&d_B, n * sizeof(float));
  cudaMemcpy(d_A, A, n * sizeof(float), cudaMemcpyHostToDevice);
  scale_kernel<<<(n + 255) / 256, 256>>>(d_A, d_B, n);
  cudaMemcpy(B, d_B, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_A);
  cudaFree(d_B);
}
"""
BROKEN = 'extern "C" void f(float* A) {\n  A[0] = ;\n}\n'
OUTSIDE = 'extern "C" void f(float* A) {\n  asm("nop");\n  A[0] = 1.0f;\n}\n'
BEYOND = """__global__ void k(const float* A, float* B) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  B[i] = A[i];
}

extern "C" void beyond(const float* A, float* B) {
  float *d_A, *d_B;
  cudaMalloc(&d_A, 100 * sizeof(float));
  cudaMalloc(&d_B, 100 * sizeof(float));
  cudaMemcpy(d_A, A, 100 * sizeof(float), cudaMemcpyHostToDevice);
  k<<<1, 128>>>(d_A, d_B);
  cudaMemcpy(B, d_B, 100 * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_A);
  cudaFree(d_B);
}
"""


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def xpiler(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs one command; nothing that a person can do wrong may show a traceback."""

    def command(*words: object) -> Ran:
        try:
            status = main([str(w) for w in words])
        except SystemExit as end:  # argparse's --help and --version
            status = int(end.code or 0)
        got = capsys.readouterr()
        assert "Traceback" not in got.out + got.err
        return Ran(status, got.out, got.err)

    return command


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    """A folder with kernels, good and bad."""
    for name, text in {"scale.c": SCALE, "scale.cu": SCALE_CUDA, "broken.c": BROKEN, "outside.c": OUTSIDE,
                       "beyond.cu": BEYOND}.items():
        (tmp_path / name).write_text(text)
    return tmp_path
