"""Scalars that a run of assignments passes a value through: `t = a; t = t + b; c = t;` is `c = a + b;`."""

from __future__ import annotations

import dataclasses

from ..ir.nodes import Alloc, AnyStmt, Block, Expr, InstrCall, Let, Load, Node, Ref, Store, Var
from ..ir.visit import Rewriter, buffers_written, fresh_name, substitute, walk


class Settle(Rewriter):
    """In every block: a scalar that only statements of this block set becomes a value per assignment, and a value that is
    used once goes to its use where nothing it reads changes before."""

    def __init__(self, taken: set[str], also: set[str]) -> None:
        self.taken, self.also = taken, also

    def visit_Block(self, b: Block) -> Block:
        stmts = b.stmts
        for s in b.stmts:
            if isinstance(s, Alloc) and not s.shape and s.memory == "local" and not s.zeroed:
                stmts = self._values(s, stmts)
        own = {s.name for s in b.stmts if isinstance(s, Let)} - self.also
        done = _inlined(stmts, {s.name for s in stmts if isinstance(s, Let)} - own)
        return b if done == b.stmts else dataclasses.replace(b, stmts=done)

    def _values(self, cell: Alloc, stmts: tuple[AnyStmt, ...]) -> tuple[AnyStmt, ...]:
        """The statements with a `Let` per store to the cell; the same when that is not all that happens to it."""
        sets = [s for s in stmts if isinstance(s, Store) and s.buffer == cell.name]
        every = [n for s in stmts for n in walk(s) if isinstance(n, Store | Ref) and n.buffer == cell.name]
        loads = [n for s in stmts for n in walk(s) if isinstance(n, Load) and n.buffer == cell.name]
        if len(sets) != len(every) or any(s.dtype != cell.dtype for s in sets) or any(n.dtype != cell.dtype for n in loads):
            return stmts
        out: list[AnyStmt] = []
        now: Expr | None = None
        for s in stmts:
            if s is cell:
                continue
            reads = any(isinstance(n, Load) and n.buffer == cell.name for n in walk(s))
            if reads and now is None:
                return stmts
            here: AnyStmt = _Read(cell.name, now).visit(s) if reads and now is not None else s
            if isinstance(here, Store) and here.buffer == cell.name:
                last = s is sets[-1]
                name = cell.name if last else fresh_name(cell.name, self.taken)
                now = Var(name, cell.dtype)
                out.append(Let(name, cell.dtype, here.value, comments=here.comments, span=here.span))
            else:
                out.append(here)
        return tuple(out)


class _Read(Rewriter):
    def __init__(self, name: str, value: Expr) -> None:
        self.name, self.value = name, value

    def visit_Load(self, node: Load) -> Expr:
        return self.value if node.buffer == self.name else node


def _inlined(stmts: tuple[AnyStmt, ...], names: set[str]) -> tuple[AnyStmt, ...]:
    """Without those of the named `Let`s that one later statement of the block uses once."""
    out = list(stmts)
    for s in stmts:
        if not isinstance(s, Let) or s.name not in names:
            continue
        s = next(x for x in out if isinstance(x, Let) and x.name == s.name)
        k = out.index(s)
        users = [j for j in range(k + 1, len(out)) for n in walk(out[j]) if isinstance(n, Var) and n.name == s.name]
        if len(users) != 1 or not isinstance(out[users[0]], Store | Let):
            continue
        read = {n.buffer for n in walk(s.value) if isinstance(n, Load)}
        between = out[k + 1:users[0]]
        if any(isinstance(n, InstrCall) for x in between for n in walk(x)) or read & buffers_written(Block(tuple(between))):
            continue
        out[users[0]] = substitute(out[users[0]], {s.name: s.value})
        del out[k]
    return tuple(out)


def settled(node: Node, taken: set[str], also: set[str]) -> Node:
    """`node` with such scalars gone from all its blocks, and single uses of the values named `also` said in place."""
    return Settle(taken, also).visit(node)  # type: ignore[no-any-return]
