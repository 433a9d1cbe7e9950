"""A loop nest of a kernel as what an instr could stand for: its form, alone and with the fill in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from ..dataflow.dependences import is_parallel, is_private
from ..errors import UnsupportedError
from ..frontend.meanings import Meanings
from ..ir.algebra import Scope
from ..ir.nodes import Alloc, Expr, For, InstrCall, Kernel
from ..ir.poly import ONE, Poly
from ..ir.visit import buffers_read, buffers_written, walk
from ._loops import block_of, scope_at, trip_count
from ._match_read import Reader
from ._match_tree import Counter, Form, NoMatchError, places
from ._match_unify import Arrays

PARAMETERS = "global"  # the memory that pointer parameters point to


@dataclass(frozen=True, slots=True)
class Reading:
    """One form and the statements that it is the form of."""

    form: Form
    covers: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of one loop of a kernel. `scope`: before the loop. `why`: why there is no reading."""

    kernel: Kernel
    loop: For
    scope: Scope
    arrays: Arrays
    readings: tuple[Reading, ...]
    why: str = ""


_last: list[Site] = []  # many rows are tried on one loop


def site_of(kernel: Kernel, loop: For) -> Site:
    """The site of a loop of the kernel (the very object)."""
    if not _last or _last[0].kernel is not kernel or _last[0].loop is not loop:
        _last[:] = [_site(kernel, loop)]
    return _last[0]


def _site(kernel: Kernel, loop: For) -> Site:
    scope = scope_at(kernel, loop)
    arrays = _arrays(kernel, scope)
    try:
        form = _form(kernel, loop, (loop,), scope, arrays)
    except NoMatchError as error:
        return Site(kernel, loop, scope, arrays, (), str(error))
    readings = [Reading(form, (loop,))]
    fill = _fill(kernel, loop, form.target.buffer) if form.target in places(form.value) else None
    if fill is not None:
        before, stmts = fill
        with suppress(NoMatchError):  # what stands in front is no fill: the loop is matched alone
            readings.append(Reading(_form(kernel, loop, (*stmts, loop), scope, arrays), (before, loop)))
    return Site(kernel, loop, scope, arrays, tuple(readings))


def _arrays(kernel: Kernel, scope: Scope) -> Arrays:
    shapes: dict[str, tuple[Poly, ...]] = {p.name: (ONE,) for p in kernel.params if p.pointer}
    types = {p.name: p.dtype for p in kernel.params if p.pointer}
    memories = dict.fromkeys(shapes, PARAMETERS)
    for n in walk(kernel.body):
        if isinstance(n, Alloc):
            shapes[n.name] = tuple(scope.poly(d) for d in n.shape)
            types[n.name], memories[n.name] = n.dtype, n.memory
    return Arrays(shapes, types, memories)


def _form(kernel: Kernel, loop: For, stmts: Sequence[Any], scope: Scope, arrays: Arrays) -> Form:
    def poly(e: Expr, s: Scope) -> Poly:
        return s.poly(e)

    fill = [s for s in stmts if s is not loop]
    kept = {b for s in fill for b in buffers_written(s)}  # what a fill leaves may be read behind the loop
    allocs = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc) and n.name in buffers_written(loop) - kept}

    def dead(name: str) -> bool:
        return name in allocs and is_private(kernel, allocs[name], loop)

    reader = Reader(arrays.types, poly, trip_count)
    form = reader.form(stmts, scope, dead)
    _check_apart(kernel, loop, form, arrays, scope)
    return form


def _check_apart(kernel: Kernel, loop: For, form: Form, arrays: Arrays, scope: Scope) -> None:
    """Different counts must name different elements, else it matters which comes last."""
    flat = arrays.flat(form.target)
    steps = [(c, flat.collect(c.var)[0]) for c in form.counters]
    for order in permutations(steps):
        if _nested(order, scope):
            return
    labels = {c.label for c in form.counters}
    for n in walk(loop):
        if isinstance(n, For) and n.var in labels:
            answer = is_parallel(kernel, n)
            if not answer:
                raise NoMatchError(answer.reason)


def _nested(order: Sequence[tuple[Counter, Poly]], scope: Scope) -> bool:
    """Is each step at least as long as all that the loops before it reach?"""
    reach = ONE
    for c, step in order:
        if not scope.nonneg(step - reach):
            return False
        reach = step * c.extent
    return True


def _fill(kernel: Kernel, loop: For, buffer: str) -> tuple[Any, tuple[Any, ...]] | None:
    """The last statement before the loop, in its block, that touches the buffer, if it may be a fill: the statement
    and what it stands for."""
    block, k = block_of(kernel, loop)
    for s in reversed(block.stmts[:k]):
        if buffer in buffers_written(s) | buffers_read(s):
            if isinstance(s, InstrCall):
                try:
                    return s, Meanings(kernel).of(s)
                except UnsupportedError:
                    return None
            return s, (s,)
    return None
