"""Binds loops to the axes of a device."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from ..dataflow.dependences import is_parallel
from ..errors import IllegalPassError
from ..ir.build import add, ceil_div, convert, guarded, integer, mul, sub
from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, For, Kernel, Let, Load, Node, Var
from ..ir.simplify import simplify, simplify_expr
from ..ir.types import I32
from ..ir.visit import all_names, free_vars, stmts_of, walk
from ..platforms.base import Platform
from ._bind_nest import Nest, find_nest
from ._loops import find_loop, refuse_exits
from ._make_host import make_host, wrapper_note
from ._names import restore_names, unique_names
from ._retarget import retarget, with_reason
from ._share_loop import shared_loop, shared_loops
from ._whole_job import whole_job
from .base import Pass, PassResult, loop_labels


class LoopBind(Pass):
    """Parallel loops become axes of the target, and a host wrapper launches them.

        for (i < 64) for (j < 256) C[i * 256 + j] = 0;      with bind={"i": "blockIdx.x", "j": "threadIdx.x"}
        ->
        C[blockIdx.x * 256 + threadIdx.x] = 0;              launched with 64 blocks of 256 threads
    """

    name = "loop_bind"
    kind = "parallel"
    summary = "Runs the iterations of parallel loops on the axes of the device, or keeps the axes a kernel already has."
    knobs: ClassVar[dict[str, str]] = {
        "bind": 'loop label -> axis, e.g. {"i_outer": "blockIdx.x", "i_inner": "threadIdx.x"}; the loops are the '
                "outermost ones, each directly inside the one before",
        "serial": "True: no loop is bound; one thread runs the whole kernel (always right, never fast)",
        "reason": "where threads share a loop: why nothing better was done, said above the kernel",
        "same_axes": "True: keep the axes that the kernel has; they must exist on the target",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        axes = [n.axis for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel"]
        if axes:
            return [{"same_axes": True}] if all(target.axis(a or "") for a in axes) else []
        if target.loop_axis is not None:
            return [{"bind": {label: target.loop_axis.name}} for label in _outermost(kernel)]
        if not target.axes:
            return []
        return [*({"bind": b} for b in _mappings(kernel, target)), {"serial": True}]

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        axis = target.loop_axis
        if axis is not None and knobs.get("bind"):
            return self._share(kernel, target, axis.name, dict(knobs["bind"]), str(knobs.get("reason") or ""))
        if not target.axes:
            raise self.refuse(f"{target.title} has no axes to bind loops to")
        if knobs.get("same_axes"):
            done = retarget(kernel, target, self._no)
            return PassResult(done, f"The axes stay as they are; the kernel is now one of {target.title}.")
        if kernel.host is not None or any(isinstance(n, For) and n.kind == "parallel" for n in walk(kernel.body)):
            raise self.refuse("the kernel already has axes", hint="Recover its loops first, or keep them: same_axes.")
        bind: dict[str, str] = dict(knobs.get("bind") or {})
        if knobs.get("serial"):
            if bind:
                raise self.refuse("one thread runs everything, so nothing can be bound")
            done = make_host(kernel, target)
            return PassResult(done, "One thread runs the whole kernel: right, but not parallel." + wrapper_note(done))
        if not bind:
            example = f'For example bind={{"i": "{target.axes[0].name}"}}.'
            raise self.refuse("nothing says which loops to bind", hint=example)
        return self._bind(kernel, target, bind)

    def _no(self, reason: str, node: Node | None = None, hint: str | None = None) -> IllegalPassError:
        return self.refuse(reason, node, hint)

    def _share(self, kernel: Kernel, target: Platform, axis: str, bind: dict[str, str],
               reason: str) -> PassResult:
        """The one bound loop stays where it stands; the threads of the processor share its iterations."""
        unknown = sorted(set(bind.values()) - {axis})
        if unknown or len(bind) > 1:
            why = f"{target.title} has no axis {unknown[0]!r}" if unknown else "two loops cannot have the same axis"
            raise self.refuse(why, hint=f"Axes: {axis}.")
        if kernel.host is not None or any(isinstance(n, For) and n.kind == "parallel" for n in walk(kernel.body)):
            raise self.refuse("the kernel has axes of another kind", hint="Recover its loops first.")
        label = next(iter(bind))
        lp = find_loop(self, kernel, label)
        refuse_exits(self, lp, label)
        if shared_loops(kernel):
            raise self.refuse("threads share another loop already", shared_loops(kernel)[0])
        answer = is_parallel(kernel, lp)
        if not answer.ok:
            raise self.refuse(f"{answer.reason}; threads would race", lp)
        done = with_reason(retarget(shared_loop(kernel, lp, answer), target, self._no), reason, target)
        return PassResult(simplify(done), f"The threads of the processor share the iterations of loop {label}.",
                          assumptions=tuple(sorted(set(answer.assumes))))

    # -- binding -------------------------------------------------------------------------------------------------------

    def _bind(self, kernel: Kernel, target: Platform, bind: dict[str, str]) -> PassResult:
        labels = list(loop_labels(kernel))
        for label, name in bind.items():
            if label not in labels:
                raise self.refuse(f"there is no loop {label!r}", hint=f"Loops: {', '.join(labels)}.")
            if target.axis(name) is None:
                raise self.refuse(f"{target.title} has no axis {name!r}",
                                  hint=f"Axes: {', '.join(a.name for a in target.axes)}.")
        if len(set(bind.values())) < len(bind):
            raise self.refuse("two loops cannot have the same axis")
        body, back = unique_names(kernel.body, all_names(kernel))
        kernel = dataclasses.replace(kernel, body=body)
        found = dict(zip(labels, loop_labels(kernel).values(), strict=True))  # the same loops under unique names
        assumes: set[str] = set()
        for lp in (found[label] for label in bind):
            answer = is_parallel(kernel, lp)
            if not answer.ok:
                hint = "A sum can only be bound as a tree or with atomics." if answer.only_reductions else None
                raise self.refuse(f"{answer.reason}; binding it would race", lp, hint)
            assumes |= set(answer.assumes)
        nest = find_nest(kernel, [found[label] for label in bind], self._no)
        loops = {bind[label]: lp for lp in nest.loops for label in bind if found[label] is lp}
        extent = {name: self._extent(lp, kernel, nest) for name, lp in loops.items()}
        self._limits(extent, target, loops)
        body = restore_names(_device_body(nest, loops, extent, target), back)
        result = make_host(dataclasses.replace(kernel, body=body), target)
        said = ", ".join(f"{back.get(lp.var, lp.var)} is {name}" for name, lp in loops.items())
        note = f"Loops became axes: {said}." + wrapper_note(result)
        return PassResult(simplify(result), note, assumptions=tuple(sorted(assumes)))

    def _extent(self, lp: For, kernel: Kernel, nest: Nest) -> Expr:
        """How many iterations the loop has: what the launch must give the axis."""
        if not isinstance(lp.step, Const):
            raise self.refuse(f"the step of loop {lp.var} is not a constant", lp)
        size = nest.known(ceil_div(sub(lp.hi, lp.lo), lp.step))
        if any(isinstance(n, Load) for n in walk(size)):
            raise self.refuse(f"the range of loop {lp.var} is read from memory, but a launch has one size", lp)
        varying = sorted(free_vars(size) - {p.name for p in kernel.params})
        if varying:
            raise self.refuse(f"the range of loop {lp.var} depends on {varying[0]}, but a launch has one size", lp)
        return simplify_expr(convert(size, I32))

    def _limits(self, extent: dict[str, Expr], target: Platform, loops: dict[str, For]) -> None:
        threads = 1
        for name, e in extent.items():
            axis = target.axis(name)
            assert axis is not None
            size = int(e.value) if isinstance(e, Const) else None
            if axis.level == "block":
                if size is None:
                    raise self.refuse(f"loop {loops[name].var} has no constant extent, but a block has a fixed size",
                                      loops[name], "Split the loop by a constant factor and bind the inner part.")
                threads *= max(1, size)
            if size is not None and size > axis.max_extent:
                raise self.refuse(f"loop {loops[name].var} has {size} iterations, but {name} at most {axis.max_extent}",
                                  loops[name], "Split the loop and bind the parts to two axes.")
        if threads > target.max_threads:
            raise self.refuse(f"a block would have {threads} threads, but at most {target.max_threads} fit",
                              hint="Split a loop and bind only the inner part to the block.")


def _device_body(nest: Nest, loops: dict[str, For], extent: dict[str, Expr], target: Platform) -> Block:
    """What one thread does, inside the axis loops: x is the innermost of its level, the grid is around the block."""
    stmts: list[AnyStmt] = []
    for lp, front in zip(nest.loops, nest.fronts, strict=True):
        axis = next(n for n, x in loops.items() if x is lp)
        index = add(lp.lo, mul(convert(Var(axis, I32), lp.dtype), lp.step))
        stmts += [*front, Let(lp.var, lp.dtype, convert(index, lp.dtype))]
    extent, busy = whole_job(extent, target)
    body = Block((*stmts, *nest.body))
    for condition in busy:
        body = guarded(condition, body)
    for level in ("block", "grid"):
        for a in target.axes:
            if a.level == level and a.name in extent:
                body = Block((For(a.name, integer(0), extent[a.name], integer(1), body, "parallel", a.name),))
    return body


def _outermost(kernel: Kernel) -> list[str]:
    """Labels of the parallel loops that stand in no other loop; none when threads share a loop already."""
    outer = [s for s in stmts_of(kernel.body) if isinstance(s, For) and not shared_loops(kernel)]
    return [label for label, lp in loop_labels(kernel).items() if any(lp is s for s in outer) and is_parallel(kernel, lp).ok]


def _chain(kernel: Kernel) -> list[str]:
    """Labels of the outermost parallel loops, each alone inside the one before but for names and private buffers."""
    labels = {id(lp): label for label, lp in loop_labels(kernel).items()}
    chain: list[str] = []
    body = kernel.body
    while True:
        inner = [s for s in stmts_of(body) if not isinstance(s, Let | Alloc)]
        if len(inner) != 1 or not isinstance(inner[0], For) or not is_parallel(kernel, inner[0]).ok:
            return chain
        chain.append(labels[id(inner[0])])
        body = inner[0].body


def _mappings(kernel: Kernel, target: Platform) -> list[dict[str, str]]:
    """Mappings worth offering: the outermost parallel loops to the grid and the innermost of them, where it fits a
    block, to threads; then the same with fewer loops; then only blocks."""
    chain = _chain(kernel)
    labels = loop_labels(kernel)
    grid = [a.name for a in target.axes if a.level == "grid"]
    threads = next((a for a in target.axes if a.level == "block"), None)
    out: list[dict[str, str]] = []
    for n in range(len(chain), 0, -1):
        last = labels[chain[n - 1]]
        size = ceil_div(sub(last.hi, last.lo), last.step)
        if threads is None or not isinstance(size, Const) or n - 1 > len(grid):
            continue
        if 1 < int(size.value) <= min(target.max_threads, threads.max_extent):
            out.append(dict(zip(reversed(chain[: n - 1]), grid, strict=False)) | {chain[n - 1]: threads.name})
    if chain:
        out.append(dict(zip(reversed(chain[: len(grid)]), grid, strict=False)))
    return out


PASS = LoopBind()
