"""Loops with barriers that each thread begins at an index of its own."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.passes.loop_recovery import PASS
from xpiler_jupyter.platforms import registry

C = registry.get("c")


def recovered(head: str, before: str = "", body: str = "s[threadIdx.x] = A[i]; __syncthreads(); B[i] = s[0]; __syncthreads();") -> str:
    text = f"""__global__ void k(const float* A, float* B, int n, int m) {{ __shared__ float s[32]; {before} {head} {{ {body} }} }}
    // launch: grid(m) block(32)"""
    return " ".join(C.emit(PASS.apply(parse(text, "cuda"), C).kernel).split())


@pytest.mark.parametrize(("head", "before", "index"), [
    ("for (int i = threadIdx.x; i < n; i += 32)", "", "int i = i_base + tx;"),
    ("for (int i = t; i < n; i += blockDim.x)", "int t = threadIdx.x;", "int i = i_base + t;"),
    ("for (int i = blockIdx.x * 32 + threadIdx.x; i < n; i += 32 * gridDim.x)", "", "int i = i_base + tx;"),
    ("for (int i = first; i < n; i += 64)", "int first = blockIdx.x * 64 + threadIdx.x * 2;", "int i = i_base + tx * 2;"),
])
def test_the_loop_is_the_blocks_and_late_threads_sit_out(head, before, index):
    got = recovered(head, before)
    assert f"{index} if (i < n) {{ s[" in got and got.index("for (int i_base") < got.index(index)


def test_a_loop_in_such_a_loop_is_evened_too():
    got = recovered("for (int j = threadIdx.x; j < m; j += 32)", "", "for (int i = threadIdx.x + j - threadIdx.x; i < n; i += 32) "
                    "{ s[threadIdx.x] = A[i]; }  __syncthreads(); B[j] = s[0]; __syncthreads();")
    assert "int j = j_base + tx;" in got


@pytest.mark.parametrize("head", [
    "for (int i = 31 - (int)threadIdx.x; i < n; i += 32)",  # it may begin below the common index
    "for (int i = threadIdx.x; i < n - (int)threadIdx.x; i += 32)", "for (int i = 0; i < n; i += 1 + threadIdx.x)",
])
def test_other_loops_are_refused(head):
    with pytest.raises(IllegalPassError, match="not all threads of a block are shown to take alike"):
        recovered(head)
