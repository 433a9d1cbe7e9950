"""Tiles that are only handed on: arrays taken apart by ranges, runs of loops merged, scalars said in place."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, For, Kernel
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.passes._parts import take_apart
from xpiler_jupyter.platforms import registry

C, BANG = registry.get("c"), registry.get("bang")


def merged(body: str) -> str:
    kernel = parse(f'extern "C" void k(float* a, float* b, float* c) {{ {body} }}', C)
    done = simplify(passes.get("loop_contraction").apply(kernel, C, producer="all").kernel)
    return " ".join(C.emit(done).split("{", 1)[1].split())


def staged(body: str) -> Kernel:
    return take_apart(parse(f"__mlu_global__ void k(float* a, float* b, int n) {{ {body} }}", BANG))


def test_a_tile_that_is_copied_in_computed_and_copied_out_is_one_statement() -> None:
    got = merged("float x[8]; float y[8]; for (int i = 0; i < 8; i++) x[i] = a[i]; for (int i = 0; i < 8; i++) y[i] = b[i];"
                 "for (int i = 0; i < 8; i++) x[i] = x[i] + y[i]; for (int i = 0; i < 8; i++) c[i] = x[i];")
    assert got == "for (int i = 0; i < 8; i++) { c[i] = a[i] + b[i]; } }"


def test_the_first_value_of_a_sum_does_not_stand_in_the_way() -> None:
    got = merged("float x[8]; for (int i = 0; i < 8; i++) x[i] = a[i] * a[i]; float v = 0.0f;"
                 "for (int j = 0; j < 8; j++) v += x[j]; c[0] = v;")
    assert got == "float v = 0.0f; for (int i = 0; i < 8; i++) { v += a[i] * a[i]; } c[0] = v; }"


def test_a_value_is_not_moved_past_a_store_to_what_it_reads() -> None:
    got = merged("float x[8]; for (int i = 0; i < 8; i++) { x[i] = a[i]; a[i] = b[i]; }"
                 "for (int i = 0; i < 8; i++) c[i] = x[i];")
    assert "float x = a[i]; a[i] = b[i]; c[i] = x;" in got


def test_a_value_used_twice_is_computed_once() -> None:
    got = merged("float x[8]; for (int i = 0; i < 8; i++) x[i] = a[i] * 2.0f; for (int i = 0; i < 8; i++) c[i] = x[i] * x[i];")
    assert "float x = a[i] * 2.0f; c[i] = x * x;" in got


@pytest.mark.parametrize("body", [
    "float x[8]; for (int i = 0; i < 8; i++) x[i] = a[i]; for (int i = 0; i < 8; i++) c[i] = x[7 - i];",
    "float x[8]; for (int i = 0; i < 8; i++) x[i] = a[i]; for (int i = 0; i < 4; i++) c[i] = x[i];",
    "for (int i = 0; i < 8; i++) b[i] = a[i]; for (int i = 0; i < 8; i++) c[i] = b[i];",
])
def test_runs_that_need_their_array_or_have_none(body: str) -> None:
    with pytest.raises(IllegalPassError, match="no run of loops"):
        merged(body)


def test_ranges_of_an_array_become_arrays() -> None:
    kernel = staged("__nram__ float x[64]; for (int i = 0; i < 16; i++) { x[i] = a[i]; x[i + 32] = b[i]; }"
                    "for (int i = 0; i < 16; i++) b[i] = x[i] + x[32 + i];")
    assert [(n.name, n.memory) for n in walk(kernel.body) if isinstance(n, Alloc)] == [("x_1", "nram"), ("x_2", "nram")]
    assert "x_2[i] = b[i]" in BANG.emit(simplify(kernel))


@pytest.mark.parametrize("body", [
    "__nram__ float x[64]; for (int i = 0; i < 16; i++) { x[i] = a[i]; x[i + 15] = b[i]; } b[0] = x[3];",
    "__nram__ float x[64]; x[n] = a[0]; for (int i = 0; i < 16; i++) x[i + 32] = b[i]; b[0] = x[3];",
    "__nram__ float x[2]; x[0] = a[0]; x[1] = a[1]; b[0] = x[0] - x[1];",
    "__nram__ float x[40]; for (int i = 0; i < 16; i++) { x[i] = a[i]; x[i + 32] = b[i]; } b[0] = x[3];",
])
def test_arrays_that_stay_whole(body: str) -> None:
    kernel = staged(body)
    assert [n.name for n in walk(kernel.body) if isinstance(n, Alloc)] == ["x"]
    assert not any(isinstance(n, For) and n.kind == "parallel" for n in walk(kernel.body))
