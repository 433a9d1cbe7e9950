"""What is too big to run is run on a slice: the first iterations of its outermost dimension that allows it.

A device launch keeps its whole grid and runs only the first blocks along its slowest axes. Where there are no blocks to
leave out (plain C, and launches of one job), the upper bound of the outermost loop whose first iterations can be run
alone is edited in the text, at its own place; the cores of a job then run the first iterations of their shares. Both are
exact on what they compute.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..dataflow.prefix import keeps_prefix
from ..errors import XpilerError
from ..frontend import parse
from ..frontend.meanings import with_meanings
from ..ir.build import binary, integer
from ..ir.nodes import Block, Const, Expr, For, If, InstrCall, Kernel, Let, Node, Store, While
from ..ir.visit import children, stmts_of, substitute, walk
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
    max_blocks: tuple[int, int, int] | None
    lengths: dict[str, int]
    work: float
    words: str
    open: frozenset[str] = frozenset()


def too_big(subject: Subject, size: SizeSet, patience: float = 1.0) -> bool:
    """Would a run at these sizes take seconds, or move hundreds of megabytes? `patience` times as much is put up with."""
    return size.work > patience * SLICE_WORK or _bytes(subject, size.lengths) > patience * SLICE_BYTES


def cut(subject: Subject, size: SizeSet, floor: dict[str, int] | None = None, patience: float = 1.0) -> Slice | None:
    """The largest slice of `subject` that is quick to run; None when no part of its outermost loops can be run alone.

    Args:
        floor: lengths that the buffers have anyway (those of the reference slice).
        patience: a slice may be this much larger than usual.
    """
    if subject.kernel is None:
        return None
    subject = _direct(subject)
    return _launch(subject, size, floor or {}, patience) or _text(subject, size, floor or {}, patience)


def _bytes(subject: Subject, lengths: dict[str, int]) -> int:
    return sum(lengths.get(p.name, 0) * p.dtype.bytes for p in subject.pointers)


def _direct(subject: Subject) -> Subject:
    """The device kernel itself: a wrapper would copy whole buffers."""
    if not subject.wrapped or subject.kernel is None or subject.kernel.host is None:
        return subject
    names = {a.param: a.source for a in subject.kernel.host.args if a.source is not None}
    return dataclasses.replace(subject, direct=True, names=names)


def _fits(subject: Subject, kernel: Kernel, scalars: dict[str, Bound], size: SizeSet, floor: dict[str, int],
          lenient: float = 1.0) -> tuple[bool, dict[str, int], float, frozenset[str]]:
    """Whether the limited `kernel` is quick; the lengths it needs; its work; buffers of which only a run can tell."""
    data = {b: Range(0.0, float(t)) for b, t in size.top.items()}
    fp: Footprint = footprint(kernel, scalars, data)
    least: Footprint | None = None
    lengths: dict[str, int] = {}
    unknown: set[str] = set()
    for p in subject.pointers:
        top = float(np.max(fp.top.get(p.name, 1.0)))
        declared = size.lengths.get(subject.names.get(p.name, p.name), 0)
        if np.isfinite(top) and top < 2**40:
            need = min(int(top), declared) if declared else int(top)
        else:
            least = least or footprint(kernel, scalars, _Zeros(data))
            base = float(np.max(least.top.get(p.name, 1.0)))  # what the loops add to an index that data decides
            need = (int(base) if np.isfinite(base) and base < 2**40 else 0) + (1 << 16)
            need = min(declared, need) if declared else need
            unknown.add(p.name)
        lengths[p.name] = max(1, need, floor.get(p.name, 0))
    work = float(np.max(fp.work))
    quick = work <= lenient * SLICE_WORK and _bytes(subject, lengths) <= lenient * SLICE_BYTES
    return quick, lengths, work, frozenset(unknown)


class _Zeros(dict[str, Range]):
    """Ranges of buffers, all others holding zeros."""

    def get(self, key: str, default: object = None) -> Range:
        return self[key] if key in self else Range(0.0, 0.0)


def _launch(subject: Subject, size: SizeSet, floor: dict[str, int], patience: float) -> Slice | None:
    kernel = subject.kernel
    assert kernel is not None
    """The first blocks along the slowest axis, else one along it and the first along the next."""
    known: dict[str, Bound] = {**size.scalars, **wrapper_values(subject, size.scalars)}
    limits, done = [0, 0, 0], list[str]()
    smallest: Slice | None = None
    less = kernel
    for node in [n for n in walk(kernel.body) if isinstance(n, For) and n.axis is not None]:
        axis = subject.platform.axis(str(node.axis))
        extent = float(evaluate(node.hi, known))
        if axis is None or axis.level != "grid" or not extent > 1:
            continue
        done.append("")
        for count in _counts(int(extent)):
            less = _launched(less, str(node.axis), integer(count))
            limits["xyz".index(axis.place)] = count
            done[-1] = f"the first {count} of {int(extent)} blocks along {node.axis}"
            ok, lengths, work, unknown = _fits(subject, less, known, size, floor, patience)
            part = Slice(subject, (limits[0], limits[1], limits[2]), lengths, work, ", ".join(done), unknown)
            if ok:
                return part
            if count == 1 and smallest is None and _fits(subject, less, known, size, floor, LENIENT)[0]:
                smallest = part
    return smallest


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


def _text(subject: Subject, size: SizeSet, floor: dict[str, int], patience: float) -> Slice | None:
    """The text with fewer iterations of the loops around all that it writes. Where the threads of one block (the cores of
    a job) lie so far apart that even one iteration of each needs too much memory, fewer threads of the slowest axes run."""
    whole = parsed(subject.text, subject)  # a pass' kernel has no places in the text that was printed from it
    if whole is None or whole.kernel is None:
        return None
    known = {**size.scalars, **wrapper_values(whole, size.scalars)}
    best: Slice | None = None
    for less, words in _fewer_threads(whole, known):
        assert less.kernel is not None
        if _fits(less, _once(less.kernel), known, size, floor, patience)[0]:
            got, quick = _iterations(less, words, known, size, floor, patience)
            best = got or best
            if quick:
                break
    return best


def _fewer_threads(subject: Subject, known: Scalars | dict[str, Bound]) -> Iterator[tuple[Subject, list[str]]]:
    """The subject as it is, then with ever fewer of its threads, as far as such a launch is possible: half of the slowest
    axis, and so on. A text that asks how many there are could tell, and is only run with all."""
    yield subject, []
    platform = subject.platform
    asks = {a.extent_name for a in platform.axes} | set(platform.derived)
    if not subject.launched or asks & set(re.findall(r"\w+", subject.text)):
        return
    jobs = platform.api.jobs if platform.api else ()
    sizes: Scalars = {k: float(v) for k, v in known.items() if np.isfinite(v)}
    done: list[str] = []
    assert subject.kernel is not None
    for k in range(len(_nest(subject.kernel))):
        loop, scope = _nest(subject.kernel)[k]
        extent = float(evaluate(substitute(loop.hi, scope), known))
        if loop.axis is None or not np.isfinite(extent) or not keeps_prefix(subject.kernel, loop):
            continue
        words = ""
        for count in _counts(int(extent)):
            subject = _shorter(subject, loop.axis, integer(count))
            words = f"{loop.axis} < {count} of {int(extent)}"
            if not jobs or any(j.block == subject.launch(sizes).block for j in jobs):
                yield subject, [*done, words]
        done += [words] if words else []


def _shorter(subject: Subject, axis: str, count: Expr) -> Subject:
    """The same text, launched with `count` threads along an axis."""
    assert subject.kernel is not None
    return dataclasses.replace(subject, kernel=_launched(subject.kernel, axis, count))


def _launched(kernel: Kernel, axis: str, count: Expr) -> Kernel:
    """The kernel with another extent of an axis."""
    place, loop = next((i, n) for i, n in enumerate(walk(kernel.body)) if isinstance(n, For) and n.axis == axis)
    return dataclasses.replace(kernel, body=replace_at(kernel.body, place, dataclasses.replace(loop, hi=count)))


def _once(kernel: Kernel) -> Kernel:
    """The kernel with one iteration of each loop around what it writes: the least memory that a slice needs."""
    for k in range(len(_nest(kernel))):
        loop = _nest(kernel)[k][0]
        if loop.axis is None:
            place = next(i for i, n in enumerate(walk(kernel.body)) if n is loop)
            least = dataclasses.replace(loop, hi=binary("+", loop.lo, loop.step))
            kernel = dataclasses.replace(kernel, body=replace_at(kernel.body, place, least))
    return kernel


def _iterations(subject: Subject, words: list[str], known: Scalars | dict[str, Bound], size: SizeSet, floor: dict[str, int],
                patience: float) -> tuple[Slice | None, bool]:
    """As many iterations as are quick of the outermost loop of which the first can be run alone, else one of it and as many
    as are quick of the next; and whether that is quick."""
    smallest: Slice | None = None
    assert subject.kernel is not None
    for k in range(len(_nest(subject.kernel))):
        assert subject.kernel is not None
        now = subject
        loop, scope = _nest(subject.kernel)[k]
        lo, hi, step = (float(evaluate(substitute(e, scope), known)) for e in (loop.lo, loop.hi, loop.step))
        counts = _counts(int(np.ceil((hi - lo) / step))) if step > 0 and np.isfinite(hi - lo) else []
        if not counts or loop.kind not in ("serial", "threads") or not keeps_prefix(subject.kernel, loop):
            continue
        for count in counts:
            end = int(lo + step * count)
            less = _edited(now, k, end)
            if less is None or less.kernel is None:
                break
            ran = [*words, f"{loop.var} < {end} of {int(hi)}"]
            ok, lengths, work, unknown = _fits(less, less.kernel, known, size, floor, patience)
            part = Slice(less, None, lengths, work, "only " + ", ".join(ran), unknown)
            if ok:
                return part, True
            if count == 1:
                subject, words = less, ran
                if _fits(less, less.kernel, known, size, floor, LENIENT)[0]:
                    smallest = part
    return smallest, False


def _nest(kernel: Kernel) -> list[tuple[For, dict[str, Expr]]]:
    """The loops around everything that the kernel writes to its parameters, outermost first, each with the constants
    that have names there."""
    pointers = {p.name for p in kernel.params if p.pointer}
    found: list[tuple[For, dict[str, Expr]]] = []
    named: dict[str, Expr] = {}

    def writes(s: Node) -> bool:
        return any((isinstance(n, Store) and n.buffer in pointers) or isinstance(n, InstrCall) for n in walk(s))

    inside: tuple[Node, ...] = stmts_of(kernel.body)
    while sum(writes(s) for s in inside) == 1:
        for s in inside:
            if isinstance(s, Let):
                named.pop(s.name, None)
                if isinstance(s.value, Const):
                    named[s.name] = s.value
            if writes(s):
                break
        if isinstance(s, For):
            named.pop(s.var, None)
            found.append((s, dict(named)))
        elif not isinstance(s, If | While):
            break
        inside = tuple(t for b in children(s) if isinstance(b, Block) for t in stmts_of(b))
    return found


def _edited(subject: Subject, k: int, end: int) -> Subject | None:
    """The text with the upper bound of the k-th loop of its nest replaced by `end`; None when that edit does not say what
    it should."""
    assert subject.kernel is not None
    span = _nest(subject.kernel)[k][0].hi.span
    if span is None:
        return None
    raw = subject.text.encode()
    less = parsed((raw[:span.start] + str(end).encode() + raw[span.end:]).decode(), subject)
    if less is None:
        return None
    for loop in (n for n in walk(subject.kernel.body) if isinstance(n, For) and n.axis):
        less = _shorter(less, str(loop.axis), loop.hi)  # it may be launched with fewer threads already
    nest = _nest(less.kernel) if less.kernel else []
    if k >= len(nest) or not np.array_equal(evaluate(nest[k][0].hi, {}), float(end)):
        return None
    return less


def parsed(text: str, like: Subject) -> Subject | None:
    """`text` as the subject that `like` is, its intrinsics as what they mean, or None when it is outside the IR."""
    try:
        kernel = parse(text, like.platform, like.kernel.name if like.kernel else None)
        return dataclasses.replace(like, text=text, kernel=with_meanings(kernel))
    except XpilerError:
        return None
