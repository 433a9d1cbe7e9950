"""Two loops, one after the other, to one: the producer moves into its consumer."""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

from ..dataflow.dependences import can_fuse, is_private
from ..ir.algebra import Scope
from ..ir.cleanup import clean
from ..ir.nodes import Alloc, Block, Continue, Expr, For, Kernel, Let, Load, Node, Ref, Store, Var
from ..ir.simplify import leaves_loop
from ..ir.visit import Rewriter, all_names, fresh_name, rename, stmts_of, walk
from ..platforms.base import Platform
from ._loops import (
    block_of,
    find_loop,
    label_of,
    pure_lets,
    reads_memory,
    refuse_barriers,
    refuse_exits,
    scope_at,
)
from ._runs import merge_runs
from .base import Pass, PassResult, replace_node


class LoopContraction(Pass):
    """    float t[8];
        for (i < 8) t[i] = A[i] * 2;
        for (i < 8) B[i] = t[i] + 1;
    ->
        for (i < 8) {
            float t = A[i] * 2;
            B[i] = t + 1;
        }

    Legal when iteration i of the second loop needs nothing that the first loop does after its iteration i. A local
    array whose elements then live within one iteration shrinks to a scalar.
    """

    name = "loop_contraction"
    kind = "loop"
    summary = "Merges a loop into the next one with the same range, and shrinks the array between them (fusion)."
    knobs = {  # noqa: RUF012
        "producer": 'the first loop; "all" for every run of loops that hands elements on through private arrays',
        "consumer": "the loop after it (the next one when left out)",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        for b in walk(kernel.body):
            if isinstance(b, Block):
                loops = [s for s in b.stmts if isinstance(s, For) and s.kind != "parallel"]
                for one, two in pairwise(loops):
                    if _same_range(one, two, scope_at(kernel, one)):
                        out.append({"producer": label_of(kernel, one), "consumer": label_of(kernel, two)})
        return out

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        if knobs.get("producer") == "all":
            return self._all(kernel, target)
        one, label = find_loop(self, kernel, knobs.get("producer"), "producer"), str(knobs.get("producer"))
        block, k = block_of(kernel, one)
        wanted = knobs.get("consumer")
        if wanted is None:
            two = next((s for s in block.stmts[k + 1:] if isinstance(s, For)), None)
            if two is None:
                raise self.refuse(f"no loop follows loop {label} in its block", one)
        else:
            two = find_loop(self, kernel, wanted, "consumer")
        other = label_of(kernel, two)
        place = next((j for j, s in enumerate(block.stmts) if s is two), -1)
        if place <= k:
            raise self.refuse(f"loop {other} does not follow loop {label} in the same block", two)
        scope = scope_at(kernel, one)
        if one.dtype != two.dtype or not _same_range(one, two, scope):
            raise self.refuse(f"loops {label} and {other} do not have the same range", two)
        for loop, name in ((one, label), (two, other)):
            refuse_exits(self, loop, name)
            refuse_barriers(self, loop, name)
            if any(reads_memory(e) for e in (loop.lo, loop.hi, loop.step)):
                raise self.refuse(f"a bound of loop {name} is read from memory", loop)
        if leaves_loop(one.body, (Continue,)):
            raise self.refuse(f"a continue in loop {label} would skip the second part", one)
        between = block.stmts[k + 1:place]
        if not all(isinstance(s, Alloc) or pure_lets((s,)) for s in between):
            blocker = next(s for s in between if not (isinstance(s, Alloc) or pure_lets((s,))))
            raise self.refuse(f"a statement stands between loops {label} and {other}", blocker)

        ordered = Block((*block.stmts[:k], *between, one, two, *block.stmts[place + 1:]), span=block.span)
        kernel = replace_node(kernel, block, ordered)
        answer = can_fuse(kernel, one, two)
        if not answer:
            raise self.refuse(answer.reason, answer.node)
        second = two.body
        if two.var != one.var:  # the first loop's name, out of the way of a loop or value in there that has it
            if _declares(second, one.var):
                second = rename(second, {one.var: fresh_name(one.var, all_names(kernel))})
            second = rename(second, {two.var: one.var})
        merged = Block((Block(stmts_of(one.body)), Block(stmts_of(second))))
        fused = dataclasses.replace(one, body=merged, comments=one.comments + two.comments)
        stmts = tuple(s for s in ordered.stmts if s is not two)
        kernel = replace_node(kernel, ordered, Block(tuple(fused if s is one else s for s in stmts), span=block.span))
        kernel, shrunk = shrink(kernel, fused)
        kernel = dataclasses.replace(kernel, body=clean(kernel.body))
        note = f"Merged loop {other} into loop {label}"
        note += f"; {', '.join(shrunk)} needs no array any more." if shrunk else "."
        return PassResult(kernel, note)


    def _all(self, kernel: Kernel, target: Platform) -> PassResult:
        def merge(at: Kernel, producer: str, consumer: str) -> Kernel:
            return self.apply(at, target, producer=producer, consumer=consumer).kernel

        got = merge_runs(kernel, merge)
        if got is None:
            raise self.refuse("no run of loops only hands elements on through private arrays")
        done, gone, arrays = got
        return PassResult(done, f"{gone} loop{'s' if gone != 1 else ''} merged into the loop before; "
                          f"{', '.join(arrays)} needs no array any more.")


def _same_range(one: For, two: For, scope: Scope) -> bool:
    return all(scope.equal(getattr(one, k), getattr(two, k)) for k in ("lo", "hi", "step"))


def _declares(body: Block, name: str) -> bool:
    return any((isinstance(n, Let | Alloc) and n.name == name) or (isinstance(n, For) and n.var == name)
               for n in walk(body))


def shrink(kernel: Kernel, loop: For) -> tuple[Kernel, list[str]]:
    """Local arrays declared outside `loop` that only it uses, each element in one iteration: without the dimension
    that is the iteration, and declared inside. Returns the kernel and the names."""
    done: list[str] = []
    for alloc in [n for n in walk(kernel.body) if isinstance(n, Alloc) and n.memory == "local" and n.shape]:
        if any(n is alloc for n in walk(loop)):
            continue
        everywhere = _accesses(kernel.body, alloc.name)
        inside = _accesses(loop, alloc.name)
        if not inside or len(inside) != len(everywhere) or any(isinstance(n, Ref) for n in inside):
            continue
        iteration = Var(loop.var, loop.dtype)
        axis = next((d for d in range(len(alloc.shape)) if all(n.indices[d] == iteration for n in inside)), None)
        here = any(s is alloc for s in block_of(kernel, loop)[0].stmts)
        if axis is None or not (here or is_private(kernel, alloc, loop)):
            continue
        local = dataclasses.replace(alloc, shape=alloc.shape[:axis] + alloc.shape[axis + 1:])
        body = _Drop(alloc.name, axis).visit(loop.body)
        new = dataclasses.replace(loop, body=_as_let(Block((local, *body.stmts))))
        kernel = replace_node(kernel, loop, new)
        kernel = replace_node(kernel, alloc, ())
        loop = new
        done.append(alloc.name)
    return kernel, done


def _accesses(node: Node, name: str) -> list[Any]:
    return [n for n in walk(node) if isinstance(n, Load | Store | Ref) and n.buffer == name]


class _Drop(Rewriter):
    """Accesses of one buffer without one index."""

    def __init__(self, name: str, axis: int) -> None:
        self.name, self.axis = name, axis

    def _less(self, node: Any) -> Any:
        if node.buffer != self.name:
            return node
        indices: tuple[Expr, ...] = node.indices
        return dataclasses.replace(node, indices=indices[: self.axis] + indices[self.axis + 1:])

    visit_Load = visit_Store = _less


def _as_let(body: Block) -> Block:
    """A scalar that is stored once, before anything reads it, is a `Let`."""
    alloc = body.stmts[0]
    assert isinstance(alloc, Alloc)
    stores = [n for n in walk(body) if isinstance(n, Store) and n.buffer == alloc.name]
    flat = clean(Block(body.stmts[1:])).stmts if len(stores) == 1 and not alloc.shape and not alloc.zeroed else ()
    where = next((k for k, s in enumerate(flat) if isinstance(s, Store) and s.buffer == alloc.name), None)
    if where is None or any(_accesses(s, alloc.name) for s in flat[:where]):
        return body
    store = flat[where]
    assert isinstance(store, Store)
    if store.dtype != alloc.dtype or _accesses(store.value, alloc.name):
        return body
    let = Let(alloc.name, alloc.dtype, store.value, comments=store.comments, span=store.span)
    value = _Read(alloc.name, Var(alloc.name, alloc.dtype))
    return Block((*flat[:where], let, *(value.visit(s) for s in flat[where + 1:])), span=body.span)


class _Read(Rewriter):
    def __init__(self, name: str, value: Expr) -> None:
        self.name, self.value = name, value

    def visit_Load(self, node: Load) -> Expr:
        return self.value if node.buffer == self.name and node.dtype == self.value.dtype else node


PASS = LoopContraction()
