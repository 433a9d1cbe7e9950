"""Barriers that also vote: every thread of the block says yes or no, and all learn how many said yes.

    votes[t] = p != 0;  barrier;  if (t == 0) { total = 0; for (k ...) total += votes[k]; }  barrier;

No thread writes a vote again before all have read the total: they meet at the next vote's first barrier in between.
"""

from __future__ import annotations

from tree_sitter import Node

from ..ir import build
from ..ir.build import integer
from ..ir.nodes import Alloc, Barrier, Block, Const, Expr, For, If, Load, Store, Var
from ..ir.types import BOOL, I32
from .registers import Registers


class Votes(Registers):
    """Lowers calls of `Platform.votes`."""

    def vote(self, node: Node, name: str, kind: str) -> Expr:
        """The value of the vote, "count", "and" or "or". Raises UnsupportedError when the block's size is not known."""
        args = list(self.child(node, "arguments").named_children)
        if len(args) != 1:
            raise self.parse_error(node, f"{name} takes one value")
        self.need_hoisting(node, name)
        extents = self._threads(node, name)
        total = 1
        thread: Expr = integer(0)
        for axis, n in reversed(extents):
            self.mentioned.add(axis)
            total *= n
            thread = Var(axis, I32) if thread == integer(0) else build.add(build.mul(thread, integer(n)), Var(axis, I32))
        said = self.select(self.condition(args[0]), integer(1), integer(0))
        votes, sum_ = self._shared("votes", (integer(total),), node), self._shared("total", (), node)
        self.emit(Store(votes, (thread,), said, I32), node)
        self.emit(Barrier(), node)
        k = Var(self.fresh("k"), I32)
        sum_now = Load(sum_, (), I32)
        add = Store(sum_, (), build.add(sum_now, Load(votes, (k,), I32)), I32)
        count = For(k.name, integer(0), integer(total), integer(1), Block((add,)))
        first = Block((Store(sum_, (), integer(0), I32), count))
        self.emit(If(build.binary("==", thread, integer(0)), first), node)
        self.emit(Barrier(), node)
        count_ = self.let("total_votes", sum_now, node).expr
        if kind == "count":
            return count_
        wanted = build.binary("==", count_, integer(total)) if kind == "and" else build.binary(">", count_, integer(0))
        return build.convert(wanted, I32) if wanted.dtype == BOOL else wanted

    def _threads(self, node: Node, name: str) -> list[tuple[str, int]]:
        """The block's axes with more than one index, x first, and how many they have."""
        out: list[tuple[str, int]] = []
        for axis in (a for a in self.platform.axes if a.level == "block"):
            e = self.folded(self.launched.extents.get(axis.name, integer(1))) if self.launched is not None else None
            if not isinstance(e, Const):
                raise self.unsupported(node, f"{name} in a block whose number of threads is not a constant is not supported",
                                       "Add the host code with its launch, with a block of constant size.")
            if int(e.value) > 1:
                out.append((axis.name, int(e.value)))
        return out

    def _shared(self, name: str, shape: tuple[Expr, ...], node: Node) -> str:
        memory = next(m.name for m in self.platform.memories if m.scope == "block")
        ir_name = self.fresh_everywhere(name)
        self.shared.append(Alloc(ir_name, I32, shape, memory, span=self.span(node)))
        return ir_name
