"""The default plan for machines of few large cores that work on tiles in their own memories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..ir.nodes import Kernel
from ..ir.simplify import simplify
from ..platforms.base import Platform
from ._plan import Move
from ._plan_calls import calls_plan
from ._plan_tiles import tiles_plan
from ._script import Script
from ._spread import spread


def scripts(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Iterator[Callable[[], Script]]:
    """Native plans, best first. They look at the simplified kernel, which is what every move leads to: its loops have the
    same labels, and extents that are spelled as variables are constants in it."""
    kernel = simplify(kernel)
    if target.instrs:
        yield partial(calls_plan, kernel, target)
        yield partial(tiles_plan, kernel, target)
        yield partial(tiles_plan, kernel, target, guards=True)
    yield partial(spread, kernel, target)


def literal(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """One core does everything."""
    yield Move("loop_bind", target, {"serial": True})
