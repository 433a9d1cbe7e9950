"""What the default plans share: a move, and the loops that may run in parallel."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..dataflow.dependences import is_parallel
from ..errors import IllegalPassError
from ..ir.nodes import Const, For, Kernel
from ..ir.visit import stmts_of
from ..platforms.base import Platform
from ._loops import pure_lets
from .base import loop_labels


@dataclass(frozen=True, slots=True)
class Move:
    """One candidate: a pass, its knobs, and the platform it leads towards."""

    pass_name: str
    target: Platform
    knobs: dict[str, Any] = field(default_factory=dict)


def parallel_chain(kernel: Kernel, names: bool = False) -> list[tuple[str, For]]:
    """The outermost perfectly nested parallel loops, with their labels. `names`: names for indices may stand between
    them, which the passes that move loops take along."""
    labels = {id(loop): label for label, loop in loop_labels(kernel).items()}
    chain: list[tuple[str, For]] = []
    body = kernel.body
    while True:
        loops = [s for s in stmts_of(body) if isinstance(s, For)]
        if len(loops) != 1 or loops[0].kind != "serial" or not is_parallel(kernel, loops[0]).ok:
            return chain
        loop = loops[0]
        chain.append((labels[id(loop)], loop))
        between = stmts_of(loop.body)[:-1]
        if between and not (names and pure_lets(between)):
            return chain
        body = loop.body


def unguarded(kernel: Kernel, target: Platform) -> Generator[Move, Kernel, Kernel]:
    """The loops end where the guards on their indices do, as far as there are such: nests without guards between their
    loops are what the other steps of a plan know."""
    with suppress(IllegalPassError):
        kernel = yield Move("loop_split", target, {"loop": "all", "at": "guard"})
    return kernel


def extent_of(loop: For) -> int | None:
    """How many iterations the loop has, when its bounds are constants."""
    if isinstance(loop.lo, Const) and isinstance(loop.hi, Const) and isinstance(loop.step, Const):
        return max(0, -(-(int(loop.hi.value) - int(loop.lo.value)) // int(loop.step.value)))
    return None
