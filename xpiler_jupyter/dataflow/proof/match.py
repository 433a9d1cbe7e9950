"""Are two values the same? Structure against structure; bags by pairing their terms one to one."""

from __future__ import annotations

from itertools import permutations

from ..order import pair_space, same_prefix
from ..sets import DIM, Map, Set
from .algebra import Rules, close, split_op
from .expand import Expander
from .values import App, Bag, In, Num, Part, Piece, Place, State, Value, as_map, identity, moved, unit, wrapped


class Different(Exception):
    """The two values are not shown to be the same; the reason in words."""


class Matcher:
    """Compares values of two programs. `reordered`: sums were needed whose terms come in another order or grouping."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.reordered = False
        self.pairs = 0
        self.rounds = 0  # states taken apart by one round
        self.assumed: dict[tuple[int, int], list[Map]] = {}  # states taken as equal while they are shown to be

    def equal(self, a: Value, b: Value, domain: Set) -> None:
        """Raises Different unless the values agree on the whole of `domain`."""
        if domain.is_empty():
            return
        if isinstance(a, State) and isinstance(b, State):
            self.states(a, b, domain)
        elif isinstance(a, State) or isinstance(b, State):
            self.unrolled(a, b, domain)
        elif isinstance(a, Bag) or isinstance(b, Bag):
            op = a.op if isinstance(a, Bag) else b.op if isinstance(b, Bag) else ""
            self.bags(_as_bag(a, op, domain), _as_bag(b, op, domain), domain)
        elif isinstance(a, Num) and isinstance(b, Num):
            if not self.alike(a, b):
                raise Different(f"{a.value} against {b.value}")
        elif isinstance(a, Place) and isinstance(b, Place):
            if not a.at.intersect_domain(domain).is_equal(b.at.intersect_domain(domain)):
                raise Different("an index is used as a value, and the two are not the same")
        elif isinstance(a, In) and isinstance(b, In):
            self.inputs(a, b, domain)
        elif isinstance(a, App) and isinstance(b, App) and a.op == b.op and len(a.args) == len(b.args):
            for x, y in zip(a.args, b.args, strict=True):
                self.equal(x, y, domain)
        else:
            raise Different(f"{words(a)} against {words(b)}")

    def alike(self, a: Num, b: Num) -> bool:
        """The same number, or one and its rounding to float."""
        if not close(a.value, b.value):
            return False
        if a.value != b.value and a.value == a.value:
            self.rules.words.add("constants are taken as the same up to their rounding to float")
        return True

    def inputs(self, a: In, b: In, domain: Set) -> None:
        if a.slot != b.slot:
            raise Different(f"reads {a.slot} against {b.slot}")
        x, y = a.at.intersect_domain(domain), b.at.intersect_domain(domain)
        if not x.is_equal(y):
            bad = x.subtract(y)
            at = bad.sample() if not bad.is_empty() else y.subtract(x).sample()
            raise Different(f"reads another element of {a.slot}: {at}")

    # -- states --------------------------------------------------------------------------------------------------------

    def states(self, a: State, b: State, domain: Set) -> None:
        """By induction over the rounds: equal when each round makes the same of the state before. The pairs of instances
        that meet are those asked for and all that their rounds lead to; every round goes strictly back in time."""
        pairs = a.at.intersect_domain(domain).reverse().apply_range(b.at.intersect_domain(domain))
        key = id(a.statement), id(b.statement)
        if any(pairs.is_subset(m) for m in self.assumed.get(key, ())):
            return
        mine, other = _expanded(a), _expanded(b)
        step = _rounds(mine, other, a, b)
        every = wrapped(pairs)
        if step is not None:
            closure, exact = step.transitive_closure()
            if not exact:
                raise Different("which rounds of two loops meet is not exactly known")
            every = every.union(closure.intersect_domain(every).range())
        n, m = int(a.at.dim(DIM.out)), int(b.at.dim(DIM.out))
        met = as_map(every, n)
        self.assumed.setdefault(key, []).append(met)
        try:
            first, second = every.identity().project_out(DIM.out, n, m), every.identity().project_out(DIM.out, 0, n)
            for where, x in mine:
                for there, y in other:
                    both = every.intersect(first.intersect_range(where).domain()).intersect(
                        second.intersect_range(there).domain())
                    if not both.is_empty():
                        self.equal(moved(x, first.intersect_domain(both)), moved(y, second.intersect_domain(both)), both)
        finally:
            self.assumed[key].pop()

    def unrolled(self, a: Value, b: Value, domain: Set) -> None:
        """A state against something else: its last round against it."""
        self.rounds += 1
        if self.rounds > ROUNDS:
            raise Different("a value builds on itself round by round, and the other does not in the same way")
        state, left = (a, True) if isinstance(a, State) else (b, False)
        assert isinstance(state, State) and isinstance(state.owner, Expander)
        for where, v in state.owner.afresh(state.statement, state.at.intersect_domain(domain)):
            self.equal(v if left else a, b if left else v, where)

    # -- bags ----------------------------------------------------------------------------------------------------------

    def bags(self, a: Bag, b: Bag, domain: Set) -> None:
        if a.op != b.op:
            raise Different(f"{words(a)} against {words(b)}")
        name, kind = split_op(a.op)
        left = [p.index.intersect_domain(domain) for p in a.parts]
        right = [p.index.intersect_domain(domain) for p in b.parts]
        again = name in ("min", "max", "&", "|")  # a term may count twice
        all_left, all_right = list(left), list(right)
        why = ""
        for i, p in enumerate(a.parts):
            for j, q in enumerate(b.parts):
                x, y = (all_left[i], all_right[j]) if again else (left[i], right[j])
                if x.is_empty() or y.is_empty() or (left[i].is_empty() and right[j].is_empty()):
                    continue
                try:
                    done = self.pair(p, q, x, y, not again)
                except Different as e:
                    why = why or str(e)
                    continue
                if done is None:
                    continue
                n = int(domain.dim(DIM.set))
                left[i] = left[i].subtract(as_map(done.domain(), n))
                right[j] = right[j].subtract(as_map(done.range(), n))
                if p.extra or q.extra:
                    self.reordered = self.reordered or kind.startswith(("f", "bf"))
        rest = [(a.parts[i], m) for i, m in enumerate(left) if not m.is_empty()] + \
            [(b.parts[j], m) for j, m in enumerate(right) if not m.is_empty()]
        if rest:
            raise Different(why or f"a term of the {_NAMES.get(name, name)} has no partner: {words(rest[0][0].value)}")
        if len(a.parts) + len(b.parts) > 4 and name in ("+", "*"):
            self.reordered = self.reordered or kind.startswith(("f", "bf"))

    def pair(self, p: Part, q: Part, x: Map, y: Map, once: bool) -> Map | None:
        """Which terms of `p` (among x) are which terms of `q` (among y): { (c, k) -> (c, j) }, one to one; None when
        there are none. Raises Different when terms that should be the same are not."""
        self.pairs += 1
        n = int(x.dim(DIM.in_))
        if not p.extra and not q.extra:  # one term each: as a rule the same or another on the whole domain
            here = x.domain().intersect(y.domain())
            try:
                self.equal(p.value, q.value, here)
                return None if here.is_empty() else identity(here)
            except Different:
                pass
        sure, found = self.related(p.value, q.value, n, p.extra, q.extra)
        space = pair_space(n + p.extra, n + q.extra)
        pairs = (found if found is not None else Map.universe(space)).intersect(same_prefix(n + p.extra, n + q.extra, n))
        pairs = pairs.intersect_domain(wrapped(x)).intersect_range(wrapped(y))
        if pairs.is_empty():
            return None
        if once and not (pairs.is_single_valued() and pairs.is_injective()):
            pairs = self.chosen(pairs, n, p.extra, q.extra)
        if not sure:
            # the context of a pair of terms: the shared dimensions once, then those of either term
            both = wrapped(pairs).project_out(DIM.set, n + p.extra, n)
            g = Map.universe(pair_space(n + p.extra + q.extra, n + p.extra))
            for k in range(n + p.extra):
                g = g.equate(DIM.in_, k, DIM.out, k)
            h = Map.universe(pair_space(n + p.extra + q.extra, n + q.extra))
            for k in range(n + q.extra):
                h = h.equate(DIM.in_, k if k < n else k + p.extra, DIM.out, k)
            self.equal(moved(p.value, g.intersect_domain(both)), moved(q.value, h.intersect_domain(both)), both)
        return pairs

    def chosen(self, pairs: Map, n: int, k: int, j: int) -> Map:
        """One partner each where several would do: the one at the same place if there is one, else the first."""
        if k == j:
            same = pairs.intersect(same_prefix(n + k, n + j, n + k))
            if not same.is_empty() and same.is_single_valued() and same.is_injective():
                return same
        least = pairs.lexmin()
        if least.is_injective():
            return least
        raise Different("the terms of two sums cannot be paired one to one")

    def related(self, a: Value, b: Value, n: int, k: int, j: int) -> tuple[bool, Map | None]:
        """Pairs of contexts (n shared dimensions, then k and j own ones) in which the values agree: exactly those when the
        first answer is True; otherwise all that may, None when nothing is known."""
        space = pair_space(n + k, n + j)
        if isinstance(a, In) and isinstance(b, In):
            return True, a.at.apply_range(b.at.reverse()) if a.slot == b.slot else Map.empty(space)
        if isinstance(a, Place) and isinstance(b, Place):
            return True, a.at.apply_range(b.at.reverse())
        if isinstance(a, Num) and isinstance(b, Num):
            return True, Map.universe(space) if self.alike(a, b) else Map.empty(space)
        if isinstance(a, App) and isinstance(b, App):
            if a.op != b.op or len(a.args) != len(b.args):
                return True, Map.empty(space)
            return _meet([self.related(x, y, n, k, j) for x, y in zip(a.args, b.args, strict=True)], space)
        if isinstance(a, Bag) and isinstance(b, Bag) and a.op == b.op:
            return self.related_bags(a, b, n, k, j)
        if isinstance(a, State) or isinstance(b, State):
            return False, None
        if isinstance(a, Bag) or isinstance(b, Bag):
            return (False, None) if isinstance(a, Bag) and isinstance(b, Bag) else (True, Map.empty(space))
        return True, Map.empty(space)

    def related_bags(self, a: Bag, b: Bag, n: int, k: int, j: int) -> tuple[bool, Map | None]:
        """Products and sums of a few single terms are related term by term, in any order. Of longer ones, contexts may
        agree when every term of the one agrees with some term of the other."""
        if len(a.parts) == len(b.parts) <= 3 and not any(p.extra for p in (*a.parts, *b.parts)) \
                and _alike(a) and _alike(b):
            out: Map | None = None
            exact = True
            for order in permutations(b.parts):
                sure, m = _meet([self.related(p.value, q.value, n, k, j) for p, q in zip(a.parts, order, strict=True)],
                                pair_space(n + k, n + j))
                exact = exact and sure
                if m is None:
                    return False, None
                out = m if out is None else out.union(m)
            if out is not None:  # where the terms exist at all
                out = out.intersect_domain(a.parts[0].index.domain()).intersect_range(b.parts[0].index.domain())
            return exact, out
        every: Map | None = None
        for p in a.parts:
            some: Map | None = None
            for q in b.parts:
                _, m = self.related(p.value, q.value, n, k + p.extra, j + q.extra)
                if m is None:
                    some = None
                    break
                m = m.project_out(DIM.in_, n + k, p.extra).project_out(DIM.out, n + j, q.extra)
                some = m if some is None else some.union(m)
            if some is not None:
                every = some if every is None else every.intersect(some)
        return False, every


def _alike(v: Bag) -> bool:
    """Do all of its terms exist in the same contexts?"""
    where = v.parts[0].index.domain()
    return all(bool(where.is_equal(p.index.domain())) for p in v.parts[1:])


ROUNDS = 64  # rounds that are taken apart one by one

_NAMES = {"+": "sum", "*": "product", "max": "maximum", "min": "minimum"}


def _meet(parts: list[tuple[bool, Map | None]], space: object) -> tuple[bool, Map | None]:
    exact, out = True, None
    for sure, m in parts:
        exact = exact and sure
        if m is not None:
            out = m if out is None else out.intersect(m)
    return exact and bool(parts), out if out is not None or parts else Map.universe(space)


def _expanded(s: State) -> list[Piece]:
    """One round of a state, for all its instances."""
    assert isinstance(s.owner, Expander)
    return s.owner.afresh(s.statement, identity(s.statement.domain))


def _steps(pieces: list[Piece], s: State) -> list[Map]:
    """Instances of the statement -> earlier ones that a round builds on."""
    found: list[Map] = []

    def look(v: Value, where: Set, deep: bool) -> None:
        if isinstance(v, State) and v.statement is s.statement:
            if deep:
                raise Different("a value builds on many of its earlier rounds")
            found.append(v.at.intersect_domain(where))
        elif isinstance(v, App):
            for x in v.args:
                look(x, where, deep)
        elif isinstance(v, Bag):
            for p in v.parts:
                look(p.value, where if not p.extra else wrapped(p.index.intersect_domain(where)), deep or p.extra > 0)

    for where, v in pieces:
        look(v, where, False)
    return found


def _rounds(mine: list[Piece], other: list[Piece], a: State, b: State) -> Map | None:
    """{ (x, y) -> (x', y') : a round of either leads from instance x to x', from y to y' }, flat; None: there is none."""
    x, y = _steps(mine, a), _steps(other, b)
    out: Map | None = None
    for m in x:
        for k in y:
            both = m.flat_product(k)
            out = both if out is None else out.union(both)
    return out


def _as_bag(v: Value, op: str, domain: Set) -> Bag:
    return v if isinstance(v, Bag) else Bag(op, (Part(unit(domain), v),))


def words(v: Value) -> str:
    """The value in a few words."""
    if isinstance(v, Num):
        return str(v.value)
    if isinstance(v, In):
        return f"an element of {v.slot}"
    if isinstance(v, Place):
        return "an index"
    if isinstance(v, State):
        return "a value that builds on itself"
    if isinstance(v, Bag):
        name = split_op(v.op)[0]
        return f"a {_NAMES.get(name, name)} of {words(v.parts[0].value)}" + (", ..." if len(v.parts) > 1 else "")
    return f"{split_op(v.op)[0]}({', '.join(words(a) for a in v.args)})" if v.args else v.op
