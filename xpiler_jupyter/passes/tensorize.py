"""Loops become calls of the platform's intrinsics."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from ..dataflow.dependences import is_parallel, is_private
from ..errors import IllegalPassError
from ..frontend.meanings import with_meanings
from ..ir import build
from ..ir.algebra import ONE, Poly, Scope
from ..ir.narrow import split
from ..ir.nodes import Alloc, Block, Const, Expr, For, If, InstrCall, Kernel, Let, Store, Var, While
from ..ir.simplify import simplify, simplify_expr
from ..ir.types import F32, F64
from ..ir.visit import all_names, fresh_name, walk
from ..platforms.base import Platform
from . import _assumed
from ._loops import find_loop, refuse_barriers, refuse_exits, replace_stmt, scope_at, serial_loops, trip_count
from ._match import Match, candidates, find_sites, matched
from ._registers import in_registers
from ._retarget import retarget
from ._staged_operands import staged_operands
from ._vec_body import Assign, Body
from ._vec_emit import Emitter, Sequence, Slot, Step
from ._vec_guard import without_guard
from ._vec_place import placed
from ._vec_rows import index, lengths
from ._vec_select import FUNCTIONS, Selector
from ._vec_tree import Tree, narrowed_floats
from ._warp_tiles import warp_tile
from .base import Pass, PassResult, loop_labels, replace_node


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of one loop: its statements, the arrays they need, and what to say."""

    body: Block
    arrays: tuple[Alloc, ...]
    words: tuple[str, ...]
    says: tuple[str, ...]
    assumes: tuple[str, ...]
    covers: tuple[Any, ...] = ()  # statements that are needless now, beside the loop
    uses: tuple[str, ...] = ()  # what the judge has to keep its inputs to


class Tensorize(Pass):
    """    for (i < n) y[i] = a * x[i] + y[i];
    ->
        mul_scalar(t, x, a, n);
        add(y, t, y, n);

    A loop whose iterations are independent, over consecutive elements, becomes vector intrinsics: each statement for all
    iterations at once. Vectors between two calls are held in arrays or registers of their own. A sum, product, maximum
    or minimum over the loop is folded by one intrinsic. A whole nest that is what one intrinsic means (a product of
    matrices, a copy of rows, a pooling) becomes one call of it.
    """

    name = "tensorize"
    kind = "tensor"
    summary = "Replaces loops by the platform's vector and matrix intrinsics that compute the same."
    knobs: ClassVar[dict[str, str]] = {
        "loop": "the loop to replace (default: the first that intrinsics fit)",
        "instr": "an intrinsic that must be among those used, by its word or its name in the table",
        "stage": "arrays to copy first to a memory that only intrinsics read: {\"Bt\": \"wram\"}",
        "allow": "narrower types that intrinsics may compute in: int8, fp16, tf32",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        return self._sites(kernel, target, ())

    def _sites(self, kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> list[dict[str, Any]]:
        if not target.instrs:
            return []
        try:
            here = self._on(kernel, target)
        except IllegalPassError:
            return []
        labels = loop_labels(here)
        nests = find_sites(here, target, allow)
        tiles: list[dict[str, Any]] = []
        if any(r.lanes > 1 for r in target.instrs):
            outer = [label for label, loop in serial_loops(here) if not _innermost(loop)]
            tiles = [{"loop": x} for x in outer if isinstance(self._by_warp(here, x, target, None, allow), PassResult)]
        wide = [{"loop": label, "instr": row} for label, row in nests if not _innermost(labels[label])]
        inside = {id(n) for knobs in wide for n in walk(labels[knobs["loop"]])}
        vectors: list[tuple[int, dict[str, Any]]] = []
        for label, loop in serial_loops(here):
            if _innermost(loop) and id(loop) not in inside:
                try:
                    plan = self._vectors(here, loop, label, target)
                except IllegalPassError:
                    continue
                vectors.append((-len(plan.words), {"loop": label}))
        found = [knobs for _, knobs in sorted(vectors, key=lambda x: x[0])]
        rest = [{"loop": label, "instr": row} for label, row in nests if _innermost(labels[label])]
        return [*tiles, *wide, *found, *(k for k in rest if {"loop": k["loop"]} not in found)]

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        if not target.instrs:
            raise self.refuse(f"{target.title} has no intrinsics")
        kernel = self._on(kernel, target)
        label, wanted, allow = knobs.get("loop"), knobs.get("instr"), _words(knobs.get("allow"))
        if label is None:
            sites = [k for k in self._sites(kernel, target, allow) if wanted is None or k.get("instr", wanted) == wanted]
            if not sites:
                raise self._nothing(kernel, target)
            label, wanted = sites[0]["loop"], wanted or sites[0].get("instr")
        if knobs.get("stage"):
            kernel = staged_operands(kernel, find_loop(self, kernel, label), knobs["stage"], target, self.refuse)
        warp = ""
        if not _innermost(find_loop(self, kernel, label)) and any(r.lanes > 1 for r in target.instrs):
            tile = self._by_warp(kernel, str(label), target, wanted, allow)
            if isinstance(tile, PassResult):
                return tile
            warp = tile
        try:
            plan = self._plan(kernel, str(label), target, wanted, allow)
        except IllegalPassError as no:
            if not warp:
                raise
            raise self.refuse(warp, find_loop(self, kernel, label)) from no
        done = replace_stmt(kernel, find_loop(self, kernel, label), plan.body)
        for needless in plan.covers:
            done = replace_stmt(done, needless, Block())
        if plan.arrays:
            body = _thread_body(done)
            done = replace_node(done, body, dataclasses.replace(body, stmts=(*plan.arrays, *body.stmts)))
        words = ", ".join(dict.fromkeys(plan.words))
        note = f"Loop {label} became {len(plan.words)} intrinsic call{'s' if len(plan.words) > 1 else ''}: {words}."
        if plan.says:
            said = "; ".join(dict.fromkeys(plan.says))
            note += f" {said[0].upper()}{said[1:]}."
        done, kept = in_registers(simplify(done), target)
        if kept:
            note += f" {', '.join(kept)} {'is' if len(kept) == 1 else 'are'} kept in registers."
        return PassResult(done, note, assumptions=plan.assumes, uses=plan.uses)

    def _by_warp(self, kernel: Kernel, label: str, target: Platform, wanted: str | None, allow: tuple[str, ...]
                 ) -> PassResult | str:
        """A product of matrices done by each warp in place of a thread, or why there is none."""
        made = warp_tile(kernel, find_loop(self, kernel, label), target, allow)
        if isinstance(made, str):
            return made
        done, unit = made
        rows = (unit.fill, unit.load_a, unit.load_b, unit.multiply, *unit.store.values(), *unit.load_c.values())
        if wanted is not None and not any(wanted in (r.name, r.word) for r in rows):
            return f"loop {label} becomes {unit.multiply.word}, without {wanted}"
        size = " x ".join(str(n) for n in unit.shape)
        note = f"Loop {label} became {unit.multiply.word} ({size}): a warp does what a thread did, a tile at a time."
        needs = (unit.multiply.needs,) if unit.multiply.needs else ()
        return PassResult(simplify(done), note, uses=needs)

    # -- one loop ------------------------------------------------------------------------------------------------------

    def _on(self, kernel: Kernel, target: Platform) -> Kernel:
        if kernel.platform == target.name:
            return kernel
        if target.axes or kernel.host is not None:
            raise self.refuse(f"the kernel is not one of {target.title} yet", hint="Bind its loops first: loop_bind.")
        return retarget(kernel, target, self.refuse)

    def _nothing(self, kernel: Kernel, target: Platform) -> IllegalPassError:
        """Why no loop can be replaced: the reason of the first innermost one."""
        for label, loop in serial_loops(kernel):
            if _innermost(loop):
                try:
                    self._plan(kernel, label, target)
                except IllegalPassError as e:
                    return e
        return self.refuse("the kernel has no loop that could become intrinsics")

    def _plan(self, kernel: Kernel, label: str, target: Platform, wanted: str | None = None,
              allow: tuple[str, ...] = ()) -> _Plan:
        """The calls for the loop: vectors for an innermost one, else one call for the whole nest. Raises
        IllegalPassError with what stands against it."""
        loop = find_loop(self, kernel, label)
        if not _innermost(loop):
            return self._nest(kernel, loop, target, wanted, allow)
        try:
            plan = self._vectors(kernel, loop, label, target)
            named = target.instr(wanted) if wanted is not None else None
            if wanted is not None and (named.word if named is not None else wanted) not in plan.words:
                raise self.refuse(f"loop {label} becomes {', '.join(dict.fromkeys(plan.words))}, without {wanted}", loop)
            return plan
        except IllegalPassError as no:
            try:
                return self._nest(kernel, loop, target, wanted, allow)
            except IllegalPassError:
                raise no from None

    def _nest(self, kernel: Kernel, loop: For, target: Platform, wanted: str | None, allow: tuple[str, ...]) -> _Plan:
        """One call for the whole nest."""
        tried: list[str] = []
        fitting: list[tuple[int, Match]] = []
        for row in candidates(kernel, loop, target):
            if wanted is None or wanted in (row.name, row.word):
                found = matched(kernel, loop, row, target, allow)
                if isinstance(found, str):
                    tried.append(found)
                else:
                    fitting.append((found.idle, found))
        if not fitting:
            why = tried[0] if tried else f"no {wanted or 'intrinsic'} stands for the nest of loop {loop.var}"
            raise self.refuse(why, loop)
        best = min(fitting, key=lambda m: (bool(_assumed.assumed(m[1].assumptions)), m[0]))[1]
        chosen = target.instr(best.call.instr)
        assert chosen is not None
        covers = tuple(s for s in best.covers if s is not loop)
        uses = ((chosen.needs,) if chosen.needs else ()) + _assumed.uses(best.assumptions)
        return _Plan(Block((best.call,)), (), (chosen.word,), (), best.assumptions, covers, uses)

    def _vectors(self, kernel: Kernel, loop: For, label: str, target: Platform) -> _Plan:
        """Vector calls for an innermost loop."""
        refuse_exits(self, loop, label)
        refuse_barriers(self, loop, label)
        if not (isinstance(loop.step, Const) and loop.step.value == 1):
            raise self.refuse(f"loop {label} does not step by 1", loop)
        meant = with_meanings(kernel)
        answer = is_parallel(meant, loop)
        if not answer.ok and not answer.dependences:
            raise self.refuse(answer.reason, answer.node or loop)
        scope = scope_at(kernel, loop)
        private = set(answer.needs_private)
        if not answer.ok:
            carried = {d.buffer for d in answer.dependences}
            stored = {n.buffer for n in walk(loop.body) if isinstance(n, Store)} - carried
            private |= {n.name for n in walk(meant.body) if isinstance(n, Alloc) and not n.shape and n.name in stored
                        and is_private(meant, n, loop)}
        whole = loop
        loop, outer = without_guard(loop, scope)
        inner = scope.given(outer) if outer is not None else scope
        assigns = Body(kernel, loop, inner, private, self.refuse).read()
        if not assigns:
            raise self.refuse(f"loop {label} computes nothing that is kept", whole)
        folds = {a.place.buffer for a in assigns if a.fold}
        if any(d.buffer not in folds for d in answer.dependences):
            raise self.refuse(f"{answer.reason}; its iterations depend on each other", answer.node or whole)
        stmts, arrays, seq = self._calls(kernel, loop, label, inner, assigns, target)
        if outer is not None:
            stmts = Block((If(outer, stmts),))
        given = tuple(dict.fromkeys((*answer.assumes, *_assumed.assumed(seq.says))))
        return _Plan(stmts, arrays, tuple(seq.words), tuple(seq.says), given, uses=_assumed.uses(seq.says))

    def _calls(self, kernel: Kernel, loop: For, label: str, scope: Scope, assigns: list[Assign],
               target: Platform) -> tuple[Block, tuple[Alloc, ...], Sequence]:
        """The first vector length of the platform, and the first precision, for which every value has a row."""
        trips = trip_count(loop, scope)
        length, most = simplify_expr(build.sub(loop.hi, loop.lo), scope), _most(kernel, scope.upper(trips), assigns)
        before: tuple[Let, ...] = ()
        within = scope
        if not isinstance(length, Const):
            if not isinstance(length, Var):
                before = (Let(fresh_name("count", all_names(kernel)), length.dtype, length),)
                length = Var(before[0].name, length.dtype)
                value = scope.poly(before[0].value)
                within = within.bounded(length.name, value, value)  # stays a name: what holds of it is known by the name
            within = within.bounded(length.name, ONE, Poly.const(most) if most is not None else None)
        known = lengths(target)
        modes = [n for n in known if n is None or n == trips.value]
        if not known:
            raise self.refuse(f"{target.title} has no vectors", loop)
        if not modes:
            shown = ", ".join(str(n) for n in sorted(n for n in known if n is not None))
            raise self.refuse(f"loop {label} does not have as many iterations as a vector has elements ({shown})", loop,
                              "Split it by one of these first: loop_split.")
        first: IllegalPassError | None = None
        for narrow in (False, True):
            use = [_narrow(a) for a in assigns] if narrow else assigns
            if narrow and (use == assigns or any(_cancels(a.value) for a in assigns)):
                break
            for lanes in modes:
                try:
                    seq = self._sequence(kernel, use, length, within, lanes, target)
                    if most is None and _needs_arrays(seq):
                        raise self.refuse(f"how many iterations loop {label} has at most is not known", loop,
                                          "Split it by a constant factor first: loop_split.")
                except IllegalPassError as e:
                    first = first or e
                    continue
                if narrow:
                    seq.says.append("double values in between are computed as float")
                done = placed(seq, most, all_names(kernel) | {b.name for b in before}, target)
                body = Block(tuple(done.stmts))
                if not scope.positive(trips):
                    body = Block((If(build.lt(build.integer(0), length), body),))
                body = Block((*before, *body.stmts))
                return body, tuple(done.arrays), seq
        assert first is not None
        raise first

    def _sequence(self, kernel: Kernel, assigns: list[Assign], length: Expr, scope: Scope, lanes: int | None,
                  target: Platform) -> Sequence:
        types = frozenset(t.dtype for a in assigns for t in a.value.walk() if t.dtype.kind != "bool")
        types |= {a.place.dtype for a in assigns}
        selector = Selector(target, index(target, lanes, types), length, scope, lanes is not None,
                            [a.value for a in assigns])
        seq = Emitter(selector, self.refuse, all_names(kernel)).run(assigns)
        functions = [s for s in seq.steps if isinstance(s, For)]
        if functions and not seq.computed:
            raise self.refuse(f"{seq.says[0]}, and nothing else is to compute", assigns[0].node)
        return seq


def _words(allow: Any) -> tuple[str, ...]:
    """The knob `allow`: words in a row, or in one text between commas."""
    return split(allow) if allow else ()


def _innermost(loop: For) -> bool:
    return not any(isinstance(n, For | While | InstrCall) for n in walk(loop.body))


def _thread_body(kernel: Kernel) -> Block:
    """The block of what one thread does."""
    body = kernel.body
    while body.stmts and isinstance(s := body.stmts[-1], For) and s.kind == "parallel":
        body = s.body
    return body


def _narrow(a: Assign) -> Assign:
    return dataclasses.replace(a, value=narrowed_floats(a.value, F64, F32)) if a.place.dtype != F64 else a


def _cancels(t: Tree) -> bool:
    """Is there a sum of doubles with a function's value in it, such as 1 + tanh(x)? In float its digits may be lost."""
    return any(x.op in ("+", "-") and x.dtype == F64 and any(y.op in FUNCTIONS for y in x.walk()) for x in t.walk())


def _needs_arrays(seq: Sequence) -> bool:
    return any(isinstance(x, Slot) and x.rank and x.elements is None
               for s in seq.steps if isinstance(s, Step) for x in s.args)


def _most(kernel: Kernel, bound: int | None, assigns: list[Assign]) -> int | None:
    """An upper bound of the iterations: the loop's own, or the size of an array that it walks over."""
    sizes = {n.name: n.shape[-1] for n in walk(kernel.body) if isinstance(n, Alloc) and n.shape}
    places = {a.place.buffer for a in assigns if not a.fold}
    places |= {t.data.buffer for a in assigns for t in a.value.walk() if t.op == "vec"}
    found = [int(s.value) for b in places if isinstance(s := sizes.get(b), Const)]
    return min([*found, *([bound] if bound is not None else [])], default=None)


PASS = Tensorize()
