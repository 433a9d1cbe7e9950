"""The sequence of calls that computes what a loop's statements say, and where its values between are held."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ..errors import IllegalPassError
from ..ir.build import add, convert, integer
from ..ir.nodes import Alloc, Block, Expr, For, Let, Load, Store, Var
from ..ir.types import BOOL, I32, ScalarType
from ..ir.visit import fresh_name
from ._assumed import uses
from ._vec_body import Assign, Place
from ._vec_numbers import numbers
from ._vec_rows import Pattern
from ._vec_select import ASSUMES, MASK, Choice, Home, Selector
from ._vec_tree import Tree, expr_of

Refuse = Callable[..., IllegalPassError]


@dataclass(eq=False, slots=True)
class Slot:
    """A value between two calls: an array or a register, or with `rank` 0 a scalar. `name` comes later."""

    dtype: ScalarType
    memory: str
    declared: str = ""
    elements: int | None = None  # None: as many as the loop has iterations
    rank: int = 1
    hint: str = "t"
    name: str = ""


@dataclass(eq=False, slots=True)
class Step:
    """One call. `args` follow the row's operands; `dst` says which of them is the destination."""

    pattern: Pattern
    args: list[Slot | Place | Expr]
    dst: int


@dataclass(slots=True)
class Sequence:
    """Calls, and plain stores of scalars between them, in order; what was taken for granted; which rows were used."""

    steps: list[Step | Store | Let | Alloc | For] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    computed: int = 0  # calls that do more than copy


class Emitter:
    """Writes the calls for the assignments of one loop. Raises what `refuse` gives when a value has no row."""

    def __init__(self, selector: Selector, refuse: Refuse, taken: set[str]) -> None:
        self.s, self.refuse, self.taken = selector, refuse, taken
        self.out = Sequence()
        self.held: dict[tuple[Tree, str], Slot | Place] = {}  # (value, declared) -> where it is
        self.versions: dict[str, int] = {}
        self.scalars: dict[Tree, Expr] = {}

    def run(self, assigns: list[Assign]) -> Sequence:
        for k, a in enumerate(assigns):
            if a.fold:
                self._fold(a)
            else:
                self._store(a, assigns[k + 1:])
        return self.out

    # -- statements ----------------------------------------------------------------------------------------------------

    def _store(self, a: Assign, later: list[Assign]) -> None:
        self._keep(a, later)
        home = Home((a.place.memory,))
        straight = self._straight(a.value, home)
        held = [(v, w) for (t, w), v in self.held.items() if t == a.value]
        copies = [(c, p, n) for p in self.s.index.copies for c, n in [self._copy_cost(a, p, held)] if c is not None]
        best = min(copies, key=lambda x: (x[0], x[1].rank), default=None)
        if straight is None and best is None:
            raise self._no_row(a)
        if straight is not None and (best is None or straight.cost <= best[0]):
            self._call(straight, a.value, a.place)
        else:
            assert best is not None and best[0] is not None
            self._copy(a, best[1])
        self._written(a)

    def _straight(self, t: Tree, home: Home) -> Choice | None:
        """A row that puts the value there itself."""
        if t.op == "vec" or any(x == t for x, _ in self.held):
            return None
        return self.s.best(t, home)

    def _copy_cost(self, a: Assign, p: Pattern, held: list[tuple[Slot | Place, str]]) -> tuple[float | None, Pattern]:
        """What it takes to have the value and to copy it to its place by this row."""
        src, dst = p.operand(str(p.root.data)), p.operand(p.dst)
        if dst.declared or a.place.memory not in dst.memory or dst.dtype != a.place.dtype or src.dtype != a.value.dtype:
            return None, p
        if self.s.broken(p, {}) is not None or not self.s.direct(Tree("vec", a.place.dtype, (), a.place), Home.of(dst)):
            return None, p
        if any(w == src.declared and v.memory in src.memory for v, w in held):
            return 1.0, p
        price = self.s.cost(a.value, Home.of(src))
        return (None if price is None else 1.0 + price), p

    def _copy(self, a: Assign, p: Pattern) -> None:
        value = self._value(a.value, Home.of(p.operand(str(p.root.data))))
        self._step(p, {str(p.root.data): value}, a.place)

    def _keep(self, a: Assign, later: list[Assign]) -> None:
        """What is read later and overwritten now is copied first."""
        place, there = a.place, {a.value}
        there |= {t for (t, _), v in self.held.items() if isinstance(v, Slot) or v.buffer != place.buffer}

        def needed(t: Tree) -> Iterator[Tree]:
            if t.op == "vec" and t.data.buffer == place.buffer and t.data.version <= self.versions.get(place.buffer, 0):
                yield t
            for x in t.args:
                if x not in there:
                    yield from needed(x)

        for t in dict.fromkeys(x for b in later if b.value not in there for x in needed(b.value)):
            if not any(x == t for x, _ in self.held):
                for p in self.s.index.copies:
                    src, dst = p.operand(str(p.root.data)), p.operand(p.dst)
                    if t.data.memory in src.memory and (dst.declared or t.data.memory in dst.memory) and dst.dtype == t.dtype:
                        slot = self._slot(p, t)
                        self._step(p, {str(p.root.data): t.data}, slot)
                        self.held[t, dst.declared] = slot
                        break
                else:
                    raise self.refuse(f"{place.buffer} is read after it is overwritten, and no row copies it")

    def _written(self, a: Assign) -> None:
        buffer = a.place.buffer
        self.versions[buffer] = self.versions.get(buffer, 0) + 1
        for key in [k for k, v in self.held.items() if isinstance(v, Place) and v.buffer == buffer]:
            del self.held[key]
        self.held.setdefault((a.value, ""), dataclasses.replace(a.place, version=self.versions[buffer]))

    def _fold(self, a: Assign) -> None:
        """`acc = acc op fold(value)`."""
        found = []
        forms = list(numbers(a))
        for p in self.s.index.folds:
            src = p.operand(str(p.root.data))
            if p.fold == a.fold and src.dtype == a.value.dtype and self.s.broken(p, {}) is None:
                for form, combine, says in forms if not p.skips else forms[-1:]:
                    price = 0.0 if self._held(form, Home.of(src)) else self.s.cost(form, Home.of(src))
                    if price is not None:
                        said = "" if p.skips and len(forms) > 1 else says
                        found.append((price + ASSUMES * bool(uses((said,))), p, form, combine, said))
        if not found:
            raise self._no_fold(a)
        _, p, form, combine, says = min(found, key=lambda x: (x[0], x[1].rank))
        if says:
            self.out.says.append(says)
        src, dst = p.operand(str(p.root.data)), p.operand(p.dst)
        value = self._value(form, Home.of(src))
        assert isinstance(dst.dtype, ScalarType)
        wide = dst.memory[0] not in ("local", "register") and not p.row.result
        few = int(dst.extent) if wide else 1
        hint = {"+": "sum", "*": "product", "max": "largest", "min": "smallest"}.get(a.fold, "folded")
        slot = Slot(dst.dtype, dst.memory[0] if wide else "local", "", few, 1 if wide else 0, hint)
        slot.name = fresh_name(hint, self.taken)
        self._step(p, {src.name: value}, slot)
        if not p.row.exact and a.fold in ("+", "*"):
            self.out.says.append(f"the terms of {a.place.buffer} are added in another order" if a.fold == "+" else
                                 f"the factors of {a.place.buffer} are multiplied in another order")
        acc = Load(a.place.buffer, a.place.indices, a.place.dtype)
        leaves: dict[str, Expr] = {"acc": acc, "fold": Load(slot.name, (integer(0),) if wide else (), slot.dtype)}
        self.out.steps.append(Store(a.place.buffer, a.place.indices, expr_of(_put(combine, leaves)), a.place.dtype))

    # -- values --------------------------------------------------------------------------------------------------------

    def _held(self, t: Tree, home: Home) -> Slot | Place | None:
        found = self.held.get((t, home.declared))
        return found if found is not None and found.memory in home.memories else None

    def _value(self, t: Tree, home: Home) -> Slot | Place:
        """Where the tree's value is, computed now when it is not there yet."""
        held = self._held(t, home)
        if held is not None:
            return held
        if self.s.direct(t, home):
            if t.data.version != self.versions.get(t.data.buffer, 0):
                raise self.refuse(f"{t.data.buffer} is read after it is overwritten")
            place: Place = t.data
            return place
        choice = self.s.best(t, home)
        if choice is None:
            raise self.refuse(self.reason(t, home))
        return self._call(choice, t, None)

    def _lane_by_lane(self, choice: Choice, t: Tree) -> Slot:
        """An array takes what the function needs and what it gives; a loop over it computes the function."""
        p = choice.pattern
        assert p.lanes is not None
        shape, var = (integer(p.lanes),), fresh_name("lane", self.taken)
        result = fresh_name("lanes", self.taken)
        self.out.steps.append(Alloc(result, t.dtype, shape))
        free: str | None = result
        args: list[Tree] = []
        at = Var(var, I32)
        for a in t.args:
            if a.shared:
                args.append(a)
                continue
            if a.op == "vec" and not self._held(a, Home((a.data.memory,))) and a.data.memory != p.operand(p.dst).memory[0]:
                if a.data.version != self.versions.get(a.data.buffer, 0):
                    raise self.refuse(f"{a.data.buffer} is read after it is overwritten")
                index = (*a.data.indices[:-1], add(a.data.indices[-1], convert(at, a.data.indices[-1].dtype)))
                args.append(Tree("scalar", a.dtype, (), Load(a.data.buffer, index, a.dtype)))
                continue
            store = self.s.store(a)
            if store is None:
                raise self.refuse(f"no row puts the argument of {t.op} in an array")
            value = self._value(a, Home.of(store.operand(str(store.root.data))))
            name = free if free is not None and a.dtype == t.dtype else fresh_name("lanes", self.taken)
            if name != free:
                self.out.steps.append(Alloc(name, a.dtype, shape))
            free = None if name == free else free
            place = Place(name, (integer(0),), a.dtype, "local")
            self._step(store, {str(store.root.data): value}, place)
            args.append(Tree("scalar", a.dtype, (), Load(name, (at,), a.dtype)))
        body = Block((Store(result, (at,), expr_of(Tree(t.op, t.dtype, tuple(args))), t.dtype),))
        self.out.steps.append(For(var, integer(0), integer(p.lanes), integer(1), body))
        slot = self._slot(p, t)
        self._step(p, {str(p.root.data): Place(result, (integer(0),), t.dtype, "local")}, slot)
        self.out.says.append(choice.says)
        self.held[t, p.operand(p.dst).declared] = slot
        return slot

    def _call(self, choice: Choice, t: Tree, to: Place | None) -> Slot | Place:
        if choice.lane_by_lane:
            return self._lane_by_lane(choice, t)
        p = choice.pattern
        values: dict[str, Slot | Place | Expr] = {}
        for name, b in choice.binds:
            o = p.operand(name)
            if o.memory:
                values[name] = self._value(b, Home.of(o))
            elif b.dtype == BOOL and not b.shared:
                values[name] = self._value(b, MASK)
            else:
                values[name] = self._scalar(b)
        dst = p.operand(p.dst)
        where: Slot | Place = to if to is not None else self._slot(p, t)
        clash = p.row.overlap == "none" and isinstance(where, Place) and any(
            isinstance(v, Place) and v.buffer == where.buffer for v in values.values())
        if clash:
            raise self.refuse(f"{p.row.word} may not write where it reads, and both are in {to.buffer if to else ''}")
        self._step(p, values, where)
        if choice.says:
            self.out.says.append(choice.says)
        if to is None:
            self.held[t, dst.declared] = where
        return where

    def _slot(self, p: Pattern, t: Tree) -> Slot:
        dst = p.operand(p.dst)
        assert isinstance(dst.dtype, ScalarType)
        hint = "m" if t.dtype == BOOL else "t"
        if t.op == "vec":
            hint = f"{t.data.buffer}_v"
        elif t.shared:
            hint = f"{t.data.name}_v" if t.op == "scalar" and isinstance(t.data, Var) and t.data.name.isidentifier() else "k"
        if t.dtype == BOOL:
            return Slot(dst.dtype, "local", "", 1, 0, hint)
        return Slot(dst.dtype, dst.memory[0], dst.declared, p.lanes, 1, hint)

    def _scalar(self, t: Tree) -> Expr:
        """A value that all lanes share, named when it is more than a name or a number."""
        e = expr_of(t)
        if not t.args:
            return e
        if t not in self.scalars:
            name = fresh_name("s", self.taken)
            self.out.steps.append(Let(name, t.dtype, e))
            self.scalars[t] = Var(name, t.dtype)
        return self.scalars[t]

    def _step(self, p: Pattern, values: Mapping[str, Slot | Place | Expr], dst: Slot | Place) -> None:
        args: list[Slot | Place | Expr] = []
        for o in p.row.operands:
            if o.name == p.dst:
                args.append(dst)
            elif o.name == p.count:
                args.append(self.s.count(p))
            elif o.name in values:
                args.append(values[o.name])
            else:
                raise ValueError(f"{p.row.name}: nothing stands for {o.name}")
        at = next(k for k, o in enumerate(p.row.operands) if o.name == p.dst)
        self.out.steps.append(Step(p, args, at))
        self.out.words.append(p.row.word)
        self.out.computed += p.root.op != "vec" or bool(p.fold)

    # -- refusals ------------------------------------------------------------------------------------------------------

    def reason(self, t: Tree, home: Home) -> str:
        """Why the tree has no row: the innermost operation that none computes."""
        homes = {MASK} | {Home.of(p.operand(p.dst)) for ps in self.s.index.by_op.values() for p in ps}
        title = self.s.platform.title

        def there(x: Tree) -> bool:
            return any(self.s.cost(x, h) is not None for h in homes)

        for x in _from_inside(t):
            if there(x):
                continue
            if x in self.s.why:
                return self.s.why[x]
            if x.op == "vec":
                rooms = sorted({m for h in homes if h != MASK for m in h.memories})
                if not rooms or x.data.memory in rooms:
                    return f"no row of {title} works on vectors of {x.dtype} of this length"
                return (f"{x.data.buffer} is in {x.data.memory} memory, but vectors of {title} are in {' or '.join(rooms)}: "
                        "stage it first (cache)")
            if x.shared:
                return f"no row of {title} fills a vector of {x.dtype}"
            return f"no row of {title} computes {_said(x)} on vectors"
        return f"no row of {title} brings {_said(t)} where it is needed"

    def _no_row(self, a: Assign) -> IllegalPassError:
        homes = [Home.of(p.operand(str(p.root.data))) for p in self.s.index.copies
                 if a.place.memory in p.operand(p.dst).memory and p.operand(p.dst).dtype == a.place.dtype]
        reachable = [h for h in homes if self.s.cost(a.value, h) is not None]
        if reachable or (not homes and self.s.cost(a.value, Home((a.place.memory,))) is None and any(
                self.s.cost(a.value, Home.of(p.operand(p.dst))) is not None
                for ps in self.s.index.by_op.values() for p in ps)):
            return self.refuse(f"no row of {self.s.platform.title} writes a vector of {a.place.dtype} to {a.place.buffer} in "
                               f"{a.place.memory} memory: stage it first (cache)", a.node)
        return self.refuse(self.reason(a.value, homes[0] if homes else Home((a.place.memory,))), a.node)

    def _no_fold(self, a: Assign) -> IllegalPassError:
        for p in self.s.index.folds:
            src = p.operand(str(p.root.data))
            if p.fold == a.fold and src.dtype == a.value.dtype:
                broken = self.s.broken(p, {})
                return self.refuse(f"{p.row.word}: {broken}" if broken else self.reason(a.value, Home.of(src)), a.node)
        what = {"+": "sum", "*": "product", "max": "maximum", "min": "minimum"}.get(a.fold, a.fold)
        return self.refuse(f"no row of {self.s.platform.title} gives the {what} of a vector of {a.value.dtype}", a.node)


def _from_inside(t: Tree) -> Iterator[Tree]:
    for a in t.args:
        yield from _from_inside(a)
    yield t


def _said(t: Tree) -> str:
    """An operation and its types in words."""
    words = {"neg": "-", "select": "a choice", "cast": "a conversion"}
    types = dict.fromkeys(str(a.dtype) for a in t.args)
    return f"{words.get(t.op, t.op)} from {', '.join(types)} to {t.dtype}" if t.op == "cast" else \
        f"{words.get(t.op, t.op)} of {', '.join(types) or t.dtype}"


def _put(t: Tree, leaves: dict[str, Expr]) -> Tree:
    if t.op in leaves:
        return Tree("scalar", t.dtype, (), leaves[t.op])
    return Tree(t.op, t.dtype, tuple(_put(a, leaves) for a in t.args), t.data)
