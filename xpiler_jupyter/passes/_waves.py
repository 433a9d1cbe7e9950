"""Threads that work as warps: instrs to which every lane brings values of its own, and barriers of a warp.

Such an instr is a meeting of the lanes of a warp. Its operands become arrays with an element per thread; between the
loops over the threads its meaning runs once per warp, over those arrays. Where no barrier of the whole block is in the
way, the warps run one after the other around everything else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import IllegalPassError
from ..frontend.meanings import Meanings
from ..ir.build import add, div, integer, mod, mul
from ..ir.nodes import Alloc, AnyStmt, Barrier, Block, Const, Expr, For, InstrCall, Kernel, Load, Node, Ref, Store, Var
from ..ir.visit import Rewriter, fresh_name, substitute, walk
from ..platforms import registry as platforms

Refuse = Callable[[str, Node | None], IllegalPassError]


@dataclass(frozen=True, slots=True)
class Waves:
    """How the threads of a block are run.

    Attributes:
        around: loops that each run the whole text for some of the threads.
        threads: the loops that meetings split.
        body: one thread's text, its axes as sums of these loops' variables.
        meeting: what a meeting does for the block, given its call with operands in terms of the block.
    """

    around: tuple[For, ...]
    threads: tuple[For, ...]
    body: Block
    meeting: Callable[[InstrCall], tuple[AnyStmt, ...]]


def per_lane(kernel: Kernel, call: InstrCall) -> bool:
    """Does each lane of a warp bring values of its own to the call?"""
    row = platforms.get(kernel.platform).instr(call.instr)
    return row is not None and any(o.per_lane for o in row.operands)


def meets(node: Node) -> bool:
    """Do lanes of a warp meet here?"""
    return any(isinstance(n, InstrCall) or (isinstance(n, Barrier) and n.scope == "warp") for n in walk(node))


def waves(kernel: Kernel, block: tuple[For, ...], body: Block, taken: set[str], refuse: Refuse) -> Waves:
    """The order in which the threads of a block run. `kernel` is where the calls stand; `block` are the loops over the
    threads, outermost first; names that are made are added to `taken`."""
    lanes = platforms.get(kernel.platform).lane_width
    meanings = Meanings(kernel)
    body = _Held(meanings, taken).visit(body)
    meanings.taken = set(taken)
    if not meets(body):
        return Waves((), block, body, lambda call: ())
    sizes = [int(lp.hi.value) if isinstance(lp.hi, Const) else None for lp in block]
    first = next(n for n in walk(body) if isinstance(n, InstrCall | Barrier))
    if not block or None in sizes:
        raise refuse(f"how many threads a block has is not known; its warps of {lanes} work together", first)
    count = [n for n in sizes if n is not None]
    total = 1
    for n in count:
        total *= n
    if count[-1] % lanes and total != lanes:
        raise refuse(f"a block has {' x '.join(map(str, reversed(count)))} threads: its warps of {lanes} are not whole or "
                     "not along its first axis", first)
    if count[-1] % lanes:  # the block is one warp of several axes
        return Waves((), block, body, lambda call: meanings.of(call, lambda at: _digits(at, count)))
    x, warps = block[-1], count[-1] // lanes
    alone = not any(isinstance(n, Barrier) and n.scope == "block" for n in walk(body))
    warp = fresh_name("warp", taken) if warps > 1 else ""
    loops = (*block[:-1], *((dataclasses.replace(x, var=warp, hi=Const(warps, x.dtype)),) if warp else ()))
    if alone:
        if warp:
            lane = dataclasses.replace(x, var=fresh_name("lane", taken), hi=Const(lanes, x.dtype))
            whole = add(mul(Var(warp, x.dtype), integer(lanes)), Var(lane.var, x.dtype))
            return Waves(loops, (lane,), substitute(body, {x.var: whole}), lambda call: meanings.of(call, lambda at: (at,)))
        return Waves(block[:-1], (x,), body, lambda call: meanings.of(call, lambda at: (at,)))

    def each_warp(call: InstrCall) -> tuple[AnyStmt, ...]:
        front = tuple(Var(lp.var, lp.dtype) for lp in block[:-1])
        base = mul(Var(warp, x.dtype), integer(lanes)) if warp else None
        stmts = meanings.of(call, lambda at: (*front, add(base, at) if base is not None else at))
        for lp in reversed(loops):
            stmts = (dataclasses.replace(lp, body=Block(stmts)),)
        return stmts

    return Waves((), block, body, each_warp)


def _digits(at: Expr, sizes: list[int]) -> tuple[Expr, ...]:
    """A thread's indices by its number in the block."""
    out: list[Expr] = []
    for n in reversed(sizes[1:]):
        out.insert(0, mod(at, integer(n)))
        at = div(at, integer(n))
    return (at, *out)


class _Held(Rewriter):
    """Values that lanes pass are given a place of their own first, so that they can be kept for all lanes."""

    def __init__(self, meanings: Meanings, taken: set[str]) -> None:
        self.meanings, self.taken = meanings, taken

    def visit_Block(self, b: Block) -> Block:
        out: list[AnyStmt] = []
        for s in b.stmts:
            if isinstance(s, InstrCall):
                args: list[Any] = []
                for o, a in zip(self.meanings.row(s).operands, s.args, strict=True):
                    if not o.per_lane or isinstance(a, Ref):
                        args.append(a)
                    elif isinstance(a, Load) and not a.indices:
                        args.append(Ref(a.buffer, (), a.dtype))
                    else:
                        name = fresh_name(o.name, self.taken)
                        out += [Alloc(name, a.dtype, ()), Store(name, (), a, a.dtype)]
                        args.append(Ref(name, (), a.dtype))
                s = dataclasses.replace(s, args=tuple(args))
            out.append(s)
        return dataclasses.replace(b, stmts=tuple(out)) if len(out) != len(b.stmts) or b.stmts != tuple(out) else b
