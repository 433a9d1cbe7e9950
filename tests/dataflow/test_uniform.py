"""Uniform over the threads of a block: accept and reject pairs."""

from __future__ import annotations

import pytest

from xpiler_jupyter.dataflow.uniform import Uniformity, has_varying_return
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Block, For, Let, Store
from xpiler_jupyter.ir.visit import stmts_of, walk


def body_of(text: str) -> Block:
    kernel = parse(f"""__global__ void f(float* A, const int* L, int n) {{ __shared__ float s[64]; {text} }}
        void host(float* a, const int* l, int n) {{ f<<<4, 64>>>(a, l, n); }}""", "cuda")
    body = kernel.body
    while isinstance(stmts_of(body)[-1], For) and stmts_of(body)[-1].kind == "parallel":
        body = stmts_of(body)[-1].body
    return body


def uniform(text: str) -> bool:
    """Is the value stored last uniform?"""
    body = body_of(text)
    last = [n for n in walk(body) if isinstance(n, Store)][-1]
    return Uniformity(body, {"threadIdx.x"}).expr(last.value)


@pytest.mark.parametrize(("text", "same"), [
    ("A[0] = blockIdx.x + n;", True),
    ("A[0] = threadIdx.x;", False),
    ("int i = threadIdx.x * 2; int j = i + 1; A[0] = j;", False),
    ("A[0] = L[blockIdx.x];", True),
    ("A[0] = L[threadIdx.x];", False),
    ("A[0] = s[0];", True),
    ("int t = n; t = t / 2; A[0] = t;", True),
    ("int t = n; if (threadIdx.x < 4) t = 0; A[0] = t;", False),
    ("int t = n; if (blockIdx.x < 4) t = 0; A[0] = t;", True),
    ("int t = 0; for (int k = 0; k < n; k++) t += k; A[0] = t;", True),
    ("int t = 0; for (int k = threadIdx.x; k < n; k++) t += 1; A[0] = t;", False),
    ("int t = 0; for (int k = 0; k < n; k++) { if (k == threadIdx.x) break; t += 1; } A[0] = t;", False),
    ("int t = 0; while (t < (int)threadIdx.x) t += 1; A[0] = t;", False),
])
def test_values(text: str, same: bool) -> None:
    assert uniform(text) == same


@pytest.mark.parametrize(("text", "varies"), [
    ("if (threadIdx.x > 3) return; A[0] = 1;", True),
    ("if (n > 3) return; A[0] = 1;", False),
    ("for (int k = 0; k < n; k++) { if (A[threadIdx.x] > k) return; } A[0] = 1;", True),
])
def test_returns(text: str, varies: bool) -> None:
    body = body_of(text)
    assert has_varying_return(body, Uniformity(body, {"threadIdx.x"})) == varies


def test_names_of_lets() -> None:
    body = body_of("int i = threadIdx.x; int j = n * 2; A[i] = j; A[i + 1] = j + n;")
    names = {n.name for n in walk(body) if isinstance(n, Let)}
    assert Uniformity(body, {"threadIdx.x"}).names & names <= {"i"}
