"""A launch for a kernel that came without one: blocks of a usual size, and as many as the kernel's own guards ask for.

The person's word comes first (`--shape blockDim.x=128`). Where a guard `if (i < n)` on the flat index bounds what the
threads do, the smallest grid that covers it computes the same as any larger one. Without such a guard nothing is
assumed: the extents stay parameters.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ..ir.build import ceil_div, integer
from ..ir.nodes import Binary, Block, Cast, Const, Expr, For, If, Kernel, Let, Load, Node, Return, Unary, Var
from ..ir.simplify import simplify_expr
from ..ir.visit import free_vars, stmts_of, substitute, walk
from ..platforms.base import Platform

SHAPES = {1: (256,), 2: (16, 16), 3: (8, 8, 4)}  # threads per block axis in use


def with_launch(kernel: Kernel, platform: Platform, shape: dict[str, int]) -> tuple[Kernel, tuple[str, ...]]:
    """The kernel with its unknown launch extents filled in, and what was assumed for that (nothing when the text or
    the person said it all)."""
    unknown = [p.name for p in kernel.sizes if platform.axis(_axis_of(p.name, platform))]
    if not unknown or kernel.host is not None:
        return kernel, ()
    said: dict[str, Expr] = {n: integer(shape[n]) for n in unknown if n in shape}
    if platform.usual:
        usual = {n: integer(platform.usual[n]) for n in unknown if n not in said}
        shown = " x ".join(f"{n} {_value(e)}" for n, e in usual.items() if _value(e) != 1)
        why = (f"the launch has {shown} (the text does not say)",) if shown else ()
        return _filled(kernel, {**said, **usual}), why
    chosen = _blocks([n for n in unknown if n not in said], kernel, platform)
    grid: dict[str, Expr] = {}
    base = substitute(kernel.body, {**said, **chosen})
    for name in unknown:
        if name in said or name in chosen:
            continue
        bound = _bound(base, _axis_of(name, platform), platform, kernel)
        if bound is None:
            return (_filled(kernel, said), ()) if said else (kernel, ())
        grid[name] = bound
    if not grid:  # nothing bounds the threads: then the text alone does not say how many there are
        return _filled(kernel, said), ()
    filled = _filled(kernel, {**said, **chosen, **grid})
    threads = " x ".join(str(_value(e)) for e in {**said, **chosen}.values())
    return filled, (f"the launch covers the guarded indices{f' with blocks of {threads} threads' if threads else ''} "
                    "(the text does not say)",)


def _axis_of(size: str, platform: Platform) -> str:
    return next((a.name for a in platform.axes if a.extent_name == size), "")


def _value(e: Expr) -> int:
    return int(e.value) if isinstance(e, Const) else 0


def _filled(kernel: Kernel, values: dict[str, Expr]) -> Kernel:
    sizes = tuple(p for p in kernel.sizes if p.name not in values)
    return dataclasses.replace(kernel, body=substitute(kernel.body, values), sizes=sizes)


def _blocks(unknown: list[str], kernel: Kernel, platform: Platform) -> dict[str, Expr]:
    axes = [n for n in unknown if (a := platform.axis(_axis_of(n, platform))) and a.level == "block"]
    if not axes or len(axes) > len(SHAPES):
        return {}
    sizes = (kernel.max_threads,) if len(axes) == 1 and kernel.max_threads else SHAPES[len(axes)]
    return dict(zip(axes, (integer(int(s)) for s in sizes), strict=True))


def _bound(body: Block, axis: str, platform: Platform, kernel: Kernel) -> Expr | None:
    """How far the grid axis must reach so that every guard on its flat index is met, in blocks."""
    scalars = {p.name for p in kernel.params if not p.pointer}
    lets = {n.name: n.value for n in walk(body) if isinstance(n, Let)}
    for lhs, rhs in _guards(body):
        factor = _flat(substitute(lhs, lets), axis, platform, body)
        if factor is not None and free_vars(rhs) <= scalars and not any(isinstance(n, Load) for n in walk(rhs)):
            return simplify_expr(ceil_div(rhs, integer(factor)))
    return None


def _flat(e: Expr, axis: str, platform: Platform, body: Block) -> int | None:
    """The block size b when `e` is `axis * b + thread` with the thread axis of extent b, 1 when it is `axis` alone."""
    if isinstance(e, Var) and e.name == axis:
        return 1
    if not (isinstance(e, Binary) and e.op == "+"):
        return None
    for product, thread in ((e.a, e.b), (e.b, e.a)):
        if not (isinstance(product, Binary) and product.op == "*" and isinstance(thread, Var)):
            continue
        for index, size in ((product.a, product.b), (product.b, product.a)):
            loop = next((n for n in walk(body) if isinstance(n, For) and n.axis == thread.name), None)
            if isinstance(index, Var) and index.name == axis and loop is not None and loop.hi == size \
                    and isinstance(size, Const):
                return int(size.value)
    return None


def _guards(node: Node) -> Iterator[tuple[Expr, Expr]]:
    """Pairs (index, bound): the work happens only where index < bound."""
    for n in walk(node):
        if isinstance(n, If):
            exits = len(stmts_of(n.then)) == 1 and isinstance(stmts_of(n.then)[0], Return)
            for c in _parts(n.cond, "||" if exits else "&&"):
                yield from _less(c, negated=exits)
        elif isinstance(n, For) and n.kind != "parallel":
            yield n.lo, n.hi  # a grid-stride loop starts at the flat index


def _parts(e: Expr, op: str) -> Iterator[Expr]:
    while isinstance(e, Cast) and e.implicit:
        e = e.x
    if isinstance(e, Binary) and e.op == op:
        yield from _parts(e.a, op)
        yield from _parts(e.b, op)
    else:
        yield e


def _less(c: Expr, negated: bool) -> Iterator[tuple[Expr, Expr]]:
    if isinstance(c, Unary) and c.op == "!":
        yield from _less(c.x, not negated)
    elif isinstance(c, Binary):
        if c.op == (">=" if negated else "<"):
            yield c.a, c.b
        elif c.op == ("<=" if negated else ">"):
            yield c.b, c.a
