"""loop_recovery: what the plain C looks like, that it computes the same, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interp import run

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.build import add, binary, integer, loop, lt, mul, sub, var
from xpiler_jupyter.ir.nodes import (
    Alloc,
    Barrier,
    Block,
    Const,
    Expr,
    For,
    Host,
    HostArg,
    If,
    Kernel,
    Let,
    Load,
    Param,
    Store,
)
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.ir.types import F32, I32
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes.base import PassResult
from xpiler_jupyter.platforms import registry as platforms

C = platforms.meeting_point()
RECOVERY = registry.get("loop_recovery")


def device(body: str, launch: str = "<<<4, 64>>>", params: str = "float* A, float* B, int n") -> Kernel:
    names = ", ".join(p.split()[-1].lstrip("*") for p in params.split(","))
    text = f"__global__ void work({params}) {{ {body} }}\nvoid host({params}) {{ work{launch}({names}); }}"
    return parse(text, "cuda")


def recover(kernel: Kernel) -> PassResult:
    result = RECOVERY.apply(kernel, C)
    check(result.kernel)
    assert result.kernel.platform == C.name and result.kernel.host is None and not result.kernel.sizes
    assert not any(isinstance(n, Barrier) or (isinstance(n, For) and n.kind == "parallel") for n in walk(result.kernel))
    return result


def runs(kernel: Kernel, size: int = 512, **scalars: int) -> dict[str, Any]:
    """The buffers after a run on values that depend only on the buffer's place among the parameters."""
    rng = np.random.default_rng(7)
    arrays = [rng.integers(-4, 5, size).astype(np.float32) for _ in range(4)]
    args: dict[str, Any] = {}
    for k, p in enumerate(p for p in kernel.params + kernel.sizes if p.pointer):
        args[p.name] = arrays[k].copy()
    args |= {p.name: scalars.get(p.name, 0) for p in kernel.params + kernel.sizes if not p.pointer}
    run(kernel, args)
    return {p.name: args[p.name] for p in kernel.params if p.pointer}


def same(kernel: Kernel, **scalars: int) -> PassResult:
    result = recover(kernel)
    before, after = runs(kernel, **scalars), runs(result.kernel, **scalars)
    for a, b in zip(before.values(), after.values(), strict=True):
        np.testing.assert_array_equal(a, b)
    return result


KERNELS = {
    "simple": ("int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) B[i] = A[i] * 2;", "<<<(n + 63) / 64, 64>>>"),
    "early_return": ("int i = blockIdx.x * 64 + threadIdx.x; if (i >= n) return; float x = A[i]; B[i] = x + 1;",
                     "<<<(n + 63) / 64, 64>>>"),
    "named_axes": ("int row = blockIdx.x; int col = threadIdx.x; B[row * 64 + col] = A[col];", "<<<4, 64>>>"),
    "one_thread": ("for (int i = 0; i < n; i++) B[i] = A[i];", "<<<1, 1>>>"),
    "reverse": ("__shared__ float s[64]; int t = threadIdx.x; int i = blockIdx.x * 64 + t; s[t] = A[i];"
                " __syncthreads(); B[i] = s[63 - t];", "<<<4, 64>>>"),
    "tree": ("__shared__ float s[64]; int t = threadIdx.x; s[t] = A[blockIdx.x * 64 + t]; __syncthreads();"
             " for (int k = 32; k > 0; k >>= 1) { if (t < k) s[t] += s[t + k]; __syncthreads(); }"
             " if (t == 0) B[blockIdx.x] = s[0];", "<<<4, 64>>>"),
    "live_across": ("__shared__ float s[64]; int t = threadIdx.x; float x = A[t]; float y = x * 2; s[t] = x;"
                    " __syncthreads(); B[blockIdx.x * 64 + t] = y + s[(t + 1) % 64];", "<<<4, 64>>>"),
    "tiles": ("__shared__ float a[8][8]; __shared__ float b[8][8]; int row = blockIdx.y * 8 + threadIdx.y;"
              " int col = blockIdx.x * 8 + threadIdx.x; float sum = 0;"
              " for (int k = 0; k < n / 8; k++) { a[threadIdx.y][threadIdx.x] = A[row * n + k * 8 + threadIdx.x];"
              " b[threadIdx.y][threadIdx.x] = A[(k * 8 + threadIdx.y) * n + col]; __syncthreads();"
              " for (int l = 0; l < 8; l++) sum += a[threadIdx.y][l] * b[l][threadIdx.x]; __syncthreads(); }"
              " B[row * n + col] = sum;", "<<<dim3(2, 2), dim3(8, 8)>>>"),
    "uniform_branch": ("__shared__ float s[64]; int t = threadIdx.x; s[t] = A[t]; if (n > 3) { __syncthreads();"
                       " B[blockIdx.x * 64 + t] = s[63 - t]; } else B[blockIdx.x * 64 + t] = 0;", "<<<4, 64>>>"),
    "uniform_break": ("__shared__ float s[64]; int t = threadIdx.x; s[t] = A[t]; __syncthreads();"
                      " for (int k = 0; k < 8; k++) { if (k == n) break; float x = s[(t + 1) % 64]; __syncthreads();"
                      " s[t] = x; __syncthreads(); } B[blockIdx.x * 64 + t] = s[t];", "<<<4, 64>>>"),
    "uniform_return": ("__shared__ float s[64]; int t = threadIdx.x; if (blockIdx.x * 64 >= n) return; s[t] = A[t];"
                       " __syncthreads(); B[blockIdx.x * 64 + t] = s[63 - t];", "<<<4, 64>>>"),
    "same_name_twice": ("__shared__ float s[64]; int t = threadIdx.x; for (int i = t; i < n; i += 64) B[i] = A[i];"
                        " for (int i = 0; i < 3; i++) { s[t] = A[t + i]; __syncthreads();"
                        " B[blockIdx.x * 64 + t] += s[63 - t]; __syncthreads(); }", "<<<1, 64>>>"),
    "private_array": ("__shared__ float s[64]; float r[2]; int t = threadIdx.x; r[0] = A[t]; r[1] = A[t + 1];"
                      " s[t] = r[1]; __syncthreads(); B[blockIdx.x * 64 + t] = r[0] + s[63 - t];", "<<<4, 64>>>"),
    "return_in_a_loop": ("int t = threadIdx.x; for (int k = 0; k < 4; k++) { if (A[t + k] < 0) { B[t] = k; return; } }"
                         " B[t] = -1;", "<<<1, 64>>>"),
}


@pytest.mark.parametrize("name", KERNELS)
def test_golden(name: str, golden: Any) -> None:
    body, launch = KERNELS[name]
    kernel = device(body, launch)
    for n in (0, 1, 5, 16):
        result = same(kernel, n=n)
    golden(f"loop_recovery/{name}", C.emit(result.kernel))


def test_threads_that_returned_take_no_part(golden: Any) -> None:
    """`interp` is stricter than devices here, so the recovered kernel is compared with NumPy."""
    kernel = device("__shared__ float s[64]; int t = threadIdx.x; s[t] = 1; if (t >= n) return; float x = A[t];"
                    " s[t] = x; __syncthreads(); B[blockIdx.x * 64 + t] = s[n - 1 - t] + x;")
    result = recover(kernel)
    a, b = np.arange(256, dtype=np.float32), np.zeros(256, np.float32)
    run(result.kernel, {"A": a, "B": b, "n": 5})
    np.testing.assert_array_equal(b[:6], [4, 4, 4, 4, 4, 0])
    golden("loop_recovery/returned_threads", C.emit(result.kernel))


# -- the wrapper -------------------------------------------------------------------------------------------------------

WRAPPED = """
__global__ void k(const float* in, float* out, float* tmp, int count, float f) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) { tmp[i] = in[i] * f; out[i] = tmp[i] + i; }
}
extern "C" void scale(float* out, float* x, int rows, int cols) {
  float *d_in, *d_out, *d_tmp;
  int size = rows * cols;
  cudaMalloc(&d_in, size * sizeof(float));
  cudaMalloc(&d_out, size * sizeof(float));
  cudaMalloc(&d_tmp, size * sizeof(float));
  cudaMemcpy(d_in, x, size * sizeof(float), cudaMemcpyHostToDevice);
  k<<<(size + 255) / 256, 256>>>(d_in, d_out, d_tmp, size, 0.5f);
  cudaMemcpy(out, d_out, size * sizeof(float), cudaMemcpyDeviceToHost);
}
"""


def test_the_wrapper_becomes_the_function(golden: Any) -> None:
    result = recover(parse(WRAPPED, "cuda"))
    assert result.kernel.name == "scale"
    assert [p.name for p in result.kernel.params] == ["out", "x", "rows", "cols"]
    assert result.names == {"in": "x"}
    golden("loop_recovery/wrapper", C.emit(result.kernel))


def test_without_a_wrapper_sizes_become_parameters() -> None:
    kernel = parse("__global__ void k(float* A, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x;"
                   " if (i < n) A[i] = 1; }", "cuda")
    names = [p.name for p in recover(kernel).kernel.params]
    assert names[:2] == ["A", "n"] and all("." not in n for n in names)


def wrapped(kernel: Kernel, **changes: Any) -> Kernel:
    """The kernel with a wrapper of the same parameters; `changes` are fields of what it passes for A."""
    args = tuple(HostArg(p.name, p.name) if p.pointer else HostArg(p.name, value=var(p.name)) for p in kernel.params)
    args = tuple(dataclasses.replace(a, **changes) if a.param == "A" else a for a in args)
    params = tuple(dataclasses.replace(p, extent=None) for p in kernel.params)
    return dataclasses.replace(kernel, host=Host("host", params, args))


def test_a_buffer_that_is_not_copied_back_stays_local() -> None:
    kernel = device("int t = threadIdx.x; A[t] += 1; B[t] = A[t];", "<<<1, 64>>>")
    params = tuple(dataclasses.replace(p, extent=integer(64)) if p.pointer else p for p in kernel.params)
    result = recover(wrapped(dataclasses.replace(kernel, params=params), copy_in=True, copy_out=False))
    assert "float A_1[64];" in C.emit(result.kernel) and result.names == {"A": "A_1"}
    a, b = np.zeros(64, np.float32), np.zeros(64, np.float32)
    run(result.kernel, {"A": a, "B": b, "n": 0})
    assert a.tolist() == [0] * 64 and b.tolist() == [1] * 64


def test_a_local_copy_needs_a_size() -> None:
    kernel = device("int t = threadIdx.x; A[t] += 1; B[t] = A[t];", "<<<1, 64>>>")
    params = tuple(dataclasses.replace(p, extent=None) for p in kernel.params)
    refused(wrapped(dataclasses.replace(kernel, params=params), copy_out=False), "how many elements")


def test_two_copies_of_one_buffer() -> None:
    kernel = device("int t = threadIdx.x; B[t] = A[t];", "<<<1, 64>>>")
    refused(wrapped(kernel, source="B"), "copies 'B' to the device twice")


# -- refusals ----------------------------------------------------------------------------------------------------------


def refused(kernel: Kernel, why: str) -> None:
    with pytest.raises(IllegalPassError) as error:
        RECOVERY.apply(kernel, C)
    assert why in error.value.message and error.value.message.startswith("loop_recovery: ")


@pytest.mark.parametrize(("body", "why"), [
    ("if (threadIdx.x < 3) { A[0] = 1; __syncthreads(); B[threadIdx.x] = 1; }", "branch that not all threads"),
    ("for (int i = 0; i < (int)threadIdx.x; i++) { __syncthreads(); B[threadIdx.x] = i; }", "loop that not all"),
    ("int k = 0; while (k < A[threadIdx.x]) { k++; __syncthreads(); B[threadIdx.x] = k; }", "loop that not all"),
    ("for (int i = 0; i < n; i++) { if (A[threadIdx.x] > i) break; __syncthreads(); B[threadIdx.x] = 1; }",
     "leave this loop with barriers together"),
    ("for (int i = 0; i < n; i++) { if (threadIdx.x > i) return; __syncthreads(); B[threadIdx.x] = 1; }",
     "may return inside a loop"),
    ("__shared__ float s[64]; int t = threadIdx.x; s[t] = A[t]; B[t] = s[63 - t];", "race on s"),
    ("__shared__ float s[64]; int t = threadIdx.x; s[t] = A[t]; __syncthreads(); s[t] = s[(t + 1) % 64]; B[t] = s[t];",
     "race on s"),
])
def test_refused(body: str, why: str) -> None:
    refused(device(body, "<<<1, 64>>>"), why)


def test_nothing_to_recover() -> None:
    refused(parse('extern "C" void f(float* A) { A[0] = 1; }', "c"), "nothing to recover")
    assert RECOVERY.sites(device("A[0] = 1;"), C) == [{}]


def test_what_is_not_known_to_be_free_of_races_is_said() -> None:
    assert not recover(device("B[blockIdx.x * 64 + threadIdx.x] = A[threadIdx.x];")).assumptions
    (said,) = recover(device("B[threadIdx.x] = A[threadIdx.x];")).assumptions
    assert "blocks that write one element of B write the same value" in said
    assert recover(device("B[(int)A[threadIdx.x]] = 1;", "<<<1, 64>>>")).assumptions


# -- random kernels with barriers --------------------------------------------------------------------------------------

T = 6


@st.composite
def intervals(draw: st.DrawFn, depth: int, scalars: tuple[str, ...], serial: tuple[str, ...], fresh: Any) -> Block:
    """Barrier intervals of one thread: in each, one shared array is written at the thread's own place and the others
    are read anywhere; private scalars, uniform loops and branches around barriers."""
    t = var("threadIdx.x")
    out: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        own = draw(st.sampled_from(("s", "r")))
        other = "r" if own == "s" else "s"
        for _ in range(draw(st.integers(1, 3))):
            kind = draw(st.integers(0, 5))
            shift = add(t, integer(draw(st.integers(0, T))))
            far: Expr = Load(other, (binary("%", shift, integer(T)),), F32)
            value = draw(st.sampled_from([far, Load("A", (add(t, mul(var("blockIdx.x"), integer(T))),), F32),
                                          Const(float(draw(st.integers(-2, 2))), F32),
                                          *(Load(x, (), F32) for x in scalars), *(Var_f(x) for x in serial)]))
            if kind == 0:
                name = fresh("p")
                out += [Alloc(name, F32, ()), Store(name, (), value, F32)]
                scalars = (*scalars, name)
            elif kind == 1 and scalars:
                name = draw(st.sampled_from(scalars))
                out.append(Store(name, (), add(Load(name, (), F32), value), F32))
            elif kind == 2:
                name = fresh("l")
                out.append(Let(name, F32, value))
                serial = (*serial, name)
            elif kind == 3:
                cond = lt(t, integer(draw(st.integers(0, T))))
                out.append(If(cond, Block((Store(own, (t,), value, F32),))))
            else:
                out.append(Store(own, (t,), add(Load(own, (t,), F32), value), F32))
        out.append(Barrier())
        if depth and draw(st.booleans()):
            inner = draw(intervals(depth - 1, scalars, serial, fresh))
            kind = draw(st.integers(0, 2))
            if kind == 0:
                out.append(loop(fresh("k"), integer(draw(st.integers(0, 3))), inner))
            elif kind == 1:
                out.append(If(lt(var("blockIdx.x"), integer(draw(st.integers(0, 2)))), inner))
            else:
                out.append(loop(fresh("k"), add(var("blockIdx.x"), integer(1)), inner))
            out.append(Barrier())
    return Block(tuple(out))


def Var_f(name: str) -> Expr:
    return var(name, F32)


@st.composite
def block_kernels(draw: st.DrawFn) -> Kernel:
    count: dict[str, int] = {}

    def fresh(base: str) -> str:
        count[base] = count.get(base, 0) + 1
        return f"{base}{count[base]}"

    t = var("threadIdx.x")
    start = (Store("s", (t,), Const(1.0, F32), F32), Store("r", (t,), Const(2.0, F32), F32), Barrier())
    inner = draw(intervals(2, (), (), fresh))
    at = add(mul(var("blockIdx.x"), integer(T)), t)
    end = Store("B", (at,), sub(Load("s", (t,), F32), Load("r", (t,), F32)), F32)
    threads = loop("threadIdx.x", integer(T), Block((*start, *inner.stmts, end)), "parallel", "threadIdx.x")
    shared = tuple(Alloc(name, F32, (integer(T),), "shared") for name in ("s", "r"))
    grid = loop("blockIdx.x", integer(2), Block((*shared, threads)), "parallel", "blockIdx.x")
    params = (Param("A", F32, pointer=True), Param("B", F32, pointer=True), Param("n", I32))
    return Kernel("work", params, Block((grid,)), "cuda")


@settings(max_examples=150, deadline=None)
@given(block_kernels())
def test_random_kernels_with_barriers(kernel: Kernel) -> None:
    same(kernel)
