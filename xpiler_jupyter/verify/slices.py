"""What is too big to run is run on a slice: the first iterations of its outermost parallel dimension.

A device launch keeps its whole grid and runs only the first blocks along the slowest axis. Plain C has the upper bound
of its outermost independent loop edited in the text, at its own place. Both are exact on what they compute.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..dataflow.dependences import is_parallel
from ..errors import XpilerError
from ..frontend import parse
from ..frontend.meanings import with_meanings
from ..ir.build import integer
from ..ir.nodes import Block, Const, For, Kernel, Let
from ..ir.visit import stmts_of, substitute, walk
from .footprint import Footprint, evaluate, footprint
from .interval import Bound, Range
from .mutants import replace_at
from .sizes import SizeSet
from .subject import Scalars, Subject

SLICE_WORK = 2.0e8  # statement instances of one run: a few tenths of a second
SLICE_BYTES = 1 << 26  # of all buffers together
LENIENT = 16  # the smallest possible slice may be this much bigger than we like


@dataclass(frozen=True, slots=True)
class Slice:
    """`subject` runs the slice (with `max_blocks` in the limits of its runs), `lengths` are the elements it needs per
    entry pointer."""

    subject: Subject
    max_blocks: int | None
    lengths: dict[str, int]
    work: float
    words: str
    open: frozenset[str] = frozenset()


def too_big(subject: Subject, size: SizeSet, patience: float = 1.0) -> bool:
    """Would a run at these sizes take seconds, or move hundreds of megabytes? `patience` times as much is put up with."""
    return size.work > patience * SLICE_WORK or _bytes(subject, size.lengths) > patience * SLICE_BYTES


def cut(subject: Subject, size: SizeSet, floor: dict[str, int] | None = None) -> Slice | None:
    """The largest slice of `subject` that is quick to run; None when its outermost loops are not independent.

    Args:
        floor: lengths that the buffers have anyway (those of the reference slice).
    """
    if subject.kernel is None:
        return None
    if subject.platform.axes:
        return _launch(_direct(subject), size, floor or {})
    return _text(subject, size, floor or {})


def _bytes(subject: Subject, lengths: dict[str, int]) -> int:
    return sum(lengths.get(p.name, 0) * p.dtype.bytes for p in subject.pointers)


def _direct(subject: Subject) -> Subject:
    """The device kernel itself: a wrapper would copy whole buffers."""
    if not subject.wrapped or subject.kernel is None or subject.kernel.host is None:
        return subject
    names = {a.param: a.source for a in subject.kernel.host.args if a.source is not None}
    return dataclasses.replace(subject, direct=True, names=names)


def _fits(subject: Subject, kernel: Kernel, scalars: dict[str, Bound], size: SizeSet, floor: dict[str, int],
          lenient: int = 1) -> tuple[bool, dict[str, int], float, frozenset[str]]:
    """Whether the limited `kernel` is quick; the lengths it needs; its work; buffers of which only a run can tell."""
    data = {b: Range(0.0, float(t)) for b, t in size.top.items()}
    fp: Footprint = footprint(kernel, scalars, data)
    lengths: dict[str, int] = {}
    unknown: set[str] = set()
    for p in subject.pointers:
        top = float(np.max(fp.top.get(p.name, 1.0)))
        declared = size.lengths.get(subject.names.get(p.name, p.name), 0)
        if np.isfinite(top) and top < 2**40:
            need = min(int(top), declared) if declared else int(top)
        else:
            need = min(declared, 1 << 16) if declared else 1 << 16
            unknown.add(p.name)
        lengths[p.name] = max(1, need, floor.get(p.name, 0))
    work = float(np.max(fp.work))
    quick = work <= lenient * SLICE_WORK and _bytes(subject, lengths) <= lenient * SLICE_BYTES
    return quick, lengths, work, frozenset(unknown)


def _launch(subject: Subject, size: SizeSet, floor: dict[str, int]) -> Slice | None:
    kernel = subject.kernel
    assert kernel is not None
    known: dict[str, Bound] = {**size.scalars, **wrapper_values(subject, size.scalars)}
    for place, node in enumerate(walk(kernel.body)):
        if not isinstance(node, For) or node.axis is None:
            continue
        axis = subject.platform.axis(node.axis)
        extent = float(evaluate(node.hi, known))
        if axis is None or axis.level != "grid" or not extent > 1:
            continue
        for count in _counts(int(extent)):
            less = dataclasses.replace(kernel, body=replace_at(kernel.body, place, dataclasses.replace(
                node, hi=integer(count))))
            ok, lengths, work, unknown = _fits(subject, less, known, size, floor, LENIENT if count == 1 else 1)
            if ok:
                words = f"the first {count} of {int(extent)} blocks along {node.axis}"
                return Slice(subject, count, lengths, work, words, unknown)
        return None
    return None


def wrapper_values(subject: Subject, scalars: Scalars) -> dict[str, Bound]:
    """What the wrapper would pass for the device kernel's own scalars."""
    whole = dataclasses.replace(subject, direct=False, names={})
    return whole.kernel_scalars(scalars)


def _counts(extent: int) -> list[int]:
    """Trip counts to try, from many to one."""
    out = []
    count = 1
    while count < extent:
        out.append(count)
        count *= 2
    return out[::-1]


def _text(subject: Subject, size: SizeSet, floor: dict[str, int]) -> Slice | None:
    done: list[str] = []
    whole = parsed(subject.text, subject)  # a pass' kernel has no places in the text that was printed from it
    if whole is None:
        return None
    subject = whole
    for _ in range(3):
        loop = _outermost(subject.kernel, len(done))
        kernel = subject.kernel
        if loop is None or kernel is None or loop.hi.span is None or not is_parallel(kernel, loop):
            return None
        around = [s for s in stmts_of(kernel.body) if isinstance(s, Let)]
        named = {s.name: s.value for s in around if isinstance(s.value, Const)}
        extent = float(evaluate(substitute(loop.hi, named), dict(size.scalars)))
        if not np.isfinite(extent):
            return None
        smallest: Subject | None = None
        for count in _counts(int(extent)) or [1]:
            less = _edited(subject, loop, count, len(done))
            if less is None or less.kernel is None:
                return None
            ok, lengths, work, unknown = _fits(less, less.kernel, dict(size.scalars), size, floor)
            if ok:
                done.append(f"{loop.var} < {count} of {int(extent)}")
                return Slice(less, None, lengths, work, "only " + ", ".join(done), unknown)
            smallest = less
        if smallest is None:
            return None
        subject = smallest
        done.append(f"{loop.var} < 1")
    return None


def _outermost(kernel: Kernel | None, depth: int) -> For | None:
    """The only loop at nesting depth `depth`, if there is just one per level on the way."""
    body: Block | None = kernel.body if kernel else None
    for level in range(depth + 1):
        loops = [s for s in stmts_of(body) if isinstance(s, For)] if body else []
        if len(loops) != 1 or loops[0].kind not in ("serial", "threads"):
            return None
        if level == depth:
            return loops[0]
        body = loops[0].body
    return None


def _edited(subject: Subject, loop: For, count: int, depth: int) -> Subject | None:
    """The text with the loop's upper bound replaced by `count`; None when that edit does not say what it should."""
    span = loop.hi.span
    assert span is not None
    raw = subject.text.encode()
    less = parsed((raw[:span.start] + str(count).encode() + raw[span.end:]).decode(), subject)
    again = _outermost(less.kernel, depth) if less else None
    if again is None or not np.array_equal(evaluate(again.hi, {}), float(count)):
        return None
    return less


def parsed(text: str, like: Subject) -> Subject | None:
    """`text` as the subject that `like` is, its intrinsics as what they mean, or None when it is outside the IR."""
    try:
        kernel = parse(text, like.platform, like.kernel.name if like.kernel else None)
        return Subject(text, like.platform, with_meanings(kernel))
    except XpilerError:
        return None
