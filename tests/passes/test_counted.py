"""While loops that count, and variables that go up with a loop."""

from __future__ import annotations

import pytest

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir import spec
from xpiler_jupyter.ir.nodes import For, While
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.visit import all_names, walk
from xpiler_jupyter.passes._counted import counted
from xpiler_jupyter.platforms import registry


def text_of(body: str) -> str:
    import dataclasses

    k = parse(f"void f(float* A, const float* B, int n, int m) {{ {body} }}", "c")
    k = dataclasses.replace(k, body=counted(k.body, all_names(k)))
    return " ".join(registry.get("c").emit(simplify(spec.check(k))).split())


@pytest.mark.parametrize(("body", "loop"), [
    ("int i = 0; while (i < n) { A[i] = B[i]; i += 2; }", "for (int i = 0; i < n; i += 2) { A[i] = B[i]; }"),
    ("int i = m; while (n >= i) { i++; A[i] = 1; }", "for (int i = m; i < n + 1; i++) { A[i + 1] = 1.0f; }"),
    ("const float* p = B; const float* e = B + n; float s = 0; while (p < e) s += *p++; A[0] = s;",
     "for (int p_old = 0; p_old < n; p_old++) { s += B[p_old]; }"),
])
def test_a_while_loop_that_counts_is_a_for_loop(body, loop):
    assert loop in text_of(body)


def test_a_walk_of_known_length_counts_from_zero():
    got = text_of("for (int r = 0; r < m; r++) { const float* p = B + r * n; const float* e = p + n; while (p < e) A[r] += *p++; }")
    assert "for (int k = 0; k < n; k++) { int p_offset = r * n + k; A[r] += B[p_offset]; }" in got


def test_what_goes_up_with_a_loop_is_computed_from_it():
    got = text_of("int q = m; for (int i = 0; i < n; i++) { A[i] = B[q]; q += m; A[i] += B[q - 1]; }")
    assert "int q = m + i * m; A[i] = B[q]; A[i] += B[q + m - 1];" in got


def test_two_counters_of_a_while_loop_become_one():
    got = text_of("int i = 0, j = n; while (i < n) { A[i] = B[j]; i += 1; j -= 1; }")
    assert "for (int i = 0; i < n; i++)" in got and "int j = n - i;" in got


@pytest.mark.parametrize("body", [
    "int i = 0; while (i < n) { A[i] = 1; i += 1; } A[i] = 2;",  # read behind the loop
    "int i = 0; while (i < n) { if (B[i] > 0) continue; i += 1; }",
    "int i = 0; while (i < n) { if (B[i] > 0) i += 1; i += 1; }",
    "int i = 1; while (i < n) { A[i] = 0; i *= 2; }",
    "int i = 0; while (i < n && B[i] > 0) { i += 1; A[i] = 1; }",
    "int i = 0; int e = n; while (i < e) { if (B[i] > 0) e = i; i += 1; }",  # the bound changes
    "int i = 0; int s = 1; while (i < n) { A[i] = 0; i += s; s += i; }",  # the step changes
    "float i = 0; while (i < n) { A[0] += i; i += 1; }",
    "int i = n; while (i < m) { A[0] += 1; i -= 1; }",
])
def test_what_does_more_than_counting_stays(body):
    import dataclasses

    k = parse(f"void f(float* A, const float* B, int n, int m) {{ {body} }}", "c")
    done = dataclasses.replace(k, body=counted(k.body, all_names(k)))
    assert any(isinstance(n, While) for n in walk(done.body)) and not any(isinstance(n, For) for n in walk(done.body))


def test_a_pointer_that_is_moved_in_front_and_in_every_round_is_an_index():
    got = text_of("const float* p = B; p += m * 8; for (int k = 0; k < n; k += 8) { A[k] = p[1]; p += 8 * m; }")
    assert "for (int k = 0; k < n; k += 8) { int p_offset = (k + 8) * m; A[k] = B[p_offset + 1]; }" in got


def test_what_is_set_several_times_in_a_row_keeps_its_last_value():
    got = text_of("int a = 1; a += n; A[a] = 0; a *= 2; A[a] = 1; A[a + 1] = 2;")
    assert "A[1 + n] = 0.0f; int a = (1 + n) * 2; A[a] = 1.0f; A[a + 1] = 2.0f;" in got


def test_a_loop_whose_bound_is_its_second_variable():
    got = text_of("for (int i = 0, j = n - 1; i < j; ++i, --j) { A[i] = B[j]; }")
    assert "A[i] = B[j];" in got and "while" not in got
