"""loop_contraction: merged loops, arrays that shrink, refusals."""

from __future__ import annotations

from typing import Any

from loopkit import F32, Alloc, Block, If, Let, at, bump, e, emit, f, loops, plain, put, refused, same, scalar, var

from xpiler_jupyter.ir.build import binary
from xpiler_jupyter.ir.nodes import Barrier, Break, Continue
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.platforms import registry as platforms


def test_an_array_between_becomes_a_value(golden: Any) -> None:
    kernel = plain(Alloc("t", F32, (e(8),)), loops(("i", 8), body=[put("t", "i", bump(f("A", "i")))]),
                   loops(("j", 8), body=[put("B", "j", bump(f("t", "j")))]))
    result = same("loop_contraction", kernel, producer="i")
    assert "t needs no array" in result.note
    golden("loop_contraction/value", emit(result.kernel))


def test_an_array_that_is_updated_becomes_a_scalar(golden: Any) -> None:
    add = put("t", "i", binary("+", f("t", "i"), f("A", at("i") * 4 + "k")))
    kernel = plain(Alloc("t", F32, (e(8),)), loops(("i", 8), body=[put("t", "i", 0.0), loops(("k", 4), body=[add])]),
                   loops(("i", 8), body=[put("B", "i", f("t", "i"))]))
    golden("loop_contraction/sum", emit(same("loop_contraction", kernel, producer="i").kernel))


def test_a_dimension_goes() -> None:
    fill = loops(("i", 8), ("k", 3), body=[put("t", ("i", "k"), f("A", at("i") * 3 + "k"))])
    use = loops(("j", 8), ("k", 3), body=[put("B", at("j") * 3 + "k", f("t", "j", "k"))])
    kernel = plain(Alloc("t", F32, (e(8), e(3))), fill, use)
    assert "float t[3]" in emit(same("loop_contraction", kernel, producer="i").kernel)


def test_symbolic_ranges_and_names_that_clash() -> None:
    x = var("x", F32)
    one = loops(("i", "n"), body=[Let("x", F32, f("A", "i")), put("A", "i", bump(x))])
    two = loops(("j", "n"), ("i", 3), body=[Let("x", F32, f("A", "j")), put("B", at("j") * 3 + "i", x)])
    out = emit(same("loop_contraction", plain(one, two), producer="i", consumer="j").kernel)
    assert out.count("for (int i = 0; i < n") == 1


def test_what_is_read_later_keeps_its_array() -> None:
    kernel = plain(Alloc("t", F32, (e(8),)), loops(("i", 8), body=[put("t", "i", f("A", "i"))]),
                   loops(("i", 8), body=[put("B", "i", f("t", "i"))]), put("C", 0, f("t", 7)))
    out = same("loop_contraction", kernel, producer="i")
    assert "float t[8]" in emit(out.kernel)


def test_an_array_that_outlives_an_outer_iteration_stays() -> None:
    add = put("t", "i", binary("+", f("t", "i"), f("A", "i")))
    clear = loops(("z", 8), body=[put("t", "z", 0.0)])
    inner = [loops(("i", 8), body=[add]), loops(("j", 8), body=[put("B", at("o") * 8 + "j", f("t", "j"))])]
    kernel = plain(Alloc("t", F32, (e(8),)), clear, loops(("o", 3), body=inner))
    assert "float t[8]" in emit(same("loop_contraction", kernel, producer="i").kernel)
    own = plain(loops(("o", 3), body=[Alloc("t", F32, (e(8),), zeroed=True), *inner]))
    assert "float t[8]" not in emit(same("loop_contraction", own, producer="i").kernel)


def test_refusals() -> None:
    total = put("s", None, binary("+", scalar("s", F32), f("A", "i")))
    norm = plain(Alloc("s", F32, ()), put("s", None, 0.0), loops(("i", 8), body=[total]),
                 loops(("i", 8), body=[put("B", "i", scalar("s", F32))]))
    refused("loop_contraction", norm, "first loop must finish", producer="i")
    fill = loops(("i", 8), body=[put("A", "i", 1.0)])
    refused("loop_contraction", plain(fill, loops(("j", 7), body=[put("B", "j", f("A", at("j") + 1))])), "same range",
            producer="i")
    ahead = plain(fill, loops(("j", 8), body=[put("B", "j", f("A", at("j") + 1))]))
    refused("loop_contraction", ahead, "A", producer="i")
    between = plain(fill, put("C", 0, f("A", 3)), loops(("j", 8), body=[put("B", "j", 1.0)]))
    refused("loop_contraction", between, "stands between", producer="i")
    refused("loop_contraction", plain(fill), "no loop follows", producer="i")
    nested = plain(loops(("i", 8), ("j", 8), body=[put("A", "j", 1.0)]))
    refused("loop_contraction", nested, "does not follow", producer="i", consumer="j")
    for leave, word in ((Break(), "break"), (Continue(), "continue")):
        leaving = loops(("i", 8), body=[If(at("i") < "n", Block((leave,))), put("A", "i", 1.0)])
        refused("loop_contraction", plain(leaving, loops(("j", 8), body=[put("B", "j", 1.0)])), word, producer="i")
    meeting = loops(("i", 8), body=[put("A", "i", 1.0), Barrier()])
    refused("loop_contraction", plain(meeting, loops(("j", 8), body=[put("B", "j", 1.0)])), "barrier", producer="i")


def test_sites() -> None:
    kernel = plain(loops(("i", "n"), body=[put("A", "i", 1.0)]), loops(("j", "n"), body=[put("B", "j", 1.0)]))
    sites = registry.get("loop_contraction").sites(kernel, platforms.meeting_point())
    assert sites == [{"producer": "i", "consumer": "j"}]
