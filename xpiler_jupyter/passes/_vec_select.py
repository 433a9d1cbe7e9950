"""Which rows compute a tree, at the least cost: instruction selection by dynamic programming over the tree.

A row costs 1; one that rounds in its own way costs more, so that it is taken only where exact rows take longer or there
are none. What a choice takes for granted is said with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..ir.algebra import Scope
from ..ir.build import convert, integer, mul
from ..ir.nodes import Expr
from ..ir.types import BOOL, ScalarType
from ..platforms.base import Platform
from ..platforms.instr import Operand
from ._assumed import uses
from ._vec_body import Place
from ._vec_real import formula
from ._vec_rows import Index, Pattern
from ._vec_rules import broken_rule
from ._vec_tree import COMMUTES, Tree, expr_of, relaxed

INEXACT = 3.0  # what another rounding costs, in instructions
RELAXED = 0.01
ASSUMES = 8.0  # what an assumption about values costs: whatever is right for all of them and not much longer comes first
SCALAR = 24.0  # a loop over the lanes
FUNCTIONS = frozenset((
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "pow", "tanh", "sinh", "cosh", "erf", "erfc", "sin", "cos", "tan",
    "asin", "acos", "atan", "atan2", "cbrt", "round", "fmod"))
FORMULA = "its formula is the row's, up to rounding"

Binding = dict[str, Tree]


@dataclass(frozen=True, slots=True)
class Home:
    """Where a value is to be: one of the memories, declared so."""

    memories: tuple[str, ...]
    declared: str = ""
    alignment: int = 1

    @staticmethod
    def of(o: Operand) -> Home:
        return Home(o.memory, o.declared, o.alignment)


@dataclass(frozen=True, slots=True)
class Choice:
    """A row and what its operands are."""

    cost: float
    pattern: Pattern
    binds: tuple[tuple[str, Tree], ...]
    says: str = ""
    lane_by_lane: bool = False  # a function without a row: a loop over the lanes of an array, which `pattern` loads


class Selector:
    """Choices for the trees of one loop. `length` is its number of iterations, known to be positive in `scope`."""

    def __init__(self, platform: Platform, index: Index, length: Expr, scope: Scope, staged: bool,
                 values: Iterable[Tree]) -> None:
        self.platform, self.index, self.length, self.scope = platform, index, length, scope
        self.staged = staged  # may a vector be copied in from another memory on the way?
        self._best: dict[tuple[Tree, Home], Choice | None] = {}
        counts = Counter(x for v in values for x in v.walk() if not x.args or x.shared)
        self.often = {x for x, n in counts.items() if n > 1}  # loaded or filled once, used again
        self._formulas: dict[object, list[tuple[Pattern, str]]] | None = None
        self.why: dict[Tree, str] = {}  # reasons why a tree's rows could not be used

    # -- operands ------------------------------------------------------------------------------------------------------

    def cost(self, t: Tree, home: Home) -> float | None:
        """What it takes to have the value there; None when no row brings it."""
        if self.direct(t, home):
            return 0.0
        found = self.best(t, home)
        if found is None:
            return None
        return found.cost / 4 if t in self.often else found.cost

    def direct(self, t: Tree, home: Home) -> bool:
        """Is it there already?"""
        return t.op == "vec" and t.data.memory in home.memories and self._aligned(t.data, home)

    def _aligned(self, place: Place, home: Home) -> bool:
        if home.alignment <= 1:
            return True
        memory = self.platform.memory(place.memory)
        if memory is None or memory.alignment % home.alignment or len(place.indices) != 1:
            return False
        offset = self.scope.poly(place.indices[0]).scale(place.dtype.bytes)
        return all(c % home.alignment == 0 for c in offset.terms.values())

    def best(self, t: Tree, home: Home) -> Choice | None:
        """The cheapest row that gives the tree's value there."""
        key = (t, home)
        if key not in self._best:
            self._best[key] = None  # while it is being looked for
            found = list(self._choices(t, home)) or list(self._lane_by_lane(t, home))
            self._best[key] = min(found, key=lambda c: (c.cost, c.pattern.rank)) if found else None
        return self._best[key]

    def _choices(self, t: Tree, home: Home) -> Iterator[Choice]:
        if t.op == "vec":
            if self.staged:
                yield from self._with(t, self.index.copies, home, "")
            return
        if t.shared:
            yield from self._with(t, self.index.fills, home, "")
            return
        for form, says in _forms(t):
            if form.op == "vec" and self.direct(form, home):
                continue
            yield from self._with(form, self.index.by_op.get((form.op, form.dtype), []), home, says)
        yield from self._by_formula(t, home)

    def _with(self, t: Tree, patterns: list[Pattern], home: Home, says: str) -> Iterator[Choice]:
        for p in patterns:
            dst = p.operand(p.dst)
            if dst.declared != home.declared or not set(dst.memory) & set(home.memories):
                continue
            if dst.dtype != t.dtype and t.dtype != BOOL:  # one bit per lane is an integer
                continue
            for binds in unify(p.root, t, {}):
                c = self._choice(p, binds, t, says)
                if c is not None:
                    yield c

    def _choice(self, p: Pattern, binds: Binding, t: Tree, says: str) -> Choice | None:
        total = 1.0 if p.row.exact else 1.0 + INEXACT
        total += RELAXED if says or p.note else 0.0
        total += ASSUMES if uses((says, p.note)) else 0.0
        for name, b in binds.items():
            o = p.operand(name)
            if not o.memory:
                if b.shared and b.dtype != BOOL:
                    continue
                price = self.cost(b, MASK)
            elif o.dtype != b.dtype:
                return None
            else:
                price = self.cost(b, Home.of(o))
                if price == 0.0 and p.operand(p.dst).declared and not o.declared and t.op != "vec":
                    price = 0.5  # it loads on the way
            if price is None:
                return None
            total += price
        reason = self.broken(p, binds)
        if reason is not None:
            self.why.setdefault(t, f"{p.row.word}: {reason}")
            return None
        notes = "; ".join(dict.fromkeys(n for n in (says, p.note) if n))
        return Choice(total, p, tuple(binds.items()), notes)

    def broken(self, p: Pattern, binds: Binding) -> str | None:
        scalars = {n: expr_of(b) for n, b in binds.items() if not p.operand(n).memory and b.shared and b.dtype != BOOL}
        if p.count:
            scalars[p.count] = self.count(p)
        return broken_rule(p.row, scalars, self.scope, self.platform)

    def count(self, p: Pattern) -> Expr:
        """What the row's counting operand is for this loop."""
        dtype = p.operand(p.count).dtype
        assert isinstance(dtype, ScalarType)
        length = mul(self.length, integer(p.scale)) if p.scale != 1 else self.length
        return convert(length, dtype)

    def _lane_by_lane(self, t: Tree, home: Home) -> Iterator[Choice]:
        """A function that no row computes, one lane after the other, where vectors are loaded from anywhere."""
        if not (self.staged and t.op in FUNCTIONS and home.declared):
            return
        total = SCALAR
        for a in t.args:
            if a.shared or a.op == "vec":
                continue
            store = self.store(a)
            if store is None:
                return
            total += self.cost(a, Home.of(store.operand(str(store.root.data)))) or 0.0
        for p in self.index.copies:
            dst, src = p.operand(p.dst), p.operand(str(p.root.data))
            if dst.declared == home.declared and dst.dtype == t.dtype and "local" in src.memory and src.alignment == 1:
                says = f"{t.op} has no vector instruction and is computed lane by lane"
                yield Choice(total, p, tuple((str(k), a) for k, a in enumerate(t.args)), says, True)

    def store(self, t: Tree) -> Pattern | None:
        """The row that puts the value in an array, if it can be had as a vector."""
        for p in self.index.copies:
            dst, src = p.operand(p.dst), p.operand(str(p.root.data))
            if (not dst.declared and src.declared and dst.dtype == src.dtype == t.dtype and "local" in dst.memory
                    and dst.alignment == 1 and self.cost(t, Home.of(src)) is not None):
                return p
        return None

    # -- formulas ------------------------------------------------------------------------------------------------------

    def _by_formula(self, t: Tree, home: Home) -> Iterator[Choice]:
        if not t.dtype.is_float or len(t.args) == 0:
            return
        table = self._table()
        if not table:
            return
        for hole in dict.fromkeys(x for x in t.walk() if not x.shared and x != t and x.dtype.is_float):
            form = formula(t, hole)
            for p, name in table.get(form, []) if form is not None else []:
                o, dst = p.operand(name), p.operand(p.dst)
                if (o.dtype == hole.dtype and dst.dtype == t.dtype and dst.declared == home.declared
                        and set(dst.memory) & set(home.memories)):
                    c = self._choice(p, {name: hole}, t, FORMULA)
                    if c is not None:
                        yield c

    def _table(self) -> dict[object, list[tuple[Pattern, str]]]:
        """The formulas of the rows that round in their own way."""
        if self._formulas is None:
            self._formulas = {}
            for p in (p for ps in self.index.by_op.values() for p in ps if not p.row.exact and not p.note):
                holes = {x for x in p.root.walk() if x.op == "vec"}
                leaves = {x for x in p.root.walk() if x.op in ("scalar", "mask")}
                if len(holes) == 1 and not leaves and any(a.args for a in p.root.args):
                    hole = holes.pop()
                    form = formula(p.root, hole)
                    if form is not None:
                        self._formulas.setdefault(form, []).append((p, str(hole.data)))
        return self._formulas


MASK = Home(("local",))


def _forms(t: Tree) -> Iterator[tuple[Tree, str]]:
    """The tree and what it may be written as, three steps far, with what that takes for granted."""
    seen = {t: ""}
    front = [t]
    for _ in range(3):
        nxt = []
        for x in front:
            for y, says in relaxed(x):
                said = "; ".join(dict.fromkeys(s for s in (seen[x], says) if s))
                if y not in seen or (uses((seen[y],)) and not uses((said,))):
                    seen[y] = said
                    nxt.append(y)
        front = nxt
    yield from seen.items()


def unify(p: Tree, t: Tree, binds: Binding) -> Iterator[Binding]:
    """The bindings of the pattern's leaves under which it is the tree."""
    if p.op in ("vec", "scalar", "mask"):
        if p.dtype != t.dtype or (p.op == "scalar" and not t.shared) or (p.op == "mask" and t.shared):
            return
        known = binds.get(p.data)
        if known is None:
            yield {**binds, p.data: t}
        elif known == t:
            yield binds
        return
    if p.op == "const":
        if t.op == "const" and p == t:
            yield binds
        return
    if p.op != t.op or p.dtype != t.dtype or len(p.args) != len(t.args):
        return
    orders = [t.args]
    if p.op in COMMUTES and len(t.args) == 2 and t.args[0] != t.args[1]:
        orders.append(t.args[::-1])
    for args in orders:
        yield from _all(p.args, args, binds)


def _all(ps: tuple[Tree, ...], ts: tuple[Tree, ...], binds: Binding) -> Iterator[Binding]:
    if not ps:
        yield binds
        return
    for first in unify(ps[0], ts[0], binds):
        yield from _all(ps[1:], ts[1:], first)
