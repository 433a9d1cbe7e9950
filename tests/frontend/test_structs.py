"""Structs and lambdas: a scalar per member, an array per member, and what is refused."""

import pytest

from xpiler_jupyter.errors import ParseError, UnsupportedError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, Const, Store
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry

VEC = """
struct Vec {
  float x, y;
  Vec operator+(const Vec& o) const { return Vec{x + o.x, y + o.y}; }
  Vec& operator+=(const Vec& o) { x += o.x; y += o.y; return *this; }
  float dot(Vec o) const { return x * o.x + y * o.y; }
  void scale(float s) { x *= s; y *= s; }
};
"""


def printed(body: str, helpers: str = VEC) -> str:
    """The body as plain C."""
    return registry.get("c").emit(parse(helpers + ' extern "C" void f(float* A, int n) { ' + body + " }", "c"))


@pytest.mark.parametrize(("body", "line"), [
    ("Vec v{A[0], A[1]}; A[2] = v.dot(v);", "A[2] = v_x * v_x + v_y * v_y;"),
    ("Vec v{1, 2}; Vec w = v + v; A[0] = w.y;", "w_y = 2.0f + 2.0f;"),
    ("Vec v = {A[0]}; A[1] = v.y;", "A[1] = 0.0f;"),
    ("Vec v{A[0], 0}; v.scale(A[1]); A[2] = v.x;", "v_x *= s;"),
    ("Vec v{A[0], 0}; v += Vec{1, A[1]}; A[2] = v.y;", "v_y += "),
    ("auto add = [=](float a) { return a + A[0]; }; A[1] = add(2);", "A[1] = a + A[0];"),
    ("float s = 0; auto add = [&](float a) { s += a; }; add(A[0]); add(A[1]); A[2] = s;", "s += a_1;"),
    ("float s = 1; auto keep = [s] { return s; }; s = A[0]; A[1] = keep(); A[2] = s;", "A[1] = s_1;"),
    ("A[1] = [](auto v, float w) { return v * w; }(A[0], 2);", "A[1] = v * w;"),
    ("float t[3] = {1, 2, 3}; for (float& v : t) v *= 2; A[0] = t[1];", "t[k] *= 2.0f;"),
])
def test_members_are_scalars(body, line):
    assert line in printed(body)


def test_assignment_reads_all_members_before_it_writes_one():
    text = printed("Vec v{A[0], A[1]}; v = Vec{v.y, v.x}; A[0] = v.x; A[1] = v.y;")
    lines = [x.strip() for x in text.splitlines()]
    assert lines.index("v_x = v_y;") < lines.index("v_y = vec_y;") and "float vec_y = v_x;" in lines


def test_an_array_of_structs_is_an_array_per_member():
    kernel = parse(VEC + "__global__ void k(float* a) { __shared__ Vec s[8]; s[threadIdx.x].y = a[0]; __syncthreads();"
                   " a[1] = s[7 - threadIdx.x].y; }\n// launch: grid(1) block(8)", "cuda")
    shared = [s for s in walk(kernel.body) if isinstance(s, Alloc) and s.memory == "shared"]
    assert [(s.name, s.shape[0].value) for s in shared] == [("s_x", 8), ("s_y", 8)]


def test_a_pointer_to_structs_points_to_their_numbers():
    kernel = parse(VEC + 'extern "C" void f(Vec* p, int n) { for (int i = 0; i < n; i++) p[i].y = p[i].x; }', "c")
    store = next(s for s in walk(kernel.body) if isinstance(s, Store))
    assert kernel.params[0].pointer and store.buffer == "p" and "2" in str(store.indices[0])


def test_a_struct_by_value_is_a_parameter_per_member():
    text = "struct P { const float* x; float* y; int n; };" + \
        "__global__ void k(P p) { int i = threadIdx.x; if (i < p.n) p.y[i] = p.x[i]; }\n// launch: grid(1) block(32)"
    kernel = parse(text, "cuda")
    assert [(p.name, p.pointer) for p in kernel.params] == [("x", True), ("y", True), ("n", False)]


def test_constructors_and_static_members():
    text = """
    template <typename T, int N> struct Acc {
      static constexpr int size = N * 2;
      enum { half = N / 2 };
      T sum, last;
      Acc(T first) : sum(first), last(T(0)) { last = sum * 2; }
      static T zero() { return T(0); }
      T get() const { return sum + last + T(size + half) + zero(); }
    };
    extern "C" void f(float* A) { Acc<float, 4> a(A[0]); A[1] = a.get(); }"""
    kernel = parse(text, "c")
    assert "8" in registry.get("c").emit(kernel) or any(isinstance(n, Const) and n.value == 10 for n in walk(kernel.body))


@pytest.mark.parametrize(("body", "helpers", "message"), [
    ("Vec v{1, 2, 3};", VEC, "has 2 members, not 3"),
    ("Vec v{1, 2}; A[0] = v.z;", VEC, "no member z"),
    ("Vec v{1, 2}; A[0] = v.length();", VEC, "no member function length"),
    ("Vec v{1, 2}; A[0] = v;", VEC, "used as a number"),
    ("Vec v{1, 2}; v -= v;", VEC, "no operator-= for Vec"),
    ("D d; A[0] = d.x;", "struct B { float x; }; struct D : B { float y; };", "inheritance"),
    ("auto f = [](float v) { return v; }; A[0] = f;", "", "lambda"),
    ("S s; A[0] = s.n;", "struct S { int n; S(int a) : n(a) {} };", "takes 1 arguments, not 0"),
    ("for (float v : A) A[0] = v;", "", "known length"),
])
def test_what_structs_cannot_do_yet(body, helpers, message):
    with pytest.raises((ParseError, UnsupportedError), match=message):
        printed(body, helpers)


def test_a_struct_of_several_types_behind_a_pointer_is_refused():
    with pytest.raises(UnsupportedError, match="members have several types"):
        parse('struct S { int n; float x; }; extern "C" void f(S* p) { p[0].n = 1; }', "c")
