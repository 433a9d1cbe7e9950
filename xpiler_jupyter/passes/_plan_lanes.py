"""The default plan for processors: the outer parallel loop to threads, the inner one to the lanes of a vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..ir.nodes import Kernel
from ..ir.simplify import simplify
from ..platforms.base import Platform
from ._plan import Move
from ._plan_vector import vector_plan
from ._script import Script, why_not
from ._worth import worth_sharing


def scripts(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Iterator[Callable[[], Script]]:
    """Native plans, best first. They look at the simplified kernel, which is what every move leads to: its loops have the
    same labels, and extents that are spelled as variables are constants in it."""
    kernel = simplify(kernel)
    if target.vectors:
        yield partial(vector_plan, kernel, target)


def literal(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """The plain loops; threads share the outermost parallel one when there is enough to do for more than one."""
    reason = why_not(kernel, target) or "no loop of the kernel was turned into vector instructions"
    if target.loop_axis is not None and (label := worth_sharing(simplify(kernel))) is not None:
        yield Move("loop_bind", target, {"bind": {label: target.loop_axis.name}, "reason": reason})
    yield Move("loop_recovery", target, {"reason": reason})
