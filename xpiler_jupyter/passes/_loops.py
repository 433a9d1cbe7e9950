"""What the loop passes share: finding loops, what is known where they stand, iteration counts."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..ir.algebra import ONE, Poly, Scope
from ..ir.build import ceil_div, div
from ..ir.nodes import Barrier, Block, Break, Expr, For, If, Kernel, Let, Load, Node, Ref, Var
from ..ir.simplify import leaves_loop, simplify_expr
from ..ir.visit import children, stmts_of, substitute, walk
from .base import Pass, loop_labels, replace_node


def find_loop(pass_: Pass, kernel: Kernel, label: Any, knob: str = "loop") -> For:
    """The serial loop with this label, else a refusal that names the loops there are."""
    labels = loop_labels(kernel)
    if label is None:
        raise pass_.refuse(f"the knob {knob!r} is missing", hint=f"Loops: {', '.join(labels) or 'none'}.")
    if label not in labels:
        raise pass_.refuse(f"there is no loop {label!r}", hint=f"Loops: {', '.join(labels) or 'none'}.")
    found = labels[label]
    if found.kind == "parallel":
        raise pass_.refuse(f"loop {label} is an axis of the launch, not a loop", found)
    if found.kind == "threads":
        raise pass_.refuse(f"threads share the iterations of loop {label}", found, "Change the loop before it is bound.")
    return found


def label_of(kernel: Kernel, loop: For) -> str:
    return next(label for label, node in loop_labels(kernel).items() if node is loop)


def serial_loops(kernel: Kernel) -> list[tuple[str, For]]:
    return [(label, node) for label, node in loop_labels(kernel).items() if node.kind not in ("parallel", "threads")]


def scope_at(kernel: Kernel, node: Node) -> Scope:
    """What is known just before the statement `node`."""

    def search(block: Block, scope: Scope) -> Scope | None:
        for s in block.stmts:
            if s is node:
                return scope
            if isinstance(s, Let):
                scope = scope.let(s)
                continue
            for child in children(s) if not isinstance(s, Block) else [s]:
                if isinstance(child, Block) and any(n is node for n in walk(child)):
                    inner = scope
                    if isinstance(s, For):
                        inner = scope.loop(s)
                    elif isinstance(s, If):
                        inner = scope.given(s.cond, child is s.then)
                    return search(child, inner)
        return None

    found = search(kernel.body, Scope.of(kernel))
    if found is None:
        raise ValueError("the node is not a statement of the kernel")
    return found


def block_of(kernel: Kernel, node: Node) -> tuple[Block, int]:
    """The block that `node` stands in, and where in it."""
    for b in walk(kernel.body):
        if isinstance(b, Block):
            for k, s in enumerate(b.stmts):
                if s is node:
                    return b, k
    raise ValueError("the node is not a statement of the kernel")


def replace_stmt(kernel: Kernel, old: Node, new: Block) -> Kernel:
    """`kernel` with the statement `old` replaced by the statements of `new`."""
    return replace_node(kernel, old, new.stmts)


def trip_count(loop: For, scope: Scope) -> Poly:
    """How often the loop runs, when it runs at all; zero or negative when it does not."""
    span = scope.poly(loop.hi) - scope.poly(loop.lo)
    step = scope.poly(loop.step)
    return span if step == ONE else ceil_of(span, step, scope, loop)


def ceil_of(p: Poly, d: Poly, scope: Scope, loop: For) -> Poly:
    """ceil(p / d) for p > 0 and d > 0, zero or negative for other p."""
    exact = p.exact_div(d)
    if exact is not None:
        return exact
    return scope.poly(div(scope.expr(p + d.plus(-1), loop.dtype), scope.expr(d, loop.dtype)))


def ceil_expr(loop: For, trips: Poly, d: Poly, scope: Scope) -> Expr:
    """ceil(trips / d) for a loop that runs `trips` times, in the words of its bound where it counts from 0 by 1."""
    if trips.exact_div(d) is None and trips == scope.poly(loop.hi):
        return simplify_expr(ceil_div(loop.hi, scope.expr(d, loop.dtype)), scope)
    return scope.expr(ceil_of(trips, d, scope, loop), loop.dtype)


def refuse_exits(pass_: Pass, loop: For, label: str) -> None:
    """A `break` of this loop would, after the pass, leave another one."""
    if leaves_loop(loop.body, (Break,)):
        raise pass_.refuse(f"loop {label} ends early with a break", loop)


def refuse_barriers(pass_: Pass, loop: For, label: str) -> None:
    """Dependences between threads that a barrier orders are not those of one thread's loops."""
    barrier = next((n for n in walk(loop) if isinstance(n, Barrier)), None)
    if barrier is not None:
        raise pass_.refuse(f"loop {label} holds a barrier", barrier, "Recover the loops of the threads first.")


def reads_memory(e: Expr) -> bool:
    return any(isinstance(n, Load | Ref) for n in walk(e))


def pure_lets(stmts: tuple[Any, ...]) -> bool:
    """Are all of these `Let`s whose value does not depend on memory (so that they can move)?"""
    return all(isinstance(s, Let) and not reads_memory(s.value) for s in stmts)


def perfect_inner(loop: For) -> tuple[tuple[Let, ...], For] | None:
    """(movable lets, the inner loop) when the body of `loop` is just that."""
    stmts = stmts_of(loop.body)
    if not stmts or not isinstance(stmts[-1], For) or not pure_lets(stmts[:-1]):
        return None
    return tuple(stmts[:-1]), stmts[-1]


def uses_of(node: Node, name: str) -> int:
    return sum(1 for n in walk(node) if isinstance(n, Var) and n.name == name)


def with_body(loop: For, *stmts: Any, **changes: Any) -> For:
    return dataclasses.replace(loop, body=Block(tuple(stmts), span=loop.body.span), **changes)


def seen_through(e: Expr, lets: dict[str, Expr]) -> Expr:
    """`e` with the names of `lets` (in order, each over earlier ones) replaced by their values."""
    for name in reversed(lets):
        e = substitute(e, {name: lets[name]})
    return e
