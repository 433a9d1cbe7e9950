"""Dynamic shared memory: its length from the launch, its parts by pointers into it, and printed again."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import UnsupportedError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, Kernel
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry


def kernel(text: str, size: str, word: str = "char") -> Kernel:
    return parse(f"""__global__ void k(float* y, int n, int m) {{ extern __shared__ {word} s[]; int t = threadIdx.x; {text} }}
    extern "C" void run(float* y, int n, int m) {{ float* d; cudaMalloc(&d, n * sizeof(float));
    k<<<1, 32, {size}>>>(d, n, m); cudaMemcpy(y, d, n * sizeof(float), cudaMemcpyDeviceToHost); }}""", "cuda")


def arrays(k: Kernel) -> dict[str, str]:
    printer = registry.get("cuda").emit
    found = {n.name: n.shape[0] for n in walk(k.body) if isinstance(n, Alloc) and n.memory == "shared"}
    assert printer(k)
    from xpiler_jupyter.platforms.expr_text import ExprText

    return {name: ExprText(registry.get("cuda")).expr(e) for name, e in found.items()}


def test_parts_of_other_types_are_arrays_of_their_own():
    k = kernel("float* a = (float*)s; int* b = (int*)&a[n]; double* c = (double*)(b + m); a[t] = b[t] = 1; c[t] = 2; "
               "y[t] = a[t] + b[t] + c[t];", "n * sizeof(float) + m * sizeof(int) + 8 * sizeof(double)")
    assert arrays(k) == {"a": "n", "b": "m", "c": "8"}


def test_they_are_laid_out_by_the_size_of_their_elements_and_read_again():
    k = kernel("short* a = (short*)s; float* b = (float*)(a + n); a[t] = 1; b[t] = 2; y[t] = a[t] + b[t];",
               "n * sizeof(short) + m * sizeof(float)")
    text = registry.get("hip").emit(k)
    assert "extern __shared__ float b[];" in text and "int16_t* a = (int16_t*)&b[m];" in text
    assert "<<<grid, block, m * 4 + n * 2>>>" in text
    assert arrays(parse(text, "hip")) == {"b": "m", "a": "n"}


def test_a_pointer_of_the_same_type_stays_in_the_array():
    k = kernel("float* b = s + n; s[t] = 1; b[t] = 2; y[t] = s[t] + b[t];", "2 * n * sizeof(float)", "float")
    assert arrays(k) == {"s": "2 * n"}


def test_the_same_bits_seen_otherwise_are_the_same_array():
    k = kernel("int* b = (int*)s; s[t] = 1; y[t] = b[t];", "n * sizeof(float)", "float")
    assert arrays(k) == {"s": "n"}


def test_a_size_in_a_name_of_the_kernel_is_looked_up():
    k = kernel("int half = n / 2; double* a = (double*)s; int* b = (int*)(a + half); a[t] = 1; b[t] = 1; y[t] = b[t] + a[t];",
               "n / 2 * sizeof(double) + m * sizeof(int)")
    assert arrays(k)["a"] == "n / 2"


@pytest.mark.parametrize(("text", "message"), [
    ("float* a = (float*)(s + 4 * t); int* b = (int*)s; a[0] = 1; b[0] = 1; y[t] = a[0];", "starts is not known"),
    ("float* a = (float*)s; s[t] = 1; a[t] = 1; y[t] = a[t];", "elements of two sizes"),
    ("float* a = (float*)(s + 64); double* b = (double*)s; a[t] = 1; b[t] = 1; y[t] = a[t];", "in the order"),
])
def test_refusals_name_the_array(text, message):
    with pytest.raises(UnsupportedError, match=message):
        kernel(text, "n * sizeof(float)")
