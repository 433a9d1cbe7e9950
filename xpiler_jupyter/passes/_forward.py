"""Arrays that only hold a copy: their readers read where it was copied from."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from ..ir.nodes import Alloc, AnyStmt, Barrier, Block, Const, Expr, For, Kernel, Load, Ref, Store, Var
from ..ir.visit import Rewriter, all_names, buffers_written, children, stmts_of, substitute, walk
from ._names import restore_names, unique_names


def forward_copies(kernel: Kernel, memories: frozenset[str]) -> Kernel:
    """Takes out arrays of `memories` that a nest `for (i) for (j) a[i][j] = B[...];` fills whole and that only the
    statements right behind it read, while nobody writes `B`."""
    whole, back = unique_names(kernel.body, all_names(kernel))
    kernel = dataclasses.replace(kernel, body=whole)
    arrays = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc) and n.memory in memories and n.shape}
    uses = Counter(n.buffer for n in walk(kernel.body) if isinstance(n, Load | Store | Ref))
    gone: set[str] = set()

    class Forward(Rewriter):
        def visit_Block(self, b: Block) -> Block:
            stmts: list[AnyStmt | None] = list(b.stmts)
            for k, s in enumerate(stmts):
                store = _copy(s, arrays) if s is not None else None
                if store is None or store.buffer in gone:
                    continue
                mine, end = 1, k
                for j in range(k + 1, len(stmts)):
                    here = sum(isinstance(n, Load) and n.buffer == store.buffer for n in walk(b.stmts[j]))
                    mine += here
                    end = j if here else end
                sources = {n.buffer for n in walk(store.value) if isinstance(n, Load)}
                if not isinstance(store.value, Load) and any(isinstance(n, Load) and n.buffer == store.buffer
                                                             and n.dtype != store.dtype for n in walk(b)):
                    continue
                between = Block(b.stmts[k + 1:end + 1])
                if mine != uses[store.buffer] or sources & buffers_written(between) or any(
                        isinstance(n, Barrier) for n in walk(between)):
                    continue
                put = _Read(store)
                stmts[k + 1:end + 1] = [x and put.visit(x) for x in stmts[k + 1:end + 1]]
                stmts[k] = None
                gone.add(store.buffer)
            left = tuple(s for s in stmts if s is not None)
            return dataclasses.replace(b, stmts=left) if len(left) < len(b.stmts) else b

    class Drop(Rewriter):
        def visit_Alloc(self, s: Alloc) -> Alloc | None:
            return None if s.name in gone else s

    body = Forward().visit(kernel.body)
    return dataclasses.replace(kernel, body=restore_names(Drop().visit(body) if gone else body, back))


def _copy(s: AnyStmt, arrays: dict[str, Alloc]) -> Store | None:
    """The store of a nest that fills one of the arrays element by element from memory, or with one value."""
    loops: list[For] = []
    at: Any = s
    while isinstance(at, For):
        loops.append(at)
        inner = stmts_of(at.body)
        if len(inner) != 1:
            return None
        at = inner[0]
    if not isinstance(at, Store) or at.buffer not in arrays or not isinstance(at.value, Load | Const | Var):
        return None
    a = arrays[at.buffer]
    whole = at.indices == tuple(Var(lp.var, lp.dtype) for lp in loops) and all(
        lp.lo == Const(0, lp.dtype) and lp.hi == d and lp.step == Const(1, lp.dtype)
        for lp, d in zip(loops, a.shape, strict=False))
    names = {lp.var for lp in loops}
    outer = {n.name for n in walk(at.value) if isinstance(n, Var)} - names
    nested = any(isinstance(n, Load) and n.indices for c in children(at.value) for n in walk(c))
    return at if whole and not nested and len(outer | names) == len(outer) + len(loops) and a.dtype == at.dtype else None


class _Read(Rewriter):
    def __init__(self, store: Store) -> None:
        self.store = store

    def visit_Load(self, n: Load) -> Expr:
        if n.buffer != self.store.buffer:
            return n
        names = {v.name: i for v, i in zip(self.store.indices, n.indices, strict=True) if isinstance(v, Var)}
        value = substitute(self.store.value, names)
        # The reader may see its bits as another type.
        return dataclasses.replace(value, dtype=n.dtype) if isinstance(value, Load) else value
