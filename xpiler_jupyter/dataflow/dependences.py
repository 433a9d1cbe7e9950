"""Which iterations depend on which, which loops are parallel, and which reorderings keep every dependence.

Memory based and exact on what is quasi-affine; what is not may touch anything, so an answer "independent" is always
right. A question that isl cannot decide within its budget is answered with a refusal that says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..ir.nodes import Alloc, Binary, Call, Cast, Expr, For, Kernel, Load, Node, Store, While
from ..ir.visit import stmts_of, walk
from .order import before, common_depth, exposed, later_at, outer, pair_space, same_prefix, sample
from .relations import Access, Buffer, Loop, Relations, relations
from .sets import DIM, Map, TooHard, bounded

MANY = 12  # dependences listed per buffer at most


@dataclass(frozen=True, eq=False, slots=True)
class Dependence:
    """`source` runs before `sink`, both touch one element of `buffer`, at least one writes. `kind` is "flow" (write
    then read), "anti" (read then write) or "output"; `reduction` names the operator when the two are the read and the
    write of one `x = x op e`. `example` is a pair of instances in words."""

    kind: str
    buffer: str
    source: Access = field(repr=False)
    sink: Access = field(repr=False)
    reason: str
    example: str = ""
    reduction: str | None = None
    uid: str = ""
    certain: bool = False  # both accesses happen for sure, whatever the sizes are

    @property
    def ordered(self) -> bool:
        """Is it no race but atomic updates whose outcome follows their order?"""
        return self.source.atomic and self.sink.atomic

    def __str__(self) -> str:
        return f"{self.reason} ({self.example})" if self.example else self.reason


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a reordering keeps every dependence. If not, `reason` says why; `only_reductions`: just the order of
    terms of sums (or products, minima, maxima) would change; `node` is where. `assumes` are conditions on sizes that
    the answer rests on, such as "n >= 1"."""

    ok: bool
    reason: str = ""
    dependences: tuple[Dependence, ...] = ()
    only_reductions: bool = False
    node: Node | None = field(default=None, repr=False, compare=False)
    assumes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True)
class Parallel(Answer):
    """Whether the iterations of a loop are independent of each other, provided that each gets its own copy of the
    local buffers in `needs_private`: those are written before they are read in every iteration and dead after."""

    needs_private: tuple[str, ...] = ()
    allocs: tuple[Alloc, ...] = field(default=(), repr=False)


# -- reductions --------------------------------------------------------------------------------------------------------


def reduction(s: Node) -> tuple[str, Load, Expr] | None:
    """(operator, the load of the accumulator, the contribution) when `s` is `x = x op e` with an associative and
    commutative op ("+", "*", "min", "max", "&", "|", "^"); `x - e` counts as "+"."""
    if not isinstance(s, Store):
        return None

    def same(e: Expr) -> Load | None:
        while isinstance(e, Cast) and e.implicit:
            e = e.x
        return e if isinstance(e, Load) and e.buffer == s.buffer and e.indices == s.indices else None

    v: Expr = s.value
    while isinstance(v, Cast) and v.implicit:
        v = v.x
    if isinstance(v, Binary) and v.op in ("+", "-", "*", "&", "|", "^"):
        op, sides = ("+", ((v.a, v.b),)) if v.op == "-" else (v.op, ((v.a, v.b), (v.b, v.a)))
    elif isinstance(v, Call) and v.fn in ("min", "max") and len(v.args) == 2:
        op, sides = v.fn, ((v.args[0], v.args[1]), (v.args[1], v.args[0]))
    else:
        return None
    for x, e in sides:
        acc = same(x)
        if acc is not None and not any(isinstance(n, Load) and n.buffer == s.buffer for n in walk(e)):
            return op, acc, e
    return None


_WORD = {"+": "sum", "*": "product", "min": "minimum", "max": "maximum", "&": "bitwise and", "|": "bitwise or",
         "^": "exclusive or"}


def _shared_reduction(a: Access, b: Access) -> str | None:
    """The operator when both accesses are the update of `x = x op e` (or two such with the same op)."""
    ra, rb = reduction(a.stmt), reduction(b.stmt)
    if ra is None or rb is None or ra[0] != rb[0]:
        return None
    mine = all(x.node is x.stmt or x.node is r[1] for x, r in ((a, ra), (b, rb)))
    return ra[0] if mine else None


# -- dependences -------------------------------------------------------------------------------------------------------


def _describe(rel: Relations, loop: Loop, a: Access, b: Access, m: Map, kind: str) -> Dependence:
    op = _shared_reduction(a, b)
    name = a.buffer.name
    if op:
        reason = f"loop {loop.name} carries the {_WORD[op]} into {name}"
    elif kind == "flow":
        reason = f"loop {loop.name} writes {name} in one iteration and reads it in a later one"
    elif kind == "anti":
        reason = f"loop {loop.name} reads {name} in one iteration and overwrites it in a later one"
    else:
        reason = f"loop {loop.name} writes the same element of {name} in several iterations"
    if a.opaque or b.opaque:
        unknown = a if a.opaque else b
        what = "written" if unknown.write else "read"
        reason = f"loop {loop.name}: {name} is {what} at an index that is not an affine function of the loops"
        op = None
    certain = a.must and b.must and not m.involves_dims(DIM.param, 0, m.dim(DIM.param))
    return Dependence(kind, name, a, b, reason, _example(rel, a, b, m), op, a.buffer.uid, certain)


def _example(rel: Relations, a: Access, b: Access, m: Map) -> str:
    found = sample(m)
    if found is None:
        return ""
    params, left, right = found

    def at(acc: Access, values: list[int]) -> str:
        return ", ".join(f"{rel.loops[i].name}={v}" for i, v in zip(acc.path, values, strict=False))

    given = ", ".join(f"{k}={v}" for k, v in params.items() if "*" not in k)
    return f"e.g. iterations [{at(a, left)}] and [{at(b, right)}]" + (f" with {given}" if given else "")


def _pairs(accesses: list[Access]) -> Iterator[tuple[str, Access, Access]]:
    for a in accesses:
        for b in accesses:
            if a.write or b.write:
                yield ("output" if a.write and b.write else "flow" if a.write else "anti"), a, b


def _touching(a: Access, b: Access, order: Map) -> Map:
    """Pairs of instances in `order` (a relation between their outer dimensions) that touch one element."""
    x, y = order.dim(DIM.in_), order.dim(DIM.out)
    return outer(a, x).apply_range(outer(b, y).reverse()).intersect(order)


def _commute(a: Access, b: Access) -> bool:
    """Are both accesses part of atomic updates by one operation whose order does not matter?"""
    return a.atomic and b.atomic and _shared_reduction(a, b) is not None


def _carried(rel: Relations, loop: Loop, racing: bool = False) -> list[Dependence]:
    out: list[Dependence] = []
    n = loop.depth + 1
    order = later_at(n, n, loop.depth)
    for buffer in rel.buffers.values():
        if loop.id in buffer.path:
            continue
        mine = [a for a in rel.of(buffer.uid) if loop.id in a.path]
        if not any(a.write for a in mine) or not _any_carried(mine, order):
            continue
        found = 0
        for kind, a, b in _pairs(mine):
            if racing and _commute(a, b):
                continue
            m = _touching(a, b, order)
            if not m.is_empty():
                out.append(_describe(rel, loop, a, b, m, kind))
                found += 1
                if found >= MANY:
                    break
    return out


def _any_carried(accesses: list[Access], order: Map) -> bool:
    """Is there any dependence in `order` at all? One question over the union of all accesses."""
    x = order.dim(DIM.in_)
    maps = [(a.write, outer(a, x)) for a in accesses]
    writes, every = None, None
    for is_write, m in maps:
        every = m if every is None else every.union(m)
        if is_write:
            writes = m if writes is None else writes.union(m)
    assert writes is not None and every is not None
    return not (writes.apply_range(every.reverse()).intersect(order).is_empty()
                and every.apply_range(writes.reverse()).intersect(order).is_empty())


def carried(kernel: Kernel, loop: For | While) -> list[Dependence]:
    """Dependences between different iterations of `loop` (with the loops around it in the same iteration). Buffers
    allocated inside the loop carry nothing. Raises TooHard."""
    with bounded():
        rel = relations(kernel)
        return _carried(rel, rel.loop(loop))


def races(kernel: Kernel, loop: For | While) -> list[Dependence]:
    """What iterations of `loop` that run at once would race on, or at least order: its dependences without those between
    atomic updates by one commutative operation. `Dependence.ordered` tells the latter. Raises TooHard."""
    with bounded():
        rel = relations(kernel)
        return _carried(rel, rel.loop(loop), racing=True)


# -- private buffers ---------------------------------------------------------------------------------------------------


def _is_private(rel: Relations, buffer: Buffer, loop: Loop) -> bool:
    """A local buffer that every iteration of the loop writes before reading, and whose values nobody reads after. One
    that the loop does not touch is none."""
    if buffer.alloc is None:
        return False
    mine = rel.of(buffer.uid)
    inside = [a for a in mine if loop.id in a.path]
    if not inside or any(not a.write and not exposed(rel, a, inside, loop.depth + 1).is_empty() for a in inside):
        return False
    end = max(a.order for a in inside)
    writes = [a for a in inside if a.write]
    for r in (a for a in mine if not a.write and loop.id not in a.path):
        common = common_depth(r.path, loop.path)
        if r.order > end:
            later = [w for w in mine if w.order > end]
            if _meets(exposed(rel, r, later, common), r, writes, same_prefix(common, common, common)):
                return False
        for k in range(len(buffer.path), common):
            if _meets(exposed(rel, r, mine, k + 1), r, writes, later_at(k + 1, k + 1, k)):
                return False
    return True


def _meets(left: Map, read: Access, writes: list[Access], order: Map) -> bool:
    """May an exposed part of `read` see what one of `writes` wrote, under `order` of their outer dimensions?"""
    if left.is_empty():
        return False
    n = order.dim(DIM.out)
    reads = left.project_out(DIM.in_, n, read.depth - n)
    see = reads.reverse()
    return any(not outer(w, order.dim(DIM.in_)).apply_range(see).intersect(order).is_empty() for w in writes)


def is_private(kernel: Kernel, alloc: Alloc, loop: For | While) -> bool:
    """Could every iteration of the loop have its own copy of the buffer of `alloc` (declared outside the loop)?"""
    try:
        with bounded():
            rel = relations(kernel)
            buffer = next(b for b in rel.buffers.values() if b.alloc is alloc)
            lp = rel.loop(loop)
            return lp.id not in buffer.path and bool(rel.of(buffer.uid)) and _is_private(rel, buffer, lp)
    except TooHard:
        return False


def is_parallel(kernel: Kernel, loop: For | While) -> Parallel:
    """Are the iterations of the loop independent, given private copies of some local buffers?"""
    try:
        with bounded():
            rel = relations(kernel)
            lp = rel.loop(loop)
            if lp.exits:
                return Parallel(False, f"loop {lp.name} may end early, so later iterations depend on earlier ones",
                                node=loop)
            deps = _carried(rel, lp)
            private: list[Buffer] = []
            bad: list[Dependence] = []
            for uid in dict.fromkeys(d.uid for d in deps):
                buffer = rel.buffers[uid]
                if _is_private(rel, buffer, lp):
                    private.append(buffer)
                else:
                    bad.extend(d for d in deps if d.uid == uid)
    except TooHard as error:
        return Parallel(False, f"loop {_name(loop)}: {error}", node=loop)
    if bad:
        return Parallel(False, str(_worst(bad)), tuple(bad), all(d.reduction for d in bad), loop, assumes=_assumes(rel))
    return Parallel(True, assumes=_assumes(rel), needs_private=tuple(b.name for b in private),
                    allocs=tuple(b.alloc for b in private if b.alloc is not None))


def _worst(deps: list[Dependence]) -> Dependence:
    """The dependence that explains a refusal best: a flow that is no reduction, else a reduction, else any."""
    return min(deps, key=lambda d: (d.reduction is not None, ("flow", "output", "anti").index(d.kind)))


def _name(loop: For | While) -> str:
    return loop.var if isinstance(loop, For) else "while"


# -- reorderings -------------------------------------------------------------------------------------------------------


def _assumes(rel: Relations) -> tuple[str, ...]:
    return tuple(f"{p} >= 1" for p in sorted(rel.assumes))


def _answer(rel: Relations, bad: list[Dependence], node: Node, what: str) -> Answer:
    if not bad:
        return Answer(True, assumes=_assumes(rel))
    worst = _worst(bad)
    return Answer(False, f"{what}: {worst}", tuple(bad), all(d.reduction for d in bad), node)


def can_permute(kernel: Kernel, nest: list[For], order: list[int]) -> Answer:
    """May the loops of a nest (outermost first, each directly around the next) be re-nested so that the new k-th loop
    is `nest[order[k]]`? Values kept only within one innermost iteration do not stand in the way."""
    try:
        with bounded():
            rel = relations(kernel)
            loops = [rel.loop(n) for n in nest]
            base, n = loops[0].depth, loops[0].depth + len(loops)
            inside = rel.inside(loops[-1])
            moved = Map.empty(pair_space(n, n))  # pairs whose order the permutation turns round
            for k in range(len(loops)):
                was = later_at(n, n, base + k)
                for j in range(len(order)):
                    now = same_prefix(n, n, base)
                    for i in order[:j]:
                        now = now.equate(DIM.in_, base + i, DIM.out, base + i)
                    now = now.order_gt(DIM.in_, base + order[j], DIM.out, base + order[j])
                    moved = moved.union(was.intersect(now))
            moved = moved.coalesce()
            bad = _violations(rel, inside, inside, moved, loops[-1], [loops[-1].id], _private_in_all(rel, loops))
            for lp in loops:
                if lp.exits:
                    return Answer(False, f"loop {lp.name} may end early: the order matters", node=lp.node)
            outside = [a for a in rel.inside(loops[0]) if loops[-1].id not in a.path and a.write]
            if outside:
                return Answer(False, f"{outside[0].buffer.name} is written between the loops of the nest",
                              node=outside[0].node)
    except TooHard as error:
        return Answer(False, f"loop {_name(nest[0])}: {error}", node=nest[0])
    return _answer(rel, bad, nest[0], "the new order would run a later iteration first")


def _private_in_all(rel: Relations, loops: list[Loop]) -> set[str]:
    """Local buffers whose values never leave one iteration of the innermost loop of a nest."""
    inner = loops[-1]
    outside = [b for b in rel.buffers.values() if b.alloc is not None and inner.id not in b.path]
    return {b.uid for b in outside if any(inner.id in a.path for a in rel.of(b.uid)) and _is_private(rel, b, inner)}


def _violations(rel: Relations, first: list[Access], second: list[Access], order: Map, loop: Loop, within: list[int],
                skip: set[str]) -> list[Dependence]:
    """Dependences from an access in `first` to one in `second` whose outer dimensions are related by `order`, for
    buffers that outlive the loops `within`."""
    out: list[Dependence] = []
    for a in first:
        for b in second:
            ours = a.buffer is b.buffer and a.buffer.uid not in skip and not set(within) & set(a.buffer.path)
            if ours and (a.write or b.write):
                m = _touching(a, b, order)
                if not m.is_empty():
                    kind = "output" if a.write and b.write else "flow" if a.write else "anti"
                    out.append(_describe(rel, loop, a, b, m, kind))
                    if len(out) >= MANY:
                        return out
    return out


def can_fuse(kernel: Kernel, first: For, second: For) -> Answer:
    """May two loops with the same bounds, one right after the other, become one loop that runs iteration i of the first
    and then iteration i of the second? (The caller checks that the bounds are the same.)"""
    try:
        with bounded():
            rel = relations(kernel)
            a, b = rel.loop(first), rel.loop(second)
            for lp in (a, b):
                if lp.exits:
                    return Answer(False, f"loop {lp.name} may end early", node=lp.node)
            n = a.depth + 1
            order = same_prefix(n, n, a.depth).order_gt(DIM.in_, a.depth, DIM.out, a.depth)
            skip = _private_in_all(rel, [a]) & _private_in_all(rel, [b])
            bad = _violations(rel, rel.inside(a), rel.inside(b), order, b, [a.id, b.id], skip)
    except TooHard as error:
        return Answer(False, f"loop {_name(second)}: {error}", node=second)
    return _answer(rel, bad, second, "the first loop must finish before the second starts")


def can_distribute(kernel: Kernel, loop: For, cut: int) -> Answer:
    """May `for (...) { S1; S2 }` become `for (...) { S1 } for (...) { S2 }`, where S1 are the first `cut` statements of
    the body (nested plain blocks opened up)? Buffers and `Let`s of the body that both parts use are the caller's
    matter: see `crossing`."""
    try:
        with bounded():
            rel = relations(kernel)
            lp = rel.loop(loop)
            if lp.exits:
                return Answer(False, f"loop {lp.name} may end early", node=loop)
            n = lp.depth + 1
            border = rel.marks[lp.id][cut] if cut < len(rel.marks[lp.id]) else rel.accesses[-1].order
            one = [a for a in rel.inside(lp) if a.order <= border]
            two = [a for a in rel.inside(lp) if a.order > border]
            bad = _violations(rel, two, one, later_at(n, n, lp.depth), lp, [lp.id], set())
    except TooHard as error:
        return Answer(False, f"loop {_name(loop)}: {error}", node=loop)
    return _answer(rel, bad, loop, "the second part feeds the first part of a later iteration")


def crossing(loop: For, cut: int) -> list[str]:
    """Names of `Let`s and local buffers declared in the first `cut` statements of the body and used after."""
    body = stmts_of(loop.body)
    names = [s.name for s in body[:cut] if hasattr(s, "name")]
    used = {getattr(n, "name", None) or getattr(n, "buffer", None) for s in body[cut:] for n in walk(s)}
    return [n for n in names if n in used]


__all__ = ["Answer", "Dependence", "Parallel", "before", "can_distribute", "can_fuse", "can_permute", "carried",
           "crossing", "is_parallel", "is_private", "races", "reduction"]
