"""Extents, bounds and density: symbolic answers, and agreement with a trace of the run."""

from __future__ import annotations

import dataclasses
from trace import Trace

import pytest
from hypothesis import given, settings
from interp import Env, evaluate
from strategies import kernels

from xpiler_jupyter.dataflow import extents as extents_module
from xpiler_jupyter.dataflow.extents import bounds_report, extents, footprint_is_dense
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.build import integer
from xpiler_jupyter.ir.nodes import Const, Kernel
from xpiler_jupyter.ir.types import I32
from xpiler_jupyter.ir.visit import substitute
from xpiler_jupyter.platforms import registry as platforms
from xpiler_jupyter.platforms.expr_text import ExprText


def c(body: str) -> Kernel:
    return parse(f'extern "C" void f(float* A, float* B, int n, int m, int k) {{ {body} }}', "c")


def shown(kernel: Kernel) -> dict[str, str | None]:
    text = ExprText(platforms.meeting_point())
    return {name: text.expr(e) if e is not None else None for name, e in extents(kernel).items()}


@pytest.mark.parametrize(("body", "a"), [
    ("for (int i = 0; i < 10; i++) A[i] = 0;", "10"),
    ("for (int i = 0; i < n; i++) A[i] = 0;", "n"),
    ("for (int i = 0; i < n; i++) A[2 * i + 1] = 0;", "2 * n"),
    ("for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) A[i * m + j] = 0;", "m * n"),
    ("for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) for (int l = 0; l < k; l++) A[(i * m + j) * k + l] = 0;",
     "k * m * n"),
    ("for (int i = 0; i < 256; i++) if (i < n) A[i] = 0;", "n < 256 ? n : 256"),
    ("for (int i = 0; i < n; i++) for (int j = 0; j < 3; j++) A[i + j] = 0;", "n + 2"),
    ("for (int i = 0; i < (n + 255) / 256; i++) for (int j = 0; j < 256; j++) if (i * 256 + j < n) A[i * 256 + j] = 0;",
     "n"),
    ("for (int i = 0; i < n / 4; i++) A[i * 4] = 0;", "n / 4 * 4 - 3"),
    ("for (int i = 0; i < n; i++) A[(int)B[i]] = 0;", None),
    ("B[0] = 0;", None),
])
def test_extents(body: str, a: str | None) -> None:
    got = shown(c(body))["A"]
    if got is not None and a is not None and got != a:  # the same value written another way
        for n in (1, 5, 16):
            env = Env({"n": n, "m": 3, "k": 2}, {})
            kernel = c(f"A[{a}] = 0;")
            want = evaluate(kernel.body.stmts[-1].indices[0], env)  # type: ignore[union-attr]
            found = extents(c(body))["A"]
            assert found is not None and evaluate(found, env) == want, got
    else:
        assert got == a


def fixed(kernel: Kernel, size: int) -> Kernel:
    params = tuple(dataclasses.replace(p, extent=integer(size)) if p.pointer else p for p in kernel.params)
    return dataclasses.replace(kernel, params=params)


def test_bounds_name_the_place() -> None:
    kernel = fixed(c("for (int i = 0; i < n; i++) A[i + 1] = B[i];"), 8)
    assert not bounds_report(kernel, {"n": 7, "m": 1, "k": 1})
    (found,) = bounds_report(kernel, {"n": 8, "m": 1, "k": 1})
    assert (found.kind, found.reason) == ("outside", "A[8] of 8 written at i=7")
    (negative,) = bounds_report(fixed(c("for (int i = 0; i < n; i++) A[i - 1] = 0;"), 8), {"n": 2, "m": 1, "k": 1})
    assert negative.reason == "A[-1] of 8 written at i=0"


def test_bounds_of_local_arrays_and_unknown_indices() -> None:
    kernel = fixed(c("float t[4]; for (int i = 0; i < n; i++) t[i] = A[i]; B[0] = t[3];"), 8)
    assert [v.buffer for v in bounds_report(kernel, {"n": 5, "m": 1, "k": 1})] == ["t"]
    unknown = bounds_report(fixed(c("A[(int)B[0]] = 0;"), 8), {"n": 1, "m": 1, "k": 1})
    assert [(v.kind, v.buffer) for v in unknown] == [("unknown", "A")]


def test_guarded_accesses_are_inside() -> None:
    body = "for (int i = 0; i < n; i++) A[i] = i > 0 && i < 7 ? B[i - 1] + B[i + 1] : 0;"
    assert not bounds_report(fixed(c(body), 8), {"n": 8, "m": 1, "k": 1})


@pytest.mark.parametrize(("body", "extent", "dense"), [
    ("for (int i = 0; i < n; i++) A[i] = 0;", "n", True),
    ("for (int i = 0; i < n; i++) A[i] = 0;", "n + 1", False),
    ("for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) A[i * m + j] = 0;", "n * m", True),
    ("for (int i = 0; i < n; i++) if (B[i] > 0) A[i] = 0;", "n", False),
    ("for (int i = 0; i < n; i++) { if (B[i] > 0) A[i] = 0; else A[i] = 1; }", "n", True),
    ("for (int i = 0; i < n; i++) A[2 * i] = 0;", "2 * n", False),
    ("for (int i = 0; i < n; i++) { A[2 * i] = 0; A[2 * i + 1] = 0; }", "2 * n", True),
    ("for (int i = 0; i < 8; i++) A[7 - i] = 0;", "8", True),
])
def test_density(body: str, extent: str, dense: bool) -> None:
    kernel = c(body)
    size = c(f"A[{extent}] = 0;").body.stmts[-1].indices[0]  # type: ignore[union-attr]
    params = tuple(dataclasses.replace(p, extent=size) if p.name == "A" else p for p in kernel.params)
    assert footprint_is_dense(dataclasses.replace(kernel, params=params), "A") == dense


@settings(max_examples=40, deadline=None)
@given(kernels())
def test_extents_cover_what_happens(kernel: Kernel) -> None:
    found = extents(kernel)
    for n in (1, 3, 4):
        for t in Trace(kernel, n=n).touches:
            name, instance = t.buffer
            if instance == 0 and (e := found[name]) is not None:
                assert t.element[0] < evaluate(e, Env({"n": n}, {}))
        for name, e in found.items():
            real = [t.element[0] for t in Trace(kernel, n=n).touches if t.buffer == (name, 0)]
            assert e is None or not real or max(real) + 1 == evaluate(e, Env({"n": n}, {}))


@settings(max_examples=40, deadline=None)
@given(kernels())
def test_bounds_are_exact(kernel: Kernel) -> None:
    kernel = fixed(kernel, 20)
    real = {t.buffer[0] for t in Trace(kernel, n=4).touches if t.buffer[1] == 0 and t.element[0] >= 20}
    assert {v.buffer for v in bounds_report(kernel, {"n": 4})} == real


@settings(max_examples=40, deadline=None)
@given(kernels())
def test_density_is_exact(kernel: Kernel) -> None:
    kernel = fixed(dataclasses.replace(kernel, body=substitute(kernel.body, {"n": Const(4, I32)})), 4)
    written = {t.buffer[0]: set() for t in Trace(kernel).touches}
    for t in Trace(kernel).touches:
        if t.write and t.buffer[1] == 0:
            written[t.buffer[0]].add(t.element[0])
    for name in ("A", "B", "C"):
        assert footprint_is_dense(kernel, name) == (written.get(name, set()) >= {0, 1, 2, 3})


def test_an_extent_that_takes_minutes_is_left_unknown() -> None:
    """Nested quotients and remainders: isl's answer would take minutes, the budget ends the question."""
    k = parse("""extern "C" void f(const float* A, float* B, int n, int m) {
      for (int i = 0; i < n * m; i++) {
        int x = i % 12; int y = (i / 12) % 20; int k = (i / 240) % 16; int b = i / 3840;
        B[((b * 16 + (k * 3 + y) % 16) * 20 + (y * 7 + x / 3) % 20) * 12 + (x * 5 + y / 2 + k / 3) % 12] =
          A[((b * 20 + (y + 3) % 20) * 12 + x) * 16 + (k * 7 + y / 3) % 16] + A[((b * 16 + k) * 10 + y / 2) * 6 + x / 2];
      }
    }""", platforms.get("c"))
    assert extents(k) == {"A": None, "B": None}


def test_a_cover_that_takes_minutes_to_prove_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two digits of one index far apart in memory: dense, but isl would look through the elements."""
    def asked(*_: object) -> None:
        raise AssertionError("isl is asked")

    monkeypatch.setattr(extents_module, "_box", asked)
    kernel = parse("""extern "C" void f(float* A) {
      for (int c = 0; c < 16; c++)
        for (int e = 0; e < 2; e++)
          for (int b = 0; b < 100; b++)
            for (int t = 0; t < 256; t++)
              A[(c * 2 + e) % 4 * 204800 + b * 2048 + (c * 2 + e) / 4 * 256 + t] = 0;
    }""", "c")
    params = tuple(dataclasses.replace(p, extent=Const(819200, I32)) for p in kernel.params)
    assert not footprint_is_dense(dataclasses.replace(kernel, params=params), "A")
