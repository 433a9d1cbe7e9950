"""Which loop pays for starting threads."""

from __future__ import annotations

from ..dataflow.dependences import is_parallel
from ..ir.nodes import For, InstrCall, Kernel, Node, Store
from ..ir.visit import children, stmts_of
from ._plan import extent_of
from .base import loop_labels

WORTH = 1 << 15  # statements: starting threads costs some ten microseconds
UNKNOWN = 256  # iterations of a loop whose extent is not a constant


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
