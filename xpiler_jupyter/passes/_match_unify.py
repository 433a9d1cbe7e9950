"""Two forms made one: which loop of the instr is which of the kernel, which operand which buffer, and the equations
that its scalar operands must fulfil."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import permutations

from ..ir.nodes import Var
from ..ir.poly import ONE, ZERO, Poly
from ..ir.types import ScalarType
from ._assumed import NO_NAN
from ._match_row import OPERAND, RowForm
from ._match_solve import Equation
from ._match_tree import (
    COMMUTATIVE,
    Counter,
    First,
    Fold,
    Form,
    Int,
    Lit,
    NoMatchError,
    Op,
    Place,
    Sym,
    Tree,
    folds,
    map_tree,
    parts,
    put_poly,
    put_tree,
)


@dataclass(frozen=True, slots=True)
class Arrays:
    """The kernel's buffers: dimensions, element type, memory."""

    shapes: dict[str, tuple[Poly, ...]]
    types: dict[str, ScalarType]
    memories: dict[str, str]

    def flat(self, p: Place) -> Poly:
        """The index into the buffer as one row."""
        out = ZERO
        for d, i in zip(self.shapes[p.buffer], p.index, strict=True):
            out = out * d + i
        return out


@dataclass(frozen=True, slots=True)
class Bound:
    """An operand that stands for a buffer: where it starts, per dimension and flat, and what the row adds there."""

    buffer: str
    index: tuple[Poly, ...]
    flat: Poly
    row_start: Poly


@dataclass(frozen=True, slots=True)
class State:
    """What has been put together so far. `loops`: the instr's counters as counts of the kernel's (zero: that loop runs
    once); `order`: pairs of counters, as they were chosen."""

    loops: dict[str, Poly] = field(default_factory=dict)
    counters: tuple[Counter, ...] = ()
    bound: dict[str, Bound] = field(default_factory=dict)
    values: dict[str, Tree] = field(default_factory=dict)
    equations: tuple[Equation, ...] = ()
    notes: frozenset[str] = frozenset()


class Unifier:
    """Makes a row's form that of a kernel. Refusals of single attempts are collected in `reasons` with how far they
    came."""

    def __init__(self, row: RowForm, arrays: Arrays) -> None:
        self.row, self.arrays = row, arrays
        self.reasons: list[tuple[int, str]] = []

    def no(self, st: State, reason: str) -> None:
        self.reasons.append((len(st.equations), reason))

    def forms(self, kernel: Form) -> Iterator[State]:
        """Every way in which the row's form could be the kernel's."""
        mine = self.row.form
        if len(kernel.counters) > len(mine.counters):
            names = ", ".join(c.label for c in kernel.counters)
            self.no(State(), f"{self.row.row.word} runs {len(mine.counters)} independent loops, and the nest has "
                    f"{len(kernel.counters)} ({names}) that cannot be merged")
            return
        for st in self.pairs(mine.counters, kernel.counters, State()):
            try:
                st = self.place(mine.target, kernel.target, st)
            except NoMatchError as error:
                self.no(st, str(error))
                continue
            yield from self.trees(mine.value, kernel.value, st)

    # -- loops ---------------------------------------------------------------------------------------------------------

    def pairs(self, mine: tuple[Counter, ...], theirs: tuple[Counter, ...], st: State) -> Iterator[State]:
        """Every way to give each of their loops one of mine; mine that get none run once."""
        for chosen in permutations(range(len(mine)), len(theirs)):
            loops, equations = dict(st.loops), list(st.equations)
            for k, c in enumerate(mine):
                if k in chosen:
                    other = theirs[chosen.index(k)]
                    loops[c.name] = Poly.atom(other.var)
                    equations.append(Equation(c.extent, other.extent, self._runs(other), True))
                else:
                    loops[c.name] = ZERO
                    equations.append(Equation(c.extent, ONE, f"{self.row.row.word} runs its loop {c.label} {{row}} times, "
                                              "and the nest has no such loop"))
            yield replace(st, loops=loops, counters=(*st.counters, *theirs), equations=tuple(equations))

    def _runs(self, c: Counter) -> str:
        return f"loop {c.label} runs {{kernel}} times, and {self.row.row.word} takes {{row}}"

    # -- values --------------------------------------------------------------------------------------------------------

    def trees(self, mine: Tree, theirs: Tree, st: State) -> Iterator[State]:
        """Every way in which two values are the same."""
        try:
            if isinstance(mine, Fold):
                yield from self._folds(mine, theirs, st)
            elif isinstance(mine, Op):
                yield from self._ops(mine, theirs, st)
            elif isinstance(mine, Place):
                if not isinstance(theirs, Place):
                    raise NoMatchError(f"{mine.buffer} must be read from memory, and the kernel has {words(theirs)} there")
                yield self.place(mine, theirs, st)
            elif isinstance(mine, Sym):
                yield self._scalar(mine.name, mine.dtype, theirs, st)
            elif isinstance(mine, Int):
                yield self._integer(mine, theirs, st)
            elif mine == theirs:
                yield st
            else:
                raise NoMatchError(f"{self.row.row.word} has {words(mine)} where the kernel has {words(theirs)}")
        except NoMatchError as error:
            self.no(st, str(error))

    def _ops(self, mine: Op, theirs: Tree, st: State) -> Iterator[State]:
        integer = mine.args[0] if mine.head == "cast" and mine.args else None
        if isinstance(integer, Int) and isinstance(theirs, Lit) and float(theirs.value).is_integer():
            what = f"the kernel has {theirs.value}, and {self.row.row.word} {{row}}"
            equation = Equation(self._poly(integer.poly, st), Poly.const(int(theirs.value)), what)
            yield replace(st, equations=(*st.equations, equation))
            return
        if not isinstance(theirs, Op) or mine.head != theirs.head or len(mine.args) != len(theirs.args):
            raise NoMatchError(f"{self.row.row.word} computes {words(mine)} where the kernel has {words(theirs)}")
        if theirs.dtype != mine.dtype and (mine.head == "cast" or not computes_alike(theirs.dtype, mine.dtype)):
            raise NoMatchError(f"{self.row.row.word} computes {words(mine)} in {mine.dtype}, the kernel in {theirs.dtype}")
        if mine.style != theirs.style and mine.dtype.is_float:
            st = replace(st, notes=st.notes | {NO_NAN})
        orders = [theirs.args]
        if mine.head in COMMUTATIVE and len(theirs.args) == 2 and theirs.args[0] != theirs.args[1]:
            orders.append(theirs.args[::-1])
        for args in orders:
            yield from self._all(mine.args, args, st)

    def _all(self, mine: tuple[Tree, ...], theirs: tuple[Tree, ...], st: State) -> Iterator[State]:
        if not mine:
            yield st
            return
        for one in self.trees(mine[0], theirs[0], st):
            yield from self._all(mine[1:], theirs[1:], one)

    def _folds(self, mine: Fold, theirs: Tree, st: State) -> Iterator[State]:
        word = self.row.row.word
        if not isinstance(theirs, Fold) or mine.head != theirs.head:
            raise NoMatchError(f"{word} computes {words(mine)} where the kernel has {words(theirs)}")
        if not computes_alike(theirs.dtype, mine.dtype):
            raise NoMatchError(f"{word} adds up in {mine.dtype}, the kernel in {theirs.dtype}")
        if len(theirs.counters) > len(mine.counters):
            names = ", ".join(c.label for c in theirs.counters)
            raise NoMatchError(f"{word} runs {len(mine.counters)} loops for {words(mine)}, the kernel {len(theirs.counters)} "
                               f"({names}) that cannot be merged")
        notes = st.notes | set(mine.notes) | set(theirs.notes)
        if mine.style != theirs.style and mine.dtype.is_float:
            notes |= {NO_NAN}
        ordered = mine.head in ("+", "*") and mine.dtype.is_float and self.row.row.exact
        for one in self.pairs(mine.counters, theirs.counters, replace(st, notes=notes)):
            counts = [one.loops[c.name] for c in mine.counters if one.loops[c.name].terms]
            if ordered and counts != [Poly.atom(c.var) for c in theirs.counters]:
                self.no(one, f"{word} adds in another order of the loops")
                continue
            for two in self._starts(mine, theirs, one):
                yield from self.trees(mine.term, theirs.term, two)

    def _starts(self, mine: Fold, theirs: Fold, st: State) -> Iterator[State]:
        """Both folds must start from the same value."""
        if isinstance(mine.init, First) and isinstance(theirs.init, First):
            yield st
            return
        if isinstance(mine.init, Lit | Int) and isinstance(theirs.init, Place):
            raise NoMatchError(f"{self.row.row.word} starts {words(mine)} at {words(mine.init)}, and the kernel goes on from "
                               f"what {theirs.init.buffer} holds")
        if isinstance(mine.init, Place) and isinstance(theirs.init, Lit | Int):
            raise NoMatchError(f"{self.row.row.word} adds to its operand {mine.init.buffer}, and the kernel starts at "
                               f"{words(theirs.init)}: fill it in a loop of its own first")
        yield from self.trees(mine.init, theirs.init, st)

    def _integer(self, mine: Int, theirs: Tree, st: State) -> State:
        p = self._poly(mine.poly, st)
        lone = p.lone
        if isinstance(lone, Var) and lone.name.startswith(OPERAND):
            st = self._scalar(lone.name.removeprefix(OPERAND), mine.dtype, theirs, st)
            if isinstance(theirs, Place):
                return st
        if not isinstance(theirs, Int):
            raise NoMatchError(f"{self.row.row.word} has an integer where the kernel has {words(theirs)}")
        what = f"{self.row.row.word} has {{row}} where the kernel has {{kernel}}"
        return replace(st, equations=(*st.equations, Equation(p, theirs.poly, what)))

    def _scalar(self, name: str, dtype: ScalarType, theirs: Tree, st: State) -> State:
        """A scalar operand takes a value of the kernel that the loops do not change."""
        if not (theirs.dtype == dtype or (dtype.is_integer and theirs.dtype.is_integer)):
            raise NoMatchError(f"operand {name} of {self.row.row.word} is {dtype}, the kernel's value {theirs.dtype}")
        if isinstance(theirs, Fold | First | Op):
            raise NoMatchError(f"operand {name} of {self.row.row.word} takes a scalar, and the kernel computes {words(theirs)}")
        inside = theirs.index if isinstance(theirs, Place) else (theirs.poly,) if isinstance(theirs, Int) else ()
        moving = {c.name: c.label for c in st.counters}
        for p in inside:
            if p.names() & set(moving):
                label = moving[min(p.names() & set(moving))]
                raise NoMatchError(f"operand {name} of {self.row.row.word} takes one value, and the kernel's changes with loop "
                                   f"{label}")
        if st.values.get(name, theirs) != theirs:
            raise NoMatchError(f"operand {name} of {self.row.row.word} would need two values")
        return replace(st, values={**st.values, name: theirs})

    # -- buffers -------------------------------------------------------------------------------------------------------

    def _poly(self, p: Poly, st: State) -> Poly:
        return put_poly(p, {n: q for n, q in st.loops.items() if n in p.names()})

    def place(self, mine: Place, theirs: Place, st: State) -> State:
        """The access of an operand is the access of a buffer, up to where it starts."""
        word, o, b = self.row.row.word, self.row.operand(mine.buffer), theirs.buffer
        if theirs.dtype != o.dtype or self.arrays.types[b] != o.dtype:
            raise NoMatchError(f"{b} holds {self.arrays.types[b]}, and operand {o.name} of {word} is {o.dtype}")
        if self.arrays.memories[b] not in o.memory:
            raise NoMatchError(f"{b} lies in {self.arrays.memories[b]} memory, and operand {o.name} of {word} in "
                               f"{' or '.join(o.memory)}")
        known = st.bound.get(o.name)
        if known is not None and known.buffer != b:
            raise NoMatchError(f"operand {o.name} of {word} would be both {known.buffer} and {b}")
        if o.shape:
            return self._shaped(mine, theirs, st, known)
        row, kernel = self._poly(mine.index[0], st), self.arrays.flat(theirs)
        equations = list(st.equations)
        row, kernel = self._strides(row, kernel, st, equations, f"{b} moves by {{kernel}}", f"{o.name} of {word}")
        if known is None:
            rest = tuple(self._rest(i, st) for i in theirs.index)
            new = Bound(b, rest, kernel, row)
            return replace(st, bound={**st.bound, o.name: new}, equations=tuple(equations))
        what = f"{b} is read at two places {{kernel}} apart, {o.name} of {word} {{row}} apart"
        equations.append(Equation(row - known.row_start, kernel - known.flat, what))
        return replace(st, equations=tuple(equations))

    def _strides(self, row: Poly, kernel: Poly, st: State, out: list[Equation], moves: str, operand: str) -> tuple[Poly, Poly]:
        """One equation per loop; what is left of both sides."""
        for c in st.counters:
            a, row = row.collect(c.var)
            b, kernel = kernel.collect(c.var)
            if b.names() & {c.name for c in st.counters}:
                raise NoMatchError(f"the place that stands for operand {operand} does not move evenly with loop {c.label}")
            out.append(Equation(a, b, f"{moves} in loop {c.label}, and operand {operand} by {{row}}"))
        names = {c.name for c in st.counters}
        if kernel.names() & names or row.names() & names:
            raise NoMatchError(f"the place that stands for operand {operand} does not move evenly with the loops")
        return row, kernel

    def _rest(self, p: Poly, st: State) -> Poly:
        for c in st.counters:
            p = p.collect(c.var)[1]
        return p

    def _shaped(self, mine: Place, theirs: Place, st: State, known: Bound | None) -> State:
        """A value with dimensions of its own, such as a fragment."""
        word, o, b = self.row.row.word, self.row.operand(mine.buffer), theirs.buffer
        n = len(o.shape)
        dims = self.arrays.shapes[b][-n:]
        if tuple(d.value for d in dims) != o.shape:
            size = " x ".join(str(d.value) for d in dims)
            raise NoMatchError(f"{b} is {size}, and operand {o.name} of {word} is {' x '.join(map(str, o.shape))}")
        equations = list(st.equations)
        for k in range(n):
            moves = f"index {k + 1} of {b} moves by {{kernel}}" if n > 1 else f"{b} moves by {{kernel}}"
            row, kernel = self._strides(self._poly(mine.index[k], st), theirs.index[len(theirs.index) - n + k], st, equations,
                                        moves, f"{o.name} of {word}")
            equations.append(Equation(row, kernel, f"{b} starts at {{kernel}}, and operand {o.name} of {word} at {{row}}"))
        outer = theirs.index[:len(theirs.index) - n]
        if any(i.names() & {c.name for c in st.counters} for i in outer):
            raise NoMatchError(f"the nest goes over several values of {b}, and {word} takes one")
        if known is not None and known.index[:len(outer)] != outer:
            raise NoMatchError(f"operand {o.name} of {word} would be two values of {b}")
        new = Bound(b, (*outer, *(ZERO for _ in o.shape)), ZERO, ZERO)
        return replace(st, bound={**st.bound, o.name: new}, equations=tuple(equations))


def computes_alike(kernel: ScalarType, row: ScalarType) -> bool:
    """May the row's type stand for the kernel's? A signed sum that does not overflow is the same in a wider type."""
    return kernel == row or (kernel.kind == row.kind == "int" and kernel.bits <= row.bits)


_SAY = {"+": "a sum", "*": "a product", "max": "a maximum", "min": "a minimum", "select": "a choice", "cast": "a conversion",
        "/": "a quotient", "-": "a difference", "neg": "a negation"}


def words(t: Tree) -> str:
    """A value for a refusal."""
    if isinstance(t, Fold):
        return f"{_SAY.get(t.head, t.head)} over loop {', '.join(c.label for c in t.counters)}"
    if isinstance(t, Op):
        return _SAY.get(t.head, t.head)
    if isinstance(t, Place):
        return f"an element of {t.buffer}"
    if isinstance(t, Int):
        return str(t.poly.value) if t.poly.value is not None else "an integer"
    return str(t.value) if isinstance(t, Lit) else t.name if isinstance(t, Sym) else "its own first term"


# -- loops that are one ------------------------------------------------------------------------------------------------


def merged(form: Form, arrays: Arrays) -> Iterator[Form]:
    """The form itself, then with pairs of its loops run as one where every access moves on evenly, again and again."""
    seen: list[Form] = []
    todo = [form]
    while todo:
        f = todo.pop(0)
        if f in seen:
            continue
        seen.append(f)
        yield f
        todo += list(_one_merge(f, arrays))


def _one_merge(form: Form, arrays: Arrays) -> Iterator[Form]:
    groups = [form.counters, *(f.counters for f in folds(form.value))]
    access = [p for p in parts(form.value) if isinstance(p, Place)] + [form.target]
    integers = [p.poly for p in parts(form.value) if isinstance(p, Int)]
    for g, group in enumerate(groups):
        for a in group:
            for b in group:
                apart = g > 0 and group.index(b) != group.index(a) + 1  # a sum keeps its order
                if a is b or apart or any({a.name, b.name} & i.names() for i in integers):
                    continue
                if any(_stride(p, a, arrays) != b.extent * _stride(p, b, arrays) for p in access):
                    continue
                one = Counter(b.name, a.extent * b.extent, f"{a.label} and {b.label}", b.dtype)
                names = {a.name: ZERO}
                target = replace(form.target, index=tuple(put_poly(i, names) for i in form.target.index))
                fewer = tuple(one if c is b else c for c in group if c is not a)
                value = _with_group(put_tree(form.value, names), group, fewer)
                yield Form(fewer if g == 0 else form.counters, target, value)


def _with_group(t: Tree, old: tuple[Counter, ...], new: tuple[Counter, ...]) -> Tree:
    return map_tree(t, lambda x: replace(x, counters=new) if isinstance(x, Fold) and x.counters == old else x)


def _stride(p: Place, c: Counter, arrays: Arrays) -> Poly:
    return arrays.flat(p).collect(c.var)[0]
