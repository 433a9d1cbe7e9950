"""Expressions of a statement as trees over its reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...ir.nodes import Binary, Call, Cast, Const, Expr, Kernel, Load, Select, Store, Unary, Var
from ...ir.types import BOOL, F64, ScalarType
from ...ir.visit import walk
from .. import poly as P
from ..poly import Poly, Scope, polynomial
from ..sets import Map, NotAffine, Set, affine, condition, nonneg, universe
from .counters import Now, within
from .model import Affine, Apply, Choose, Get, Number, Program, Read, Statement, Tree, Unknown, Words
from .ranges import Ranges
from .warps import base

_FAST = {"__expf": "exp", "__logf": "log", "__sinf": "sin", "__cosf": "cos", "__powf": "pow", "__fdividef": "/",
         "__log2f": "log2", "__log10f": "log10", "__tanf": "tan", "exp2f": "exp2"}


@dataclass(slots=True)
class Kept:
    """A `Let` whose value reads memory: the statement that evaluates it."""

    statement: Statement
    depth: int


class Trees:
    """What both halves of the builder share: names, counters, and expressions."""

    def __init__(self, kernel: Kernel, sizes: Mapping[str, int], words: Words, slots: Mapping[str, str]) -> None:
        self.kernel, self.words, self.sizes, self.slots = kernel, words, sizes, slots
        self.out = Program()
        self.names: dict[str, str] = {}
        self.types: dict[str, ScalarType] = {}
        self.kept: dict[str, Kept | Tree] = {}
        self.floats = {p.name for p in kernel.params + kernel.sizes if not p.pointer and p.dtype.is_float}
        self.order = self.since = 0
        self.ranges = Ranges()
        self.guards: tuple[tuple[Kept, bool], ...] = ()
        self.lanes = 0  # of a warp, within a meeting
        self.cells: dict[str, Poly] = {}  # counters whose value is known here
        self.axes: list[str] = []  # names of the axis loops around: their dimensions are 0, 1, ...
        self.written = {s.buffer for s in walk(kernel.body) if isinstance(s, Store)}

    def known(self, e: Expr) -> Expr:
        """The expression with the counters that we know as names; `within` says what they hold."""
        return Now(self.cells, self.names).visit(e) if self.cells else e

    def place(self, at: Read | Statement, uid: str, polys: list[Poly], domain: Set) -> None:
        """Sets the element that an access touches."""
        info = self.out.places[uid]
        own = [P.atom(k) for k in info.own]
        if self.lanes and info.slot is None and info.memory == "local" and len(polys) == info.rank + 1:
            x = self.out.block - 1  # another lane's variable
            own[x] = P.add(base(x, self.lanes), polys[0])
            polys = polys[1:]
        own += [P.atom(self.axes.index(a)) for a in info.apart if a in self.axes]
        if info.slot is not None and len(polys) == 1:
            at.flat = polys[0]
            if isinstance(at, Read):
                at.domain = domain
        try:
            at.element = self.element_map([*own, *polys], domain)
        except Unknown:
            if at.flat is None:
                raise
            at.element = None  # rows of a size that only the caller knows: `coordinates` finds the tuple

    def element_map(self, polys: list[Poly], domain: Set) -> Map:
        out = Map.from_domain_and_range(domain, universe(0))
        for p in polys:
            try:
                out = out.flat_range_product(Map.from_pw_aff(affine(p, domain)))
            except NotAffine:
                raise Unknown("an index is not affine") from None
        return out.intersect_domain(domain)

    # -- expressions -------------------------------------------------------------------------------------------------------

    def poly(self, e: Expr, scope: Scope, domain: Set) -> Poly | None:
        """The integer as a polynomial; None where it has none, or where it may leave its type."""
        e, scope = self.known(e), within(scope, self.cells)
        p = polynomial(e, scope, lambda q: nonneg(q, domain))
        return p if p is None or self.ranges.fits(e, scope, domain) else None

    def where(self, cond: Expr, scope: Scope, domain: Set) -> tuple[Set, Set]:
        """Where the condition may hold, and where it certainly holds."""
        cond, scope = self.known(cond), within(scope, self.cells)
        if not self.ranges.fits(cond, scope, domain):
            return domain, Set.empty(domain.get_space())
        return condition(cond, scope, domain)

    def tree(self, e: Expr, scope: Scope, domain: Set, reads: list[Read]) -> Tree:
        if isinstance(e, Const):
            return Number(e.value)
        if e.dtype.is_integer and e.dtype != BOOL:
            p = self.poly(e, scope, domain)
            if p is not None:
                try:
                    return Affine(affine(p, domain))
                except NotAffine:
                    pass
        if isinstance(e, Var):
            return self.variable(e, scope, domain, reads)
        if isinstance(e, Load):
            return self.load(e, scope, domain, reads)
        if isinstance(e, Select) and (larger := self.extreme(e.cond, e.a, e.b)) is not None:
            return self.tree(larger, scope, domain, reads)
        if isinstance(e, Select):
            may, must = self.where(e.cond, scope, domain)
            if bool(may.intersect(domain).is_equal(must.intersect(domain))):
                return Choose(may, self.tree(e.a, scope, domain.intersect(may), reads),
                              self.tree(e.b, scope, domain.subtract(may), reads))
            return Apply("select", tuple(self.tree(x, scope, domain, reads) for x in (e.cond, e.a, e.b)))
        if isinstance(e, Cast):
            inner = self.tree(e.x, scope, domain, reads)
            to, came = self.kind(e.dtype), self.kind(e.x.dtype)
            return inner if to == came else Apply(f"to {to} from {came}", (inner,))
        if isinstance(e, Unary):
            return Apply(f"{e.op}{self.kind(e.dtype)}", (self.tree(e.x, scope, domain, reads),))
        if isinstance(e, Binary):
            return Apply(f"{e.op}{self.kind(e.a.dtype)}", tuple(self.tree(x, scope, domain, reads) for x in (e.a, e.b)))
        if isinstance(e, Call):
            args = tuple(self.tree(x, scope, domain, reads) for x in e.args)
            if e.fn == "fma" and e.dtype.is_float:
                self.out.fused = True
                kind = self.kind(e.dtype)
                return Apply(f"+{kind}", (Apply(f"*{kind}", args[:2]), args[2]))
            if e.fn in _FAST:
                self.out.words.add(f"{e.fn} is taken as exact")
            name = _FAST.get(e.fn, e.fn)
            kind = self.kind(e.dtype)
            return Apply(f"{name}{kind}" if name in ("/", "min", "max") else f"{name} {kind}", args)
        raise Unknown(f"{type(e).__name__} is not covered by proofs", e)

    def kind(self, t: ScalarType) -> str:
        """float and double are one type of number here; what each program computes in is noted."""
        if t.is_float:
            self.out.floats.add(t.name)
        return "f32" if t == F64 else t.name

    def variable(self, e: Var, scope: Scope, domain: Set, reads: list[Read]) -> Tree:
        held = self.kept.get(e.name)
        if isinstance(held, Kept):
            reads.append(Read("", None, held.statement, held.depth, e))
            return Get(len(reads) - 1)
        if held is not None:
            return held
        if e.name in scope.exprs:
            inner, where = scope.exprs[e.name]
            return self.tree(inner, where, domain, reads)
        if e.name in self.floats or e.name in {p.name for p in self.kernel.params + self.kernel.sizes}:
            return Apply(f"value {e.name}", ())
        raise Unknown(f"{e.name} has no exact form", e)

    def load(self, e: Load, scope: Scope, domain: Set, reads: list[Read]) -> Tree:
        uid = self.names[e.buffer]
        for k, i in enumerate(e.indices):
            if isinstance(i, Select):  # one of two places
                a, b = (replace(e, indices=(*e.indices[:k], j, *e.indices[k + 1:])) for j in (i.a, i.b))
                return self.tree(Select(i.cond, a, b, e.dtype), scope, domain, reads)
        polys = [self.poly(i, scope, domain) for i in e.indices]
        if any(p is None for p in polys):
            slot = self.out.places[uid].slot
            if e.buffer in self.written or slot is None:
                raise Unknown(f"{e.buffer} is read at a place that depends on data", e)
            tree: Tree = Apply(f"gather {slot}", tuple(self.tree(i, scope, domain, reads) for i in e.indices))
        else:
            read = Read(uid, None, node=e)
            reads.append(read)
            tree = Get(len(reads) - 1)
            self.place(read, uid, [p for p in polys if p is not None], domain)
        return tree if e.dtype == self.types[e.buffer] else Apply(f"bits {e.dtype} of {self.types[e.buffer]}", (tree,))

    def extreme(self, cond: Expr, a: Expr, b: Expr) -> Call | None:
        """`cond ? a : b` when it is the larger or the smaller of the two."""
        if not isinstance(cond, Binary) or cond.op not in ("<", "<=", ">", ">=") or a.dtype != cond.a.dtype:
            return None
        if (cond.a, cond.b) == (a, b):
            larger = cond.op in (">", ">=")
        elif (cond.a, cond.b) == (b, a):
            larger = cond.op in ("<", "<=")
        else:
            return None
        if a.dtype.is_float:
            self.out.words.add("comparisons of NaN")
        return Call("max" if larger else "min", (b, a), a.dtype)
