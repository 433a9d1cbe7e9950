"""loop_split: tails, steps, names, digits, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from interp import run
from loopkit import I32, Block, If, Let, apply, at, bump, e, emit, f, loops, plain, put, refused, same

from xpiler_jupyter.frontend.module import parse
from xpiler_jupyter.ir.build import loop
from xpiler_jupyter.ir.nodes import Break, Continue, For, Kernel
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes.base import loop_labels
from xpiler_jupyter.platforms import registry as platforms


def saxpy(extent: Any = "n", start: int = 0) -> Kernel:
    return plain(loops(("i", start, extent), body=[put("A", "i", bump(f("B", "i"))), put("C", "i", f("A", "i"))]))


def test_tail(golden: Any) -> None:
    result = same("loop_split", saxpy(), loop="i", factor=4)
    assert "guarded" in result.note
    golden("loop_split/tail", emit(result.kernel))


@pytest.mark.parametrize("tail", ["clip", "rest"])
def test_tails_without_a_guard(golden: Any, tail: str) -> None:
    result = same("loop_split", saxpy(), sizes=(0, 1, 3, 4, 5, 9), loop="i", factor=4, tail=tail)
    assert "if" not in emit(result.kernel)
    golden(f"loop_split/{tail}", emit(result.kernel))
    assert emit(apply("loop_split", saxpy(64), loop="i", factor=16, tail=tail).kernel) == emit(
        apply("loop_split", saxpy(64), loop="i", factor=16).kernel)
    refused("loop_split", saxpy(), "tail must be one of", loop="i", factor=4, tail="none")


def test_a_clipped_share_may_be_empty() -> None:
    same("loop_split", saxpy(9), sizes=(9,), loop="i", parts=4, tail="clip")
    refused("loop_split", saxpy(), "with a factor", loop="i", parts=4, tail="rest")


def test_divisible_extents_have_no_tail(golden: Any) -> None:
    assert "if" not in emit(same("loop_split", saxpy(64), loop="i", factor=16).kernel)
    result = same("loop_split", saxpy(at("n") * 8), loop="i", factor=4)
    golden("loop_split/divisible", emit(result.kernel))


def test_start_and_step(golden: Any) -> None:
    assert "if" in emit(same("loop_split", saxpy("n", start=2), loop="i", factor=3).kernel)
    stepped = loop("i", e("n"), Block((put("A", "i", 1.0), put("B", "i", 2.0))), lo=e(1))
    kernel = plain(stepped.__class__(stepped.var, stepped.lo, stepped.hi, e(3), stepped.body))
    golden("loop_split/step", emit(same("loop_split", kernel, sizes=(0, 1, 2, 4, 20), loop="i", factor=2).kernel))


def test_one_use_needs_no_name() -> None:
    kernel = plain(loops(("i", 8), body=[put("A", "i", 1.0)]))
    assert "int i =" not in emit(same("loop_split", kernel, loop="i", factor=4).kernel)


def test_names() -> None:
    result = apply("loop_split", saxpy(), loop="i", factor=4, names=["block", "lane"])
    assert "block" in emit(result.kernel) and "lane" in result.note
    taken = plain(loops(("i", 8), ("i_outer", 4), body=[put("A", at("i") + "i_outer", 1.0)]))
    assert "i_outer_1" in emit(same("loop_split", taken, loop="i", factor=4).kernel)


def test_continue_keeps_its_meaning() -> None:
    skip = If(at("i") < 2, Block((Continue(),)))
    same("loop_split", plain(loops(("i", "n"), body=[skip, put("A", "i", 1.0)])), loop="i", factor=2)


@pytest.mark.parametrize("factor", [0, -4, None, True, 1.5, "many"])
def test_bad_factors(factor: Any) -> None:
    refused("loop_split", saxpy(), "factor", loop="i", factor=factor)


@pytest.mark.parametrize("extent", ["n", 3, 8, 17, 64])
def test_parts_fix_the_outer_loop(extent: Any) -> None:
    result = same("loop_split", saxpy(extent), sizes=(0, 1, 7, 8, 9, 30), loop="i", parts=8, names=["task", "j"])
    outer = next(n for n in walk(result.kernel.body) if isinstance(n, For))
    assert outer.var == "task" and outer.hi == e(8)
    assert ("guarded" in result.note) == (extent not in (8, 64)) == ("if" in emit(result.kernel))


def test_parts_with_a_start_and_a_step() -> None:
    stepped = loop("i", e("n"), Block((put("A", "i", 1.0), put("B", "i", 2.0))), lo=e(1))
    kernel = plain(stepped.__class__(stepped.var, stepped.lo, stepped.hi, e(3), stepped.body))
    same("loop_split", kernel, sizes=(0, 1, 2, 4, 20), loop="i", parts=4)
    refused("loop_split", saxpy(), "number of parts", loop="i", parts=0)


def test_refusals() -> None:
    refused("loop_split", saxpy(8), "8 iterations", loop="i", factor=16)
    refused("loop_split", saxpy(), "no loop 'j'", loop="j", factor=2)
    refused("loop_split", saxpy(), "missing", factor=2)
    leaving = plain(loops(("i", "n"), body=[If(at("i") < 2, Block((Break(),))), put("A", "i", 1.0)]))
    refused("loop_split", leaving, "break", loop="i", factor=2)
    axis = plain(loop("threadIdx.x", e(8), Block((put("A", "threadIdx.x", 1.0),)), "parallel", "threadIdx.x"))
    refused("loop_split", axis, "axis", loop="threadIdx.x", factor=2)


def test_sites_prefer_digits() -> None:
    row = Let("row", I32, e(at("k") // 4))
    kernel = plain(loops(("k", 24), body=[row, put("A", at("row") * 5 + at("k") % 4, 1.0)]))
    sites = registry.get("loop_split").sites(kernel, platforms.meeting_point())
    assert sites[0] == {"loop": "k", "digits": "auto"}


# -- guards ----------------------------------------------------------------------------------------------------------


def test_a_loop_ends_where_its_guard_does(golden: Any) -> None:
    kernel = plain(loops(("i", "n"), body=[If(at("i") < 5, Block((put("A", "i", bump(f("B", "i"))),)))]))
    result = same("loop_split", kernel, sizes=(0, 3, 5, 9), loop="i", at="guard")
    golden("loop_split/guard", emit(result.kernel))
    refused("loop_split", saxpy(), "no guard around its body", loop="i", at="guard")
    refused("loop_split", saxpy(), "no loop has a guard", loop="all", at="guard")
    refused("loop_split", saxpy(), "cut at", loop="i", at="end")


def test_guards_on_several_indices_end_several_loops(golden: Any) -> None:
    text = """extern "C" void f(const float* A, float* C, int n) {
      for (int b = 0; b < n; b++)
        for (int t = 0; t < 4; t++)
          for (int j = 0; j < 8; j++) {
            int i = b * 4 + t;
            if (i < 11 && j < n && b < 7) C[i * 8 + j] = A[j] + 1.0f;
          }
    }"""
    kernel = parse(text, platforms.meeting_point())
    result = same("loop_split", kernel, sizes=(0, 1, 2, 3, 5, 8), loop="all", at="guard")
    assert "if" not in emit(result.kernel)
    golden("loop_split/guards", emit(result.kernel))


# -- digits ----------------------------------------------------------------------------------------------------------


def test_digits_become_a_nest(golden: Any) -> None:
    body = [Let("n0", I32, e(at("k") // 12)), Let("h", I32, e(at("k") // 4 % 3)), Let("w", I32, e(at("k") % 4)),
            put("A", "k", bump(f("B", (at("n0") * 4 + "w") * 3 + "h")))]
    kernel = plain(loops(("k", 60), body=body))
    result = same("loop_split", kernel, loop="k", digits="auto")
    assert not result.assumptions
    golden("loop_split/digits", emit(result.kernel))


def test_symbolic_digits_say_what_they_assume(golden: Any) -> None:
    rest = at("k") % "m"
    kernel = plain(loops(("k", at("n") * "m"), body=[put("A", at("k") // "m" + rest * "n", f("B", "k"))]),
                   scalars=("n", "m"))
    knobs = {"loop": "k", "digits": "auto", "names": ["i", "j"]}
    result = same("loop_split", kernel, scalars=("n", "m"), **knobs)
    assert result.assumptions == ("n, m >= 0",)
    golden("loop_split/symbolic_digits", emit(result.kernel))


def test_nested_quotients_are_seen_through() -> None:
    body = [Let("rest", I32, e(at("k") // 4)), Let("w", I32, e(at("k") % 4)), Let("h", I32, e(at("rest") % 3)),
            put("A", (at("rest") // 3 * 4 + "w") * 3 + "h", f("B", "k"))]
    out = emit(same("loop_split", plain(loops(("k", 60), body=body)), loop="k", digits="auto").kernel)
    assert "/" not in out and "%" not in out


def test_digits_may_be_told() -> None:
    kernel = plain(loops(("k", 24), body=[put("A", at("k") % 6, f("B", "k"))]))
    out = emit(same("loop_split", kernel, loop="k", digits=[2, 2, 6], names=["a", "b", "c"]).kernel)
    assert "c < 6" in out and "%" not in out
    refused("loop_split", kernel, "5 \\* 5 is not its extent, 24", loop="k", digits=[5, 5])
    refused("loop_split", kernel, "digits must be", loop="k", digits=[0, "x"])


def test_digits_that_are_no_nest() -> None:
    both = plain(loops(("k", 24), body=[put("A", at("k") % 6 + at("k") % 4, 1.0)]))
    refused("loop_split", both, "no one nest", loop="k", digits="auto")
    refused("loop_split", saxpy(), "does not take i apart", loop="i", digits="auto")
    late = plain(loops(("k", 1, 24), body=[put("A", at("k") // 4, 1.0)]))
    refused("loop_split", late, "count from 0", loop="k", digits="auto")


def test_a_range_that_the_digits_do_not_fill_is_guarded(golden: Any) -> None:
    kernel = plain(loops(("k", "n"), body=[put("A", at("k") // 4 + at("k") % 4 * 10, f("B", "k"))]))
    result = same("loop_split", kernel, sizes=(0, 1, 4, 9, 30), loop="k", digits="auto", names=["i", "j"])
    golden("loop_split/ragged_digits", emit(result.kernel))


def test_a_constant_guard_shows_the_shape(golden: Any) -> None:
    store = put("A", at("k") // 4 + at("k") % 4 * 6, f("B", "k"))
    kernel = plain(loops(("k", at("n") * 8), body=[If(at("k") < 24, Block((store,)))]))
    result = same("loop_split", kernel, sizes=(0, 1, 3, 4), loop="k", digits="auto", names=["i", "j"])
    golden("loop_split/guarded_digits", emit(result.kernel))


FOLDS = """extern "C" void f(const int* A, int* B, int* out, int n) {
  int most = A[0];
  out[2] = 7;
  for (int i = 0; i < n; i++) {
    if (A[i] > most) most = A[i];
    out[2] += A[i] * A[i];
    B[i] = A[i] - 1;
  }
  out[0] = most;
  int all = -1;
  for (int i = 0; i < n; i++) { if (i % 3 != 1) all = all & A[i]; }
  out[1] = all;
}"""


@pytest.mark.parametrize("tail", ["guard", "clip", "rest"])
def test_sums_and_extremes_in_parts(golden: Any, tail: str) -> None:
    kernel = parse(FOLDS, platforms.get("c"))
    one = apply("loop_split", kernel, loop="i", factor=4, tail=tail, partial=True)
    assert "most, out are kept in 4 parts" in one.note
    two = apply("loop_split", one.kernel, loop=list(loop_labels(one.kernel))[-1], factor=4, tail=tail, partial=True)
    if tail == "rest":
        golden("loop_split/partial", emit(two.kernel))
    for n in (1, 3, 4, 11, 16):
        values = np.random.default_rng(n).integers(-99, 99, n).astype(np.int32)
        results = []
        for k in (kernel, two.kernel):
            out = np.zeros(3, np.int32)
            run(k, {"A": values.copy(), "B": np.zeros(n, np.int32), "out": out, "n": n})
            results.append(out)
        assert (results[0] == results[1]).all()


@pytest.mark.parametrize("body", [
    "s = s * 0.5f + A[i];", "s += A[i]; C[i] = s;", "if (A[i] > s) s = A[i] + 1.0f;", "s -= s * A[i];",
    "s += A[i]; s += A[i];", "float t = 0.0f; t += A[i]; C[i] = t;", "C[i % 2] += A[i];"])
def test_what_is_no_sum_is_not_kept_in_parts(body: str) -> None:
    text = f'extern "C" void f(const float* A, float* C) {{ float s = 0.0f; for (int i = 0; i < 8; i++) {{ {body} }} C[9] = s; }}'
    refused("loop_split", parse(text, platforms.get("c")), "no sum and no extreme", loop="i", factor=4, partial=True)
