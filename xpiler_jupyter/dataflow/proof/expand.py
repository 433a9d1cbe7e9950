"""From statements to values: everything a value is made of is looked up where it was written, until inputs are reached."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from ..order import pair_space
from ..sets import DIM, Map, Set
from .algebra import Rules, apply, bag, split_op
from .flow import Flow
from .model import Affine, Choose, Get, Number, Program, Statement, Tree, Unknown
from .values import App, In, Num, Part, Piece, Place, State, Value, as_map, constant, moved, projection, unit, wrapped

DEEP = 40  # statements that build on each other without a sum
OFTEN = 3  # contexts in which a value is worked out by itself
MANY = 600  # pieces of one value


class Expander:
    """Values of one program."""

    def __init__(self, program: Program, rules: Rules) -> None:
        self.program, self.flow, self.rules = program, Flow(program), rules
        self.depth = 0
        self.open: list[Statement] = []
        self.asked: dict[int, int] = {}
        self.bases: dict[int, list[Piece]] = {}  # values of statements asked for often, for all their instances

    def afresh(self, s: Statement, at: Map) -> list[Piece]:
        """Like `instance`, one round of a value that builds on itself."""
        held, self.open, depth, self.depth = self.open, [], self.depth, 0
        try:
            return self.instance(s, at)
        finally:
            self.open, self.depth = held, depth

    def instance(self, s: Statement, at: Map) -> list[Piece]:
        """What the statement writes (or evaluates to), by context: `at` maps contexts to its instances. A statement that
        builds on what it wrote before is a state."""
        if s in self.open:
            return [(at.domain(), State(s, at, self))] if s.update is None else self.once(s, at)
        self.asked[id(s)] = self.asked.get(id(s), 0) + 1
        if self.asked[id(s)] <= OFTEN:
            return self.once(s, at)
        if id(s) not in self.bases:
            self.bases[id(s)] = self.once(s, s.domain.identity())
        out: list[Piece] = []
        for where, value in self.bases[id(s)]:
            here = at.intersect_range(where)
            if not here.is_empty():
                out.append((here.domain(), moved(value, here)))
        return out

    def once(self, s: Statement, at: Map) -> list[Piece]:
        """The value, worked out for these contexts alone."""
        self.depth += 1
        self.open.append(s)
        try:
            if self.depth > DEEP:
                raise Unknown("values build on each other over many rounds; only sums, products, minima and maxima are "
                              "understood as loops", s.node)
            if s.update is not None:
                return self.updates(s, at)
            return self.tree(s.tree, s, at)
        finally:
            self.depth -= 1
            self.open.pop()

    def updates(self, s: Statement, at: Map) -> list[Piece]:
        """x = x op e, as often as it ran: a bag of all e, and what x held before."""
        assert s.update is not None
        op, domain = s.update[0], at.domain()
        parts: list[Part] = []
        earlier, starts = self.flow.rounds(s)
        ends = at if earlier is None else at.apply_range(earlier)
        for t, m in self.flow.terms(s):
            assert t.update is not None
            pairs = ends.apply_range(m).coalesce()
            if pairs.is_empty():
                continue
            n = int(pairs.dim(DIM.in_))
            for where, value in self.tree(t.update[2], t, _terms(pairs)):
                parts.append(Part(as_map(where, n), value))
        begun: list[Piece] = []
        for w, m in starts.produced:
            begun += self.instance(w, ends.apply_range(m)) if not ends.apply_range(m).is_empty() else []
        if starts.given is not None and not (given := ends.apply_range(starts.given)).is_empty():
            begun.append((given.domain(), self.given(s.buffer, given, s)))
        out: list[Piece] = []
        for where, value in begun:
            here = where.intersect(domain)
            if here.is_empty():
                continue
            narrowed = [Part(p.index.intersect_domain(here), p.value) for p in parts]
            narrowed = [p for p in narrowed if not p.index.is_empty()]
            out.append((here, bag(op, [*narrowed, Part(unit(here), value)], here, self.rules)))
        _whole(out, domain, s)
        return out

    def given(self, buffer: str, at: Map, s: Statement) -> Value:
        """What the buffer held before the kernel began."""
        del s
        slot = self.program.places[buffer].slot
        if slot is None:  # equal to nothing, not even to itself in the other program
            return App(f"what {buffer.split('#')[0]} holds before it is written {id(self)}", ())
        return In(slot, at)

    def tree(self, t: Tree, s: Statement, at: Map) -> list[Piece]:
        """A tree over the reads of statement `s`."""
        domain = at.domain()
        if isinstance(t, Number):
            return [(domain, Num(t.value))]
        if isinstance(t, Affine):
            value = Map.from_pw_aff(t.value)
            here = at.apply_range(value)
            if not here.dim(DIM.param) and here.range().is_singleton():
                return [(domain, Num(here.range().sample_point().get_coordinate_val(DIM.set, 0).to_python()))]
            return [(domain, Place(here))]
        if isinstance(t, Get):
            return self.read(t.read, s, at)
        if isinstance(t, Choose):
            yes, no = at.intersect_range(t.where), at.subtract_range(t.where)
            out = [] if yes.is_empty() else self.tree(t.a, s, yes)
            return out + ([] if no.is_empty() else self.tree(t.b, s, no))
        out = []
        for choice in product(*(self.tree(a, s, at) for a in t.args)):
            where = domain
            for d, _ in choice:
                where = where.intersect(d)
            if not where.is_empty():
                values = tuple(v for _, v in choice)
                out += compared(t.op, values, where) or [(where, apply(t.op, values, where, self.rules))]
            if len(out) > MANY:
                raise Unknown("a value falls into too many cases", s.node)
        return out

    def read(self, k: int, s: Statement, at: Map) -> list[Piece]:
        read = s.reads[k]
        found = self.flow.sources(s, read)
        out: list[Piece] = []
        for w, m in found.produced:
            into = at.apply_range(m)
            if not into.is_empty():
                out += self.instance(w, into)
        if found.given is not None and not (given := at.apply_range(found.given)).is_empty():
            out.append((given.domain(), self.given(read.buffer, given, s)))
        _whole(out, at.domain(), s)
        return out


def _whole(pieces: list[Piece], domain: Set, s: Statement) -> None:
    """Nothing may be left out: what no piece speaks of would count as compared. Raises Unknown."""
    if not domain.is_subset(value_domain(pieces, domain)):
        raise Unknown("where a value comes from is not known everywhere", s.node)


def compared(op: str, args: tuple[Value, ...], domain: Set) -> list[Piece]:
    """A comparison of integers that follow from the context, case by case; empty for anything else."""
    name, kind = split_op(op)
    if name not in _ORDERS or not kind.startswith(("i", "u")) or not any(isinstance(a, Place) for a in args) \
            or not all(isinstance(a, Num | Place) for a in args):
        return []
    both: Map | None = None
    for a in args:
        if isinstance(a, Place):
            one = a.at.intersect_domain(domain)
        else:
            assert isinstance(a, Num)
            one = constant(domain, int(a.value))
        both = one if both is None else both.flat_range_product(one)
    assert both is not None
    holds = both.intersect_range(_ORDERS[name](both.range())).domain()
    cases = [(domain.intersect(holds), Num(True)), (domain.subtract(holds), Num(False))]
    return [(where, v) for where, v in cases if not where.is_empty()]


def _order(strict: bool, turned: bool, equal: bool = False) -> Callable[[Set], Set]:
    def where(like: Set) -> Set:
        pairs = Map.universe(pair_space(1, 1))
        if equal:
            pairs = pairs.equate(DIM.in_, 0, DIM.out, 0)
        else:
            pairs = pairs.order_gt(DIM.in_, 0, DIM.out, 0) if turned else pairs.order_lt(DIM.in_, 0, DIM.out, 0)
            if not strict:
                pairs = pairs.union(Map.universe(pair_space(1, 1)).equate(DIM.in_, 0, DIM.out, 0))
        return like.intersect(pairs.wrap().flatten())

    return where


_ORDERS: dict[str, Callable[[Set], Set]] = {
    "<": _order(True, False), "<=": _order(False, False), ">": _order(True, True), ">=": _order(False, True),
    "==": _order(True, False, True), "!=": lambda like: like.subtract(_order(True, False, True)(like))}


def _terms(pairs: Map) -> Map:
    """{ (x, k) -> instance } for the pairs x -> instance: k are those loops of the instance that x does not fix."""
    n, dims = int(pairs.dim(DIM.in_)), int(pairs.dim(DIM.out))
    free = [k for k in range(dims) if not pairs.project_out(DIM.out, k + 1, dims - k - 1).project_out(
        DIM.out, 0, k).is_single_valued()]
    flat = wrapped(pairs)
    short = flat.identity()
    for k in reversed(range(dims)):
        if k not in free:
            short = short.project_out(DIM.out, n + k, 1)
    return short.reverse().apply_range(projection(pairs).intersect_domain(flat))


def value_domain(pieces: list[Piece], like: Set) -> Set:
    """Where any of the pieces says something."""
    out = Set.empty(like.get_space())
    for where, _ in pieces:
        out = out.union(where)
    return out
