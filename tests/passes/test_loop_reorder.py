"""loop_reorder: legal permutations, and refusals that name the dependence."""

from __future__ import annotations

from typing import Any

from loopkit import I32, Block, If, Let, apply, at, bump, e, emit, f, loops, plain, put, refused, same

from xpiler_jupyter.ir.build import binary
from xpiler_jupyter.ir.nodes import Barrier, Break, Kernel
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.platforms import registry as platforms


def product() -> Kernel:
    c = at("i") * 5 + "j"
    term = binary("*", f("A", at("i") * 6 + "k"), f("B", at("k") * 5 + "j"))
    return plain(loops(("i", 4), ("j", 5), ("k", 6), body=[put("C", c, binary("+", f("C", c), term))]))


def test_matrix_product(golden: Any) -> None:
    result = same("loop_reorder", product(), order=["i", "k", "j"])
    golden("loop_reorder/product", emit(result.kernel))
    same("loop_reorder", product(), order="k, j, i")
    same("loop_reorder", product(), order=["j", "i"])


def test_a_sum_keeps_its_order_unless_told() -> None:
    total = plain(loops(("i", 4), ("j", 5), body=[put("C", 0, binary("+", f("C", 0), f("A", at("i") * 5 + "j")))]))
    error = refused("loop_reorder", total, "sum into C", order=["j", "i"])
    assert error.hint and "reassociate" in error.hint
    result = same("loop_reorder", total, order=["j", "i"], reassociate=True)
    assert result.assumptions


def test_a_dependence_that_would_turn_round() -> None:
    wave = put("A", at("i") * 8 + "j", bump(f("A", (at("i") + 1) * 8 + at("j") - 1)))
    refused("loop_reorder", plain(loops(("i", 4), ("j", 1, 6), body=[wave])), "A", order=["j", "i"])
    fine = put("A", (at("i") + 1) * 8 + "j", bump(f("A", at("i") * 8 + "j")))
    same("loop_reorder", plain(loops(("i", 4), ("j", 6), body=[fine])), order=["j", "i"])


def test_index_arithmetic_between_moves_in() -> None:
    inner = loops(("j", 5), body=[put("A", at("row") + "j", 1.0), put("B", at("row"), 2.0)])
    kernel = plain(loops(("i", 4), body=[Let("row", I32, e(at("i") * 8)), inner]))
    out = emit(same("loop_reorder", kernel, order=["j", "i"]).kernel)
    assert out.index("for (int j") < out.index("for (int i") < out.index("int row")


def test_refusals() -> None:
    triangle = plain(loops(("i", 8), ("j", "i"), body=[put("A", at("i") * 8 + "j", 1.0)]))
    refused("loop_reorder", triangle, "bounds of loop j depend on i", order=["j", "i"])
    refused("loop_reorder", product(), "stand in the order", order=["i", "j"])
    refused("loop_reorder", product(), "at least two", order=["i"])
    refused("loop_reorder", product(), "no loop 'z'", order=["i", "z"])
    refused("loop_reorder", product(), "must name it too", order=["k", "i"])
    apart = plain(loops(("i", 4), body=[put("A", "i", 1.0)]), loops(("j", 4), body=[put("B", "j", 1.0)]))
    refused("loop_reorder", apart, "not nested", order=["j", "i"])
    imperfect = plain(loops(("i", 4), body=[put("B", "i", 1.0), loops(("j", 4), body=[put("A", "j", 1.0)])]))
    refused("loop_reorder", imperfect, "not perfect", order=["j", "i"])
    leaving = plain(loops(("i", 4), ("j", 4), body=[If(at("j") < 2, Block((Break(),))), put("A", "j", 1.0)]))
    refused("loop_reorder", leaving, "break", order=["j", "i"])
    meeting = plain(loops(("i", 4), ("j", 4), body=[put("A", "j", 1.0), Barrier()]))
    refused("loop_reorder", meeting, "barrier", order=["j", "i"])


def test_sites() -> None:
    sites = registry.get("loop_reorder").sites(product(), platforms.meeting_point())
    assert sites == [{"order": ["j", "i"]}, {"order": ["k", "j"]}]


def test_apply_reports() -> None:
    assert apply("loop_reorder", product(), order=["j", "i"]).note == "Reordered loops i, j to j, i."
