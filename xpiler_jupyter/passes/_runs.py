"""Runs of loops over the same range that hand their elements on through private arrays: one loop, and no arrays.

What a core with a small memory of its own does tile by tile (copy in, compute, copy out) is one loop for a machine that
reads memory where it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise

from ..errors import IllegalPassError
from ..ir.cleanup import clean
from ..ir.nodes import Alloc, AnyStmt, Block, Const, For, Kernel, Load, Node, Ref, Store
from ..ir.visit import Rewriter, all_names, walk
from ._scalars import settled
from .base import loop_labels, replace_node

Merge = Callable[[Kernel, str, str], Kernel]  # kernel, labels of producer and consumer; raises IllegalPassError


def merge_runs(kernel: Kernel, merge: Merge) -> tuple[Kernel, int, list[str]] | None:
    """The kernel with its runs merged, how many loops went, and the arrays that went with them; None when no array does.

    Two neighbours are merged when both touch one private array. The whole is kept if it leaves fewer arrays.
    """
    before = _arrays(kernel)
    done, gone, refused = dataclasses.replace(kernel, body=_Early().visit(kernel.body)), 0, set[tuple[Node, Node]]()
    while True:
        pair = next((p for p in _pairs(done) if (p[0], p[1]) not in refused), None)
        if pair is None:
            break
        labels = {id(loop): label for label, loop in loop_labels(done).items()}
        try:
            done = merge(done, labels[id(pair[0])], labels[id(pair[1])])
        except IllegalPassError:
            refused.add(pair)
            continue
        gone += 1
    left = sorted(before - _arrays(done))
    if not left:
        return None
    for loop in [n for n in walk(done.body) if isinstance(n, For)]:
        if any(n is loop for n in walk(done.body)):
            new = settled(loop, all_names(done), set(left))
            done = replace_node(done, loop, new) if new is not loop else done
    return dataclasses.replace(done, body=clean(done.body)), gone, left


class _Early(Rewriter):
    """A scalar's declaration and its constant first value move in front of the loops before them that do not touch it."""

    def visit_Block(self, b: Block) -> Block:
        out: list[AnyStmt] = []
        for s in b.stmts:
            k = len(out)
            name = _fresh_scalar(s)
            while name and k and isinstance(out[k - 1], For) and name not in _touched(out[k - 1]):
                k -= 1
            out.insert(k, s)
        return b if all(x is y for x, y in zip(out, b.stmts, strict=True)) else dataclasses.replace(b, stmts=tuple(out))


def _fresh_scalar(s: AnyStmt) -> str:
    """The scalar that a statement declares or sets to a constant; empty for other statements."""
    if isinstance(s, Alloc):
        return s.name if not s.shape and s.memory == "local" else ""
    return s.buffer if isinstance(s, Store) and not s.indices and isinstance(s.value, Const) else ""


def _arrays(kernel: Kernel) -> set[str]:
    return {n.name for n in walk(kernel.body) if isinstance(n, Alloc) and n.shape and n.memory == "local"}


def _pairs(kernel: Kernel) -> list[tuple[For, For]]:
    """Neighbouring loops of a block that touch one private array."""
    arrays = _arrays(kernel)
    out: list[tuple[For, For]] = []
    for b in walk(kernel.body):
        if isinstance(b, Block):
            loops = [s for s in b.stmts if isinstance(s, For) and s.kind == "serial"]
            out += [(x, y) for x, y in pairwise(loops) if _touched(x) & _touched(y) & arrays]
    return out


def _touched(node: Node) -> set[str]:
    return {n.buffer for n in walk(node) if isinstance(n, Load | Store | Ref)}
