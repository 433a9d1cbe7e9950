"""Intrinsics become the loops that they stand for."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from ..dataflow.uniform import Uniformity, has_varying_return
from ..errors import UnsupportedError
from ..frontend.meanings import Meanings, value_memories, warp_memories
from ..ir.build import binary, conjunction, integer, mod
from ..ir.elements import as_nest, is_element_loop
from ..ir.nodes import Alloc, AnyStmt, Block, Break, Const, Continue, Expr, For, If, InstrCall, Kernel, Load, Node, Var, While
from ..ir.simplify import simplify
from ..ir.types import I32
from ..ir.visit import Rewriter, children, fresh_name, walk
from ..platforms import registry as platforms
from ..platforms.base import Platform
from ._atomics import is_atomic
from ._axes import axis_nest
from ._forward import forward_copies
from ._parts import take_apart
from ._waves import per_lane
from .base import Pass, PassResult


class Detensorize(Pass):
    """    mma(d, a, b, c);
    ->
        for (i < 16) for (j < 16) { float sum = c[i][j]; for (kk < 16) sum += a[i][kk] * b[kk][j]; d[i][j] = sum; }

    What the lanes of a warp do together, its first lane does alone; what they hold together becomes an array of that
    lane. A tile that is only loaded and multiplied is read from where it was loaded.
    """

    name = "detensorize"
    kind = "tensor"
    summary = "Replaces intrinsics by the loops that they stand for."
    knobs: ClassVar[dict[str, str]] = {"forward": "False: keep tiles that only hold a copy (default True)"}

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        return [{}] if any(isinstance(n, InstrCall) for n in walk(kernel.body)) else []

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        meanings = Meanings(kernel)
        calls = [n for n in walk(kernel.body) if isinstance(n, InstrCall)]
        if not calls:
            raise self.refuse("the kernel has no intrinsics")
        updates = [c for c in calls if is_atomic(kernel, c)]
        if len(updates) == len(calls):
            raise self.refuse(f"{updates[0].instr} is one step for all threads: written out, threads would race",
                              updates[0], hint="Recover loops from the threads first (loop_recovery).")
        calls = [c for c in calls if not any(c is x for x in updates)]
        lane = [c for c in calls if per_lane(kernel, c)]
        if len(lane) == len(calls):
            raise self.refuse(f"{lane[0].instr} exchanges values between the lanes of a warp: there is no loop of one thread "
                              "that does the same", lane[0], hint="Recover loops from the threads first (loop_recovery).")
        calls = [c for c in calls if not any(c is x for x in lane)]
        try:
            widths = {meanings.row(c).lanes for c in calls}
        except UnsupportedError as error:
            raise self.refuse(error.message) from None
        guard = None
        together = max(widths)
        if together > 1:
            guard = self._first_lane(kernel, together)
            self._uniform(kernel, meanings, together)
        fragments = warp_memories(platforms.get(kernel.platform))
        values = value_memories(platforms.get(kernel.platform))
        arrays = {n.name for n in walk(kernel.body) if isinstance(n, Alloc) and n.memory in fragments}
        body = _Expand(meanings, guard, arrays).visit(kernel.body)
        done = dataclasses.replace(kernel, body=body)
        if knobs.get("forward", True) not in (False, "false"):
            done = take_apart(forward_copies(done, values))
        body = _Local(values).visit(done.body)
        names = dict.fromkeys(c.instr for c in calls)
        note = f"{len(calls)} intrinsic call{'s' if len(calls) > 1 else ''} ({', '.join(names)}) became loops."
        if together > 1:
            note += f" The first of the {together} lanes of each warp runs them."
        return PassResult(simplify(dataclasses.replace(done, body=body)), note)

    # -- warps ---------------------------------------------------------------------------------------------------------

    def _x(self, kernel: Kernel, lanes: int) -> tuple[tuple[For, ...], bool]:
        """The block axes, outermost first, and whether each warp lies along the last one."""
        block = axis_nest(kernel).block
        sizes = [int(lp.hi.value) if isinstance(lp.hi, Const) else None for lp in block]
        if sizes and sizes[-1] is not None and sizes[-1] % lanes == 0:
            return block, True
        total = 1
        for n in sizes:
            if n is None:
                raise self.refuse(f"how many threads a block has is not known; its warps of {lanes} work together")
            total *= n
        if total != lanes:
            raise self.refuse(f"a block has {' x '.join(map(str, reversed(sizes))) or 'one'} threads: its warps of {lanes} "
                              "are not whole or not along its first axis")
        return block, False

    def _first_lane(self, kernel: Kernel, lanes: int) -> Expr:
        block, along_x = self._x(kernel, lanes)
        if not along_x:
            zero = [binary("==", Var(lp.var, I32), integer(0)) for lp in block]
            cond = conjunction(zero)
            assert cond is not None
            return cond
        x = block[-1]
        index: Expr = Var(x.var, I32)
        if not (isinstance(x.hi, Const) and x.hi.value == lanes):
            index = mod(index, integer(lanes))
        return binary("==", index, integer(0))

    def _uniform(self, kernel: Kernel, meanings: Meanings, lanes: int) -> None:
        """Refuses unless all lanes of a warp come to each collective call together, with the same operands."""
        block, along_x = self._x(kernel, lanes)
        body = axis_nest(kernel).body
        axes = [block[-1].var] if along_x else [lp.var for lp in block]
        uniform = Uniformity(body, axes, groups={block[-1].var: lanes} if along_x else {})
        if has_varying_return(body, uniform):
            raise self.refuse("some lanes of a warp may return before the others, and its intrinsics need all of them")

        fragments = {n.name for n in walk(body) if isinstance(n, Alloc) and n.memory in
                     warp_memories(platforms.get(kernel.platform))}

        def look(node: Node, alike: bool) -> None:
            if is_element_loop(node, fragments):
                if not alike:
                    raise self.refuse("not all lanes of a warp are shown to come to this loop over elements together", node)
                if any(isinstance(n, Var | Load) and not uniform.expr(n) for n in walk(node)):
                    raise self.refuse("the elements of a fragment are computed from what differs between lanes", node)
                return
            if isinstance(node, InstrCall) and meanings.row(node).lanes > 1 and not per_lane(kernel, node):
                if not alike:
                    raise self.refuse(f"not all lanes of a warp are shown to come to {node.instr} together", node)
                if not all(uniform.expr(a) for a in node.args):
                    raise self.refuse(f"the operands of {node.instr} are not shown to be the same for all lanes of a warp",
                                      node)
            for_ = [node.lo, node.hi, node.step] if isinstance(node, For) else []
            if isinstance(node, If | While):
                for_ = [node.cond]
            inner = alike and all(uniform.expr(e) for e in for_)
            if isinstance(node, For | While) and self._leaves(node.body, uniform):
                inner = False
            for c in children(node):
                look(c, inner)

        look(body, True)

    def _leaves(self, body: Block, uniform: Uniformity) -> bool:
        """May some lanes leave an iteration of this loop early?"""

        def look(node: Node, alike: bool) -> bool:
            if isinstance(node, Break | Continue):
                return not alike
            if isinstance(node, If):
                alike = alike and uniform.expr(node.cond)
            return not isinstance(node, For | While) and any(look(c, alike) for c in children(node))

        return any(look(s, True) for s in body.stmts)


class _Expand(Rewriter):
    """Runs of calls become their meanings, behind one guard when they are a warp's."""

    def __init__(self, meanings: Meanings, guard: Expr | None, arrays: set[str]) -> None:
        self.meanings, self.guard, self.arrays = meanings, guard, arrays

    def visit_Block(self, b: Block) -> Block:
        if not any(isinstance(s, InstrCall) or is_element_loop(s, self.arrays) for s in b.stmts):
            return b
        out: list[AnyStmt] = []
        run: list[AnyStmt] = []

        def flush() -> None:
            if run and self.guard is not None:
                out.append(If(self.guard, Block(tuple(run)), span=run[0].span))
            else:
                out.extend(run)
            run.clear()

        for s in b.stmts:
            row = self.meanings.row(s) if isinstance(s, InstrCall) else None
            if row is not None and (row.atomic or any(o.per_lane for o in row.operands)):
                flush()
                out.append(s)
                continue
            collective = isinstance(s, InstrCall) and self.meanings.row(s).lanes > 1
            if is_element_loop(s, self.arrays) and self.guard is not None:
                assert isinstance(s, For)
                taken = set(self.meanings.taken) - {s.var}
                run.append(as_nest(s, self.arrays, (fresh_name("i", taken), fresh_name("j", taken))))
                continue
            if not collective and run and self.guard is not None:
                flush()
            if isinstance(s, InstrCall):
                stmts = self.meanings.of(s)
                if s.comments and stmts and not isinstance(stmts[0], Block):
                    stmts = (dataclasses.replace(stmts[0], comments=s.comments), *stmts[1:])
                (run if collective else out).extend(stmts)
            else:
                out.append(s)
        flush()
        return dataclasses.replace(b, stmts=tuple(out))


class _Local(Rewriter):
    """What a warp held together is now an array of its first lane."""

    def __init__(self, fragments: frozenset[str]) -> None:
        self.fragments = fragments

    def visit_Alloc(self, s: Alloc) -> Alloc:
        return dataclasses.replace(s, memory="local") if s.memory in self.fragments else s


PASS = Detensorize()
