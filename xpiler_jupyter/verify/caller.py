"""A kernel in its caller's terms: as one function of the buffers and scalars of the C ABI. What the host wrapper passes
stands in place of the device kernel's own scalars, so that two kernels with different wrappers can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..dataflow.extents import footprint_is_dense
from ..dataflow.proof.model import Unknown, Words
from ..frontend.meanings import Meanings
from ..ir import build
from ..ir.nodes import Alloc, Binary, Block, Expr, For, HostArg, If, Kernel, Let, Param, Var
from ..ir.types import BOOL
from ..ir.visit import buffers_written, free_vars, substitute, walk
from ..platforms.base import Platform
from .subject import Subject

WHOLE = HostArg("")  # how a caller's own buffer is passed: all of it, both ways


@dataclass(frozen=True, slots=True)
class Called:
    """A kernel as its caller sees it.

    Attributes:
        kernel: its scalars are the caller's, under the names they have in both kernels.
        slots: parameter buffers -> the caller's buffer.
        passed: caller's buffer -> how the wrapper passes it.
        unwritten: caller's buffers that may leave the wrapper with elements that nobody wrote.
    """

    kernel: Kernel
    slots: dict[str, str]
    passed: dict[str, HostArg]
    unwritten: frozenset[str]


def words_of(platform: Platform) -> Words:
    """What the proofs must know of a platform's axes and memories."""
    axes = [a.name for a in platform.axes if a.level == "block"]
    return Words({a.name: a.level for a in platform.axes},
                 {m.name: tuple(a for a in axes if a not in m.shared_by) for m in platform.memories if m.shared_by},
                 Meanings if platform.lane_width > 1 else None)


def as_called(subject: Subject, buffers: Mapping[str, str], scalars: Mapping[str, str]) -> Called:
    """The kernel as a function of the caller's `buffers` and `scalars` (own name -> common name).

    Raises:
        Unknown: the text is outside the IR, or its wrapper does what a proof does not follow.
    """
    kernel = subject.kernel
    if kernel is None:
        raise Unknown("the text is outside the language of kernels that proofs understand")
    args = {a.param: a for a in kernel.host.args} if kernel.host is not None and subject.wrapped else {}
    written = buffers_written(kernel.body)
    slots: dict[str, str] = {}
    passed: dict[str, HostArg] = {}
    for p in kernel.params:
        if not p.pointer:
            continue
        own = subject.origin(p.name)
        if own is None:
            continue  # scratch of the wrapper: nobody else sees it
        slot = buffers[own]
        if slot in passed and (p.name in written or any(slots[q] == slot and q in written for q in slots)):
            raise Unknown(f"two parameters of {kernel.name} are the same buffer, {slot}")
        slots[p.name] = slot
        passed[slot] = args.get(p.name, WHOLE)
        if p.name in written and not passed[slot].copy_out:
            raise Unknown(f"{kernel.name} writes {p.name}, which its wrapper does not hand back")
    partial = frozenset(slots[n] for n in slots if n in written and not passed[slots[n]].copy_in
                        and not footprint_is_dense(kernel, n))
    caller = {p.name: Var(scalars[p.name], p.dtype) for p in subject.scalars}
    values: dict[str, Expr] = dict(caller)
    values |= {a.param: substitute(a.value, caller) for a in args.values() if a.value is not None}
    own_scalars = tuple(replace(p, name=scalars[p.name]) for p in subject.scalars)
    params = tuple(p for p in kernel.params if p.pointer)
    body = substitute(kernel.body, values)
    holds = tuple(substitute(e, values) for e in kernel.assume)
    return Called(replace(kernel, params=(*params, *own_scalars), sizes=(), host=None, body=body, assume=holds),
                  slots, passed, partial)


def common_names(a: Subject, b: Subject, scalars: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Names for the scalars of `a` and `b` that no loop or variable of either kernel has. `scalars`: b's -> a's."""
    taken = {name for s in (a, b) if s.kernel is not None for name in _binders(s.kernel)}
    mine = {p.name: p.name if p.name not in taken else f"{p.name}'" for p in a.scalars}
    return mine, {k: mine[v] for k, v in scalars.items()}


def _binders(kernel: Kernel) -> set[str]:
    found: set[str] = set()
    for n in walk(kernel.body):
        if isinstance(n, For):
            found.add(n.var)
        elif isinstance(n, Let | Alloc):
            found.add(n.name)
    return found


def guarded(kernel: Kernel, holds: tuple[Expr, ...]) -> Kernel:
    """The kernel where its integer scalars (and products of two) are at least 1 and `holds` is true; elsewhere it does
    nothing."""
    sizes = [Var(p.name, p.dtype) for p in kernel.params if not p.pointer and p.dtype.is_integer]
    ones: list[Expr] = [Binary(">=", v, build.convert(build.integer(1), v.dtype), BOOL) for v in sizes]
    ones += [Binary(">=", build.mul(v, w), build.convert(build.integer(1), v.dtype), BOOL)
             for k, v in enumerate(sizes) for w in sizes[k:] if v.dtype == w.dtype]
    test = build.conjunction([*ones, *(e for e in holds if free_vars(e) <= {v.name for v in sizes})])
    return kernel if test is None else replace(kernel, body=Block((If(test, kernel.body),)))


def agreed_start(a: Called, b: Called, given: frozenset[str]) -> None:
    """Do both wrappers hand their kernels the same contents at the start, where that matters? `given`: buffers whose
    contents before the call are in a result. Raises Unknown."""
    for slot, theirs in b.passed.items():
        mine = a.passed.get(slot, WHOLE)
        if slot in given and (mine.copy_in, mine.fill) != (theirs.copy_in, theirs.fill):
            raise Unknown(f"{slot} is read before it is written, and only one of the two wrappers copies it in")
        if slot in b.unwritten and slot not in a.unwritten:
            raise Unknown(f"{slot} comes back from a wrapper that does not copy it in, and it is not known to be written whole")


def scalars_of(kernel: Kernel) -> tuple[Param, ...]:
    """Integer scalars: what a proof for all sizes leaves open."""
    return tuple(p for p in kernel.params if not p.pointer and p.dtype.is_integer)
