"""BANG C read into the IR: built-in indices, memories of a core, copies, overloads, values, and what is refused."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import SourceFaultError, UnsupportedError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.intake import take_in
from xpiler_jupyter.ir.nodes import Alloc, Const, For, InstrCall, Kernel, Load, Ref, Store
from xpiler_jupyter.ir.types import F32, I32
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry


def read(body: str, params: str = "float *a, float *b, int n") -> Kernel:
    return parse(f"__mlu_global__ void k({params}) {{ {body} }}", "bang")


def calls(kernel: Kernel) -> list[InstrCall]:
    return [n for n in walk(kernel.body) if isinstance(n, InstrCall)]


COPY = "__nram__ float x[256]; __memcpy(x + 64, ((float *)a + (coreId * 128)), 128 * sizeof(float), GDRAM2NRAM);"


def test_a_copy_names_its_direction_and_its_element_type() -> None:
    call = calls(read(COPY))[0]
    assert call.instr == "__memcpy.GDRAM2NRAM.f32"
    dst, src, size = call.args
    assert isinstance(dst, Ref) and dst.buffer == "x" and dst.indices == (Const(64, I32),)
    assert isinstance(src, Ref) and src.buffer == "a" and isinstance(size, Const) and size.value == 512


def test_a_memory_of_the_core_is_allocated_where_the_text_has_it() -> None:
    kernel = read("for (int i = 0; i < 4; i++) { __nram__ float x[64 * 2]; __bang_write_zero(x, 128); b[i] = x[i]; }")
    loop = next(n for n in walk(kernel.body) if isinstance(n, For) and n.axis is None)
    alloc = next(n for n in walk(loop) if isinstance(n, Alloc))
    assert alloc.memory == "nram" and alloc.shape == (Const(128, I32),)


def test_an_array_may_have_a_size_that_only_the_run_knows() -> None:
    kernel = read("int m = coreId < 2 ? 3 : 4; __nram__ float x[m * 8]; __bang_write_zero(x, m * 8); b[0] = x[0];")
    assert next(n for n in walk(kernel.body) if isinstance(n, Alloc)).memory == "nram"


def test_shared_memory_stands_outside_the_cores() -> None:
    kernel = read("__mlu_shared__ float s[64]; s[coreId] = a[coreId]; __sync_cluster(); b[coreId] = s[3 - coreId];")
    assert not any(isinstance(n, Alloc) for lp in walk(kernel.body) if isinstance(lp, For) and lp.axis == "coreId"
                   for n in walk(lp))


def test_an_operand_chooses_between_a_pointer_and_a_number() -> None:
    names = [c.instr for c in calls(read("__nram__ float x[64], y[64]; __bang_div(x, x, y, 64); __bang_div(x, x, 2, 64);"
                                         "__bang_div(x, x, y, y, 64); b[0] = x[0];"))]
    assert names == ["__bang_div.f32", "__bang_div.f32.2", "__bang_div.f32.3"]


def test_a_value_goes_to_a_scalar_before_the_statement() -> None:
    kernel = read("__nram__ float x[64]; __bang_write_zero(x, 64); b[coreId] = 2.0f * __bang_sum(x, 64);")
    call = calls(kernel)[-1]
    assert call.instr == "__bang_sum.f32" and isinstance(call.args[0], Ref) and call.args[0].indices == ()
    store = next(n for n in walk(kernel.body) if isinstance(n, Store) and n.buffer == "b")
    assert any(isinstance(n, Load) and n.buffer == call.args[0].buffer for n in walk(store.value))


def test_a_fill_is_as_wide_as_its_value() -> None:
    zero, word = calls(read("__nram__ float x[64]; __nram__ half h[64]; __memset_nram(x, 64, 0.0f);"
                            "__memset_nram(h, 64, (half)1);"))
    assert zero.instr == "__memset_nram.f32" and word.instr == "__memset_nram.f16"
    with pytest.raises(UnsupportedError):
        read("__nram__ half h[64]; __memset_nram(h, 32, 0);")


def test_built_in_indices_are_axes_and_sums_of_axes() -> None:
    bang = registry.get("bang")
    text = "__mlu_global__ void k(float *a) { if (taskId < 16) a[taskId] = taskDim; }"
    kernel, assumed = take_in(text, bang, None, {})
    axes = {n.axis: n.hi for n in walk(kernel.body) if isinstance(n, For) and n.axis}
    assert axes["clusterId"] == axes["coreId"] == Const(4, I32) and assumed and not kernel.sizes
    kernel, _ = take_in(text, bang, None, {"clusterDim": 2})
    axes = {n.axis: n.hi for n in walk(kernel.body) if isinstance(n, For) and n.axis}
    assert axes["clusterId"] == Const(2, I32)


@pytest.mark.parametrize(("body", "why"), [
    ("__nram__ float x[64]; __bang_add(x, x, x);", "__bang_add with these operands is not supported"),
    ("__nram__ int8 x[64]; x[n] = 0; float s = ((float *)x)[0]; a[0] = s;", "which of its bytes belong to which"),
    ("__nram__ int8 x[64]; x[5] = 0; float s = ((float *)x)[1]; a[0] = s;", "bytes 5 to 7 of x are used as f32 and as i8"),
    ("__nram__ float x[64]; b[0] = __bang_filter(x, x, x, 64) + x[0];", "the order is not clear"),
    ("__nram__ float x[n - n * 0]; __bang_frobnicate(x, 64);", "__bang_frobnicate"),
])
def test_what_is_refused_says_where_and_why(body: str, why: str) -> None:
    with pytest.raises(UnsupportedError, match=why) as e:
        read(body)
    assert e.value.line == 1 and e.value.column is not None


@pytest.mark.parametrize(("body", "why"), [
    ("__nram__ float x[64]; __bang_mul(x, x, a, 64);", "a lies in global memory, but src1 of __bang_mul must lie in nram"),
    ("__nram__ int8 x[64]; x[0] = 0; __bang_write_zero((float *)x + 8, 64);", "x has 64 bytes, but the kernel touches bytes "
     "32 to 287 of it as f32"),
])
def test_a_source_that_means_nothing_is_at_fault(body: str, why: str) -> None:
    with pytest.raises(SourceFaultError, match=why) as e:
        read(body)
    assert e.value.line == 1 and e.value.column is not None


def test_an_array_of_two_element_sizes_is_taken_apart() -> None:
    kernel = read("__nram__ int8 x[768]; __nram__ int8 c[128]; __memcpy(x, c, 128, NRAM2NRAM);"
                  "__bang_int82float((float *)x + 64, (int8 *)x, 128, 0); b[0] = ((float *)(x + 256))[3];")
    allocs = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc)}
    assert allocs["x"].shape == (Const(128, I32),) and allocs["x_f32"].shape == (Const(128, I32),)
    assert allocs["x_f32"].dtype == F32 and allocs["x_f32"].memory == "nram"
    store = next(n for n in walk(kernel.body) if isinstance(n, Store))
    assert store.value == Load("x_f32", (Const(3, I32),), F32)


def test_types_by_their_words() -> None:
    params = "half *h, bfloat16_t *w, int8 *c, int8_t *d, uint16_t *u, int32_t *i"
    kernel = parse(f"__mlu_global__ void k({params}) {{ i[0] = c[0] + d[0]; }}", "bang")
    assert [str(p.dtype) for p in kernel.params] == ["f16", "bf16", "i8", "i8", "u16", "i32"]
    assert F32 not in {p.dtype for p in kernel.params}
