"""The default plan for processors: the outer parallel loop to threads, the inner one to the lanes of a vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..dataflow.dependences import is_parallel
from ..ir.nodes import For, InstrCall, Kernel, Node, Store
from ..ir.visit import children, stmts_of
from ..platforms.base import Platform
from . import _registry
from ._plan import Move, extent_of
from ._plan_vector import vector_plan
from ._script import Script, why_not
from .base import loop_labels

WORTH = 1 << 15  # statements: starting threads costs some ten microseconds
UNKNOWN = 256  # iterations of a loop whose extent is not a constant


def scripts(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Iterator[Callable[[], Script]]:
    """Native plans, best first."""
    if target.vectors and "tensorize" in _registry.names():
        yield partial(vector_plan, kernel, target, worth_sharing(kernel))


def literal(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """The plain loops; threads share the outermost parallel one when there is enough to do for more than one."""
    reason = why_not(kernel, target) or "no loop of the kernel was turned into vector instructions"
    if target.loop_axis is not None and (label := worth_sharing(kernel)) is not None:
        yield Move("loop_bind", target, {"bind": {label: target.loop_axis.name}, "reason": reason})
    yield Move("loop_recovery", target, {"reason": reason})


def worth_sharing(kernel: Kernel) -> str | None:
    """The label of the outermost parallel loop, when its work pays for starting threads; None otherwise. A loop whose
    extent nobody knows counts as a long one."""
    for label, loop in loop_labels(kernel).items():
        if any(loop is s for s in stmts_of(kernel.body)) and extent_of(loop) != 1 and _work(loop) >= WORTH:
            return label if is_parallel(kernel, loop).ok else None
    return None


def _work(node: Node) -> int:
    """Statements that the node runs, roughly."""
    if isinstance(node, For):
        known = extent_of(node)
        return (UNKNOWN if known is None else known) * max(1, _work(node.body))
    own = 1 if isinstance(node, Store | InstrCall) else 0
    return own + sum(_work(c) for c in children(node))
