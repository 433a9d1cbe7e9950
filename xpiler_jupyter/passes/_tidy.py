"""Flat loops back to nests: a loop over `f` whose body takes `f` apart by `/` and `%` is the nest of those digits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..ir.algebra import ONE, ZERO, Digit, Poly, Scope
from ..ir.build import conjunction, guarded, lt
from ..ir.guards import conjuncts, leading_lets
from ..ir.nodes import Binary, Block, Break, Const, For, If, Kernel, Let, Node, Var
from ..ir.simplify import leaves_loop, simplify_block
from ..ir.visit import all_names, children, fresh_name, stmts_of, substitute, walk
from ._loops import ceil_expr, reads_memory, replace_stmt, scope_at, uses_of

LETTERS = ("i", "j", "k", "l")


class NotDigits(Exception):
    """Why a loop is not a flattened nest; one sentence."""


def delinearise(kernel: Kernel, loop: For, extents: Sequence[int] | None = None,
                names: Sequence[str] | None = None) -> tuple[Kernel, list[str], tuple[str, ...]]:
    """`for (f < N * C * H) { n = f / (C * H); c = f / H % C; h = f % H; S }` to the nest over n < N, c < C, h < H.

    `extents`, outermost first, say the nest; by default it is read off the divisors and moduli of `f` in the body. The
    product of the extents must be the loop's. Returns the kernel, the new loops' names, and assumptions. Iterations
    stay in order, so nothing else is asked. Raises NotDigits with the reason.
    """
    if loop.kind == "parallel" or loop.lo != Const(0, loop.dtype) or loop.step != Const(1, loop.dtype):
        raise NotDigits("it does not count from 0 by 1")
    if leaves_loop(loop.body, (Break,)):
        raise NotDigits("it ends early with a break")
    scope = scope_at(kernel, loop)
    whole, loop = loop, _bound_by_its_guard(loop, scope)
    sizes = tuple(p.name for p in kernel.params + kernel.sizes if not p.pointer and p.dtype.is_integer)
    if extents is not None:
        cuts = _cuts_of(extents)
        total = scope.poly(loop.hi).value
        if not extents or total != cuts[-1].scale(extents[0]).value:
            product = " * ".join(map(str, extents)) or "nothing"
            raise NotDigits(f"{product} is not its extent" + (f", {total}" if total is not None else ""))
        return _nest(kernel, whole, loop, scope, cuts, names), _names(kernel, loop, scope, cuts, names), ()
    try:
        cuts = find_cuts(loop, scope)
    except NotDigits:
        assumed = scope
        for size in sizes:
            assumed = assumed.bounded(size, ZERO, None)
        cuts = find_cuts(loop, assumed)
        made = _names(kernel, loop, assumed, cuts, names)
        return _nest(kernel, whole, loop, assumed, cuts, names), made, (f"{', '.join(sizes)} >= 0",)
    return _nest(kernel, whole, loop, scope, cuts, names), _names(kernel, loop, scope, cuts, names), ()


def _cuts_of(extents: Sequence[int]) -> list[Poly]:
    """Strides of the digits, innermost (1) first: [4, 3, 8] gives 1, 8, 24."""
    out = [1]
    for e in reversed(list(extents)[1:]):
        out.append(out[-1] * e)
    return [Poly.const(c) for c in out]


def find_cuts(loop: For, scope: Scope) -> list[Poly]:
    """Strides of the digits of the loop variable that the body uses, innermost (1) first; at least two."""
    flat = Poly.atom(Var(loop.var, loop.dtype))
    found = {ONE}
    for digit in _digits(loop.body, scope.loop(loop)):
        if digit.base == flat:
            found.add(digit.lo)
            if digit.radix is not None:
                found.add(digit.lo * digit.radix)
    hi = scope.poly(loop.hi)
    found = {c for c in found if c != hi}
    if len(found) < 2:
        raise NotDigits(f"its body does not take {loop.var} apart by / and %")
    chain: list[Poly] = [ONE]
    left = found - {ONE}
    while left:
        nxt = [c for c in left if all(other.exact_div(c) is not None for other in left)]
        if not nxt or nxt[0].exact_div(chain[-1]) is None:
            raise NotDigits(f"its body takes {loop.var} apart in ways that no one nest gives")
        chain.append(nxt[0])
        left.remove(nxt[0])
    return chain


def _digits(node: Node, scope: Scope) -> Iterator[Digit]:
    """All digits in the normal forms of the integer expressions below."""
    if isinstance(node, Block):
        for s in node.stmts:
            yield from _digits(s, scope)
            if isinstance(s, Let):
                scope = scope.let(s)
        return
    if isinstance(node, For):
        for bound in (node.lo, node.hi, node.step):
            yield from _digits(bound, scope)
        yield from _digits(node.body, scope.loop(node))
        return
    if isinstance(node, If):
        yield from _digits(node.cond, scope)
        yield from _digits(node.then, scope.given(node.cond))
        if node.orelse is not None:
            yield from _digits(node.orelse, scope.given(node.cond, False))
        return
    dtype = getattr(node, "dtype", None)
    if dtype is not None and dtype.is_integer and dtype.kind != "bool" and not isinstance(node, Let):
        yield from (a for a in scope.poly(node).all_atoms() if isinstance(a, Digit))  # type: ignore[arg-type]
    for child in children(node):
        yield from _digits(child, scope)


def _given_names(loop: For, scope: Scope, cuts: list[Poly]) -> dict[Poly, Let]:
    """For each stride, the `Let` of the body that is this digit, if there is one."""
    out: dict[Poly, Let] = {}
    inner = scope.loop(loop)
    for s in stmts_of(loop.body):
        if not isinstance(s, Let):
            break
        digit = inner.poly(s.value).lone
        inner = inner.let(s)
        if isinstance(digit, Digit) and digit.base.lone == Var(loop.var, loop.dtype) and s.dtype == loop.dtype:
            k = next((k for k, c in enumerate(cuts) if c == digit.lo), None)
            top = cuts[k + 1] if k is not None and k + 1 < len(cuts) else None
            reached = digit.lo * digit.radix if digit.radix is not None else None
            alone = sum(1 for n in walk(loop.body) if getattr(n, "name", getattr(n, "var", None)) == s.name
                        and not isinstance(n, Var)) == 1 and s.name not in scope.rank
            if alone and k is not None and (reached == top or (reached is not None and reached == scope.poly(loop.hi))):
                out.setdefault(digit.lo, s)
    return out


def _names(kernel: Kernel, loop: For, scope: Scope, cuts: list[Poly], names: Sequence[str] | None) -> list[str]:
    """Names of the new loops, outermost first: as told, as the person called the digit, else i, j, k, l or numbered."""
    lets = _given_names(loop, scope, cuts)
    taken = all_names(kernel) - {s.name for s in lets.values()}
    free = [n for n in LETTERS if n not in taken and n not in {s.name for s in lets.values()}]
    numbered = len(free) < len(cuts)
    out = []
    for k, c in enumerate(reversed(cuts)):
        told = names[k] if names and k < len(names) else None
        default = f"{loop.var}_{k}" if numbered else free[k]
        out.append(fresh_name(told or (lets[c].name if c in lets else default), taken))
    return out


def _nest(kernel: Kernel, whole: For, loop: For, scope: Scope, cuts: list[Poly], names: Sequence[str] | None) -> Kernel:
    made = _names(kernel, loop, scope, cuts, names)
    lets = _given_names(loop, scope, cuts)
    hi = scope.poly(loop.hi)
    strides = list(reversed(cuts))
    exact = hi.exact_div(strides[0]) is not None
    extents = [ceil_expr(loop, hi, strides[0], scope)]
    for outside, inside in pairwise(strides):
        radix = outside.exact_div(inside)
        assert radix is not None
        extents.append(scope.expr(radix, loop.dtype))
    dtype = loop.dtype

    flat = ZERO
    inner = scope
    loops: list[For] = []
    for name, stride, extent in zip(made, strides, extents, strict=True):
        level = For(name, Const(0, dtype), extent, Const(1, dtype), Block(), "serial", None, dtype)
        loops.append(level)
        inner = inner.loop(level)
        flat = flat + stride * Poly.atom(Var(name, dtype))
    swap = {s.name: Var(made[strides.index(c)], dtype) for c, s in lets.items()}
    kept = [s for s in stmts_of(loop.body) if not any(s is x for x in lets.values())]
    body = substitute(Block(tuple(kept)), swap)
    if not exact:
        body = guarded(lt(Var(loop.var, dtype), loop.hi), body)
    index = Let(loop.var, dtype, inner.expr(flat, dtype))
    body = simplify_block(Block((index, *body.stmts)), inner)
    first = body.stmts[0] if body.stmts else None
    if isinstance(first, Let) and first.name == loop.var and uses_of(body, loop.var) == 1:
        body = substitute(Block(body.stmts[1:]), {loop.var: first.value})
    for level in reversed(loops):
        body = Block((For(level.var, level.lo, level.hi, level.step, body, "serial", None, dtype, span=loop.span),))
    return replace_stmt(kernel, whole, simplify_block(body, scope))


def _bound_by_its_guard(loop: For, scope: Scope) -> For:
    """`for (f < hi) if (f < 60) S` as `for (f < 60) if (f < hi) S` when only the guard is a number: both say the same,
    and a number shows of what the loop is a multiple."""
    stmts = stmts_of(loop.body)
    lets = leading_lets(stmts)
    if scope.poly(loop.hi).value is not None or len(stmts) != len(lets) + 1 or reads_memory(loop.hi):
        return loop
    guard = stmts[-1]
    if not isinstance(guard, If) or guard.orelse is not None:
        return loop
    parts = conjuncts(guard.cond)
    var = Var(loop.var, loop.dtype)
    number = next((p for p in parts if isinstance(p, Binary) and p.op == "<" and p.a == var and isinstance(p.b, Const)),
                  None)
    if number is None:
        return loop
    rest = [lt(var, loop.hi), *(p for p in parts if p is not number)]
    cond = conjunction(rest)
    assert cond is not None
    return dataclasses.replace(loop, hi=number.b, body=Block((*lets, dataclasses.replace(guard, cond=cond))))
