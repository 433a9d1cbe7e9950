"""Threads that work as warps: instrs to which every lane brings values of its own, and barriers of a warp.

Such an instr is a meeting of the lanes of a warp. Between two barriers of the block the warps run one after the other; in
each, what lives across a meeting has an element per lane, and between the loops over the lanes the meaning of the meeting
runs once, over those arrays.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from math import prod

from ..errors import IllegalPassError
from ..frontend.meanings import Meanings
from ..ir.algebra import Scope
from ..ir.build import add, conjunction, div, integer, lt, mod, mul
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Barrier,
    Block,
    Const,
    Expr,
    For,
    If,
    InstrCall,
    Kernel,
    Load,
    Node,
    Ref,
    Store,
    Var,
)
from ..ir.simplify import simplify_block
from ..ir.visit import Rewriter, fresh_name, substitute, walk
from ..platforms import registry as platforms
from ..platforms.instr import Operand
from ._alike import said_without
from ._intervals import Splitter

Refuse = Callable[[str, Node | None], IllegalPassError]


def per_lane(kernel: Kernel, call: InstrCall) -> bool:
    """Does each lane of a warp bring values of its own to the call?"""
    row = platforms.get(kernel.platform).instr(call.instr)
    return row is not None and any(o.per_lane for o in row.operands)


def meets(node: Node) -> bool:
    """Do lanes of a warp meet here?"""
    return any(isinstance(n, InstrCall) or (isinstance(n, Barrier) and n.scope == "warp") for n in walk(node))


class Waves:
    """Runs what a block does between two barriers warp by warp.

    Args:
        kernel: where the calls stand, every name declared once.
        grid: the loops over the blocks, block: those over the threads, outermost first.
        taken: names in use; new ones are added.
    Attributes:
        around: names of the loops over warps; lanes: of those over their lanes.
        expanded: arrays that got an element per lane.
    """

    def __init__(self, kernel: Kernel, grid: tuple[For, ...], block: tuple[For, ...], written: set[str], taken: set[str],
                 refuse: Refuse) -> None:
        self.kernel, self.grid, self.block, self.refuse = kernel, grid, block, refuse
        self.written, self.taken = written, taken
        self.width = _width(kernel)
        self.around: set[str] = set()
        self.lanes: set[str] = set()
        self.expanded: set[str] = set()
        self._names: tuple[str, str] | None = None

    def run(self, body: Block) -> tuple[AnyStmt, ...]:
        """The statements of one thread, in which lanes meet, as loops over warps. Raises IllegalPassError."""
        loops, lane, places, there = self._loops(body)
        body = substitute(body, places)
        if there is not None:
            body = Block((If(there, body),))
        scope = Scope.of(self.kernel)
        for lp in (*self.grid, *loops, lane):
            scope = scope.loop(lp)
        body = said_without(simplify_block(body, scope), lane, scope)
        body = _Held(self.taken).visit(body)
        meeting = _Meeting(self.kernel, body, lane, self.taken)
        splitter = Splitter((lane,), body, self.written, self.taken, self.refuse, meeting, scope="warp")
        stmts = splitter.run()
        self.expanded |= set(splitter.buffers)
        self.lanes.add(lane.var)
        self.around |= {lp.var for lp in loops}
        for lp in reversed(loops):
            stmts = (dataclasses.replace(lp, body=Block(stmts)),)
        return stmts

    def _loops(self, body: Block) -> tuple[tuple[For, ...], For, dict[str, Expr], Expr | None]:
        """The loops over warps, that over the lanes of one, the threads' indices in terms of them, and which lanes are
        threads, when the last warp is not whole."""
        first = next(n for n in walk(body) if isinstance(n, InstrCall | Barrier))
        count = [int(lp.hi.value) for lp in self.block if isinstance(lp.hi, Const)]
        if not self.block or len(count) != len(self.block):
            raise self.refuse(f"how many threads a block has is not known; its warps of {self.width} work together", first)
        x, total = self.block[-1], prod(count)
        if total <= self.width:
            if len(count) == 1:  # the block is one warp
                return (), x, {}, None
            lane = dataclasses.replace(x, var=self._name("lane", 1), hi=Const(total, x.dtype))
            return (), lane, _digits(Var(lane.var, x.dtype), self.block, count), None
        if count[-1] == self.width:
            return self.block[:-1], x, {}, None
        lane = dataclasses.replace(x, var=self._name("lane", 1), hi=Const(self.width, x.dtype))
        across = count[-1] % self.width != 0  # a warp is several rows of threads, or the last one is not whole
        threads = total if across else count[-1]
        warp = dataclasses.replace(x, var=self._name("warp", 0), hi=Const(-(-threads // self.width), x.dtype))
        at = add(mul(Var(warp.var, x.dtype), integer(self.width)), Var(lane.var, x.dtype))
        if not across:
            return (*self.block[:-1], warp), lane, {x.var: at}, None
        return (warp,), lane, _digits(at, self.block, count), lt(at, integer(total)) if total % self.width else None

    def _name(self, base: str, k: int) -> str:
        """The name of the loops over warps (0) or lanes (1): the same between all barriers."""
        if self._names is None:
            self._names = fresh_name("warp", self.taken), fresh_name("lane", self.taken)
        return self._names[k]


def _width(kernel: Kernel) -> int:
    """How many lanes meet at most: a wave of 64 whose halves keep to themselves is as good as two warps of 32."""
    platform = platforms.get(kernel.platform)
    rows = [platform.instr(n.instr) for n in walk(kernel.body) if isinstance(n, InstrCall)]
    if any(isinstance(n, Barrier) and n.scope == "warp" for n in walk(kernel.body)):
        return platform.lane_width
    return max((r.lanes for r in rows if r is not None), default=platform.lane_width)


def _digits(at: Expr, block: tuple[For, ...], sizes: list[int]) -> dict[str, Expr]:
    """A thread's indices by its number in the block."""
    out: dict[str, Expr] = {}
    for lp, n in zip(reversed(block[1:]), reversed(sizes[1:]), strict=True):
        out[lp.var] = mod(at, integer(n))
        at = div(at, integer(n))
    out[block[0].var] = at
    return out


class _Meeting:
    """What a call does for a warp whose lanes run in the loop `lane`."""

    def __init__(self, kernel: Kernel, body: Block, lane: For, taken: set[str]) -> None:
        self.meanings, self.taken, self.lane = Meanings(dataclasses.replace(kernel, body=body)), taken, lane
        assert isinstance(lane.hi, Const)
        self.count = int(lane.hi.value)

    def operands(self, call: InstrCall) -> tuple[Operand, ...]:
        return self.meanings.row(call).operands

    def unread(self, call: InstrCall, o: Operand) -> bool:
        """Does the meaning never look at this scalar operand?"""
        return not o.memory and not o.per_lane and re.search(rf"\b{o.name}\b", self.meanings.row(call).meaning) is None

    def guarded(self, call: InstrCall) -> bool:
        """May only some of the lanes come?"""
        return any(o.name == "active" and o.per_lane for o in self.operands(call))

    def one_for_all(self, call: InstrCall) -> tuple[str, ...]:
        """The buffers in which all lanes get the same value."""
        if self.meanings.row(call).lanes != self.count:
            return ()
        return tuple(a.buffer for o, a in zip(self.operands(call), call.args, strict=True)
                     if isinstance(a, Ref) and not o.per_lane and o.access == "w" and o.memory)

    def of(self, call: InstrCall, guard: Expr | None, per_lane: set[str]) -> tuple[AnyStmt, ...]:
        """The statements between the loops over lanes. Values of a lane are in terms of the loop's variable.

        Args:
            guard: which lanes came; None: all.
            per_lane: the arrays with an element per lane.
        """
        row, lanes = self.meanings.row(call), min(self.meanings.row(call).lanes, self.count)
        self.meanings.taken |= self.taken
        args = list(call.args)
        part = fresh_name("part", self.taken) if lanes < self.count else ""
        front: list[AnyStmt] = []
        back: list[AnyStmt] = []
        for k, (o, a) in enumerate(zip(row.operands, call.args, strict=True)):
            if o.name == "active" and o.per_lane and (guard is not None or self.count < row.lanes):
                inside = [lt(Var(self.lane.var, self.lane.dtype), integer(self.count))] if self.count < row.lanes else []
                args[k] = conjunction([*([guard] if guard is not None else []), *inside]) or a
            elif isinstance(a, Ref) and o.memory and not o.per_lane and o.access == "w" and (part or a.buffer in per_lane):
                name = fresh_name("all", self.taken)
                front.append(Alloc(name, a.dtype, ()))
                args[k] = Ref(name, (), a.dtype)
                back.append(Store(a.buffer, a.indices, Load(name, (), a.dtype), a.dtype))
        if part:  # the lane's number within its part of the warp
            base = mul(Var(part, self.lane.dtype), integer(lanes))
            moved = {self.lane.var: add(base, Var(self.lane.var, self.lane.dtype))}
            args = [substitute(a, moved) if o.per_lane else a for o, a in zip(row.operands, args, strict=True)]
            back = [substitute(s, moved) for s in back]
            guard = substitute(guard, moved) if guard is not None else None
        stmts = (*front, *self.meanings.of(dataclasses.replace(call, args=tuple(args)), self.lane.var))
        self.taken |= self.meanings.taken
        if back:
            inner = Block((If(guard, Block(tuple(back))),)) if guard is not None else Block(tuple(back))
            each = fresh_name(self.lane.var, self.taken)
            hi = Const(lanes, self.lane.dtype)
            stmts += (dataclasses.replace(self.lane, var=each, hi=hi, body=substitute(inner, {self.lane.var: Var(each)})),)
        if part:
            whole = Const(self.count // lanes, self.lane.dtype)
            stmts = (dataclasses.replace(self.lane, var=part, hi=whole, body=Block(stmts)),)
        return stmts


class _Held(Rewriter):
    """Values that lanes pass are given a place of their own first, so that they can be kept for all lanes: those that are
    more than a variable or a number."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def visit_Block(self, b: Block) -> Block:
        out: list[AnyStmt] = []
        for s in b.stmts:
            if isinstance(s, InstrCall):
                args: list[Expr] = []
                for a in s.args:
                    if any(isinstance(n, Load) and n.indices for n in walk(a)) and not isinstance(a, Ref):
                        name = fresh_name("held", self.taken)
                        out += [Alloc(name, a.dtype, ()), Store(name, (), a, a.dtype)]
                        args.append(Load(name, (), a.dtype))
                    else:
                        args.append(a)
                s = dataclasses.replace(s, args=tuple(args))
            out.append(s)
        return dataclasses.replace(b, stmts=tuple(out)) if b.stmts != tuple(out) else b

