"""loop_fuse: what the fused loop is called and runs over, what stands in the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from interp import run
from loopkit import F32, I32, TARGET, Alloc, Block, If, Let, apply, at, bump, e, emit, f, loops, plain, put, refused, same

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.build import ceil_div, integer
from xpiler_jupyter.ir.nodes import Break, Const, For, Kernel, Load
from xpiler_jupyter.ir.types import U32
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.platforms import registry as platforms


def recovered() -> Kernel:
    """What recovery leaves of the usual 1-D grid."""
    body = [Let("idx", I32, e(at("block") * 8 + "thread")),
            If(at("idx") < "n", Block((put("A", "idx", bump(f("B", "idx"))),)))]
    return plain(loops(("block", ceil_div(e("n"), integer(8))), ("thread", 8), body=body))


def test_a_recovered_grid_reads_like_a_plain_loop(golden: Any) -> None:
    result = same("loop_fuse", recovered(), sizes=(0, 1, 8, 33), outer="block", inner="thread")
    assert result.note == "Fused loops block and thread into idx." and not result.assumptions
    golden("loop_fuse/grid", emit(result.kernel))


def test_quotient_and_remainder(golden: Any) -> None:
    kernel = plain(loops(("i", "n"), ("j", 5), body=[put("A", at("j") * 7 + "i", f("B", at("i") * 5 + "j"))]))
    golden("loop_fuse/transpose", emit(same("loop_fuse", kernel, outer="i").kernel))


def test_the_block_decoded_from_a_grid_index() -> None:
    flat = at("b") * 64 + "t"
    body = [put("A", flat, bump(f("B", at("b") // 2 * 8 + (at("b") % 2 * 4 + at("t") // 16) // 2)))]
    out = emit(same("loop_fuse", plain(loops(("b", 2), ("t", 64), body=body)), outer="b", name="idx").kernel)
    assert "A[idx]" in out and "b" not in out.split("{", 1)[1].replace("B[", "")


def test_offsets_and_steps() -> None:
    inner = For("j", e(1), e(8), e(3), Block((put("A", at("i") * 9 + "j", 1.0),)))
    same("loop_fuse", plain(For("i", e(2), e("n"), e(2), Block((inner,)))), sizes=(0, 2, 3, 9), outer="i")


def test_lets_and_a_guard_between_move_in(golden: Any) -> None:
    inner = loops(("j", 8), body=[put("A", at("row") + "j", 1.0), put("B", at("row"), f("C", "j"))])
    kernel = plain(loops(("i", 6), body=[Let("row", I32, e(at("i") * 8)), If(at("i") < "n", Block((inner,)))]))
    golden("loop_fuse/guard_between", emit(same("loop_fuse", kernel, outer="i").kernel))


def test_two_unknown_extents_rest_on_an_assumption() -> None:
    kernel = plain(loops(("i", "n"), ("j", "m"), body=[put("A", at("i") * "m" + "j", 1.0)]), scalars=("n", "m"))
    result = apply("loop_fuse", kernel, outer="i")
    assert result.assumptions == ("m >= 0",)
    assert "for (int ij = 0; ij < n * m; ij++)" in emit(result.kernel)
    same("loop_fuse", kernel, scalars=("n", "m"), outer="i")


def test_the_name_can_be_told() -> None:
    assert "flat" in emit(apply("loop_fuse", recovered(), outer="block", name="flat").kernel)


def test_refusals() -> None:
    triangle = plain(loops(("i", 8), ("j", "i"), body=[put("A", at("i") * 8 + "j", 1.0)]))
    refused("loop_fuse", triangle, "bounds of loop j depend on i", outer="i")
    before = plain(loops(("i", 8), body=[put("C", "i", 0.0), loops(("j", 4), body=[put("A", "j", 1.0)])]))
    refused("loop_fuse", before, "not perfectly nested", outer="i")
    both = [loops((name, 4), body=[put("A", name, 1.0)]) for name in "jk"]
    two = plain(loops(("i", 8), body=both))
    refused("loop_fuse", two, "holds 2 loops", outer="i")
    refused("loop_fuse", plain(loops(("i", 8), body=[put("A", "i", 1.0)])), "no loop directly inside", outer="i")
    leaving = plain(loops(("i", 8), ("j", 4), body=[If(at("j") < 2, Block((Break(),))), put("A", "j", 1.0)]))
    refused("loop_fuse", leaving, "break", outer="i")
    deep = plain(loops(("i", 8), ("j", 4), ("k", 4), body=[put("A", "k", 1.0)]))
    refused("loop_fuse", deep, "not directly inside", outer="i", inner="k")
    count = Load("m", (), I32)
    memory = plain(Alloc("m", I32, ()), loops(("i", 8), ("j", count), body=[put("A", "j", 1.0)]))
    refused("loop_fuse", memory, "read from memory", outer="i")
    inner = For("j", Const(0, U32), Const(4, U32), Const(1, U32), Block((put("A", "i", 1.0),)), dtype=U32)
    mixed = plain(loops(("i", 8), body=[inner]))
    refused("loop_fuse", mixed, "counts in", outer="i")


def test_a_loop_that_reads_between_stays() -> None:
    let = Let("x", F32, f("B", "i"))
    kernel = plain(loops(("i", 8), body=[let, loops(("j", 4), body=[put("A", "j", 1.0)])]))
    refused("loop_fuse", kernel, "does more than run loop j", outer="i")


def test_sites() -> None:
    sites = registry.get("loop_fuse").sites(recovered(), platforms.meeting_point())
    assert sites == [{"outer": "block", "inner": "thread"}]


def test_two_grid_axes_become_a_nest_again() -> None:
    """Fuse, then split by digits: a 2-D index that was flattened over blocks and threads."""
    idx = at("b") * 16 + "t"
    body = [Let("idx", I32, e(idx)), Let("row", I32, e(at("idx") // 6)), Let("col", I32, e(at("idx") % 6)),
            If(at("idx") < 60, Block((put("A", at("col") * 10 + "row", f("B", "idx")),)))]
    kernel = plain(loops(("b", 4), ("t", 16), body=body))
    fused = same("loop_fuse", kernel, outer="b")
    nest = same("loop_split", fused.kernel, loop="idx", digits="auto")
    out = emit(nest.kernel)
    assert "row < 10" in out and "col < 6" in out and "/" not in out


IN_TURN = """extern "C" void rows(const float* A, float* B, int n) {
  for (int t = 0; t < 4; t++) {
    float row[8];
    for (int i = t; i < n; i += 4) {
      for (int j = 0; j < 8; j++) row[j] = A[i * 8 + j] * 2.0f;
      for (int j = 0; j < 8; j++) B[i * 8 + j] = row[7 - j] + (float)t;
    }
  }
}"""


def test_iterations_dealt_out_in_turn_come_back_in_order() -> None:
    kernel = parse(IN_TURN, "c")
    result = registry.get("loop_fuse").apply(kernel, TARGET, outer="t")
    text = emit(result.kernel)
    assert "i += 4" not in text and "i % 4" in text and text.index("for (") < text.index("float row[8]")
    for n in (0, 1, 3, 4, 9):
        outs = []
        for k in (kernel, result.kernel):
            out = np.zeros(72, np.float32)
            run(k, {"A": np.arange(72, dtype=np.float32), "B": out, "n": n})
            outs.append(out)
        assert np.array_equal(*outs)


@pytest.mark.parametrize(("old", "new"), [
    ("i += 4", "i += 3"), ("int i = t;", "int i = t + 1;"), ("B[i * 8 + j] =", "B[j] ="),
    ("row[j] = A", "row[j] += A"),
], ids=["step", "start", "dependent", "carried"])
def test_what_is_not_dealt_out_in_turn_stays(old: str, new: str) -> None:
    with pytest.raises(IllegalPassError):
        registry.get("loop_fuse").apply(parse(IN_TURN.replace(old, new), "c"), TARGET, outer="t")
