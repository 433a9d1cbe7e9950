"""Templates, overloads and name spaces: the instance that a call, a launch or the person means, and refusals that say why not."""

import pytest

from xpiler_jupyter.errors import ParseError, UnsupportedError, UsageError, XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Alloc, Const, Load, Store
from xpiler_jupyter.ir.types import F32, F64, I32
from xpiler_jupyter.ir.visit import walk

KERNEL = """
template <typename T, int N = 4>
__global__ void k(const T* x, T* y) {
  __shared__ T part[N];
  part[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = part[threadIdx.x] * T(N);
}
"""


def value(helpers: str, expression: str = "h(A[1])"):
    """What a plain C function stores."""
    kernel = parse(helpers + ' extern "C" void f(float* A, int n) { A[0] = ' + expression + "; }", "c")
    return [s for s in walk(kernel.body) if isinstance(s, Store)][-1].value


# -- kernels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "with_", "dtype", "size", "instance"), [
    ("void run(float* x, float* y) { k<float, 32><<<1, 32>>>(x, y); }", {}, F32, 32, "k<float, 32>"),
    ("void run(double* x, double* y) { k<<<1, 4>>>(x, y); }", {}, F64, 4, "k<double, 4>"),
    ("template <typename U> void go(U* x, U* y) { k<U, 8><<<1, 8>>>(x, y); } void run(double* x, double* y) { go(x, y); }", {},
     F64, 8, "k<double, 8>"),
    ("template <typename U> void go(U* x, U* y) { k<U, 8><<<1, 8>>>(x, y); }", {"U": "int"}, I32, 8, "k<int, 8>"),
    ("template __global__ void k<float, 16>(const float*, float*);", {}, F32, 16, "k<float, 16>"),
    ("", {"T": "float", "N": "64"}, F32, 64, "k<float, 64>"),
    ("", {"T": "double"}, F64, 4, "k<double, 4>"),
])
def test_what_says_the_arguments_of_a_kernel(host, with_, dtype, size, instance):
    kernel = parse(KERNEL + host, "cuda", with_=with_)
    shared = next(s for s in walk(kernel.body) if isinstance(s, Alloc) and s.memory == "shared")
    assert (kernel.name, kernel.instance) == ("k", instance)
    assert (shared.dtype, shared.shape) == (dtype, (Const(size, I32),))


TWO = KERNEL + "void run(float* x, double* z) { k<float><<<1, 4>>>(x, x); k<double><<<1, 4>>>(z, z); }"


def test_of_two_instances_the_first_is_meant_unless_one_is_said():
    first = parse(TWO, "cuda")
    assert first.instance == "k<float, 4>" and first.params[0].dtype == F32
    assert any("the first of the 2 instances" in n and "--with T=double" in n for n in first.notes)
    assert parse(TWO, "cuda", with_={"T": "double"}).params[0].dtype == F64


def test_a_kernel_that_nothing_instantiates():
    with pytest.raises(UnsupportedError, match="nothing says its T") as e:
        parse(KERNEL, "cuda")
    assert (e.value.line, e.value.hint) == (3, "Say it: --with T=float")
    with pytest.raises(UsageError, match="no type that is known"):
        parse(KERNEL, "cuda", with_={"T": "quaternion"})


# -- functions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("helpers", "expression", "expected"), [
    ("template <int N> int h(float x) { return N; }", "h<3>(A[1])", 3),
    ("template <typename T, int N = 2> int h(T x) { return sizeof(T) * N; }", "h(A[1])", 8),
    ("template <typename T> int h(T* x) { return sizeof(T); }", "h(A)", 4),
    ("template <typename T, int N> int h(T (&x)[N]) { return N; } int g() { float t[7]; return h(t); }", "g()", 7),
    ("template <typename T> int h(T x) { return 1; } template <> int h<double>(double x) { return 2; }", "h(1.0) * 4 + h(1)", 9),
    ("int h(int x) { return 1; } int h(double x) { return 2; } int h(int x, int y) { return 4; }", "h(1) + h(1.0) + h(1, 1)", 7),
    ("template <typename T> int h(T x) { return 1; } int h(float x) { return 2; }", "h(A[1]) * 4 + h(n)", 9),
    ("int h(int x, int y = 5, int z = 2) { return x * y * z; }", "h(1) + h(1, 1) + h(1, 1, 1)", 13),
    ("namespace a { int h() { return 1; } namespace b { int h() { return 2; } } }", "a::h() + 4 * a::b::h()", 9),
    ("namespace a { constexpr int k = 3; enum E { P = 5 }; } using namespace a; template <int N> int h() { return N; }",
     "h<a::k + P>()", 8),
    ("enum class M { A, B = 6, C }; int h(M m) { return m == M::C ? 1 : 0; }", "h(M::C) + (int)M::C", 8),
    ("template <typename T> constexpr int width = 16 / sizeof(T);", "width<double>", 2),
    ("template <typename T> using Pair = T; int h(Pair<short> x) { return sizeof(Pair<double>); }", "h(1)", 8),
    ("template <typename T> int h() { if constexpr (std::is_same<T, int>::value) return 1; else return sizeof(T) + 1; }",
     "h<int>() + h<double>()", 10),
    ("constexpr int up(int a, int b) { return (a + b - 1) / b; } int h() { float t[up(10, 4)]; return sizeof(t) / 4; }", "h()", 3),
])
def test_the_function_that_is_meant(helpers, expression, expected):
    """All of them are known now, so the value stored is a number."""
    found = value(helpers, expression)
    while not isinstance(found, Const):
        found = getattr(found, "x", None)
        assert found is not None, "not a constant"
    assert found.value == expected


@pytest.mark.parametrize(("helpers", "expression", "message"), [
    ("template <typename T> float h(int x) { return T(x); }", "h(1)", "argument T of h cannot be told"),
    ("template <int N> float h() { return N; }", "h<n>()", "must be a constant"),
    ("template <int N> float h() { return N; }", "h<1, 2>()", "takes 1 template arguments, not 2"),
    ("float h(float a, int b) { return a; } float h(int a, float b) { return a; }", "h(1, 1)", "equally well"),
    ("template <class... T> float h(T... a) { return 0; }", "h(1)", "parameter pack"),
    ("float h(float a, float b = 1) { return a; }", "h(1, 2, 3)", "takes 2 arguments"),
    ("template <int N> float h() { static_assert(N > 2, \"too few\"); return N; }", "h<1>()", "too few"),
    ("template <typename T> struct S {}; template <typename T> struct S<T*> { }; float h() { S<int> s; return 0; }", "h()",
     "partial specialisation"),
])
def test_functions_that_cannot_be_chosen(helpers, expression, message):
    with pytest.raises((ParseError, UnsupportedError), match=message):
        value(helpers, expression)


def test_references_and_returns_in_loops():
    text = """
    void swap(float& a, float& b) { float t = a; a = b; b = t; }
    int find(const float* p, int n, float v) {
      for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
          if (p[2 * i + k] == v) return 2 * i + k;
      return -1;
    }
    extern "C" void f(float* A, int n) { swap(A[0], A[1]); A[2] = find(A, n, 3.0f); }"""
    stores = [s for s in walk(parse(text, "c").body) if isinstance(s, Store) and s.buffer == "A"]
    assert [s.indices for s in stores[:2]] == [(Const(0, I32),), (Const(1, I32),)]
    assert isinstance(stores[2].value, Load | object) and len(stores) == 3


def test_an_error_in_an_instance_points_into_the_template():
    with pytest.raises(XpilerError) as e:
        parse("template <typename T>\nT h(T x) {\n  return x % 2;\n}\nextern \"C\" void f(float* A) { A[0] = h(A[1]); }", "c")
    assert e.value.line == 3
