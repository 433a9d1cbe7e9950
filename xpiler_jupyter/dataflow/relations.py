"""What a kernel touches, when, and where: one `Access` per load, store or operand, as integer relations.

The iteration domain of an access has one dimension per enclosing loop (outermost first, a `while` counts its rounds);
scalar parameters are isl parameters. Guards, early returns and `continue` narrow the domain. What is not quasi-affine
is kept on the safe side: an unknown guard makes the access inexact ("may happen"), an unknown index makes it opaque
("may touch anything in that buffer").
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

from ..ir.guards import minimum_of
from ..ir.nodes import (
    Alloc,
    Barrier,
    Binary,
    Block,
    Break,
    Continue,
    Expr,
    For,
    If,
    InstrCall,
    Kernel,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Select,
    Store,
    While,
)
from ..ir.types import BOOL
from ..ir.visit import children, free_vars, stmts_of, walk
from . import poly as P
from .branches import Join, resolve
from .delinearise import index_maps
from .poly import Poly, Scope, polynomial
from .sets import DIM, NotAffine, Set, TooHard, at_least, bounded, compare, condition, nonneg, universe


@dataclass(frozen=True, eq=False, slots=True)
class Loop:
    """One occurrence of a loop in the kernel. `path` are the ids of the loops around it and itself; `lo`, `hi` are
    polynomials of the outer dimensions or None; `exits`: an iteration may end the loop (break, return, while); `certain`:
    its rounds are those of its dimension, all of them."""

    id: int
    node: For | While = field(repr=False)
    path: tuple[int, ...]
    lo: Poly | None
    hi: Poly | None
    exits: bool
    certain: bool

    @property
    def depth(self) -> int:
        return len(self.path) - 1

    @property
    def name(self) -> str:
        return self.node.var if isinstance(self.node, For) else "while"


@dataclass(frozen=True, eq=False, slots=True)
class Buffer:
    """One buffer: a parameter (`alloc` None) or one Alloc, with the loops it stands in."""

    uid: str
    name: str
    alloc: Alloc | None
    path: tuple[int, ...]
    rank: int


@dataclass(frozen=True, eq=False, slots=True)
class Access:
    """One place in the text that touches a buffer. `order` is the text order, reads of a statement before its write.
    `exact`: it happens for every instance of `domain`. `index` maps instances to elements; `opaque`: to all of them."""

    buffer: Buffer
    write: bool
    node: Node = field(repr=False)
    stmt: Node = field(repr=False)
    path: tuple[int, ...]
    order: int
    domain: Set
    exact: bool
    polys: tuple[Poly | None, ...]
    index: Any = None
    opaque: bool = False
    levels: tuple[Poly, ...] = ()  # the delinearised index

    @property
    def depth(self) -> int:
        return len(self.path)

    @property
    def atomic(self) -> bool:
        """Does it belong to an atomic update, between whose parts no other thread comes?"""
        return isinstance(self.stmt, Store) and self.stmt.atomic

    @property
    def must(self) -> bool:
        return self.exact and not self.opaque


@dataclass(frozen=True, eq=False, slots=True)
class Passing:
    """One place in the text that touches nothing: a barrier, or where a thread ends. Its fields are those of `Access`."""

    node: Node = field(repr=False)
    path: tuple[int, ...]
    order: int
    domain: Set
    exact: bool

    @property
    def depth(self) -> int:
        return len(self.path)


@dataclass(slots=True)
class Relations:
    """All accesses of a kernel in text order, its barriers and ends, its loops and its buffers. `strides` of a buffer whose
    flat index was delinearised: outermost first, the last one is 1."""

    kernel: Kernel
    accesses: list[Access] = field(default_factory=list)
    passings: list[Passing] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    buffers: dict[str, Buffer] = field(default_factory=dict)
    strides: dict[str, tuple[Poly, ...]] = field(default_factory=dict)
    assumes: set[str] = field(default_factory=set)  # parameters taken to be at least 1
    unclear: set[int] = field(default_factory=set)  # ids of branches whose condition has no exact form
    marks: dict[int, list[int]] = field(default_factory=dict)  # per loop: text order before each statement of its body

    def loop(self, node: For | While) -> Loop:
        """The occurrence of this very object. Raises TooHard when the kernel has it at several places."""
        found = [lp for lp in self.loops if lp.node is node] or [lp for lp in self.loops if lp.node == node]
        if not found:
            raise KeyError("the loop is not in the kernel")
        if len(found) > 1:
            raise TooHard("the loop stands at several places of the kernel")
        return found[0]

    def of(self, uid: str) -> list[Access]:
        return [a for a in self.accesses if a.buffer.uid == uid]

    def inside(self, loop: Loop) -> list[Access]:
        return [a for a in self.accesses if loop.id in a.path]


_cache: OrderedDict[int, Relations] = OrderedDict()


def relations(kernel: Kernel) -> Relations:
    """The relations of a kernel; kept for the kernels asked about last. Raises TooHard."""
    found = _cache.get(id(kernel))
    if found is not None and found.kernel is kernel:
        return found
    with bounded():
        got = _Collector(kernel).run()
    _cache[id(kernel)] = got
    while len(_cache) > 8:
        _cache.popitem(last=False)
    return got


def _exits(body: Block) -> bool:
    """May an iteration of a loop with this body end the loop?"""

    def look(node: Node, own: bool) -> bool:
        if isinstance(node, Return) or (isinstance(node, Break) and own):
            return True
        inner = own and not isinstance(node, For | While)
        return any(look(c, inner) for c in children(node))

    return any(look(s, True) for s in body.stmts)


class _Collector:
    def __init__(self, kernel: Kernel) -> None:
        self.out = Relations(kernel)
        self.order = 0
        self.names: dict[str, Buffer] = {}
        self.path: tuple[int, ...] = ()
        self.joins: list[Join] = []

    def run(self) -> Relations:
        kernel = self.out.kernel
        scope = Scope()
        every = kernel.params + kernel.sizes + (kernel.host.params if kernel.host else ())
        scalars = [p for p in every if not p.pointer]
        for name in {p.name for p in scalars if p.dtype.is_integer} | free_vars(kernel.body):
            scope.values[name] = P.atom(name)
        for p in scalars:
            if not p.dtype.is_integer:
                scope.values[p.name] = None
        for p in kernel.params:
            if p.pointer:
                self.add_buffer(p.name, None, 1)
        self.block(kernel.body, scope, universe(0), True)
        accesses, joint = self.out.accesses, {j.joint for j in self.joins}
        for buffer in self.out.buffers.values():
            mine = [k for k, a in enumerate(accesses) if a.buffer is buffer and k not in joint]
            strides, found = index_maps(buffer.rank, [(accesses[k].polys, accesses[k].domain) for k in mine],
                                        self.out.assumes)
            if strides:
                self.out.strides[buffer.uid] = strides
            for k, (levels, index, opaque) in zip(mine, found, strict=True):
                accesses[k] = replace(accesses[k], index=index, opaque=opaque, levels=levels)
        resolve(accesses, self.joins)
        return self.out

    def add_buffer(self, name: str, alloc: Alloc | None, rank: int) -> Buffer:
        uid, k = name, 1
        while uid in self.out.buffers:
            k += 1
            uid = f"{name}#{k}"
        buffer = Buffer(uid, name, alloc, self.path, rank)
        self.out.buffers[uid] = self.names[name] = buffer
        return buffer

    # -- statements: each returns the instances that go on, and whether that is exact ----------------------------------

    def block(self, body: Block, scope: Scope, domain: Set, exact: bool,
              marks: list[int] | None = None) -> tuple[Set, bool]:
        scope, names = scope.child(), dict(self.names)
        for s in stmts_of(body):
            if marks is not None:
                marks.append(self.order)
            if isinstance(s, Let):
                self.reads(s.value, s, scope, domain, exact)
                self.let(s, scope, domain)
            else:
                domain, exact = self.statement(s, scope, domain, exact)
        self.names = names
        return domain, exact

    def let(self, s: Let, scope: Scope, domain: Set) -> None:
        value = polynomial(s.value, scope, lambda p: nonneg(p, domain))
        inner = scope.child()
        scope.exprs.pop(s.name, None)
        scope.values[s.name] = value
        if value is None and s.dtype == BOOL:
            scope.exprs[s.name] = (s.value, inner)

    def statement(self, s: Any, scope: Scope, domain: Set, exact: bool) -> tuple[Set, bool]:
        if isinstance(s, For):
            return self.for_loop(s, scope, domain, exact)
        if isinstance(s, While):
            return self.while_loop(s, scope, domain, exact)
        if isinstance(s, If):
            return self.branch(s, scope, domain, exact)
        if isinstance(s, Alloc):
            for e in s.shape:
                self.reads(e, s, scope, domain, exact)
            buffer = self.add_buffer(s.name, s, len(s.shape))
            if s.zeroed:
                self.access(buffer, True, s, s, (None,) * len(s.shape), domain, exact)
        elif isinstance(s, Store):
            for e in (*s.indices, s.value):
                self.reads(e, s, scope, domain, exact)
            self.element(s, True, s, scope, domain, exact)
        elif isinstance(s, InstrCall):
            for e in s.args:
                self.reads(e, s, scope, domain, exact)
        elif isinstance(s, Barrier):
            self.passing(s, domain, exact)
        elif isinstance(s, Return | Break | Continue):
            if isinstance(s, Return):
                self.passing(s, domain, exact)
            return Set.empty(domain.get_space()), exact
        return domain, exact

    def passing(self, s: Barrier | Return, domain: Set, exact: bool) -> None:
        self.order += 1
        self.out.passings.append(Passing(s, self.path, self.order, domain, exact))

    def for_loop(self, s: For, scope: Scope, domain: Set, exact: bool) -> tuple[Set, bool]:
        for e in (s.lo, s.hi, s.step):
            self.reads(e, s, scope, domain, exact)
        lo, hi, step = (polynomial(e, scope, lambda p: nonneg(p, domain)) for e in (s.lo, s.hi, s.step))
        ends = s.kind != "parallel" and _exits(s.body)
        dim = domain.dim(DIM.set)
        inner = domain.add_dims(DIM.set, 1)
        sure = exact and not ends
        ends_at = [polynomial(e, scope, lambda p: nonneg(p, domain)) for e in minimum_of(s.hi)]  # each part is a bound
        for bound, op in ((lo, ">="), *((end, "<") for end in ends_at)):
            try:
                if bound is None:
                    raise NotAffine
                inner = inner.intersect(compare(op, P.atom(dim), bound, inner))
            except NotAffine:
                sure = False
        width = None if step is None else P.constant(step)
        if width != 1:
            try:
                if lo is None or width is None or width <= 0:
                    raise NotAffine
                offset = P.sub(P.atom(dim), lo)
                by = P.const(width)
                rest = P.sub(offset, P.mul(by, P.atom(("fdiv", P.freeze(offset), P.freeze(by)))))
                inner = inner.intersect(compare("==", rest, {}, inner))
            except NotAffine:
                sure = False
        self.body(s, scope, inner, sure, self.loop(s, lo, hi, ends, sure or not (exact or ends)))
        return domain, exact and not (s.kind != "parallel" and _returns(s))

    def while_loop(self, s: While, scope: Scope, domain: Set, exact: bool) -> tuple[Set, bool]:
        dim = domain.dim(DIM.set)
        inner = domain.add_dims(DIM.set, 1)
        inner = inner.intersect(at_least(dim, {}, inner))
        self.body(s, scope, inner, False, self.loop(s, {}, None, True, False))
        return domain, exact and not _returns(s)

    def loop(self, s: For | While, lo: Poly | None, hi: Poly | None, exits: bool, certain: bool) -> Loop:
        id_ = len(self.out.loops)
        return Loop(id_, s, (*self.path, id_), lo, hi, exits, certain)

    def body(self, s: For | While, scope: Scope, inner: Set, sure: bool, loop: Loop) -> None:
        self.out.loops.append(loop)
        outer, self.path = self.path, loop.path
        scope = scope.child()
        if isinstance(s, For):
            scope.exprs.pop(s.var, None)
            scope.values[s.var] = P.atom(loop.depth)
        else:
            self.reads(s.cond, s, scope, inner, sure)
        self.block(s.body, scope, inner, sure, self.out.marks.setdefault(loop.id, []))
        self.path = outer

    def branch(self, s: If, scope: Scope, domain: Set, exact: bool) -> tuple[Set, bool]:
        self.reads(s.cond, s, scope, domain, exact)
        may, must = condition(s.cond, scope, domain)
        yes, no = domain.intersect(may), domain.subtract(must)
        clear = bool(may.is_equal(must))
        known = exact and clear
        if not clear:
            self.out.unclear.add(id(s))
        start, first = len(self.out.accesses), len(self.out.passings)
        out_yes, _ = self.block(s.then, scope, yes, exact)
        middle = len(self.out.accesses)
        out_no = no
        if s.orelse is not None:
            out_no, _ = self.block(s.orelse, scope, no, exact)
        if exact and not known:
            self.out.passings[first:] = [replace(p, exact=False) for p in self.out.passings[first:]]
            self.join(s, start, middle, domain, may, must)
        if out_yes is yes and out_no is no:
            return domain, exact
        left = any(isinstance(n, Return | Break | Continue) for n in walk(s))
        return out_yes.union(out_no).coalesce() if left else domain, known and exact if left else exact

    def join(self, s: If, start: int, middle: int, domain: Set, may: Set, must: Set) -> None:
        """Accesses of a branch whose condition is not known are not certain; what both sides write is."""
        mine = self.out.accesses
        sure: tuple[dict[str, list[int]], dict[str, list[int]]] = ({}, {})
        end = len(mine)
        for k in range(start, end):
            if mine[k].write and mine[k].exact:
                sure[k >= middle].setdefault(mine[k].buffer.uid, []).append(k)
            mine[k] = replace(mine[k], exact=False)
        for uid, then in sure[0].items():
            if uid in sure[1]:
                self.joins.append(Join(tuple(then), tuple(sure[1][uid]), len(mine), domain, may, must))
                self.access(self.out.buffers[uid], True, s, s, (), domain, True)

    # -- expressions ---------------------------------------------------------------------------------------------------

    def reads(self, e: Expr | Node, stmt: Node, scope: Scope, domain: Set, exact: bool) -> None:
        """Every load and operand in the expression, with the part of `domain` where it is evaluated."""
        if isinstance(e, Select) or (isinstance(e, Binary) and e.op in ("&&", "||")):
            first = e.cond if isinstance(e, Select) else e.a
            self.reads(first, stmt, scope, domain, exact)
            rest = [(e.a, True), (e.b, False)] if isinstance(e, Select) else [(e.b, e.op == "&&")]
            if not any(isinstance(n, Load | Ref) for r, _ in rest for n in walk(r)):
                return
            may, must = condition(first, scope, domain)
            known = exact and bool(may.is_equal(must))
            for r, wanted in rest:
                self.reads(r, stmt, scope, domain.intersect(may) if wanted else domain.subtract(must), known)
            return
        for child in children(e):
            self.reads(child, stmt, scope, domain, exact)
        if isinstance(e, Load):
            self.element(e, False, stmt, scope, domain, exact)
        elif isinstance(e, Ref):
            buffer = self.names[e.buffer]
            for write in (False, True):
                self.access(buffer, write, e, stmt, (None,) * buffer.rank, domain, False)

    def element(self, node: Load | Store, write: bool, stmt: Node, scope: Scope, domain: Set, exact: bool) -> None:
        polys = tuple(polynomial(i, scope, lambda p: nonneg(p, domain)) for i in node.indices)
        self.access(self.names[node.buffer], write, node, stmt, polys, domain, exact)

    def access(self, buffer: Buffer, write: bool, node: Node, stmt: Node, polys: tuple[Poly | None, ...], domain: Set,
               exact: bool) -> None:
        self.order += 1
        self.out.accesses.append(Access(buffer, write, node, stmt, self.path, self.order, domain, exact, polys))


def _returns(loop: For | While) -> bool:
    return any(isinstance(n, Return) for n in walk(loop.body))
