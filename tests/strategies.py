"""Random small kernels and index expressions for property tests, and the comparison of two kernels by running both."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from interp import run

from xpiler_jupyter.ir.build import add, binary, integer, loop, lt, mul, scalar, var
from xpiler_jupyter.ir.nodes import Alloc, Block, Call, Const, Expr, For, If, Kernel, Let, Load, Param, Store
from xpiler_jupyter.ir.types import F32, I32
from xpiler_jupyter.ir.visit import walk

SIZE = 160  # elements of every buffer; indices below stay inside it
BUFFERS = ("A", "B", "C")


def index_exprs(names: list[str], depth: int = 4) -> st.SearchStrategy[Expr]:
    """Integer expressions over the names: sums, products, quotients and remainders by constants, masks, min and max."""
    leaf = st.one_of(st.sampled_from([var(n) for n in names]), st.integers(-3, 70).map(integer))
    positive = st.sampled_from([1, 2, 3, 4, 6, 8, 12, 64])

    def grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        return st.one_of(
            st.builds(binary, st.sampled_from(["+", "-", "+"]), inner, inner),
            st.builds(lambda a, k: binary("*", a, integer(k)), inner, positive),
            st.builds(lambda a, k: binary("/", a, integer(k)), inner, positive),
            st.builds(lambda a, k: binary("%", a, integer(k)), inner, positive),
            st.builds(lambda a, k: binary(">>", a, integer(k)), inner, st.integers(0, 4)),
            st.builds(lambda a, k: binary("&", a, integer((1 << k) - 1)), inner, st.integers(0, 6)),
            st.builds(lambda f, a, b: Call(f, (a, b), I32), st.sampled_from(["min", "max"]), inner, inner),
        )

    return st.recursive(leaf, grow, max_leaves=3 * depth)


@st.composite
def affine(draw: st.DrawFn, loops: list[tuple[str, int]], room: int = SIZE) -> Expr:
    """A non-negative affine index below `room` for loops (name, extent)."""
    e: Expr = integer(draw(st.integers(0, 3)))
    left = room - 4
    for name, extent in draw(st.permutations(loops)):
        most = left // max(extent, 1)
        k = draw(st.sampled_from([c for c in (0, 1, 2, 4, 5, 8, 16) if c <= most] or [0]))
        left -= k * max(extent - 1, 0)
        e = add(e, mul(var(name), integer(k)))
    return e


@st.composite
def values(draw: st.DrawFn, loops: list[tuple[str, int]], scalars: list[str], depth: int = 2) -> Expr:
    """A float expression over loads, private scalars and small constants that stay exact."""
    kind = draw(st.integers(0, 4 if depth else 2))
    if kind == 0 and scalars:
        return scalar(draw(st.sampled_from(scalars)), F32)
    if kind <= 1:
        return Load(draw(st.sampled_from(BUFFERS)), (draw(affine(loops)),), F32)
    if kind == 2:
        return Const(float(draw(st.integers(-2, 2))), F32)
    a, b = draw(values(loops, scalars, depth - 1)), draw(values(loops, scalars, depth - 1))
    return binary(draw(st.sampled_from(["+", "-"])), a, b)


@st.composite
def statements(draw: st.DrawFn, loops: list[tuple[str, int]], scalars: list[str], depth: int, fresh: Any) -> Block:
    """One to three statements at this depth of the nest; scalars of enclosing blocks may be updated."""
    out: list[Any] = []
    scalars = list(scalars)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 6 if depth else 4))
        if kind == 0:
            name = fresh("s")
            out += [Alloc(name, F32, ()), Store(name, (), draw(values(loops, scalars)), F32)]
            scalars.append(name)
        elif kind == 1 and scalars:
            name = draw(st.sampled_from(scalars))
            out.append(Store(name, (), binary("+", scalar(name, F32), draw(values(loops, scalars))), F32))
        elif kind == 2 and loops:
            bound = integer(draw(st.integers(0, 6)))
            cond = lt(draw(affine(loops, 12)), bound)
            out.append(If(cond, draw(statements(loops, scalars, 0, fresh))))
        elif kind >= 5 or (kind == 4 and depth):
            out.append(draw(nests(loops, scalars, depth - 1, fresh)))
        else:
            out.append(Store(draw(st.sampled_from(BUFFERS)), (draw(affine(loops)),), draw(values(loops, scalars)), F32))
    return Block(tuple(out))


@st.composite
def nests(draw: st.DrawFn, loops: list[tuple[str, int]], scalars: list[str], depth: int, fresh: Any) -> For:
    """A loop over 0 to 5 iterations, its bound a constant or the parameter n."""
    name = fresh("i")
    symbolic = draw(st.booleans())
    extent = 4 if symbolic else draw(st.integers(0, 5))
    hi = var("n") if symbolic else integer(extent)
    return loop(name, hi, draw(statements([*loops, (name, extent)], scalars, depth, fresh)))


@st.composite
def kernels(draw: st.DrawFn, depth: int = 2) -> Kernel:
    """A well-formed plain C kernel over A, B, C (float, SIZE elements) and n, which is at most 4."""
    count: dict[str, int] = {}

    def fresh(base: str) -> str:
        count[base] = count.get(base, 0) + 1
        return f"{base}{count[base]}"

    body: list[Any] = []
    if draw(st.booleans()):
        body.append(Let("m", I32, binary("*", var("n"), integer(2))))
    body += [draw(nests([], [], depth, fresh)) for _ in range(draw(st.integers(1, 2)))]
    return plain(*body)


def plain(*stmts: Any, scalars: tuple[str, ...] = ("n",), buffers: tuple[str, ...] = BUFFERS) -> Kernel:
    """A plain C kernel of the given statements over float buffers and int scalars."""
    params = tuple(Param(b, F32, pointer=True) for b in buffers) + tuple(Param(s, I32) for s in scalars)
    return Kernel("kernel", params, Block(tuple(stmts)), "c")


def outputs(kernel: Kernel, seed: int = 0, size: int = SIZE, **scalars: int) -> dict[str, Any]:
    """The buffers after running the kernel on random small integers (so that float sums are exact)."""
    rng = np.random.default_rng(seed)
    args: dict[str, Any] = {}
    for p in kernel.params + kernel.sizes:
        if p.pointer:
            args[p.name] = rng.integers(-3, 4, size).astype(p.dtype.name.replace("f", "float").replace("i", "int"))
        else:
            args[p.name] = scalars[p.name]
    run(kernel, args)
    return {p.name: args[p.name] for p in kernel.params if p.pointer}


def assert_same(before: Kernel, after: Kernel, seeds: int = 1, size: int = SIZE, **scalars: int) -> None:
    """Both kernels leave the same bits in every buffer."""
    for seed in range(seeds):
        a, b = outputs(before, seed, size, **scalars), outputs(after, seed, size, **scalars)
        for name, want in a.items():
            np.testing.assert_array_equal(b[name], want, err_msg=name)


def loop_names(kernel: Kernel) -> list[str]:
    return [n.var for n in walk(kernel.body) if isinstance(n, For)]


@st.composite
def grids(draw: st.DrawFn) -> Kernel:
    """What recovery leaves of a flat grid: block and thread loops around a body that takes their index apart."""
    threads = draw(st.sampled_from([4, 6, 8, 12]))
    blocks = draw(st.sampled_from([1, 2, 3, 5, 6]))
    b, t = var("b"), var("t")
    flat = add(mul(b, integer(threads)), t)
    sources = st.sampled_from([b, t, flat, var("idx")])
    constant = st.sampled_from([1, 2, 3, 4, 6, 8, 12]).map(integer)
    total = blocks * threads

    def digit() -> Expr:
        e = draw(sources)
        for op in draw(st.lists(st.sampled_from(["/", "%", "*"]), max_size=3)):
            e = binary(op, e, draw(constant if op != "*" else st.sampled_from([1, 2, 3]).map(integer)))
        return e

    sums = [binary("+", digit(), digit()) for _ in range(3)] + [digit(), flat]
    mixed = [binary(draw(st.sampled_from(["/", "%"])), s, draw(constant)) for s in sums[:2]]
    indices = [binary("%", e, integer(SIZE)) for e in [*sums, *mixed]]
    names = [f"d{k}" for k in range(draw(st.integers(0, 2)))]
    lets = [Let("idx", I32, flat), *(Let(n, I32, draw(st.sampled_from(sums))) for n in names)]
    value: Expr = Load("B", (draw(st.sampled_from(indices)),), F32)
    for n in names:
        value = binary("+", value, Load("C", (binary("%", var(n), integer(SIZE)),), F32))
    store = Store("A", (draw(st.sampled_from([flat, var("idx"), *indices])),), value, F32)
    body: list[Any] = [store]
    bound = draw(st.sampled_from([None, integer(total - 1), integer(total // 2), var("n")]))
    if bound is not None:
        body = [If(lt(var("idx"), bound), Block((store,)))]
    hi = draw(st.sampled_from([integer(blocks), binary("/", add(var("n"), integer(threads - 1)), integer(threads))]))
    return plain(loop("b", hi, Block((loop("t", integer(threads), Block((*lets, *body))),))))
