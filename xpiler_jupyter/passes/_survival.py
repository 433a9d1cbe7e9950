"""How what a thread names survives a meeting with others: stated again, a value of all, or an element per thread."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..dataflow.uniform import Uniformity
from ..ir.nodes import (
    Alloc,
    Barrier,
    Break,
    Continue,
    Expr,
    For,
    If,
    InstrCall,
    Let,
    Load,
    Node,
    Ref,
    Store,
    Var,
    While,
)
from ..ir.visit import stmts_of, walk


def names(node: Node) -> set[str]:
    """Names of scalars and buffers that are used below."""
    out: set[str] = set()
    for n in walk(node):
        if isinstance(n, Var):
            out.add(n.name)
        elif isinstance(n, Load | Store | Ref):
            out.add(n.buffer)
    return out


class Survival:
    """Decides it for the names of one list of statements after another.

    Attributes:
        threads: the loops over those who run side by side; lanes: those of a warp, not the threads of a block.
        buffers: what is expanded by the threads; lets: `Let`s that are.
        lifted: scalars and `Let`s of all; hoisted: those of them that may be computed at any time.
        pure: `Let`s that are stated again where they are used, in order.
        per_thread: branches around meetings that only say which threads take part; guards: those around, now.
    """

    threads: tuple[For, ...]
    lanes: bool
    written: set[str]
    uniform: Uniformity
    buffers: dict[str, Alloc]
    lets: dict[str, Alloc]
    lifted: set[str]
    hoisted: set[str]
    pure: dict[str, Let]
    per_thread: list[If]
    guards: list[Expr]

    def stops(self, node: Node) -> bool:
        """Do those who run side by side meet here?"""
        return any(isinstance(n, Barrier | InstrCall) if self.lanes else isinstance(n, Barrier) and n.scope != "warp"
                   for n in walk(node))

    def _cuts(self, s: Any, in_loop: bool) -> bool:
        raise NotImplementedError

    def _pure(self, e: Node) -> bool:
        """May the expression be evaluated again later? It reads nothing that changes."""
        return not any(isinstance(n, Load | Ref) and (n.buffer in self.written or n.buffer in self.uniform.private)
                       for n in walk(e))

    def _classify(self, stmts: tuple[Any, ...]) -> tuple[Any, ...]:
        """Decides for each name declared in the list how it survives; an array that one later interval alone uses is
        declared there."""
        wanted = self._wanted(stmts)
        size = -1
        while size != len(self.lifted) + len(self.hoisted):  # what is lifted cuts intervals, so look again
            size = len(self.lifted) + len(self.hoisted)
            homes, used = self._segments(stmts)
            crossing: set[str] = set()
            moved: dict[str, int] = {}
            for s in reversed(stmts):
                if not isinstance(s, Alloc | Let):
                    continue
                elsewhere = {k for k in used.get(s.name, set()) if k != homes[s.name]}
                if isinstance(s, Alloc) and len(used.get(s.name, ())) == 1 and min(used[s.name]) >= 0:
                    moved[s.name] = min(used[s.name])
                elif elsewhere or s.name in wanted:
                    crossing.add(s.name)
                    if isinstance(s, Let) and (s.name in wanted or self._pure(s.value)):  # it may be stated again
                        for n in names(s.value):
                            used.setdefault(n, set()).add(-1)
            for s in stmts:
                if isinstance(s, Let) and s.name in crossing:
                    self._classify_let(s, s.name in wanted)
                elif isinstance(s, Alloc) and s.name in crossing and not s.shape and self.uniform.buffer(s.name) \
                        and self._liftable(s.name, stmts):
                    self.lifted.add(s.name)
                    self.hoisted.add(s.name)
        for s in stmts:
            if isinstance(s, Alloc) and s.name in crossing and s.name not in self.lifted:
                self.buffers[s.name] = self._expanded(s)
        return self._move(stmts, {n: k for n, k in moved.items() if k != homes[n]})

    def _segments(self, stmts: tuple[Any, ...]) -> tuple[dict[str, int], dict[str, set[int]]]:
        """The interval in which each name is declared, and those in which it is used (-1: around or inside control)."""
        homes: dict[str, int] = {}
        used: dict[str, set[int]] = {}
        k = 0
        for s in stmts:
            if isinstance(s, Alloc | Let):
                homes[s.name] = k
            cuts = self._cuts(s, True)
            for n in names(s):
                used.setdefault(n, set()).add(-1 if cuts else k)
            k += cuts
        for g in self.guards:
            for n in names(g):
                used.setdefault(n, set()).add(-1)
        return homes, used

    def _wanted(self, stmts: tuple[Any, ...]) -> set[str]:
        """Names that steer barriers, and what those are computed from."""
        wanted: set[str] = set()
        for s in stmts:
            wanted |= self._control_names(s)
        for s in reversed(stmts):
            name = s.name if isinstance(s, Let) else s.buffer if isinstance(s, Store) and not s.indices else None
            if name in wanted:
                wanted |= names(s.value)
        return wanted

    def _control_names(self, s: Node) -> set[str]:
        out: set[str] = set()
        for n in walk(s):
            if isinstance(n, For | While) and self.stops(n):
                for e in (n.lo, n.hi, n.step) if isinstance(n, For) else (n.cond,):
                    out |= names(e)
            elif isinstance(n, If) and not any(n is g for g in self.per_thread) and (
                    self.stops(n) or any(isinstance(x, Break | Continue) for x in walk(n))):
                out |= names(n.cond)
        return out

    def _classify_let(self, s: Let, wanted: bool) -> None:
        uniform, pure = self.uniform.expr(Var(s.name, s.dtype)), self._pure(s.value)
        if uniform and pure and not any(isinstance(n, Load) for n in walk(s.value)):
            self.lifted.add(s.name)
            self.hoisted.add(s.name)
        elif uniform and (wanted or not pure):
            self.lifted.add(s.name)
        elif pure:
            self.pure[s.name] = s
        else:
            self.lets[s.name] = self._expanded(Alloc(s.name, s.dtype, ()))

    def _expanded(self, s: Alloc) -> Alloc:
        return dataclasses.replace(s, shape=(*(t.hi for t in self.threads), *s.shape))

    def _liftable(self, name: str, stmts: tuple[Any, ...]) -> bool:
        """Is every store to the scalar a statement of a list with barriers, so that the block can do it once?"""
        for s in stmts:
            if isinstance(s, Store) and s.buffer == name:
                continue
            if self.stops(s):
                sides = [s.then, s.orelse] if isinstance(s, If) else [s.body] if isinstance(s, For | While) else []
                if all(self._liftable(name, stmts_of(b)) for b in sides if b is not None):
                    continue
                return False
            if any(isinstance(n, Store | Ref) and n.buffer == name for n in walk(s)):
                return False
        return True

    def _move(self, stmts: tuple[Any, ...], moved: dict[str, int]) -> tuple[Any, ...]:
        """The list with the declarations in `moved` at the start of the given interval."""
        if not moved:
            return stmts
        allocs = {s.name: s for s in stmts if isinstance(s, Alloc)}
        out: list[Any] = []
        k = 0
        for s in stmts:
            if isinstance(s, Alloc) and s.name in moved:
                continue
            out.append(s)
            if self._cuts(s, True):
                k += 1
                out.extend(allocs[n] for n, home in moved.items() if home == k)
        return tuple(out)
