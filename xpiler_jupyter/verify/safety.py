"""Safety of a text: what `dataflow/proof/safety.py` must know about its platform, and the kernel in the form it reads."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..dataflow.proof.machine import Machine, Safety
from ..dataflow.proof.safety import safety
from ..frontend.meanings import with_meanings
from ..ir.build import integer
from ..ir.nodes import AnyStmt, Barrier, Call, Expr, For, InstrCall, Kernel, Ref, Span, Store, Var
from ..ir.visit import Rewriter, walk
from ..platforms.base import Platform
from ..platforms.instr import Operand
from .caller import words_of
from .interval import Bound
from .subject import Subject


def safety_of(subject: Subject, scalars: Mapping[str, Bound], lengths: Mapping[str, int] | None = None) -> Safety:
    """Bounds, races, barriers and initialisation of a subject's kernel.

    Args:
        subject: with a kernel whose instrs are still calls.
        scalars: values of the entry's scalars, by name.
        lengths: elements of the entry's buffers, by name.
    """
    kernel = subject.kernel
    assert kernel is not None
    values = {k: float(v) for k, v in subject.kernel_scalars(scalars).items()}
    known = {k: int(v) for k, v in values.items() if v == v // 1}
    sizes = {p.name: (lengths or {})[own] for p in kernel.params if p.pointer
             and (own := subject.origin(p.name)) is not None and own in (lengths or {})}
    return safety(readable(kernel, subject.platform), known, machine_of(subject.platform, kernel), sizes)


def machine_of(platform: Platform, kernel: Kernel) -> Machine:
    """The threads of a platform. The axes along which a barrier of part of a block brings threads together are those that
    share a memory of that part."""
    words = words_of(platform)
    part = tuple(dict.fromkeys(a for m in platform.memories for a in m.shared_by))
    meets = {scope: part for scope in platform.barriers if scope not in ("block", "warp")}
    together: set[Span] = set()
    waits: dict[Span, frozenset[str]] = {}
    queues: dict[Span, str] = {}
    for n in walk(kernel.body):
        row = platform.instr(n.instr) if isinstance(n, InstrCall) else None
        if not isinstance(n, InstrCall) or row is None or n.span is None:
            continue
        if row.lanes > 1 and not any(o.per_lane for o in row.operands):
            together.add(n.span)
        if row.deferred:
            waits[n.span] = _completed_by(n, platform)
        if (queue := _queue(n, platform)) is not None:
            queues[n.span] = queue
    largest = {a.name: a.max_extent for a in platform.axes}
    return Machine(words.levels, largest, words.apart, meets, platform.lane_width, frozenset(together), waits, queues,
                   _pauses(platform))


def _completed_by(call: InstrCall, platform: Platform) -> frozenset[str]:
    """Scopes of the barriers after which a call that runs behind is done."""
    scopes = {s for s, text in platform.barriers.items() if text.split("(")[0] in platform.completes}
    scopes |= {w for w in platform.completes if w in _pauses(platform)}
    queue = _queue(call, platform)
    return frozenset(scopes | ({queue} if queue is not None else set()))


def _queue(call: InstrCall, platform: Platform) -> str | None:
    """What waits for the copies of a queue names it."""
    for rows in platform.copies.values():
        names = (rows.plain, rows.strided, rows.later, rows.later_strided)
        if rows.wait and any(name and call.instr.startswith(f"{name}.") for name in names):
            return rows.wait
    return None


def _pauses(platform: Platform) -> frozenset[str]:
    """Calls at which a thread waits for its own work."""
    meetings = {text.split("(")[0] for text in platform.barriers.values()}
    return frozenset({rows.wait for rows in platform.copies.values() if rows.wait} | set(platform.completes)) - meetings


def readable(kernel: Kernel, platform: Platform) -> Kernel:
    """The kernel in plain statements. A call to which each lane brings values becomes stores, to what it writes, of a value
    of which no more is said than what it depends on: the operands, and which thread it is. A call that waits becomes a
    barrier that meets nobody."""
    block = [Var(a.name) for a in platform.axes if a.level == "block"]

    class Put(Rewriter):
        def visit_InstrCall(self, call: InstrCall) -> Any:
            row = platform.instr(call.instr)
            if call.instr in pauses:
                return Barrier(call.instr, span=call.span)
            if row is None or not any(o.per_lane for o in row.operands):
                return call
            written = [(o, a) for o, a in zip(row.operands, call.args, strict=True) if isinstance(a, Ref) and "w" in o.access]
            if not all(isinstance(a, Ref) or o.access == "r" for o, a in zip(row.operands, call.args, strict=True)):
                return call
            given = tuple(a for a in call.args if not isinstance(a, Ref))
            if any(isinstance(a, Ref) and "r" in o.access for o, a in zip(row.operands, call.args, strict=True)):
                return call  # values that lie in arrays
            here = tuple(v for v in block if v.name in axes)
            return tuple(s for o, a in written for s in _stores(call, o, a, (*given, *here)))

    pauses = _pauses(platform)
    axes = {n.var for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel"}
    return with_meanings(Put().visit(kernel))


def _stores(call: InstrCall, o: Operand, to: Ref, depends: tuple[Expr, ...]) -> list[AnyStmt]:
    outer = to.indices[:len(to.indices) - len(o.shape)]
    value = Call(f"lanes of {call.instr}", depends, to.dtype)
    return [replace(Store(to.buffer, (*outer, *map(integer, at)), value, to.dtype), span=call.span)
            for at in itertools.product(*map(range, o.shape))]
