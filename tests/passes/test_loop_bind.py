"""loop_bind: kernels and wrappers it writes, that they compute the same, every refusal, and the way back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from interp import run
from strategies import kernels

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.build import integer
from xpiler_jupyter.ir.nodes import Kernel
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes.base import PassResult
from xpiler_jupyter.platforms import registry as platforms

C, CUDA, HIP = platforms.meeting_point(), platforms.get("cuda"), platforms.get("hip")
BIND, RECOVERY = registry.get("loop_bind"), registry.get("loop_recovery")
BLOCK_AXES = frozenset(a.name for a in CUDA.axes if a.level == "block")


def c(body: str, name: str = "f", params: str = "float* A, float* B, float* C, int n, int m, int k") -> Kernel:
    return parse(f'extern "C" void {name}({params}) {{ {body} }}', "c")


def arrays(kernel: Kernel, size: int = 1024) -> dict[str, Any]:
    return {p.name: np.random.default_rng(sum(map(ord, p.name))).integers(-4, 5, size).astype(np.float32)
            for p in kernel.params if p.pointer}


def runs(kernel: Kernel, inputs: dict[str, Any], **scalars: int) -> dict[str, Any]:
    args = {name: a.copy() for name, a in inputs.items()} | scalars
    run(kernel, {p.name: args[p.name] for p in kernel.params + kernel.sizes})
    return {name: args[name] for name in inputs}


def bind(kernel: Kernel, **knobs: Any) -> PassResult:
    result = BIND.apply(kernel, CUDA, **knobs)
    check(result.kernel, BLOCK_AXES)
    assert result.kernel.platform == CUDA.name and result.kernel.host is not None
    return result


def same(kernel: Kernel, scalars: dict[str, int], **knobs: Any) -> PassResult:
    """The bound kernel computes the same, and recovery brings back a function that does."""
    result = bind(kernel, **knobs)
    inputs = arrays(kernel)
    want = runs(kernel, inputs, **scalars)
    back = RECOVERY.apply(result.kernel, C).kernel
    check(back)
    assert [(p.name, p.dtype) for p in back.params] == [(p.name, p.dtype) for p in kernel.params]
    assert back.name == kernel.name
    for other in (result.kernel, back):
        got = runs(other, inputs, **scalars)
        for name, a in want.items():
            np.testing.assert_array_equal(got[name], a, err_msg=name)
    return result


KERNELS: dict[str, tuple[str, dict[str, Any]]] = {
    "grid": ("for (int i = 0; i < n; i++) A[i] = B[i] * 2;", {"i": "blockIdx.x"}),
    "nest": ("for (int i = 0; i < n; i++) for (int j = 0; j < 8; j++) A[i * 8 + j] = B[j * n + i];",
             {"i": "blockIdx.x", "j": "threadIdx.x"}),
    "four": ("for (int a = 0; a < n; a++) for (int b = 0; b < 3; b++) for (int d = 0; d < 4; d++)"
             " for (int e = 0; e < 5; e++) A[((a * 3 + b) * 4 + d) * 5 + e] = 1;",
             {"a": "blockIdx.y", "b": "blockIdx.x", "d": "threadIdx.y", "e": "threadIdx.x"}),
    "sum": ("for (int i = 0; i < n; i++) { float s = 0; for (int j = 0; j < m; j++) s += A[i * m + j]; B[i] = s; }",
            {"i": "blockIdx.x"}),
    "start_and_step": ("for (int i = 2; i < n; i += 3) A[i] = i;", {"i": "blockIdx.x"}),
    "tail": ("for (int o = 0; o < (n + 7) / 8; o++) for (int i = 0; i < 8; i++) if (o * 8 + i < n) A[o * 8 + i] = 1;",
             {"o": "blockIdx.x", "i": "threadIdx.x"}),
    "private": ("float t[2]; float u; for (int i = 0; i < n; i++) { u = B[i]; t[0] = u; t[1] = u + 1;"
                " A[i] = t[1] * t[0]; }", {"i": "blockIdx.x"}),
    "named_sizes": ("int rows = 6; int cols = 2 * rows; for (int i = 0; i < rows; i++) for (int j = 0; j < cols; j++)"
                    " A[i * cols + j] = rows;", {"i": "blockIdx.x", "j": "threadIdx.x"}),
    "table": ("float t[4]; for (int j = 0; j < 4; j++) t[j] = j * 2; for (int i = 0; i < n; i++) A[i] = t[i % 4];",
              {"i": "blockIdx.x"}),
    "shared_work": ("for (int i = 0; i < n; i++) { float s = 0; for (int l = 0; l < 4; l++) s += B[i * 4 + l];"
                    " for (int j = 0; j < 4; j++) A[i * 4 + j] = B[i * 4 + j] / s; }",
                    {"i": "blockIdx.x", "j": "threadIdx.x"}),
    "guarded": ("for (int i = 0; i < n; i++) { if (B[i] > 0) A[i] = 1; }", {"i": "blockIdx.x"}),
}


@pytest.mark.parametrize("name", KERNELS)
def test_golden(name: str, golden: Any) -> None:
    body, mapping = KERNELS[name]
    kernel = c(body)
    for n, m in ((1, 1), (5, 3), (16, 2)):
        result = same(kernel, {"n": n, "m": m, "k": 2}, bind=mapping)
    golden(f"loop_bind/{name}", CUDA.emit(result.kernel))


def test_one_thread(golden: Any) -> None:
    kernel = c("for (int i = 1; i < n; i++) A[i] = A[i - 1] + 1;")
    result = same(kernel, {"n": 9, "m": 1, "k": 1}, serial=True)
    assert "not parallel" in result.note
    golden("loop_bind/one_thread", CUDA.emit(result.kernel))


def test_names() -> None:
    body = "for (int i = 0; i < n; i++) A[i] = 1;"
    assert bind(c(body, "scale"), bind={"i": "blockIdx.x"}).kernel.name == "scale_kernel"
    result = bind(c(body, "scale_kernel"), bind={"i": "blockIdx.x"}).kernel
    assert result.name == "scale" and result.host is not None and result.host.name == "scale_kernel"
    taken = c("for (int i = 0; i < n; i++) f[i] = 1;", "f_kernel", "float* f, int n")
    assert bind(taken, bind={"i": "blockIdx.x"}).kernel.name == "f_1"


def test_what_is_copied() -> None:
    result = bind(c("for (int i = 0; i < n; i++) { A[i] = B[i]; if (B[i] > 0) C[i] = 1; }"), bind={"i": "blockIdx.x"})
    assert result.kernel.host is not None
    copies = {a.param: (a.copy_in, a.copy_out) for a in result.kernel.host.args if a.source}
    assert copies == {"A": (False, True), "B": (True, False), "C": (True, True)}
    assert {p.name: p.const for p in result.kernel.params if p.pointer} == {"A": False, "B": True, "C": False}
    assert [p.name for p in result.kernel.sizes] == ["n"]
    assert [p.name for p in result.kernel.host.params] == ["A", "B", "C", "n", "m", "k"]


def test_without_a_size_there_is_no_wrapper_but_a_launch() -> None:
    result = BIND.apply(c("for (int i = 0; i < n; i++) A[i] = B[(int)C[i]];"), CUDA, bind={"i": "blockIdx.x"})
    assert result.kernel.host is None and "--shape B=N" in result.note
    assert "// launch: grid(n) block(1)" in CUDA.emit(result.kernel)


def test_assumptions_on_sizes_are_named() -> None:
    assert bind(c("for (int i = 0; i < n; i++) A[i * k] = 0;"), bind={"i": "blockIdx.x"}).assumptions == ("k >= 1",)


# -- refusals ----------------------------------------------------------------------------------------------------------


def refused(kernel: Kernel, why: str, target: Any = CUDA, **knobs: Any) -> None:
    with pytest.raises(IllegalPassError) as error:
        BIND.apply(kernel, target, **knobs)
    assert why in error.value.message and error.value.message.startswith("loop_bind: ")


X, T = "blockIdx.x", "threadIdx.x"


@pytest.mark.parametrize(("body", "mapping", "why"), [
    ("for (int i = 0; i < n; i++) A[0] += B[i];", {"i": X}, "loop i carries the sum into A"),
    ("for (int i = 1; i < n; i++) A[i] = A[i - 1];", {"i": X}, "would race"),
    ("for (int i = 0; i < n; i++) { if (B[i] > 0) break; A[i] = 1; }", {"i": X}, "may end early"),
    ("float t = 0; for (int i = 0; i < n; i++) { B[i] = t; t = A[i]; }", {"i": X}, "would race"),
    ("for (int i = 0; i < n; i++) A[i] = 1;", {"i": T}, "a block has a fixed size"),
    ("for (int i = 0; i < 2000; i++) A[i] = 1;", {"i": T}, "2000 iterations, but threadIdx.x at most 1024"),
    ("for (int i = 0; i < 64; i++) for (int j = 0; j < 64; j++) A[i * 64 + j] = 1;", {"i": "threadIdx.y", "j": T},
     "4096 threads"),
    ("for (int i = 0; i < n; i++) for (int j = 0; j < 4; j++) A[i * 4 + j] = 1;", {"j": T}, "inside loop i"),
    ("for (int i = 0; i < n; i++) for (int j = 0; j < i; j++) A[i * n + j] = 1;", {"i": X, "j": "blockIdx.y"},
     "depends on i"),
    ("for (int i = 0; i < (int)B[0]; i++) A[i] = 1;", {"i": X}, "read from memory"),
    ("C[0] = 1; for (int i = 0; i < n; i++) A[i] = 1;", {"i": X}, "C is written in front of loop i"),
    ("for (int i = 0; i < n; i++) A[i] = 1; for (int j = 0; j < n; j++) B[j] = A[j];", {"i": X},
     "B is written after loop i"),
    ("for (int i = 0; i < n; i++) { C[i] = 1; for (int j = 0; j < 4; j++) A[i * 4 + j] = 1; }", {"i": X, "j": T},
     "C is written in front of loop j"),
    ("float t = A[0]; for (int i = 0; i < n; i++) A[i] = t;", {"i": X}, "A is read outside the bound loops"),
    ("for (int i = 0; i < n; i++) A[i] = 1;", {"j": X}, "there is no loop 'j'"),
    ("for (int i = 0; i < n; i++) A[i] = 1;", {"i": "taskId"}, "has no axis 'taskId'"),
    ("for (int i = 0; i < n; i++) for (int j = 0; j < 4; j++) A[i * 4 + j] = 1;", {"i": X, "j": X}, "the same axis"),
    ("for (int i = 0; i < n; i++) A[i] = 1;", {}, "nothing says which loops"),
])
def test_refused(body: str, mapping: dict[str, str], why: str) -> None:
    refused(c(body), why, bind=mapping)


def test_refused_knobs_and_targets() -> None:
    kernel = c("for (int i = 0; i < n; i++) A[i] = 1;")
    refused(kernel, "has no axes", C, bind={"i": X})
    refused(kernel, "no knob", factor=3)
    refused(kernel, "nothing can be bound", serial=True, bind={"i": X})
    refused(bind(kernel, bind={"i": X}).kernel, "already has axes", bind={"i": X})


# -- the same axes on another platform ---------------------------------------------------------------------------------


def shared_kernel() -> Kernel:
    return parse("""__global__ void f(float* A) { __shared__ float s[64]; int t = threadIdx.x; s[t] = A[t];
        __syncthreads(); A[t] = s[63 - t]; }
        void host(float* A) { f<<<1, 64>>>(A); }""", "cuda")


def test_same_axes() -> None:
    kernel = shared_kernel()
    assert BIND.sites(kernel, HIP) == [{"same_axes": True}]
    result = BIND.apply(kernel, HIP, same_axes=True)
    assert dataclasses.replace(result.kernel, platform=CUDA.name) == kernel


@pytest.mark.parametrize(("change", "why"), [
    ({"max_threads": 32}, "a block has 64 threads, but at most 32"),
    ({"memories": ()}, "no memory 'shared'"),
    ({"barriers": {}}, "no barrier of a block"),
    ({"axes": CUDA.axes[:2]}, "no axis threadIdx.x"),
    ({"axes": tuple(dataclasses.replace(a, max_extent=16) for a in CUDA.axes)}, "64 indices, but at most 16"),
    ({"memories": tuple(dataclasses.replace(m, capacity=128) for m in CUDA.memories)}, "256 bytes of shared memory"),
])
def test_the_same_axes_must_exist(change: dict[str, Any], why: str) -> None:
    refused(shared_kernel(), why, dataclasses.replace(HIP, **change), same_axes=True)


# -- offers ------------------------------------------------------------------------------------------------------------


def test_sites() -> None:
    kernel = c("for (int i = 0; i < n; i++) for (int j = 0; j < 64; j++)"
               " for (int l = 0; l < k; l++) A[i * 64 + j] += B[l];")
    assert BIND.sites(kernel, CUDA) == [{"bind": {"i": X, "j": T}}, {"bind": {"j": X, "i": "blockIdx.y"}},
                                        {"serial": True}]
    assert BIND.sites(kernel, C) == []


@settings(max_examples=60, deadline=None)
@given(kernels())
def test_every_offer_is_right_or_refused(kernel: Kernel) -> None:
    params = tuple(dataclasses.replace(p, extent=integer(512)) if p.pointer else p for p in kernel.params)
    kernel = dataclasses.replace(kernel, params=params)
    for knobs in BIND.sites(kernel, CUDA):
        try:
            for n in (1, 4):
                same(kernel, {"n": n}, **knobs)
        except IllegalPassError as error:
            assert "loop_bind" in error.message
