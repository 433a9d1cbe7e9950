"""Barriers that also vote."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import UnsupportedError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir import spec
from xpiler_jupyter.ir.nodes import Alloc, Barrier, While
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry

HOST = "extern \"C\" void run(int* A) {{ int* d; cudaMalloc(&d, 256 * sizeof(int)); k<<<1, {block}>>>(d); " \
       "cudaMemcpy(A, d, 256 * sizeof(int), cudaMemcpyDeviceToHost); cudaFree(d); }}"


def kernel(text: str, block: str = "dim3(16, 4)"):
    return parse(f"__global__ void k(int* A) {{ {text} }} " + HOST.format(block=block), "cuda")


def test_a_vote_is_a_sum_between_two_barriers():
    k = spec.check(kernel("A[0] = __syncthreads_count(A[threadIdx.x] > 0);"), frozenset({"threadIdx.x", "threadIdx.y"}))
    assert sum(isinstance(n, Barrier) for n in walk(k.body)) == 2
    assert "votes[threadIdx.y * 16 + threadIdx.x] = A[threadIdx.x] > 0 ? 1 : 0;" in registry.get("cuda").emit(k)


def test_and_compares_with_all_threads_and_or_with_none():
    got = registry.get("cuda").emit(kernel("A[0] = __syncthreads_and(A[1]) + 2 * __syncthreads_or(A[2]);"))
    assert "total_votes == 64" in got and "total_votes_1 > 0" in got


def test_a_vote_as_condition_is_taken_anew_each_time():
    k = kernel("int c = 1; while (__syncthreads_or(c)) { c = A[threadIdx.x]; }", "32")
    assert any(isinstance(n, While) for n in walk(k.body))
    assert [n.name for n in walk(k.body) if isinstance(n, Alloc) and n.memory == "shared"] == ["votes", "total"]


def test_the_number_of_threads_must_be_known():
    with pytest.raises(UnsupportedError, match="number of threads is not a constant"):
        parse("__global__ void k(int* A) { A[0] = __syncthreads_count(1); }", "cuda")
