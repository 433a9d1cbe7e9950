"""From the IR to statements. The threads of a block run one after the other between two barriers; that this is one of the
orders a device may choose, and that no other gives another result, is what `races.py` shows. What has no exact form is
refused with its reason: nothing here approximates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...ir.nodes import (
    Alloc,
    Barrier,
    Block,
    Break,
    Const,
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
    Store,
    While,
)
from ...ir.types import BOOL, I32, ScalarType
from ...ir.visit import stmts_of, walk
from .. import poly as P
from ..poly import Poly, Scope
from ..sets import DIM, Map, NotAffine, Set, compare, nonneg, universe
from .coordinates import agree, unsettled
from .counters import after, steps, up_to, within
from .model import (
    Apply,
    D,
    Fence,
    Get,
    Number,
    Place,
    Program,
    Read,
    Statement,
    Tree,
    Unknown,
    Words,
)
from .trees import Kept, Trees
from .updates import update_of
from .warps import LANE, first_lanes, meets, of_lane

MANY_ROUNDS = 200


def program(kernel: Kernel, sizes: Mapping[str, int], words: Words, slots: Mapping[str, str]) -> Program:
    """The kernel at these sizes; sizes left out stay symbolic.

    Args:
        kernel: with the meanings of instrs in place of their calls.
        sizes: values of scalar parameters and launch sizes.
        words: what the platform's table says.
        slots: parameter buffers by name: which buffer of the C ABI function each is.
    Raises:
        Unknown: something has no exact form.
    """
    out = _Builder(kernel, sizes, words, slots).run()
    if unsettled(out) is not None:
        agree(out, out)
    return out


class _Builder(Trees):
    """Statements, in text order."""

    def run(self) -> Program:
        scope = Scope()
        for p in self.kernel.params + self.kernel.sizes:
            if p.pointer:
                place = Place(p.name, (), (), self.slots.get(p.name), "global")
                self.out.places[p.name] = place
                self.names[p.name], self.types[p.name] = p.name, p.dtype
            elif p.name in self.sizes and p.dtype.is_integer:
                scope.values[p.name] = P.const(int(self.sizes[p.name]))
            elif p.dtype.is_integer:
                scope.values[p.name] = P.atom(p.name)
            else:
                scope.values[p.name] = None
        self.block(self.kernel.body, scope, universe(0), ())
        return self.out

    def next(self) -> int:
        self.order += 1
        return self.order

    # -- statements: each gives the instances that go on -----------------------------------------------------------------

    def block(self, body: Block, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> Set:
        scope, names, kept = scope.child(), dict(self.names), dict(self.kept)
        for s in stmts_of(body):
            if domain.is_empty():
                break
            domain = self.statement(s, scope, domain, time)
        self.names, self.kept = names, kept
        return domain

    def statement(self, s: Any, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> Set:
        if isinstance(s, For):
            return self.loop(s, scope, domain, time)
        if isinstance(s, If):
            return self.branch(s, scope, domain, time)
        if isinstance(s, Alloc):
            self.alloc(s, scope, domain, time)
        elif isinstance(s, Let):
            self.let(s, scope, domain, time)
        elif isinstance(s, Store):
            self.store(s, scope, domain, time)
        elif isinstance(s, Return | Continue):
            return Set.empty(domain.get_space())
        elif isinstance(s, Barrier):
            self.out.fences.append(Fence(domain, (*time, self.next()), s))
            self.since = self.next()
        elif isinstance(s, While):
            self.rounds(s, scope, domain, time)
        elif isinstance(s, Break):
            raise Unknown("a loop that ends early is not covered by proofs yet", s)
        elif isinstance(s, InstrCall):
            self.meeting(s, scope, domain, time)
        else:
            raise Unknown(f"{type(s).__name__} is not covered by proofs", s)
        return domain

    def loop(self, s: For, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> Set:
        dim = int(domain.dim(DIM.set))
        lo, hi, step = (self.poly(e, scope, domain) for e in (s.lo, s.hi, s.step))
        width = None if step is None else P.constant(step)
        if lo is None or hi is None or width is None or width <= 0:
            raise Unknown(f"the bounds of loop {s.var} are not affine", s)
        inner = domain.add_dims(DIM.set, 1)
        try:
            inner = inner.intersect(compare(">=", P.atom(dim), lo, inner))
            inner = inner.intersect(compare("<", P.atom(dim), hi, inner))
            if width != 1:
                off, by = P.sub(P.atom(dim), lo), P.const(width)
                rest = P.sub(off, P.mul(by, P.atom(("fdiv", P.freeze(off), P.freeze(by)))))
                inner = inner.intersect(compare("==", rest, {}, inner))
        except NotAffine:
            raise Unknown(f"the bounds of loop {s.var} are not affine", s) from None
        scope = scope.child()
        scope.values[s.var] = P.atom(dim)
        level = self.words.levels.get(s.axis or "") if s.kind == "parallel" else None
        if level is not None:
            self.axes.append(s.axis or "")
            if level == "grid":
                self.out.grid = max(self.out.grid, dim + 1)
            else:
                self.out.block = max(self.out.block, dim + 1)
            self.block(s.body, scope, inner, (*time, D(dim)) if level == "grid" else time)
            self.axes.pop()
            return domain
        if any(isinstance(n, Return) for n in walk(s.body)):
            raise Unknown("a return inside a loop is not covered by proofs yet", s)
        together = meets(s.body)
        before = (*time, self.next()) if together else self.alone(time)
        off = P.sub(P.atom(dim), lo)
        number = off if width == 1 else P.atom(("fdiv", P.freeze(off), P.freeze(P.const(width))))
        trip = P.sub(hi, lo) if width == 1 and nonneg(P.sub(hi, lo), domain) else None
        self.turns(s, scope, inner, (*before, D(dim)), number, trip, together)
        return domain

    def turns(self, s: For | While, scope: Scope, inner: Set, time: tuple[int | D, ...], number: Poly, trip: Poly | None,
              together: bool) -> None:
        """The body of a loop, in round `number` of `trip` (None: not known)."""
        by = {uid: n for uid, n in steps(s.body, self.names).items() if uid in self.cells and not self.guards}
        start = {uid: self.cells[uid] for uid in by}
        self.forget(s)
        self.cells.update({uid: after(start[uid], n, number) for uid, n in by.items()})
        if together:
            self.since = self.next()
        self.block(s.body, scope, inner, time)
        if together:
            self.since = self.next()
        self.forget(s)
        if trip is not None:
            self.cells.update({uid: after(start[uid], n, trip) for uid, n in by.items()})

    def alone(self, time: tuple[int | D, ...]) -> tuple[int | D, ...]:
        """The time so far and the next position. Where the threads of a block are under way together, what each does by
        itself comes after the start of the interval between barriers, thread by thread."""
        threads = tuple(D(k) for k in range(self.out.grid, self.out.block))
        if threads and threads[0] not in time:
            time = (*time, self.since, *threads)
        return (*time, self.next())

    def rounds(self, s: While, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> None:
        """A loop whose condition follows from counters that we know: as a loop when they go in equal steps, else, such as
        with a stride that is halved, round by round."""
        if self.counted(s, scope, domain, time):
            return
        for _ in range(MANY_ROUNDS):
            may, must = self.where(s.cond, scope, domain)
            if domain.intersect(may).is_empty():
                return
            if not domain.is_subset(must):
                break
            self.block(s.body, scope, domain, time)
        raise Unknown("a while loop whose number of rounds is not known", s)

    def counted(self, s: While, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> bool:
        """A while loop whose counters go in equal steps, as a loop over its rounds; False when it is none."""
        by = {uid: n for uid, n in steps(s.body, self.names).items() if uid in self.cells}
        asked = {self.names.get(n.buffer) for n in walk(s.cond) if isinstance(n, Load)}
        changed = {self.names.get(n.buffer) for n in walk(s.body) if isinstance(n, Store)}
        if self.guards or not asked & by.keys() or asked & changed - by.keys() or \
                any(isinstance(n, Return | Break) for n in walk(s.body)):
            return False
        dim, held = int(domain.dim(DIM.set)), dict(self.cells)
        inner = domain.add_dims(DIM.set, 1)
        inner = inner.intersect(compare(">=", P.atom(dim), {}, inner))
        self.cells.update({uid: after(held[uid], n, P.atom(dim)) for uid, n in by.items()})
        may, must = self.where(s.cond, scope, inner)
        self.cells = held
        if not may.intersect(inner).is_equal(must.intersect(inner)):
            return False
        inner = inner.intersect(may)
        # every round up to the last one: what holds in a round holds in all before it
        if not inner.is_equal(up_to(inner, dim)):
            return False
        together = meets(s.body)
        before = (*time, self.next()) if together else self.alone(time)
        self.turns(s, scope, inner, (*before, D(dim)), P.atom(dim), None, together)
        return True

    def meeting(self, s: InstrCall, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> None:
        """What the lanes of a warp do together, done by the first of each, after all have come and before any goes on."""
        threads = tuple(D(k) for k in range(self.out.grid, self.out.block))
        if self.words.meanings is None or not threads or threads[0] in time or self.guards:
            raise Unknown(f"{s.instr} has no meaning for one thread alone", s)
        meanings = self.words.meanings(self.kernel)
        row, x = meanings.row(s), self.out.block - 1
        first = first_lanes(domain, x, row.lanes, s)
        args: list[Expr] = []
        given_back: list[tuple[Ref, str]] = []
        for o, a in zip(row.operands, s.args, strict=True):
            if o.access != "r" and isinstance(a, Ref) and not o.per_lane:  # the same for all: given to each afterwards
                given_back.append((a, self.temporary(a.dtype, domain)))
                args.append(Ref(given_back[-1][1], (Const(0, I32),), a.dtype))
            elif not o.per_lane:
                args.append(self.one_for_all(a, scope, domain))
            elif isinstance(a, Const | Ref) or (isinstance(a, Load) and not a.indices):
                args.append(of_lane(a))
            else:
                held = self.temporary(a.dtype, domain)
                self.store(Store(held, (), a, a.dtype, span=s.span), scope, domain, time)
                args.append(of_lane(Load(held, (), a.dtype)))
        inner = scope.child()
        self.lanes = row.lanes
        self.block(Block(meanings.of(replace(s, args=tuple(args)), LANE)), inner, first, (*time, self.next(), *threads))
        self.since = self.next()
        for a, name in given_back:
            value = Load(name, (Const(0, I32),), a.dtype)
            self.store(Store(a.buffer, a.indices, value, a.dtype, span=s.span), inner, domain, time)
        self.lanes = 0

    def one_for_all(self, a: Expr, scope: Scope, domain: Set) -> Expr:
        """An operand that is the same for all lanes, as a number or an expression of the loops."""
        value = self.poly(a, scope, domain)
        number = P.constant(value) if value is not None else None
        if number is None and any(isinstance(n, Load) for n in walk(a)):
            raise Unknown("an operand that all lanes share is not a number", a)
        return a if number is None else Const(number, a.dtype)

    def temporary(self, dtype: ScalarType, domain: Set) -> str:
        """A variable of each thread."""
        name = f"held {len(self.out.places)}"
        self.out.places[name] = Place(name, tuple(range(int(domain.dim(DIM.set)))), (), None, "local")
        self.names[name], self.types[name] = name, dtype
        return name

    def forget(self, s: Node) -> None:
        """Counters that a loop or a branch may have changed."""
        for n in walk(s):
            if isinstance(n, Store):
                self.cells.pop(self.names.get(n.buffer, ""), None)

    def branch(self, s: If, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> Set:
        found = self.extreme_of_branch(s)
        if found is not None:
            self.store(found, scope, domain, time)
            return domain
        may, must = self.where(s.cond, scope, domain)
        if bool(may.intersect(domain).is_equal(must.intersect(domain))):
            yes, no = domain.intersect(may), domain.subtract(may)
            out_yes = self.block(s.then, scope, yes, time)
            self.forget(s)
            out_no = self.block(s.orelse, scope, no, time) if s.orelse is not None else no
            self.forget(s)
            if meets(s):
                self.since = self.next()
            if out_yes is yes and out_no is no:
                return domain
            return out_yes.union(out_no).coalesce()
        if any(isinstance(n, Barrier | Return | Break | Continue | InstrCall) for n in walk(s)):
            raise Unknown("the condition depends on data, and what it guards is more than stores", s)
        held = self.hold(s.cond, s, scope, domain, time)
        self.under(s.then, held, True, scope, domain, time)
        if s.orelse is not None:
            self.under(s.orelse, held, False, scope, domain, time)
        return domain

    def extreme_of_branch(self, s: If) -> Store | None:
        """`if (e > x) x = e;` is x = max(x, e)."""
        inner = stmts_of(s.then)
        if len(inner) != 1 or not isinstance(inner[0], Store) or s.orelse is not None:
            return None
        store = inner[0]
        value = self.extreme(s.cond, store.value, Load(store.buffer, store.indices, store.dtype))
        return replace(store, value=value) if value is not None else None

    def under(self, body: Block, held: Kept, side: bool, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> None:
        """Stores under a condition on data: `x = cond ? value : x`."""
        outer = self.guards
        self.guards = (*outer, (held, side))
        self.block(body, scope, domain, time)
        self.guards = outer
        self.forget(body)

    def hold(self, e: Expr, node: Node, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> Kept:
        """Evaluates an expression once: a statement of its own."""
        reads: list[Read] = []
        tree = self.tree(e, scope, domain, reads)
        s = Statement(f"S{len(self.out.statements)}", domain, self.alone(time), "", None, tree, reads, node)
        self.out.statements.append(s)
        return Kept(s, s.dims)

    def alloc(self, s: Alloc, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> None:
        uid, k = s.name, 1
        while uid in self.out.places:
            k += 1
            uid = f"{s.name}#{k}"
        own = tuple(range(int(domain.dim(DIM.set))))
        self.out.places[uid] = Place(uid, own, self.words.apart.get(s.memory, ()), None, s.memory, len(s.shape))
        self.names[s.name], self.types[s.name] = uid, s.dtype
        self.cells.pop(uid, None)
        if s.zeroed:
            element = self.whole(uid, s, scope, domain)
            self.out.statements.append(Statement(f"S{len(self.out.statements)}", element[0], self.alone(time), uid,
                                                 element[1], Number(0), [], s))

    def whole(self, uid: str, s: Alloc, scope: Scope, domain: Set) -> tuple[Set, Map]:
        """Every element of an array: one instance each."""
        n = int(domain.dim(DIM.set))
        inner = domain.add_dims(DIM.set, len(s.shape))
        for k, e in enumerate(s.shape):
            size = self.poly(e, scope, domain)
            if size is None:
                raise Unknown(f"the size of {s.name} is not known", s)
            inner = inner.intersect(compare(">=", P.atom(n + k), {}, inner)).intersect(compare("<", P.atom(n + k), size, inner))
        dims = [P.atom(k) for k in range(n + len(s.shape))]
        return inner, self.element_map(dims, inner)

    def let(self, s: Let, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> None:
        value = self.poly(s.value, scope, domain)
        self.kept.pop(s.name, None)
        inner = scope.child()
        scope.exprs.pop(s.name, None)
        scope.values[s.name] = value
        if value is not None:
            return
        if s.dtype == BOOL and self.ranges.fits(s.value, inner, domain):
            scope.exprs[s.name] = (self.known(s.value), within(inner, self.cells))
        self.kept[s.name] = self.hold(s.value, s, scope, domain, time)

    def store(self, s: Store, scope: Scope, domain: Set, time: tuple[int | D, ...]) -> None:
        uid = self.names[s.buffer]
        reads: list[Read] = []
        tree = self.tree(s.value, scope, domain, reads)
        polys = [self.poly(i, scope, domain) for i in s.indices]
        if any(p is None for p in polys):
            raise Unknown(f"{s.buffer} is written at a place that depends on data", s)
        st = Statement(f"S{len(self.out.statements)}", domain, self.alone(time), uid, None, tree, reads, s)
        self.place(st, uid, [p for p in polys if p is not None], domain)
        if self.guards:
            reads.append(Read(uid, st.element, node=s, flat=st.flat))
            old: Tree = Get(len(reads) - 1)
            for held, side in reversed(self.guards):
                reads.append(Read("", None, held.statement, held.depth))
                cond = Get(len(reads) - 1)
                st.tree = Apply("select", (cond, st.tree, old) if side else (cond, old, st.tree))
        elif s.dtype == self.types[s.buffer]:
            st.update = update_of(st, self.kind(self.types[s.buffer]))
        if s.dtype != self.types[s.buffer] and not self.guards:
            st.tree = Apply(f"bits {self.types[s.buffer]}", (st.tree,))
        self.out.statements.append(st)
        plain = not s.indices and not self.guards and s.dtype.is_integer and s.dtype == self.types[s.buffer]
        value = self.poly(s.value, scope, domain) if plain else None
        self.cells.pop(uid, None)
        if value is not None:
            self.cells[uid] = value
