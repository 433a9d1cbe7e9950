"""loop_expansion: cuts, values that cross them, refusals."""

from __future__ import annotations

from typing import Any

from loopkit import F32, I32, Alloc, Block, If, Let, at, bump, e, emit, f, loops, plain, put, refused, same, scalar, var

from xpiler_jupyter.ir.build import binary
from xpiler_jupyter.ir.nodes import Barrier, Break, Call, Continue, Return
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.platforms import registry as platforms


def test_independent_parts() -> None:
    kernel = plain(loops(("i", "n"), body=[put("A", "i", 1.0), put("B", "i", bump(f("A", "i")))]))
    assert emit(same("loop_expansion", kernel, loop="i", cut=1).kernel).count("for") == 2


def test_a_value_that_crosses_becomes_an_array(golden: Any) -> None:
    x = var("x", F32)
    kernel = plain(loops(("i", 8), body=[Let("x", F32, bump(f("A", "i"))), put("A", "i", x), put("B", "i", bump(x))]))
    result = same("loop_expansion", kernel, loop="i", cut=2)
    assert "x became an array" in result.note
    golden("loop_expansion/value", emit(result.kernel))


def test_a_sum_that_crosses(golden: Any) -> None:
    add = put("s", None, binary("+", scalar("s", F32), f("A", at("i") * 4 + "k")))
    body = [Alloc("s", F32, ()), put("s", None, 0.0), loops(("k", 4), body=[add]), put("B", "i", scalar("s", F32))]
    kernel = plain(loops(("i", 8), body=body))
    golden("loop_expansion/sum", emit(same("loop_expansion", kernel, loop="i", cut=3).kernel))


def test_a_private_scalar_from_outside_is_drawn_in() -> None:
    body = [put("s", None, f("A", "i")), put("B", "i", scalar("s", F32))]
    kernel = plain(Alloc("s", F32, ()), loops(("i", 8), body=body))
    assert "float s[8]" in emit(same("loop_expansion", kernel, loop="i", cut=1).kernel)


def test_local_arrays_get_a_dimension() -> None:
    fill = loops(("k", 3), body=[put("t", "k", f("A", at("i") * 3 + "k"))])
    use = loops(("k", 3), body=[put("B", at("i") * 3 + "k", f("t", "k"))])
    kernel = plain(loops(("i", 2, 8), body=[Alloc("t", F32, (e(3),)), fill, use]))
    assert "float t[6][3]" in emit(same("loop_expansion", kernel, loop="i", cut=2).kernel)


def test_a_bound_on_the_iterations_is_long_enough() -> None:
    x = var("x", F32)
    body = [Let("x", F32, bump(f("A", "i"))), put("A", "i", x), put("B", "i", bump(x))]
    kernel = plain(loops(("i", Call("min", (e("n"), e(5)), I32)), body=body))
    assert "float x[5]" in emit(same("loop_expansion", kernel, sizes=(0, 3, 5, 8), loop="i", cut=2).kernel)


def test_index_arithmetic_is_computed_twice() -> None:
    row = Let("row", I32, e(at("i") * 4))
    kernel = plain(loops(("i", "n"), body=[row, put("A", "row", 1.0), put("B", "row", 2.0)]))
    assert emit(same("loop_expansion", kernel, loop="i", cut=2).kernel).count("int row") == 2


def test_refusals() -> None:
    chain = plain(loops(("i", 1, 8), body=[put("A", "i", bump(f("B", at("i") - 1))), put("B", "i", f("A", "i"))]))
    refused("loop_expansion", chain, "feeds the first part", loop="i", cut=1)
    x = Let("x", F32, f("A", "i"))
    open_end = plain(loops(("i", "n"), body=[x, put("A", "i", 1.0), put("B", "i", var("x", F32))]))
    refused("loop_expansion", open_end, "nothing bounds the number of iterations", loop="i", cut=2)
    vast = plain(loops(("i", 1 << 20), body=[x, put("A", "i", 1.0), put("B", "i", var("x", F32))]))
    refused("loop_expansion", vast, "bytes", loop="i", cut=2)
    two = [put("A", "i", 1.0), put("B", "i", 2.0)]
    refused("loop_expansion", plain(loops(("i", 8), body=two)), "below 2", loop="i", cut=2)
    refused("loop_expansion", plain(loops(("i", 8), body=two)), "below 2", loop="i", cut="0")
    for leave, word in ((Break(), "break"), (Return(), "return"), (Continue(), "continue")):
        leaving = plain(loops(("i", 8), body=[If(at("i") < "n", Block((leave,))), *two]))
        refused("loop_expansion", leaving, word, loop="i", cut=2)
    refused("loop_expansion", plain(loops(("i", 8), body=[two[0], Barrier(), two[1]])), "barrier", loop="i", cut=1)


def test_sites() -> None:
    kernel = plain(loops(("i", 8), body=[Let("k", I32, e(at("i") * 2)), put("A", "k", 1.0), put("B", "k", 2.0)]))
    assert registry.get("loop_expansion").sites(kernel, platforms.meeting_point()) == [{"loop": "i", "cut": 2}]


def test_index_arithmetic_takes_along_what_it_is_made_of() -> None:
    lets = [Let("k", I32, e(at("i") + 1)), Let("t", I32, e(at("k") * 2))]
    kernel = plain(loops(("i", 8), body=[*lets, put("A", "k", 1.0), put("B", "t", 2.0)]))
    text = emit(same("loop_expansion", kernel, loop="i", cut=3).kernel)
    assert text.count("i + 1") == 2 and text.count("for (") == 2
