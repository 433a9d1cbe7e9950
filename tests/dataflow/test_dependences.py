"""Dependences: exact on affine kernels (against a trace of the run), safe on all others, and said in words."""

from __future__ import annotations

import dataclasses
from trace import Trace

import numpy as np
import pytest
from hypothesis import given, settings
from interp import run
from strategies import kernels

from xpiler_jupyter.dataflow import dependences as dep
from xpiler_jupyter.dataflow import sets
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.build import integer, sub
from xpiler_jupyter.ir.nodes import Const, For, Kernel
from xpiler_jupyter.ir.types import F32, I32
from xpiler_jupyter.ir.visit import substitute, walk
from xpiler_jupyter.passes.base import loop_labels, replace_node


def c(body: str, params: str = "float* A, float* B, float* C, int n, int m, int k") -> Kernel:
    return parse(f'extern "C" void f({params}) {{ {body} }}', "c")


def verdict(body: str, loop: str = "i") -> dep.Parallel:
    kernel = c(body)
    return dep.is_parallel(kernel, loop_labels(kernel)[loop])


@pytest.mark.parametrize("body", [
    "for (int i = 0; i < n; i++) A[i] = B[i + 1];",
    "for (int i = 0; i < n; i++) A[2 * i] = A[2 * i + 1];",
    "for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) A[i * m + j] = 0;",
    "for (int i = 0; i < n; i++) for (int j = 0; j < 4; j++) A[i * 4 + j] = A[i * 4 + 3 - j];",
    "for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) for (int l = 0; l < k; l++) A[(i * m + j) * k + l] = 1;",
    "for (int i = 0; i < n; i++) for (int j = 0; j < m * k; j++) A[i * m * k + j] = 1;",
    "for (int i = 0; i < 64; i++) A[i / 8 * 8 + i % 8] = 1;",
    "for (int i = 0; i < n; i++) for (int j = 0; j < std::min((n - k) / m + 1, 4); j++) A[i * 4 + j] = 1;",
    "for (int i = 0; i < n; i++) { int q = i / m; int r = i % m; A[q * m + r] = B[r]; }",
    "for (int i = 0; i < 16; i++) A[(i & 3) * 4 + (i >> 2)] = 1;",
    "for (int i = 0; i < n; i++) { if (i % 2 == 0) A[i] = A[i + 1]; }",
    "for (int i = 0; i < n; i += 4) for (int j = 0; j < 4; j++) A[i + j] = 1;",
    "for (int i = 0; i < n; i++) { if (i >= 5) continue; A[i] = A[i + 5]; }",
    "for (int i = 0; i < n; i++) A[i] = i > 0 ? B[i - 1] : 0;",
    "for (int i = 0; i < n; i++) { float s = 0; for (int j = 0; j < m; j++) s += B[j]; A[i] = s; }",
    "for (int i = 0; i < n; i++) { float t[4]; for (int j = 0; j < 4; j++) t[j] = B[i]; A[i] = t[3]; }",
    "for (int i = 0; i < n; i++) A[i] = B[(int)B[i]];",
])
def test_parallel(body: str) -> None:
    assert verdict(body).ok, verdict(body).reason


@pytest.mark.parametrize(("body", "why"), [
    ("for (int i = 1; i < n; i++) A[i] = A[i - 1];", "writes A in one iteration and reads it in a later one"),
    ("for (int i = 0; i < n; i++) A[i] = A[i + 1];", "reads A in one iteration and overwrites it in a later one"),
    ("for (int i = 0; i < n; i++) A[0] = B[i];", "writes the same element of A"),
    ("for (int i = 0; i < n; i++) A[i / 2] = B[i];", "writes the same element of A"),
    ("for (int i = 0; i < n; i++) A[0] += B[i];", "carries the sum into A"),
    ("for (int i = 0; i < n; i++) A[0] -= B[i];", "carries the sum into A"),
    ("for (int i = 0; i < n; i++) A[0] = fmaxf(A[0], B[i]);", "carries the maximum into A"),
    ("for (int i = 0; i < n; i++) A[(int)B[i]] = 1;", "index that is not an affine function"),
    ("for (int i = 0; i < n; i++) for (int j = 0; j <= m; j++) A[i * m + j] = 0;", "not an affine function"),
    ("for (int i = 0; i < n; i++) { if (B[i] > 0) break; A[i] = 1; }", "may end early"),
    ("for (int i = 0; i < n; i++) { A[i] = 1; if (B[i] > 0) return; }", "may end early"),
])
def test_not_parallel(body: str, why: str) -> None:
    got = verdict(body)
    assert not got.ok
    assert why in got.reason


def test_the_reason_has_an_example() -> None:
    got = verdict("for (int i = 2; i < n; i++) A[i] = A[i - 2];")
    assert "[i=2] and [i=4]" in got.reason


def test_reductions_are_told_apart() -> None:
    assert verdict("for (int i = 0; i < n; i++) A[0] += B[i];").only_reductions
    assert not verdict("for (int i = 0; i < n; i++) { A[0] += B[i]; C[i] = A[0]; }").only_reductions
    assert not verdict("for (int i = 0; i < n; i++) A[0] = A[0] / 2 + B[i];").only_reductions


@pytest.mark.parametrize(("body", "private"), [
    ("float t; for (int i = 0; i < n; i++) { t = A[i]; B[i] = t; }", ("t",)),
    ("float t[8]; for (int i = 0; i < n; i++) { for (int j = 0; j < 8; j++) t[j] = A[i * 8 + j];"
     " for (int j = 0; j < 8; j++) B[i * 8 + j] = t[7 - j]; }", ("t",)),
    ("float t; for (int i = 0; i < n; i++) { if (A[i] > 0) t = 1; else t = 2; B[i] = t; }", ("t",)),
    ("float t[2]; for (int i = 0; i < n; i++) { if (A[i] > 0) { for (int j = 0; j < 2; j++) t[j] = 1; }"
     " else { t[1] = 2; t[0] = 3; } B[i] = t[0]; }", ("t",)),
    ("float t = 3; for (int i = 0; i < n; i++) B[i] = t;", ()),
])
def test_private_buffers(body: str, private: tuple[str, ...]) -> None:
    got = verdict(body)
    assert got.ok, got.reason
    assert got.needs_private == private


@pytest.mark.parametrize("body", [
    "float t = 0; for (int i = 0; i < n; i++) { B[i] = t; t = A[i]; }",  # from the iteration before
    "float t; for (int i = 0; i < n; i++) { t = A[i]; B[i] = t; } C[0] = t;",  # live after
    "float t; for (int i = 0; i < n; i++) { if (A[i] > 0) t = 1; B[i] = t; }",  # one side only
    "float t[8]; for (int i = 0; i < n; i++) { for (int j = 0; j < 7; j++) t[j] = 1; B[i] = t[7]; t[7] = A[i]; }",
    "float t; for (int j = 0; j < m; j++) { C[j] = t; for (int i = 0; i < n; i++) { t = A[i]; B[i] = t; } }",
])
def test_not_private(body: str) -> None:
    assert not verdict(body).ok


def test_an_assumption_on_sizes_is_named() -> None:
    got = verdict("for (int i = 0; i < n; i++) A[i * k] = 0;")  # for k = 0 they are all one element
    assert got.ok and got.assumes == ("k >= 1",)
    assert not verdict("for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) A[i * m + j] = 0;").assumes


def test_an_early_return_narrows_what_follows() -> None:
    kernel = c("if (n > 8) return; for (int i = 0; i < n; i++) A[i] = A[i + 8];")
    assert dep.is_parallel(kernel, loop_labels(kernel)["i"]).ok


def test_a_question_that_is_too_hard_is_refused() -> None:
    kernel = c("for (int i = 0; i < 99; i++) for (int j = 0; j < 99; j++) A[(7 * i + 3 * j) % 31] = A[i / 5 % 17 + j];")
    loop = loop_labels(kernel)["i"]
    with sets.bounded(50):
        assert "too hard" in dep.is_parallel(kernel, loop).reason
    assert "writes A" in dep.is_parallel(kernel, loop).reason


@pytest.mark.parametrize(("body", "ok"), [
    ("for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) A[i * m + j] = 1;", True),
    ("for (int i = 1; i < 9; i++) for (int j = 0; j < 8; j++) A[i * 8 + j] = A[i * 8 - 8 + j];", True),
    ("for (int i = 1; i < 9; i++) for (int j = 0; j < 7; j++) A[i * 8 + j] = A[i * 8 - 8 + j + 1];", False),
    ("float t; for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) { t = A[j]; B[i * m + j] = t; }", True),
])
def test_permutation(body: str, ok: bool) -> None:
    kernel = c(body)
    loops = loop_labels(kernel)
    got = dep.can_permute(kernel, [loops["i"], loops["j"]], [1, 0])
    assert got.ok == ok, got.reason


def test_a_sum_may_be_reordered_only_as_a_sum() -> None:
    kernel = c("for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) A[0] += B[i * m + j];")
    loops = loop_labels(kernel)
    got = dep.can_permute(kernel, [loops["i"], loops["j"]], [1, 0])
    assert not got.ok and got.only_reductions


@pytest.mark.parametrize(("second", "ok"), [("B[i] = A[i];", True), ("B[i] = A[i + 1];", False),
                                            ("A[i + 1] = 2;", False), ("if (i > 0) B[i] = A[i - 1];", True), ("B[i] = C[i];", True)])
def test_fusion(second: str, ok: bool) -> None:
    kernel = c(f"for (int i = 0; i < n; i++) A[i] = C[i]; for (int i = 0; i < n; i++) {{ {second} }}")
    loops = loop_labels(kernel)
    assert dep.can_fuse(kernel, loops["i"], loops["i#2"]).ok == ok


@pytest.mark.parametrize(("body", "ok"), [("A[i] = B[i]; C[i] = A[i];", True), ("A[i] = C[i]; C[i + 1] = B[i];", False),
                                          ("A[i] = C[i + 1]; C[i] = B[i];", True)])
def test_distribution(body: str, ok: bool) -> None:
    kernel = c(f"for (int i = 0; i < n; i++) {{ {body} }}")
    assert dep.can_distribute(kernel, loop_labels(kernel)["i"], 1).ok == ok


def test_crossing_names() -> None:
    kernel = c("for (int i = 0; i < n; i++) { int q = i / 2; float t = A[q]; B[i] = t; }")
    loop = loop_labels(kernel)["i"]
    assert dep.crossing(loop, len(loop.body.stmts) - 1) == ["t"]


# -- against what happens ----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(kernels())
def test_carried_is_exact(kernel: Kernel) -> None:
    """On affine kernels of known size the answer is what a trace of the run shows."""
    fixed = dataclasses.replace(kernel, body=substitute(kernel.body, {"n": Const(4, I32)}))
    trace = Trace(fixed)
    for node in walk(fixed.body):
        if isinstance(node, For):
            assert bool(dep.carried(fixed, node)) == trace.carries(node), node.var


@settings(max_examples=40, deadline=None)
@given(kernels())
def test_a_parallel_loop_may_run_backwards(kernel: Kernel) -> None:
    for node in walk(kernel.body):
        if isinstance(node, For) and dep.is_parallel(kernel, node).ok:
            last = sub(sub(node.hi, integer(1)), _var(node))
            backwards = dataclasses.replace(node, body=substitute(node.body, {node.var: last}))
            other = replace_node(kernel, node, backwards)
            for n in (1, 4):
                for a, b in zip(_run(kernel, n), _run(other, n), strict=True):
                    np.testing.assert_array_equal(a, b)


def _var(node: For):  # type: ignore[no-untyped-def]
    from xpiler_jupyter.ir.build import var

    return var(node.var, node.dtype)


def _run(kernel: Kernel, n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    args = {p.name: rng.integers(-3, 4, 160).astype(np.float32) if p.dtype == F32 else n for p in kernel.params}
    run(kernel, args)
    return [args[p.name] for p in kernel.params if p.pointer]
