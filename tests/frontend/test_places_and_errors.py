"""Macros, places, errors, and what arbitrary text does."""

import random
import re

import pytest
from frontend_samples import PLAIN, TILED, WRAPPED
from hypothesis import given, settings
from hypothesis import strategies as st

from xpiler_jupyter.errors import ParseError, UnsupportedError, UsageError, XpilerError
from xpiler_jupyter.frontend import parse, parse_module
from xpiler_jupyter.ir import spec
from xpiler_jupyter.ir.nodes import Call, For, Let, Load, Store
from xpiler_jupyter.ir.visit import walk


def spanned(text, kernel, kind, k=0):
    """The source text of the k-th node of a kind."""
    node = [n for n in walk(kernel.body) if isinstance(n, kind)][k]
    return text.encode()[node.span.start:node.span.end].decode()


def test_spans_are_bytes_of_the_original_text():
    text = "// größer\nvoid f(float* A) {\n  A[1] = expf(A[0]); // é\n  A[2] = 3;\n}\n"
    k = parse(text, "c")
    assert spanned(text, k, Call) == "expf(A[0])" and spanned(text, k, Store, 1) == "A[2] = 3;"[:-1]
    store = [n for n in walk(k.body) if isinstance(n, Store)][1]
    assert (store.span.line, store.span.column) == (4, 3)


def test_macro_body_points_at_its_use_and_arguments_at_themselves():
    text = "#define TWICE(x) ((x) + (x))\n#define N 4\nvoid f(float* A, int k) {\n" \
           "  for (int i = 0; i < N; i++) A[i] = TWICE(A[k]);\n}"
    k = parse(text, "c")
    assert spanned(text, k, Load) == "A[k]"
    loop = next(n for n in walk(k.body) if isinstance(n, For))
    assert text.encode()[loop.hi.span.start:loop.hi.span.end] == b"N"
    store = next(n for n in walk(k.body) if isinstance(n, Store))
    assert text.encode()[store.value.span.start:store.value.span.end] == b"TWICE(A[k])"


def test_nested_macros_conditions_and_redefinition():
    text = """
#define A_(i, j) a[(i) * N + (j)]
#define N 8
#define EACH(v, n) for (int v = 0; v < n; ++v)
#if defined(N) && N > 4
#define BY 2
#else
#error small
#endif
#ifdef MISSING
this is not C
#endif
void f(float* a) { EACH(i, N) A_(i, BY) = i;
#undef N
  int N = 3; a[N] = 0; }
"""
    k = parse(text, "c")
    assert next(n for n in walk(k.body) if isinstance(n, For)).hi.value == 8
    assert next(n for n in walk(k.body) if isinstance(n, Let)).name == "N"


@pytest.mark.parametrize(("text", "kind", "message", "place"), [
    ("", ParseError, "empty", (1, 1)),
    ("x = 1\nprint(x)\n", ParseError, "looks like Python", (1, 1)),
    ("import numpy as np\ndef f(a):\n    return a\n", ParseError, "looks like Python", (1, 1)),
    ("int f(int a) { return a; }", ParseError, "no kernel", (1, 1)),
    ("void f(float* a) {\n  a[0] = 1;\n", ParseError, "} is missing", (1, 18)),
    ("void f(float* a) {\n  a[0 = 1;\n}", ParseError, "a ] is missing before this ;", (2, 10)),
    ("void f(float* a) {\n  for (int i = 0; i < 4; i++ { a[i] = 1; }\n}", ParseError,
     "a ) is missing before this {", (2, 30)),
    ("void f(float* a) {\n  a[0] = 1.0f a[1] = 2;\n}", ParseError, "a ; or an operator is missing", (2, 15)),
    ("void f(float* a) {\n  int x = ;\n}", ParseError, "expression is missing", (2, 11)),
    ("void f(float* a) { a[0] = 1; } /* open", ParseError, "*/ is missing", (1, 32)),
    ("void f(float* a) { a[0] = zz; }", ParseError, "zz is not declared", (1, 27)),
    ("#if __OPTIMIZE__ >= 2\n#endif\nvoid f(float* a) {}", UnsupportedError, "__OPTIMIZE__", None),
    ("#if 1\nvoid f(float* a) {}", ParseError, "no #endif", (1, 1)),
    ("#define F(a, b) a\nvoid f(float* a) { a[0] = F(1); }", ParseError, "takes 2 arguments", (2, 27)),
    ("template <int N> void f(float* a) { a[N] = 1; }", UnsupportedError, "template", (1, 18)),
    ("void f(float* a) {\n\ta[0] = foo(1);\n}", UnsupportedError, "foo", (2, 9)),
])
def test_errors_say_what_and_where(text, kind, message, place):
    with pytest.raises(kind) as e:
        parse(text, "c")
    assert message in str(e.value)
    if place:
        assert (e.value.line, e.value.column) == place
    assert e.value.render().startswith("line ")


def test_caret_stands_under_the_word():
    with pytest.raises(ParseError) as e:
        parse("void f(float* a) {\n\ta[0] = zz;\n}", "c")
    quoted, caret = e.value.render().splitlines()[1:3]
    assert quoted[caret.index("^"):].startswith("zz")


def test_one_bad_kernel_does_not_hide_the_others():
    m = parse_module("__global__ void good(float* a) { a[0] = 1; }\n__global__ void bad(float* a) { goto x; x:; }\n"
                     "__global__ void broken(float* a) { a[0] = ; }\n", "cuda")
    assert [k.name for k in m.kernels] == ["good"]
    assert {n: e.line for n, e in m.failures.items()} == {"bad": 2, "broken": 3}


def test_parse_picks_by_name_and_asks_otherwise():
    text = "__global__ void one(float* a) { a[0] = 1; } __global__ void two(float* a) { throw 1; }"
    assert parse(text, "cuda", "one").name == "one"
    with pytest.raises(UnsupportedError):
        parse(text, "cuda", "two")
    with pytest.raises(UsageError, match="one, two"):
        parse(text, "cuda")
    with pytest.raises(UsageError, match="three"):
        parse(text, "cuda", "three")


def test_wrong_platform_is_suspected():
    with pytest.raises(UnsupportedError, match="plain C has no __shared__"):
        parse(TILED, "c")
    with pytest.raises(ParseError, match="no function is marked"):
        parse(PLAIN, "cuda")


def test_macro_bomb_is_refused_quickly():
    lines = "".join(f"#define L{k} L{k - 1} L{k - 1}\n" for k in range(1, 40))
    with pytest.raises(UnsupportedError, match="too much text"):
        parse("#define L0 x +\n" + lines + "void f(float* a) { a[0] = L39 1; }", "c")


def test_deep_nesting_is_refused_not_a_crash():
    with pytest.raises(XpilerError):
        parse("void f(float* a) { a[0] = " + "(" * 5000 + "1" + ")" * 5000 + "; }", "c")


_SAMPLES = [(TILED, "cuda"), (WRAPPED, "cuda"), (PLAIN, "c")]
_JUNK = ["*", "&", "(", ")", "{", "}", ";", "<", "int", "const", "return", "for", "case",
         "1.5f", '"', "/*", "\\", "\u00e9", "::", "$"]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.sampled_from(range(3)), st.randoms(use_true_random=False))
def test_broken_text_raises_our_errors_only(which, rng: random.Random):
    text, platform = _SAMPLES[which]
    if rng.random() < 0.3:
        text = text[:rng.randrange(len(text))]
    else:
        words = re.findall(r"\w+|\s+|[^\w\s]", text)
        for _ in range(rng.choice((1, 1, 2, 5))):
            k = rng.randrange(len(words))
            action = rng.random()
            if action < 0.6:
                del words[k]
            elif action < 0.8:
                words[k] = rng.choice(words)
            else:
                words.insert(k, rng.choice(_JUNK))
        text = "".join(words)
    try:
        module = parse_module(text, platform)
    except XpilerError as e:
        assert e.line is not None and e.render()
        return
    for e in module.failures.values():
        assert e.line is not None and e.render()
    for k in module.kernels:
        spec.check(k, frozenset(("threadIdx.x", "threadIdx.y", "threadIdx.z")))
