"""Meanings in ints: what a call stands for reads like a person's loops, and data keep their unsigned arithmetic."""

from __future__ import annotations

import pytest

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.ir.nodes import Binary, Cast, Const, For, Var
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.types import I32, U32
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry

BANG = registry.get("bang")


def text_of(body: str, params: str = "float* a, float* b, int n") -> str:
    kernel = simplify(with_meanings(parse(f"__mlu_global__ void k({params}) {{ {body} }}", "bang")))
    assert not any(isinstance(n, For) and n.dtype != I32 for n in walk(kernel.body))
    return " ".join(BANG.emit(kernel).split("{", 1)[1].split())


@pytest.mark.parametrize("size", ["n * 4", "n * sizeof(float)", "sizeof(float) * n", "(unsigned)n * 4u"])
def test_bytes_become_elements(size: str) -> None:
    got = text_of(f"__nram__ float x[64]; __memcpy(x, a + 8, {size}, GDRAM2NRAM); b[0] = x[0];")
    assert "for (int i = 0; i < n; i++) { x[i] = a[8 + i]; }" in got


def test_what_is_no_whole_product_stays_a_division() -> None:
    assert "i < (n + 1) / 4" in text_of("__nram__ float x[64]; __memcpy(x, a, n + 1, GDRAM2NRAM); b[0] = x[0];")


def test_segments_and_strides() -> None:
    got = text_of("__nram__ float x[64]; __memcpy(x, a, 32, GDRAM2NRAM, 32, n * 4, 3); b[0] = x[0];")
    assert "for (int k_1 = 0; k_1 < 4; k_1++) { for (int i = 0; i < 8; i++) { x[k_1 * 8 + i] = a[k_1 * n + i]; } }" in got


def test_data_wrap_as_they_did() -> None:
    kernel = with_meanings(parse("__mlu_global__ void k(int* a, unsigned u) { __nram__ int x[64];"
                                 " __bang_add_scalar(x, x, (int)(u * 3u), 64); a[0] = x[0]; }", "bang"))
    products = [n for n in walk(kernel.body) if isinstance(n, Binary) and n.op == "*"]
    assert [n.dtype for n in products] == [U32]


def test_a_counter_that_becomes_data_keeps_its_type() -> None:
    kernel = with_meanings(parse("__mlu_global__ void k(float* a) { __nram__ float x[64];"
                                 " __bang_argmax(x, x, 64); a[0] = x[0]; }", "bang"))
    loop = next(n for n in walk(kernel.body) if isinstance(n, For))
    assert loop.dtype == I32 and loop.hi == Const(64, I32)
    assert any(isinstance(n, Cast) and n.dtype == U32 and n.x == Var(loop.var, I32) for n in walk(loop.body))
