"""Vector types: a variable is one scalar per field, memory keeps its elements."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, Kernel, Let, Load, Store, Var
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry


def body(text: str, params: str = "float* A, const float4* B, float4* C, int i") -> Kernel:
    return parse(f"__global__ void k({params}) {{ {text} }}", "cuda")


def text_of(kernel: Kernel) -> str:
    return " ".join(registry.get("cuda").emit(kernel).split())


def test_a_reinterpreted_load_reads_its_elements():
    k = body("float4 v = reinterpret_cast<const float4*>(A)[i]; C[i] = v;")
    assert [n.name for n in walk(k.body) if isinstance(n, Let)] == ["v_x", "v_y", "v_z", "v_w"]
    assert "C[i * 4 + 2] = v_z;" in text_of(k)


def test_a_variable_that_changes_has_a_scalar_per_field():
    k = body("float4 v = B[i]; v.y += 1.0f; C[i] = v;")
    assert {n.name for n in walk(k.body) if isinstance(n, Alloc)} == {"v_x", "v_y", "v_z", "v_w"}


def test_fields_that_trade_places_are_read_first():
    k = body("float4 v = B[i]; v = make_float4(v.y, v.x, v.w, v.z); C[i] = v;")
    stores = [n for n in walk(k.body) if isinstance(n, Store) and n.buffer == "v_y"]
    assert isinstance(stores[-1].value, Var), "v_x has its new value already"


def test_elements_that_trade_places_are_read_first():
    k = body("C[i] = make_float4(C[i].y, C[i].x, C[i].z, C[i].w);")
    stores = [n for n in walk(k.body) if isinstance(n, Store)]
    assert isinstance(stores[1].value, Var) and isinstance(stores[2].value, Load)


def test_an_array_of_vectors_is_one_of_elements():
    k = body("__shared__ float4 s[2][8]; s[1][i] = B[i]; A[0] = s[1][i].w + ((float*)&s[0][3])[1];")
    assert [[d.value for d in n.shape] for n in walk(k.body) if isinstance(n, Alloc)] == [[2, 32]]
    assert "A[0] = s[1][i * 4 + 3] + s[0][13];" in text_of(k)


def test_a_vector_with_an_address_is_an_array():
    k = body("float4 v = B[i]; for (int j = 0; j < 4; ++j) A[j] = reinterpret_cast<float*>(&v)[j];")
    assert "A[j] = v[j];" in text_of(k)


def test_pointers_to_vectors_move_by_whole_vectors():
    k = body("const float4* p = B + i; p += 2; A[0] = p->x; A[1] = p[1].y; A[2] = p - B;")
    assert "A[1] = B[p_offset + 5];" in text_of(k)


def test_helpers_take_and_give_vectors():
    text = """__device__ float2 turn(float2 a) { a.x = -a.x; return make_float2(a.y, a.x); }
    __device__ void both(float2& a, float by) { a.x *= by; a.y *= by; }
    __global__ void k(float2* C, int i) { float2 v = turn(C[i]); both(v, 2.0f); both(C[i + 1], 3.0f); C[i] = v; }"""
    got = text_of(parse(text, "cuda"))
    assert "v_x *= 2.0f;" in got and "C[(i + 1) * 2 + 1] *= 3.0f;" in got


def test_sizes_count_all_fields():
    assert "A[0] = (float)(uint64_t)24;" in text_of(body("A[0] = sizeof(float4) + sizeof(float2);")) or \
        "A[0] = 24.0f;" in text_of(body("A[0] = sizeof(float4) + sizeof(float2);"))


@pytest.mark.parametrize(("text", "message"), [
    ("float4 v = B[i]; v.q = 1;", "no field q"), ("float4 v = A[i];", "is no float4"),
    ("float2 v = B[i];", "is no float2"), ("const float4* p = A;", "a cast is missing"),
    ("C[i] = B[i] % B[i];", "% on a float4"), ("double2 d = *(double2*)A; A[0] = d.x;", "has no field x"),
    ("float2 v = {1, 2, 3};", "has 2 fields"),
])
def test_refusals_name_the_vector(text, message):
    with pytest.raises(XpilerError, match=message):
        body(text)


def test_a_vector_by_value_is_no_kernel_parameter():
    with pytest.raises(XpilerError, match="parameter a of type float4"):
        body("A[i] = a.x;", "float* A, float4 a, int i")


def test_operators_of_the_text_are_taken_as_it_defines_them():
    text = """__device__ float2 operator+(float2 a, float2 b) { return make_float2(a.x - b.x, a.y); }
    __device__ void operator*=(float2& a, float s) { a.x *= s; }
    __global__ void k(float2* C, int i) { float2 v = C[i] + C[0]; v *= 3.0f; C[i] = v; }"""
    got = text_of(parse(text, "cuda"))
    assert "C[i * 2] - C[0]" in got and "v_x *= 3.0f;" in got and "v_y *=" not in got


def test_hip_vectors_have_operators():
    text = "__global__ void k(float4* C, int i) { float4 v = 2.0f * C[i]; v -= C[0]; C[i] = v / v; }"
    got = " ".join(registry.get("hip").emit(parse(text, "hip")).split())
    assert "v_w = 2.0f * C[i * 4 + 3];" in got and "v_w -= C[3];" in got and "C[i * 4 + 3] = v_w / v_w;" in got


def test_wide_vectors_carry_smaller_elements():
    text = """__global__ void k(const half* x, half* y, int i, int n) {
        int4 v = i < n ? *reinterpret_cast<const int4*>(x + 8 * i) : make_int4(0, 0, 0, 0);
        ((int4*)y)[i] = v; }"""
    got = text_of(parse(text, "cuda"))
    assert "v_7 = i < n ? x[8 * i + 7]" in got and "y[i * 8 + 7] = v_7;" in got
