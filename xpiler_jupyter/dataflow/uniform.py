"""What is the same for all threads of a block: needed where a barrier stands inside a loop or a branch.

A value varies when it depends on a block axis: directly, through a `Let`, through a private buffer that some thread may
fill differently, or through a buffer read at a varying index. Values that threads share (parameters, shared buffers)
are the same for all at one index between two barriers, as long as the kernel has no race.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ..ir.nodes import (
    Alloc,
    Binary,
    Block,
    Break,
    Const,
    Continue,
    Expr,
    For,
    If,
    InstrCall,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Store,
    Var,
    While,
)
from ..ir.visit import children, stmts_of, walk


class Uniformity:
    """Which names vary over the block axes inside `body`, the text of one thread (below all axis loops).

    Args:
        axes: names of the block axes' variables.
        varying: further names that vary on entry.
        groups: axis -> n: ask instead what is the same for each n threads in a row along that axis.
        alike: the buffers to which a call gives one value for all threads that come.
    """

    def __init__(self, body: Block, axes: Collection[str], varying: Collection[str] = (),
                 groups: Mapping[str, int] | None = None, alike: Callable[[InstrCall], Collection[str]] | None = None) -> None:
        self.groups, self.alike = dict(groups or {}), alike
        self.names: set[str] = {*axes, *varying}
        self.depths: dict[str, int] = {}  # of branches that not all threads take, around a private buffer
        self.private = {n.name for n in walk(body) if isinstance(n, Alloc) and n.memory == "local"}
        size = -1
        while size != len(self.names):
            size = len(self.names)
            self._block(body, 0)

    def expr(self, e: Expr) -> bool:
        """Is the expression the same for all threads of a block?"""
        return not self._varies(e)

    def buffer(self, name: str) -> bool:
        """Does a private buffer hold the same for all threads?"""
        return name not in self.names

    def _varies(self, e: Node) -> bool:
        if isinstance(e, Var):
            return e.name in self.names
        if isinstance(e, Binary) and isinstance(e.a, Var) and isinstance(e.b, Const) and e.a.name in self.groups:
            by = int(e.b.value) if e.op == "/" else 1 << int(e.b.value) if e.op == ">>" else 0
            if by > 0 and by % self.groups[e.a.name] == 0:
                return False
        if isinstance(e, Load | Ref) and e.buffer in self.names:
            return True
        return any(self._varies(c) for c in children(e))

    def _block(self, body: Block, depth: int) -> bool:
        """Marks what varies; `depth` counts the branches around that not all threads take. True: after this not all
        threads go on together."""
        split = False
        for s in stmts_of(body):
            split = self._stmt(s, depth + split) or split
        return split

    def _together(self, buffer: str, depth: int) -> bool:
        """Do all threads that have the buffer come to a statement at this depth?"""
        return depth <= self.depths.get(buffer, 0)

    def _stmt(self, s: Node, depth: int) -> bool:
        """True when a varying `break`, `continue` or `return` splits the threads after this statement."""
        if isinstance(s, Let):
            if self._varies(s.value):
                self.names.add(s.name)
        elif isinstance(s, Alloc):
            self.depths[s.name] = depth
        elif isinstance(s, Store):
            if s.buffer in self.private and (not self._together(s.buffer, depth) or s.atomic
                                             or any(self._varies(e) for e in (*s.indices, s.value))):
                self.names.add(s.buffer)
        elif isinstance(s, InstrCall):
            same = {b for b in self.alike(s) if self._together(b, depth)} if self.alike is not None else set()
            self.names |= {a.buffer for a in s.args if isinstance(a, Ref) and a.buffer in self.private} - same
        elif isinstance(s, If):
            varies = self._varies(s.cond)
            self._block(s.then, depth + varies)
            if s.orelse is not None:
                self._block(s.orelse, depth + varies)
            return (varies or depth > 0) and any(isinstance(n, Break | Continue) for n in walk(s))
        elif isinstance(s, For):
            varies = any(self._varies(e) for e in (s.lo, s.hi, s.step))
            if varies:
                self.names.add(s.var)
            self._loop(s.body, depth, varies)
        elif isinstance(s, While):
            self._loop(s.body, depth, self._varies(s.cond))
        return False

    def _loop(self, body: Block, depth: int, varies: bool) -> None:
        if self._block(body, depth + varies) and not varies:
            self._block(body, depth + 1)  # a varying exit: later iterations are not run by all


def has_varying_return(body: Block, uniform: Uniformity) -> bool:
    """May some threads of a block return while others go on?"""

    def look(node: Node, control: bool) -> bool:
        if isinstance(node, Return):
            return control
        if isinstance(node, If):
            control = control or not uniform.expr(node.cond)
        elif isinstance(node, For):
            control = control or not all(uniform.expr(e) for e in (node.lo, node.hi, node.step))
        elif isinstance(node, While):
            control = control or not uniform.expr(node.cond)
        return any(look(c, control) for c in children(node))

    return look(body, False)
