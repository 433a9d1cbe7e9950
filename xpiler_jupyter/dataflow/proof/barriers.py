"""Barriers that all threads come to, or none. Threads that have returned hold up no barrier (that is how the machines
behave, and our simulators)."""

from __future__ import annotations

from ...ir.nodes import Break, Continue, Expr, For, If, Node, Return, While
from ...ir.visit import children
from .. import poly as P
from ..poly import Scope, polynomial
from ..relations import Passing
from ..sets import DIM, NotAffine, Set, TooHard, bounded, compare, isl_val, nonneg, universe
from ..uniform import Uniformity
from .concurrent import Threads
from .machine import OK, Finding, said, worst

BUDGET = 2_000_000


def barriers(threads: Threads) -> Finding:
    """The worst that is found: a barrier that some threads of a block miss, with two threads; or why that is not known."""
    found: list[Finding] = []
    for f in threads.fences:
        scope = getattr(f.node, "scope", "")
        if scope == "warp":
            continue  # which lanes a warp's barrier waits for is said by its mask, not by its place
        try:
            with bounded(BUDGET):
                answer = _barrier(threads, f, scope)
        except (TooHard, NotAffine):
            why = f"{_at(threads, f.node)}: whether all threads come to this barrier is too hard to decide"
            answer = Finding("unknown", why)
        if answer.status == "violated":
            return answer
        found.append(answer)
    return worst(found)


def _at(threads: Threads, node: Node) -> str:
    line = threads.places.line(node)
    return f"line {line}" if line is not None else "a barrier"


def _barrier(threads: Threads, f: Passing, scope: str) -> Finding:
    along = [k for k in threads.axes(f.path, "block")
             if scope not in threads.machine.meets or threads.axis(f.path, k) in threads.machine.meets[scope]]
    missing = _everyone(threads, f, along).subtract(f.domain)
    for p in threads.rel.passings:
        if isinstance(p.node, Return) and not missing.is_empty():
            missing = missing.subtract(threads.earlier(p, f, False).intersect_domain(p.domain).range())
    line = threads.places.line(f.node)
    lines = (line,) if line is not None else ()
    if missing.is_empty():
        if f.exact:
            return OK
        why = _varying(threads, f, threads.uniform([threads.axis(f.path, k) for k in along]))
        if why is None:
            return OK
        return Finding("unknown", f"{_at(threads, f.node)}: whether all threads come to this barrier depends on "
                                  f"{_at(threads, why)}, on data that may differ between them", lines)
    if not f.exact:
        return Finding("unknown", f"{_at(threads, f.node)}: whether all threads come to this barrier depends on data", lines)
    there, away = _two(threads, f, missing, along)
    reason = f"{_at(threads, f.node)}: {said(there)} waits at this barrier, and {said(away)} does not come to it"
    return Finding("violated", reason, lines, one=there, other=away)


def _everyone(threads: Threads, f: Passing, along: list[int]) -> Set:
    """Every thread, wherever any thread comes."""
    out = f.domain
    for k in along:
        size = threads.extents[threads.axis(f.path, k)]
        out = out.project_out(DIM.set, k, 1).insert_dims(DIM.set, k, 1)
        out = out.intersect(compare(">=", P.atom(k), {}, out)).intersect(compare("<", P.atom(k), _size(threads, size), out))
    return out


def _size(threads: Threads, e: Expr) -> P.Poly:
    kernel = threads.rel.kernel
    scope = Scope({p.name: P.atom(p.name) for p in kernel.params + kernel.sizes if not p.pointer and p.dtype.is_integer})
    p = polynomial(e, scope, lambda p: nonneg(p, universe(0)))
    if p is None:
        raise NotAffine
    return p


def _two(threads: Threads, f: Passing, missing: Set, along: list[int]) -> tuple[dict[str, int], dict[str, int]]:
    """A thread that comes and one of the same block that does not."""
    point = missing.lexmin().sample_point()
    at = [int(point.get_coordinate_val(DIM.set, k).to_python()) for k in range(f.depth)]
    with_it = f.domain
    for k in range(f.depth):
        if k not in along:
            with_it = with_it.fix_val(DIM.set, k, isl_val(at[k]))
    other = with_it.lexmin().sample_point()
    there = [int(other.get_coordinate_val(DIM.set, k).to_python()) for k in range(f.depth)]
    shown = (*threads.axes(f.path, "grid"), *threads.axes(f.path, "block"))
    return ({threads.axis(f.path, k): there[k] for k in shown}, {threads.axis(f.path, k): at[k] for k in shown})


def _varying(threads: Threads, f: Passing, uniform: Uniformity) -> Node | None:
    """A condition around the barrier, or of leaving a loop around it, that may differ between the threads; None if there is
    none."""
    for n in threads.places.around.get(id(f.node), ()):
        if isinstance(n, For) and n.kind == "parallel":
            continue
        conditions: tuple[Expr, ...] = ()
        if isinstance(n, If | While):
            conditions = (n.cond,)
        elif isinstance(n, For):
            conditions = (n.lo, n.hi, n.step)
        if not all(uniform.expr(e) for e in conditions):
            return n
        if isinstance(n, For | While) and (left := _leaves(n.body, uniform, False)) is not None:
            return left
    return None


def _leaves(node: Node, uniform: Uniformity, split: bool) -> Node | None:
    """A `break` or `continue` that some threads take and others do not."""
    if isinstance(node, Break | Continue):
        return node if split else None
    if isinstance(node, If):
        split = split or not uniform.expr(node.cond)
    elif isinstance(node, For | While):
        return None
    for c in children(node):
        found = _leaves(c, uniform, split)
        if found is not None:
            return found
    return None
