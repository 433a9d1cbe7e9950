"""Recovers sequential loops from the axes of a device."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any, ClassVar

from ..dataflow.dependences import is_parallel, races
from ..dataflow.sets import TooHard
from ..errors import IllegalPassError
from ..ir.nodes import Alloc, AnyStmt, Barrier, Block, For, InstrCall, Kernel, Let, Node, Var
from ..ir.simplify import simplify
from ..ir.types import I32
from ..ir.visit import Rewriter, all_names, buffers_written, fresh_name, stmts_of, substitute, walk
from ..platforms.base import Platform
from ._atomics import Ordinary, is_atomic, spelt_out
from ._axes import axis_nest, one_for_all, short_name
from ._counted import counted, declared_near
from ._fold_host import fold_host
from ._intervals import Splitter, barriers
from ._layouts import matrices
from ._names import restore_names, unique_names
from ._retarget import with_reason
from ._returns import without_returns
from ._share_loop import shared_loops, unshared
from ._single import FewThreads, SingleThreads, few_elements
from ._waves import Waves, per_lane
from .base import Pass, PassResult, replace_node


class LoopRecovery(Pass):
    """Axes become loops, barriers split the thread loops, the host wrapper becomes the C function.

        s[threadIdx.x] = A[i]; __syncthreads(); B[i] = s[255 - threadIdx.x];     with i = blockIdx.x * 256 + threadIdx.x
        ->
        for (bx < grid) { float s[256];
            for (tx < 256) s[tx] = A[bx * 256 + tx];
            for (tx < 256) B[bx * 256 + tx] = s[255 - tx]; }
    """

    name = "loop_recovery"
    kind = "parallel"
    summary = "Turns blocks and threads into plain loops; barriers split the thread loops."
    knobs: ClassVar[dict[str, str]] = {"reason": "why the target's own instructions are not used, said above the kernel"}

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        return [{}] if self._applies(kernel, target) else []

    def _applies(self, kernel: Kernel, target: Platform) -> bool:
        return bool(_axes(kernel) or shared_loops(kernel)) or kernel.host is not None or kernel.platform != target.name

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        if not self._applies(kernel, target):
            raise self.refuse("the kernel has no axes: there is nothing to recover")
        for n in walk(kernel.body):
            if isinstance(n, InstrCall) and not (per_lane(kernel, n) or is_atomic(kernel, n)):
                raise self.refuse(f"{n.instr} works on several threads at once and has no sequential form here", n,
                                  hint="Replace it by its loops first (detensorize).")
            if isinstance(n, Barrier) and n.scope not in ("block", "warp"):
                raise self.refuse(f"a barrier of a {n.scope} orders only some threads of a block", n)
        doubts = tuple(f"no two threads race on loop {lp.var} (not shown: {why.reason})" for lp in shared_loops(kernel)
                       if not (why := is_parallel(kernel, lp)).ok)
        kernel = spelt_out(kernel)
        folded, names = fold_host(one_for_all(unshared(kernel)))
        taken = all_names(folded)
        folded, loops = _serial_names(folded, taken)
        nest = axis_nest(folded)
        vars_ = {axis: Var(name, I32) for axis, name in loops.items()}
        grid, block = _serial(nest.grid, loops), _serial(nest.block, loops)
        body, back = unique_names(substitute(nest.body, vars_), taken)
        body = counted(body, taken)
        split = barriers(body) and (bool(block) or any(isinstance(n, InstrCall) for n in walk(body)))
        inner: tuple[AnyStmt, ...]
        expanded: set[str] = set()
        outer: set[str] = set()
        lanes: set[str] = set()
        by_lane: set[str] = set()
        if split:
            warps = Waves(dataclasses.replace(folded, body=body), grid, block, buffers_written(body), taken, self._no)
            splitter = Splitter(block, body, warps.written, taken, self._no, warps=warps.run)
            inner = splitter.run()
            outer, lanes, expanded, by_lane = warps.around, warps.lanes, set(splitter.buffers), warps.expanded
        else:
            inner = _around(block, stmts_of(without_returns(_Unsynchronised().visit(body), taken)))
        threads = {b.var for b in block} | lanes
        few = FewThreads(threads, taken).visit(Block(inner))
        inner = few_elements(few_elements(few, expanded, len(block)), by_lane, 1).stmts
        shared = tuple(dataclasses.replace(s, memory="local") if isinstance(s, Alloc) else s
                       for s in substitute(Block(nest.shared), vars_).stmts)
        whole = restore_names(Block((*nest.before, *_around(grid, (*shared, *inner)))), back)
        whole = _Placed(target).visit(whole)
        serial = dataclasses.replace(folded, body=whole, platform=target.name, max_threads=None)
        serial = with_reason(serial, str(knobs.get("reason") or ""), target)
        assumptions = doubts + self._races(serial, [g.var for g in grid], [*sorted(outer), *sorted(threads)])
        serial = dataclasses.replace(serial, body=Ordinary().visit(serial.body))
        if split:
            serial = dataclasses.replace(serial, body=SingleThreads({b.var for b in block} | lanes).visit(serial.body))
        note = "One thread does everything already; " if not loops else ""
        note += "the wrapper became the function itself." if kernel.host is not None else "the text stays as it is."
        if shared_loops(kernel):
            note = "The loops that threads shared run one iteration after the other."
        if loops:
            note = f"Blocks and threads became loops ({', '.join(f'{axis} is {new}' for axis, new in loops.items())})."
        if split:
            note += " Every barrier ends the loops over the threads and starts new ones."
        serial = simplify(serial)
        if any(isinstance(n, InstrCall) for n in walk(kernel.body)):
            serial = simplify(matrices(serial))
        serial = dataclasses.replace(serial, body=declared_near(serial.body))
        return PassResult(serial, note, names, assumptions)

    def _no(self, reason: str, node: Node | None) -> IllegalPassError:
        return self.refuse(reason, node)

    def _races(self, serial: Kernel, grid: list[str], block: list[str]) -> tuple[str, ...]:
        """Loops in place of threads are right when no two threads race. Refuses when two threads of a block certainly
        pass a value on without a barrier; what is not known to be free of races becomes an assumption."""
        doubts: dict[str, str] = {}
        for n in walk(serial.body):
            if not isinstance(n, For) or n.var not in (*grid, *block):
                continue
            who = "blocks" if n.var in grid else "threads"
            try:
                found = races(serial, n)
            except TooHard as error:
                doubts.setdefault(who, f"no two {who} race (not checked: {error})")
                continue
            for d in found:
                if d.ordered:
                    doubts.setdefault(d.buffer, f"the order of the atomic updates of {d.buffer} does not matter")
                    continue
                if n.var in block and d.certain and d.kind != "output":
                    raise self.refuse(f"two threads of a block race on {d.buffer}: {d}", d.sink.node,
                                      hint="A barrier between the write and the read is missing, or the kernel relies "
                                           "on threads in lock step.")
                if d.kind == "output":
                    doubts.setdefault(who, f"{who} that write one element of {d.buffer} write the same value: {d}")
                else:
                    doubts[who] = f"no two {who} race on {d.buffer}: {d}"
        return tuple(doubts.values())


def _axes(kernel: Kernel) -> list[For]:
    return [n for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel"]


def _serial_names(kernel: Kernel, taken: set[str]) -> tuple[Kernel, dict[str, str]]:
    """A serial name per axis: that of a `Let` that is just the axis (which then goes), else a short one."""
    body = axis_nest(kernel).body
    binders = [n for n in walk(kernel.body) if isinstance(n, For | Let | Alloc)]
    declared = Counter(n.var if isinstance(n, For) else n.name for n in binders)
    params = {p.name for p in kernel.params}
    loops: dict[str, str] = {}
    for axis in (n.axis for n in _axes(kernel) if n.axis):
        lets = [s for s in stmts_of(body) if isinstance(s, Let) and s.value == Var(axis, I32) and s.dtype == I32
                and declared[s.name] == 1 and s.name not in params]
        if lets:
            loops[axis] = lets[0].name
            kernel = replace_node(kernel, lets[0], None)
        else:
            loops[axis] = fresh_name(short_name(axis), taken)
    return kernel, loops


def _serial(loops: tuple[For, ...], names: dict[str, str]) -> tuple[For, ...]:
    return tuple(dataclasses.replace(lp, var=names[lp.axis or ""], kind="serial", axis=None, body=Block())
                 for lp in loops)


def _around(loops: tuple[For, ...], stmts: tuple[AnyStmt, ...]) -> tuple[AnyStmt, ...]:
    for lp in reversed(loops):
        stmts = (dataclasses.replace(lp, body=Block(stmts)),)
    return stmts


class _Unsynchronised(Rewriter):
    """Without barriers: a single thread waits for nobody."""

    def visit_Barrier(self, node: Barrier) -> None:
        return None


class _Placed(Rewriter):
    """What lay in a memory that the target lacks is an ordinary array of the one thread that is left."""

    def __init__(self, target: Platform) -> None:
        self.target = target

    def visit_Alloc(self, s: Alloc) -> Alloc:
        return s if self.target.memory(s.memory) else dataclasses.replace(s, memory="local")


PASS = LoopRecovery()
