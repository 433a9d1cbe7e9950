"""Compile checks by the platforms' own compilers, and which devices there are."""

from __future__ import annotations

import numpy as np
import pytest

from xpiler_jupyter.errors import UnsupportedError, UsageError
from xpiler_jupyter.execute import Launch, available_devices, compile_check, executor
from xpiler_jupyter.execute.device_text import device_part
from xpiler_jupyter.platforms import registry

from .conftest import entry_for

GOOD = """#include <cstdio>
#include <cmath>
__device__ float act(float x) { return x / (1.0f + expf(-x)); }
__global__ void __launch_bounds__(256) k(const float* __restrict__ A, float* C, int n) {
  __shared__ float s[256];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  s[threadIdx.x] = i < n ? A[i] : 0.0f;
  __syncthreads();
  if (i < n) C[i] = act(s[threadIdx.x]) * (float)M_PI;
}
extern "C" void wrap(float* A, float* C, int n) {
  float *d_A, *d_C;
  APIMalloc(&d_A, n * 4); APIMalloc(&d_C, n * 4);
  APIMemcpy(d_A, A, n * 4, APIMemcpyHostToDevice);
  k<<<(n + 255) / 256, 256>>>(d_A, d_C, n);
  APIMemcpy(C, d_C, n * 4, APIMemcpyDeviceToHost);
}
"""


def have_nvrtc() -> bool:
    from xpiler_jupyter.platforms.cuda import nvrtc

    return nvrtc.library() is not None


needs_nvrtc = pytest.mark.skipif(not have_nvrtc(), reason="needs the nvrtc extra")


@pytest.mark.parametrize("platform", ["hip", pytest.param("cuda", marks=[needs_nvrtc, pytest.mark.nvrtc])])
def test_gpu_check_reports_registers_and_shared_memory(platform: str) -> None:
    r = compile_check(platform, GOOD.replace("API", platform))
    assert r.status == "pass", r.detail
    usage = r.data["kernels"]["k"]
    assert usage["registers"] > 0 and usage["shared"] == 1024 and usage["spills"] == 0
    assert "1024 B" in r.detail and r.seconds > 0


@pytest.mark.parametrize("platform", ["hip", pytest.param("cuda", marks=[needs_nvrtc, pytest.mark.nvrtc])])
def test_gpu_check_names_the_line_of_an_error(platform: str) -> None:
    r = compile_check(platform, GOOD.replace("API", platform).replace("act(s", "acd(s"))
    assert r.status == "fail" and "acd" in r.detail and r.data["line"] == 9


@needs_nvrtc
@pytest.mark.nvrtc
def test_tensor_cores_and_half_compile() -> None:
    text = """__global__ void g(half* A, half* B, float* C) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
  wmma::fill_fragment(c, 0.0f);
  wmma::load_matrix_sync(a, A, 16);
  wmma::load_matrix_sync(b, B, 16);
  wmma::mma_sync(c, a, b, c);
  wmma::store_matrix_sync(C, c, 16, wmma::mem_row_major);
}"""
    assert compile_check("cuda", text).status == "pass"


def test_without_nvrtc_the_check_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from xpiler_jupyter.platforms.cuda import nvrtc

    monkeypatch.setattr(nvrtc, "library", lambda: None)
    r = compile_check("cuda", GOOD)
    assert r.status == "skip" and "pip install" in r.detail


def test_c_check_lists_warnings() -> None:
    r = compile_check("c", 'extern "C" void f(int* A, unsigned n) {\n  for (int i = 0; i < n; i++) A[i] = 0;\n}')
    assert r.status == "pass" and "1 warning" in r.detail and "line 2" in r.log
    assert compile_check("c", 'extern "C" void f(int* A) { A[0] = 0; }').log == ""
    bad = compile_check("c", 'extern "C" void f(int* A) {\n\n  A[0] = b;\n}')
    assert bad.status == "fail" and bad.data["line"] == 3


def test_host_functions_are_blanked_and_lines_kept() -> None:
    text = GOOD.replace("API", "cuda")
    part = device_part(text, "cuda")
    assert part.count("\n") == text.count("\n") and len(part) == len(text)
    assert "wrap" not in part and "cudaMalloc" not in part and "#include" not in part
    assert part.splitlines()[3] == text.splitlines()[3] and "act(float x)" in part


def test_platforms_without_a_device() -> None:
    assert available_devices()[0] == "sim"
    assert "simulator" in executor("c").name
    with pytest.raises(UsageError, match="no device 'cuda:99'"):
        executor("cuda", "cuda:99")
    for name in registry.names():
        assert executor(name, "sim").name.startswith(name)


def test_a_wrapper_entry_is_not_for_a_device() -> None:
    from xpiler_jupyter.platforms.cuda.device import CupyExecutor

    with pytest.raises(UnsupportedError, match="host function"):
        CupyExecutor("cuda:0").compile(GOOD, entry_for("wrap", {"A": np.zeros(1, np.float32)}))


@pytest.mark.gpu
@pytest.mark.skipif(len(available_devices("cuda")) < 2, reason="needs a CUDA device and CuPy")
def test_a_kernel_on_the_device() -> None:
    a = np.linspace(-3, 3, 1000).astype(np.float32)
    values = {"A": a, "C": np.zeros_like(a), "n": 1000}
    run = {"A": a, "C": values["C"]}
    entry = entry_for("k", values, Launch((4, 1, 1), (256, 1, 1)))
    real, sim = (executor("cuda", d).compile(GOOD.replace("API", "cuda"), entry).run(run, {"n": 1000})
                 for d in ("auto", "sim"))
    assert real.fault is None and real.device == "cuda:0"
    np.testing.assert_allclose(real.outputs["C"], sim.outputs["C"], rtol=1e-6)
