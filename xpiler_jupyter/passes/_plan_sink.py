"""Moves a parallel loop to the innermost place, in front of each statement that it runs: what vectors work on.

    for (c < 64) { float sum = 0; for (k < 9) sum += A[k * 64 + c]; B[c] = sum / 9; }
    ->
    float sum[64];
    for (c < 64) sum[c] = 0;
    for (k < 9) for (c < 64) sum[c] += A[k * 64 + c];
    for (c < 64) B[c] = sum[c] / 9;
"""

from __future__ import annotations

from collections.abc import Generator

from ..ir.nodes import Alloc, For, InstrCall, Kernel, Let
from ..ir.visit import stmts_of, walk
from ..platforms.base import Platform
from ._plan import Move
from .base import loop_labels


def sink(kernel: Kernel, target: Platform, var: str) -> Generator[Move, Kernel, Kernel]:
    """Cuts the loops over `var` around the loops inside them and moves them inwards, until no loop is left in them. The
    order of the iterations of the other loops stays."""
    while True:
        move = _step(kernel, target, var)
        if move is None:
            return kernel
        kernel = yield move


def leaves(kernel: Kernel, var: str | None = None) -> list[str]:
    """Labels of the serial loops (over `var`) that hold no loop and no call of an instr."""
    return [label for label, lp in loop_labels(kernel).items() if lp.kind != "parallel" and var in (None, lp.var)
            and not any(isinstance(n, For | InstrCall) for n in walk(lp.body))]


def _step(kernel: Kernel, target: Platform, var: str) -> Move | None:
    labels = {id(lp): label for label, lp in loop_labels(kernel).items()}
    for label, lp in loop_labels(kernel).items():
        if lp.var != var or lp.kind == "parallel":
            continue
        body = stmts_of(lp.body)
        acts = [k for k, s in enumerate(body) if not isinstance(s, Let | Alloc)]
        loops = [k for k in acts if isinstance(body[k], For)]
        if loops and len(acts) > 1:
            first = loops[0]
            cut = first if first != acts[0] else acts[1]
            return Move("loop_expansion", target, {"loop": label, "cut": cut})
        if loops:
            return Move("loop_reorder", target, {"order": [labels[id(body[loops[0]])], label]})
    return None
