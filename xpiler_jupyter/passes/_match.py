"""Tensorize's nest mode: is a loop nest what an instr means? The instr's loops, scalars and operands are solved for.

Both sides are brought into one form (`_match_tree`), by symbolic execution of the nest (`_match_site`) and of the row's
meaning (`_match_row`); the forms are made one up to the order of loops and of commuting operands (`_match_unify`); the
strides, bounds and offsets give equations for the scalar operands (`_match_solve`); then the row's own rules decide
(`_match_rules`). Every answer "no" says the nearest reason.
"""

from __future__ import annotations

from collections import Counter as Multiset
from dataclasses import dataclass
from typing import Any

from ..ir.build import convert
from ..ir.nodes import Const, Expr, For, InstrCall, Kernel, Load, Ref, Var
from ..ir.poly import Poly
from ..ir.types import I32, ScalarType
from ..ir.visit import walk
from ..platforms.base import Platform
from ..platforms.instr import Instr, Operand
from ..platforms.instr_text import declarations
from ._match_lanes import check_together
from ._match_row import RowForm, row_forms
from ._match_rules import check_rules
from ._match_site import Reading, Site, site_of
from ._match_solve import ContradictionError, put, solve
from ._match_tree import Fold, Form, Int, Lit, NoMatchError, Op, Place, Sym, Tree, parts, places
from ._match_unify import Arrays, State, Unifier, merged
from .base import loop_labels


@dataclass(frozen=True, slots=True)
class Match:
    """A call that stands for a nest: `covers` are the statements that it replaces (the loop; the fill in front of it
    comes first where the call makes it needless), `assumptions` what must hold of the values."""

    call: InstrCall
    covers: tuple[Any, ...]
    assumptions: tuple[str, ...] = ()
    idle: int = 0  # loops of the row that run once because the nest has no such loop


def match(kernel: Kernel, loop: For, row: Instr, platform: Platform, allow: tuple[str, ...] = ()) -> InstrCall | str:
    """The call of `row` that does what `loop` (a loop of the kernel, the very object) does, or why there is none. A
    statement before the loop that fills the result may then be needless; see `matched`."""
    found = matched(kernel, loop, row, platform, allow)
    return found if isinstance(found, str) else found.call


def matched(kernel: Kernel, loop: For, row: Instr, platform: Platform, allow: tuple[str, ...] = ()) -> Match | str:
    """Like `match`, with the statements that the call replaces and what it assumes. `allow`: the words of `--allow` that
    the person gave."""
    site = site_of(kernel, loop)
    if not site.readings:
        return f"loop {loop.var}: {site.why}"
    forms = row_forms(row)
    if isinstance(forms, str):
        return forms
    if row.needs and row.needs not in allow:
        return f"{row.word} keeps fewer bits than its operands have: it needs --allow {row.needs}"
    reasons: list[tuple[int, str]] = []
    for reading in site.readings:
        for form in merged(reading.form, site.arrays):
            for row_form in forms:
                unifier = Unifier(row_form, site.arrays)
                for st in unifier.forms(form):
                    try:
                        return _assembled(site, reading, form, row_form, st, platform)
                    except ContradictionError as error:
                        reasons.append((len(st.equations) + error.held, str(error)))
                    except NoMatchError as error:
                        reasons.append((2 * len(st.equations), str(error)))
                reasons += unifier.reasons
    best = max(reasons, key=lambda r: r[0], default=(0, "nothing fits"))
    return f"loop {loop.var} is not {row.name}: {best[1]}"


# -- from equations to a call ------------------------------------------------------------------------------------------


def _assembled(site: Site, reading: Reading, form: Form, row_form: RowForm, st: State, platform: Platform) -> Match:
    row, scope = row_form.row, site.scope
    integers = [o for o in row.operands if not o.memory and _dtype(o).is_integer
                and not isinstance(st.values.get(o.name), Place)]
    known = {name: Poly.const(value) for name, value in row_form.fixed}
    found = solve(st.equations, [o.name for o in integers], known, scope)
    for o in integers:
        p = found[o.name]
        if p.names() & {c.name for c in st.counters}:
            raise NoMatchError(f"operand {o.name} of {row.word} would change with the loops")
        if _dtype(o).kind == "uint" and not scope.nonneg(p):
            raise NoMatchError(f"operand {o.name} of {row.word} is not shown to be zero or more")
    offsets = _offsets(row, st, found)
    _check_overlap(row, st, offsets)
    _check_declared(site.kernel, row, st, platform)
    _check_alignment(row, st, offsets, site.arrays, platform)
    check_rules(row, platform, {o.name: found[o.name] for o in integers}, offsets, scope)
    args = tuple(_place(o, st, found, site) if o.memory else _scalar(o, st, found, site) for o in row.operands)
    call = InstrCall(row.name, args, span=site.loop.span)
    check_together(site.kernel, site.loop, row, call)
    return Match(call, reading.covers, tuple(sorted(st.notes)), sum(not p.terms for p in st.loops.values()))


def _dtype(o: Operand) -> ScalarType:
    assert isinstance(o.dtype, ScalarType)
    return o.dtype


def _offsets(row: Instr, st: State, found: dict[str, Poly]) -> dict[str, Poly]:
    """How many bytes behind its buffer's start each operand lies. Raises NoMatchError for one that is left open."""
    out = {}
    for o in row.operands:
        if not o.memory:
            continue
        if o.name not in st.bound:
            raise NoMatchError(f"nothing in the nest is operand {o.name} of {row.word}")
        b = st.bound[o.name]
        out[o.name] = (b.flat - put(b.row_start, found)).scale(_dtype(o).bytes)
    return out


def _check_overlap(row: Instr, st: State, offsets: dict[str, Poly]) -> None:
    written = [o for o in row.operands if o.memory and o.access != "r"]
    for o in written:
        for other in row.operands:
            if other is o or not other.memory or st.bound[other.name].buffer != st.bound[o.name].buffer:
                continue
            same = offsets[o.name] == offsets[other.name] and st.bound[o.name].index == st.bound[other.name].index
            if row.overlap == "none" or (row.overlap == "same" and not same):
                raise NoMatchError(f"operands {o.name} and {other.name} of {row.word} may not both lie in "
                                   f"{st.bound[o.name].buffer}" + (" at different places" if row.overlap == "same" else ""))


def _check_declared(kernel: Kernel, row: Instr, st: State, platform: Platform) -> None:
    """A value that other calls declare as another type, such as another layout."""
    known = declarations(kernel.body, platform)
    for o in row.operands:
        if o.declared and o.memory:
            buffer = st.bound[o.name].buffer
            if known.get(buffer, (o.declared, 0))[0] != o.declared:
                raise NoMatchError(f"{buffer} is a {known[buffer][0]} already, and operand {o.name} of {row.word} a "
                                   f"{o.declared}")


def _check_alignment(row: Instr, st: State, offsets: dict[str, Poly], arrays: Arrays, platform: Platform) -> None:
    """Run-time allocations of a device start at aligned addresses; arrays of a host only as their memory says."""
    for o in row.operands:
        if not o.memory or o.shape or o.alignment <= _dtype(o).bytes:
            continue
        buffer = st.bound[o.name].buffer
        memory = platform.memory(arrays.memories[buffer])
        if platform.api is None and (memory is None or memory.alignment % o.alignment):
            raise NoMatchError(f"operand {o.name} of {row.word} must lie at a multiple of {o.alignment} bytes, which nothing "
                               f"promises of {buffer}")
        if any(c % o.alignment for c in offsets[o.name].terms.values()):
            raise NoMatchError(f"operand {o.name} of {row.word} must lie at a multiple of {o.alignment} bytes, which is not "
                               f"shown of its place in {buffer}")


def _place(o: Operand, st: State, found: dict[str, Poly], site: Site) -> Ref:
    b = st.bound[o.name]
    index = list(b.index)
    start = put(b.row_start, found)
    if start.terms:
        index[-1] = index[-1] - start
    return Ref(b.buffer, tuple(site.scope.expr(p, I32) for p in index), _dtype(o), span=site.loop.span)


def _scalar(o: Operand, st: State, found: dict[str, Poly], site: Site) -> Expr:
    if o.name in found:
        return convert(site.scope.expr(found[o.name], I32), _dtype(o))
    value = st.values.get(o.name)
    if value is None:
        raise NoMatchError(f"nothing in the nest is operand {o.name}")
    return convert(_expr(value, site), _dtype(o))


def _expr(t: Tree, site: Site) -> Expr:
    if isinstance(t, Lit):
        return Const(t.value, t.dtype)
    if isinstance(t, Sym):
        return Var(t.name, t.dtype)
    if isinstance(t, Int):
        return site.scope.expr(t.poly, t.dtype)
    assert isinstance(t, Place)
    return Load(t.buffer, tuple(site.scope.expr(p, I32) for p in t.index), t.dtype)


# -- which rows and loops to try ---------------------------------------------------------------------------------------


def candidates(kernel: Kernel, loop: For, platform: Platform) -> tuple[Instr, ...]:
    """The rows worth trying on a loop, in the table's order: those whose operands fit the types and memories of what
    the nest touches and that compute the same kinds of things."""
    site = site_of(kernel, loop)
    if not site.readings:
        return ()
    target = site.readings[0].form.target
    rows = _writers(platform).get((target.dtype, site.arrays.memories[target.buffer]), ())
    return tuple(row for row in rows if any(_fits(row, r.form, site) for r in site.readings))


def likely(kernel: Kernel, loop: For, platform: Platform) -> bool:
    """Could the nest become one call of an instr that runs over several loops, were its arrays in the right memories?"""
    site = site_of(kernel, loop)
    return any(_alike(row, r.form) for r in site.readings for row in platform.instrs if not row.atomic)


def _alike(row: Instr, form: Form) -> bool:
    """Do row and form compute the same kinds of things in equally many loops, up to loops of one iteration?"""
    types = {o.dtype for o in row.operands if o.memory}
    if not {p.dtype for p in places(form.value) if p.index} | {form.target.dtype} <= types:
        return False
    loops = _loops(form)
    forms = row_forms(row)
    return loops[1] > 0 and not isinstance(forms, str) and any(
        _kinds(f.form) == _kinds(form) and all(0 <= y - x <= 1 for x, y in zip(loops, _loops(f.form), strict=True))
        for f in forms)


def _loops(form: Form) -> tuple[int, int]:
    """How many loops run over elements of the result, and how many are folded for each."""
    return len(form.counters), sum(len(t.counters) for t in parts(form.value) if isinstance(t, Fold))


Writers = dict[tuple[ScalarType, str], list[Instr]]
_known: dict[int, tuple[Platform, Writers]] = {}


def _writers(platform: Platform) -> Writers:
    """The rows of a platform by what they may write: element type and memory."""
    if id(platform) not in _known:
        out: Writers = {}
        for row in platform.instrs:
            kinds = set() if row.atomic else {(o.dtype, m) for o in row.operands if o.access != "r" for m in o.memory}
            for dtype, memory in kinds:
                if isinstance(dtype, ScalarType):
                    out.setdefault((dtype, memory), []).append(row)
        _known[id(platform)] = platform, out  # the platform is kept, so that its id stays its own
    return _known[id(platform)][1]


def _fits(row: Instr, form: Form, site: Site) -> bool:
    operands = [o for o in row.operands if o.memory]
    if not operands:
        return False
    used = {(p.dtype, site.arrays.memories[p.buffer]): bool(p.index) for p in places(form.value)}
    target = form.target.dtype, site.arrays.memories[form.target.buffer]
    if not any(o.access != "r" and o.dtype == target[0] and target[1] in o.memory for o in operands):
        return False
    kinds = [*used, target]
    if not all(any(o.dtype == t and m in o.memory for t, m in kinds) for o in operands):
        return False
    if not all(any(o.dtype == t and m in o.memory for o in operands) for (t, m), array in used.items() if array):
        return False
    forms = row_forms(row)
    return not isinstance(forms, str) and any(_kinds(f.form) == _kinds(form) for f in forms)


def _kinds(form: Form) -> Multiset[str]:
    """What a form computes, conversions aside."""
    return Multiset(("fold " if isinstance(t, Fold) else "") + t.head for t in parts(form.value)
                    if isinstance(t, Op | Fold) and t.head != "cast")


def find_sites(kernel: Kernel, platform: Platform, allow: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """(label of a loop, name of a row) for every loop that an instr of the platform stands for, outermost first, rows
    without idle loops first, then in the table's order; loops inside one that was found are not listed. Where operands
    are values with a declared type, only rows that agree on it with some row of every other loop are listed."""
    found: list[tuple[str, list[InstrCall]]] = []
    inside: set[int] = set()
    for label, loop in loop_labels(kernel).items():
        if loop.kind == "parallel" or id(loop) in inside:
            continue
        tried = [matched(kernel, loop, row, platform, allow) for row in candidates(kernel, loop, platform)]
        calls = [m.call for m in sorted((m for m in tried if isinstance(m, Match)), key=lambda m: m.idle)]
        if calls:
            found.append((label, calls))
            inside |= {id(n) for n in walk(loop)}
    return [(label, call.instr) for label, calls in _agreeing(found, platform) for call in calls]


def _agreeing(found: list[tuple[str, list[InstrCall]]], platform: Platform) -> list[tuple[str, list[InstrCall]]]:
    """The calls whose declared types of values every other loop that touches the value can take too."""
    while True:
        allowed: dict[str, set[str]] = {}
        for _, calls in found:
            for buffer in {b for c in calls for b in _declared(c, platform)}:
                here = {w for c in calls for b, w in _declared(c, platform).items() if b == buffer}
                allowed[buffer] = allowed[buffer] & here if buffer in allowed else here
        kept = [(label, [c for c in calls if all(w in allowed[b] for b, w in _declared(c, platform).items())])
                for label, calls in found]
        kept = [(label, calls) for label, calls in kept if calls]
        if kept == found:
            return found
        found = kept


def _declared(call: InstrCall, platform: Platform) -> dict[str, str]:
    """The declared type of each value that the call takes."""
    row = platform.instr(call.instr)
    assert row is not None
    return {a.buffer: o.declared for a, o in zip(call.args, row.operands, strict=True) if isinstance(a, Ref) and o.declared}
