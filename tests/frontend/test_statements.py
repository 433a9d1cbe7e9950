"""Loops, branches, names, pointers, helpers."""

import pytest
from frontend_samples import PLAIN, TILED

from xpiler_jupyter.errors import ParseError, UnsupportedError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir import spec
from xpiler_jupyter.ir.nodes import Alloc, Barrier, Block, Const, For, If, Let, Load, Return, Store, Var, While
from xpiler_jupyter.ir.types import I32
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry


def body(text, platform="c"):
    """Statements of a kernel `(float* A, float* B, int* I, int n)` with this body."""
    k = parse(f"void f(float* A, float* B, int* I, int n) {{ {text} }}", platform)
    spec.check(k)
    return k.body.stmts


def kinds(stmts):
    return [type(s).__name__ for s in stmts]


@pytest.mark.parametrize("head", [
    "for (int i = 0; i < n; i++)", "for (int i = 0; i < n; ++i)", "for (int i = 0; n > i; i += 1)",
    "for (int i = 0; i <= n - 1; i = i + 1)", "int i; for (i = 0; i < n; i++)",
])
def test_counting_loops_are_for(head):
    (loop,) = body(f"{head} A[i] = 0;")
    assert isinstance(loop, For) and (loop.var, loop.step) == ("i", Const(1, I32))


@pytest.mark.parametrize("text", [
    "for (int i = 0; i < n; i++) { if (I[i]) i++; A[i] = 0; }", "for (int s = n; s > 0; s >>= 1) A[s] = 0;",
    "int m = n; for (int i = 0; i < m; i++) { m = I[i]; }", "for (int i = 0; i != n; i++) A[i] = 0;",
    "for (float x = 0; x < 1; x += 0.5f) A[0] += x;", "for (int i = 0; i < n && A[i] > 0; i++) B[i] = 0;",
    "for (unsigned u = n; u >= 1; u--) A[u] = 0;", "for (int i = 0; i < I[0]; i++) I[0] = 1;",
])
def test_other_loops_are_while(text):
    assert "While" in kinds(body(text)) and "For" not in kinds(body(text))


def test_loop_that_counts_down_counts_up_with_the_real_value_named():
    (loop,) = body("for (int i = n - 1; i >= 0; i--) A[i] = 0;")
    assert (loop.var, loop.lo, loop.step) == ("i_up", Const(0, I32), Const(1, I32))
    assert isinstance(loop.body.stmts[0], Let) and loop.body.stmts[0].name == "i"


def test_loop_that_counts_down_from_a_variable_keeps_its_first_value():
    stmts = body("int m = n; m += 1; for (int i = m; i > 0; i--) { m = 0; A[i] = 0; }")
    assert isinstance(stmts[-2], Let) and stmts[-2].name == "i_from"
    assert stmts[-1].body.stmts[0].value.a == stmts[-1].hi == Var("i_from", I32)


def test_continue_in_a_while_form_runs_the_update_first():
    stmts = body("for (int i = 0, j = 9; i < n; i++, j--) { if (I[i]) continue; A[i] = j; }")
    loop = next(s for s in stmts if isinstance(s, For))
    assert kinds(loop.body.stmts[0].then.stmts) == ["Store", "Continue"]
    assert kinds(loop.body.stmts)[-1] == "Store"


def test_unroll_pragma_marks_the_loop():
    (loop,) = body("\n#pragma unroll\nfor (int i = 0; i < 4; i++) A[i] = 0;")
    assert loop.kind == "unrolled"


def test_scalars_are_lets_unless_they_change():
    assert kinds(body("int a = n; int b = n; b += a; int c; c = b; A[0] = c;")) == \
        ["Let", "Alloc", "Store", "Store", "Let", "Store"]


def test_scalar_set_in_branches_is_a_buffer():
    assert kinds(body("int c; if (n > 2) c = 1; else c = 2; A[0] = c;")) == ["Alloc", "If", "Store"]


def test_shadowing_names_are_made_different():
    stmts = body("int i = 2; { float i = 0.5f; A[0] = i; } A[1] = i;")
    assert [s.name for s in stmts if isinstance(s, Let)] == ["i", "i_1"]


def test_switch_becomes_a_chain_of_ifs():
    (top,) = body("switch (n) { case 1: case 2: A[0] = 1; break; default: A[0] = 2; }")
    assert isinstance(top, If) and top.cond.op == "||" and kinds(top.orelse.stmts) == ["Store"]


def test_cases_that_fall_through_are_one_branch_with_guards():
    (top,) = body("switch (n) { case 3: A[3] = 1; case 2: A[2] = 1; [[fallthrough]]; case 1: A[1] = 1; break; case 7: A[7] = 1; }")
    assert isinstance(top, If) and kinds(top.then.stmts) == ["If", "If", "Store"]
    assert top.then.stmts[0].cond.op == "==" and top.then.stmts[1].cond.op == "||"
    assert isinstance(top.orelse.stmts[0], If) and top.orelse.stmts[0].cond.b.value == 7


def test_a_default_that_falls_through_is_entered_by_what_no_label_takes():
    (top,) = body("switch (n) { default: A[0] = 1; case 2: A[2] = 1; break; case 1: A[1] = 1; }")
    assert top.cond.b.value == 1 and kinds(top.orelse.stmts) == ["If", "Store"]
    assert top.orelse.stmts[0].cond.op == "!=" and top.orelse.stmts[0].cond.b.value == 2


def test_a_helper_may_return_from_its_cases():
    text = """__device__ int pick(int k) { switch (k) { case 1: return 10; case 2: { int t = k * k; return t; } } return -1; }
    __global__ void k(int* A, int n) { A[0] = pick(n); }"""
    k = parse(text, "cuda")
    top = next(n for n in walk(k.body) if isinstance(n, If))
    assert kinds(top.orelse.stmts[0].orelse.stmts) == ["Store"]


@pytest.mark.parametrize(("text", "message"), [
    ("switch (n) { case 1: int x = 1; A[0] = x; case 2: A[1] = 2; }", "falls through"),
    ("switch (n) { case 1: if (n) break; A[0] = 1; }", "break in the middle"),
    ("goto end; end: ;", "goto"), ("int m = n; float t[m];", "must be a constant"),
    ("static int c = 0; c++;", "static"),
    ("int i = 0; A[i++] = i;", "changed and used"), ("float* p; p = A; p = B;", "points into"),
    ("double* p = (double*)A;", "sizes differ"), ("volatile int v = 0;", "volatile"),
    ("struct P : Q { int x; }; P p;", "inheritance"),
    ("const int q = 1; q = 2;", "const"), ("int x = 1; int x = 2;", "twice"), ("break;", "outside"),
    ("float** p;", "pointer to a pointer"), ("float4 v;", "float4"), ("A[0] = n > 1 ? n++ : 0;", "condition"),
])
def test_refusal_names_the_statement(text, message):
    with pytest.raises((ParseError, UnsupportedError)) as e:
        body(text)
    assert message in str(e.value) and e.value.line == 1


# -- pointers ----------------------------------------------------------------------------------------------------------


def places(stmts):
    return [(s.buffer, s.indices) for s in walk(Block(tuple(stmts))) if isinstance(s, Store)]


def test_pointer_arithmetic_is_gone():
    n = Var("n", I32)
    assert places(body("float* q = A + n; q[0] = 1; *(A + n) = 1; *(&A[n]) = 1; (q + 0)[0] = 1;")) == [("A", (n,))] * 4


def test_pointer_that_moves_is_an_offset():
    stmts = body("float* p = A + 1; for (int i = 0; i < n; i++) *p++ = 0; p -= 2;")
    assert stmts[0].name == "p_offset" and stmts[0].dtype == I32
    assert any(isinstance(s, Store) and s.buffer == "A" for s in walk(stmts[2]))


def test_pointer_offset_read_from_memory_is_taken_at_its_declaration():
    stmts = body("float* p = A + I[0]; I[0] = 5; p[1] = 2;")
    assert kinds(stmts) == ["Let", "Store", "Store"] and stmts[2].indices[0].a == Var("p_offset", I32)


def test_rows_of_local_arrays():
    (_, a, b, c) = body("float t[4][5]; float* row = t[2]; row[1] = 1; float (*r)[5] = t; r[3][4] = 2; "
                        "float* flat = &t[0][0]; flat[n] = 3;")
    two = [Const(v, I32) for v in (2, 1, 3, 4)]
    assert a.indices == (two[0], two[1]) and b.indices == (two[2], two[3]) and len(c.indices) == 2


def test_parameter_arrays_are_flat_with_their_extent():
    k = parse("void f(float A[4][8], float (*B)[8], int n) { A[n][1] = B[2][3]; }", "c")
    assert k.params[0].extent == Const(32, I32) and k.params[1].extent is None
    load = next(x for x in walk(k.body) if isinstance(x, Load))
    assert load.indices == (Const(19, I32),)


def test_initialisers():
    stmts = body("float a[3] = {0}; int b[] = {1, 2}; float c[2][2] = {{1}, {2}}; float z = {0}; "
                 "A[0] = a[0] + b[1] + c[1][0] + z;")
    allocs = {s.name: s for s in stmts if isinstance(s, Alloc)}
    assert allocs["a"].zeroed and allocs["b"].shape == (Const(2, I32),)
    assert [s.indices for s in stmts if isinstance(s, Store) and s.buffer == "c"] == \
        [(Const(0, I32), Const(0, I32)), (Const(1, I32), Const(0, I32))]


# -- helpers -----------------------------------------------------------------------------------------------------------


def test_helpers_are_inlined_and_are_no_kernels():
    k = parse(PLAIN, "c")
    spec.check(k)
    assert k.name == "norms" and not any(isinstance(n, Return) for n in walk(k.body))
    assert any(isinstance(n, While) for n in walk(k.body))


def test_early_return_of_a_helper_guards_the_rest():
    text = "void put(float* p, int i) { if (i > 3) return; p[i] = 1; } " \
           "extern \"C\" void f(float* A, int n) { put(A, n); A[0] = 2; }"
    first, second = parse(text, "c").body.stmts
    assert isinstance(first, If) and not first.then.stmts and kinds(first.orelse.stmts) == ["Store"]
    assert isinstance(second, Store)


def test_argument_is_evaluated_once():
    text = "float sq(float x) { return x * x; } extern \"C\" void f(float* A, int n) { A[0] = sq(A[n] + 1); }"
    assert kinds(parse(text, "c").body.stmts) == ["Let", "Store"]


def test_reference_parameter_writes_through():
    text = "void inc(float& r) { r += 1; } extern \"C\" void f(float* A, int n) { inc(A[n]); }"
    (store,) = parse(text, "c").body.stmts
    assert (store.buffer, store.indices) == ("A", (Var("n", I32),))


@pytest.mark.parametrize(("helper", "message"), [
    ("float h(float x) { return h(x - 1); }", "recursion"),
    ("template <class... T> float h(T... x) { return 0; }", "parameter pack"),
    ("template <int N> float h(float x) { return x * N; }", "argument N of h cannot be told"),
    ("float h(float x, float y) { return x; }", "takes 2 arguments"),
    ("float h(int x) { return x; } float h(unsigned x) { return x; }", "equally well"),
])
def test_helpers_that_cannot_be_inlined(helper, message):
    with pytest.raises((ParseError, UnsupportedError), match=message):
        parse(helper + " extern \"C\" void f(float* A) { A[0] = h(A[1]); }", "c")


# -- axes and shared memory --------------------------------------------------------------------------------------------


def test_axes_stand_outside_with_shared_memory_between_grid_and_block():
    k = parse(TILED, "cuda")
    spec.check(k, frozenset(("threadIdx.x", "threadIdx.y", "threadIdx.z")))
    order, at = [], k.body
    while len(at.stmts) == 1 or isinstance(at.stmts[0], Alloc):
        order += [s.axis if isinstance(s, For) else s.name for s in at.stmts]
        at = at.stmts[-1].body
    assert order == ["blockIdx.y", "blockIdx.x", "a", "threadIdx.y", "threadIdx.x"]
    assert sum(isinstance(n, Barrier) for n in walk(k.body)) == 2
    assert k.max_threads == 256


def test_comments_stay_with_their_statements():
    k = parse(TILED, "cuda")
    assert k.comments == ("Multiplies square matrices.",)
    loop = next(n for n in walk(k.body) if isinstance(n, For) and n.var == "t")
    assert loop.comments == ("walk the tiles",)
    assert next(n for n in walk(k.body) if isinstance(n, Alloc) and n.name == "a").comments == ("padded",)


@pytest.mark.parametrize(("text", "platform"), [(TILED, "cuda"), (TILED, "hip"), (PLAIN, "c")])
def test_printed_kernel_reads_back_as_it_was_printed(text, platform):
    p = registry.get(platform)
    once = p.emit(parse(text, p))
    assert p.emit(parse(once, p)) == once
