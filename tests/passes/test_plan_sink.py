"""Sinking a loop: every statement that it runs gets it as its innermost loop, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from interp import run

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Kernel
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.passes._plan_sink import leaves, sink
from xpiler_jupyter.passes._script import applied
from xpiler_jupyter.platforms import registry as platforms

C = platforms.meeting_point()
POOL = """extern "C" void pool(const float* in, float* out) {
  for (int h = 0; h < 4; h++)
    for (int c = 0; c < 8; c++) {
      float sum = 0.0f;
      for (int k = 0; k < 3; k++)
        sum += in[(h + k) * 8 + c];
      out[h * 8 + c] = sum / 3.0f;
    }
}"""


def sunk(kernel: Kernel, var: str) -> Kernel:
    moves = sink(kernel, C, var)
    try:
        move = next(moves)
        while True:
            kernel = simplify(applied(kernel, move.pass_name, C, move.knobs).kernel)
            check(kernel, frozenset())
            move = moves.send(kernel)
    except StopIteration:
        return kernel


def test_a_sum_becomes_an_array_of_sums() -> None:
    before = parse(POOL, C)
    after = sunk(before, "c")
    assert leaves(after) == leaves(after, "c") == ["c", "c#2", "c#3"]
    data = np.arange(48, dtype=np.float32)
    outs = [np.zeros(32, np.float32) for _ in "ab"]
    for kernel, out in zip((before, after), outs, strict=True):
        run(kernel, {"in": data.copy(), "out": out})
    assert np.array_equal(*outs) and outs[0].any()


def test_what_is_read_before_it_is_overwritten_still_is() -> None:
    before = parse(POOL.replace("in[(h + k) * 8 + c]", "out[h * 8 + c + 7 - k]"), C)
    outs = []
    for kernel in (before, sunk(before, "c")):
        out = np.arange(64, dtype=np.float32)
        run(kernel, {"in": np.zeros(48, np.float32), "out": out})
        outs.append(out)
    assert np.array_equal(*outs)


def test_a_loop_that_carries_values_is_refused() -> None:
    with pytest.raises(IllegalPassError, match="loop_expansion"):
        sunk(parse(POOL.replace("in[(h + k) * 8 + c]", "out[h * 8 + c - k + 1]"), C), "c")


def test_a_flat_loop_needs_nothing() -> None:
    kernel = parse('extern "C" void f(float* A) { for (int i = 0; i < 8; i++) A[i] = A[i] + 1.0f; }', C)
    assert sunk(kernel, "i") is kernel
