"""Variables of the device at file scope become parameters; what host code sets them to is what the wrapper passes."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, Const, Kernel, Var
from xpiler_jupyter.ir.visit import walk

COPY = "cudaMemcpyToSymbol(w, f, 8 * sizeof(float));"


def kernel(data: str, body: str, host: str = COPY, more: str = "") -> Kernel:
    return parse(f"""{data}
    __global__ void k(float* y, int n) {{ int i = blockIdx.x * 32 + threadIdx.x; {body} }}
    extern "C" void run(float* y, float* f, float g, int n) {{
        float* d;
        cudaMalloc(&d, n * sizeof(float));
        {host}
        k<<<(n + 31) / 32, 32>>>(d, n);
        cudaMemcpy(y, d, n * sizeof(float), cudaMemcpyDeviceToHost);
        {more}
    }}""", "cuda")


def test_a_constant_array_is_a_parameter_that_the_wrapper_fills():
    k = kernel("__constant__ float w[8];", "y[i] = w[i % 8];")
    p, a = k.params[-1], k.host.args[-1]
    assert (p.name, p.pointer, p.const, p.extent) == ("w", True, True, Const(8, p.extent.dtype))
    assert (a.param, a.source, a.copy_in, a.copy_out) == ("w", "f", True, False)


def test_the_copy_says_how_much_of_an_array_is_there():
    k = kernel("__constant__ float w[64];", "y[i] = w[i % n];", "cudaMemcpyToSymbol(w, f, n * sizeof(float));")
    assert k.params[-1].extent == Var("n")


def test_sizeof_the_symbol_is_its_size():
    assert kernel("__constant__ float w[2][4];", "y[i] = w[1][i % 4];", "cudaMemcpyToSymbol(w, f, sizeof(w));"
                  ).params[-1].extent == kernel("__constant__ float w[8];", "y[i] = w[i % 8];").params[-1].extent


@pytest.mark.parametrize(("data", "host"), [
    ("__constant__ float w;", "cudaMemcpyToSymbol(w, &g, sizeof(float));"),
    ("__device__ float w = 1.0f;", "cudaMemcpyToSymbol(w, &g, sizeof(float), 0, cudaMemcpyHostToDevice);"),
    ("__managed__ float w;", "w = g;"),
])
def test_a_number_is_passed_as_one(data, host):
    k = kernel(data, "y[i] = w;", host)
    assert not k.params[-1].pointer and k.host.args[-1].value == Var("g", k.params[-1].dtype)


def test_data_that_nobody_changes_are_constants():
    k = kernel("__device__ int w = 3; __constant__ float t[2] = {1.0f, 2.0f};", "y[i] = t[i % 2] + w;", "")
    assert [p.name for p in k.params] == ["y", "n"] and any(isinstance(n, Alloc) and n.name == "t" for n in walk(k.body))


def test_what_the_kernel_changes_is_copied_back():
    k = kernel("__device__ float w[8];", "w[i % 8] += 1.0f;", COPY, "cudaMemcpyFromSymbol(f, w, 8 * sizeof(float));")
    a = k.host.args[-1]
    assert (a.source, a.copy_in, a.copy_out, k.params[-1].const) == ("f", True, True, False)


@pytest.mark.parametrize(("data", "body", "host", "message"), [
    ("__device__ int w;", "w = i;", "", "keeps its contents between launches"),
    ("__constant__ float w[8];", "y[i] = w[0];", "", "host code that is not understood"),
    ("__constant__ float w[8];", "y[i] = w[0];", "float h[8]; h[0] = g; cudaMemcpyToSymbol(w, h, 32);", "not copied as a whole"),
    ("float w[8];", "y[i] = w[0];", COPY, "file-scope variable w is not supported"),
])
def test_refusals_name_the_variable(data, body, host, message):
    with pytest.raises(XpilerError, match=message) as e:
        kernel(data, body, host)
    assert e.value.line is not None


def test_without_the_host_code_nobody_fills_it():
    with pytest.raises(XpilerError, match="set by host code that is not here"):
        parse("__constant__ float w[4]; __global__ void k(float* y) { y[threadIdx.x] = w[0]; }", "cuda")
