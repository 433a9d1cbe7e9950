"""Does the result of a kernel depend on how many lanes a warp has? By running it under each width that it may meet, and by
reading where the text counts on one.

A text for one width is right on its own machine. It is at fault where it counts on another width than its platform has,
and the results differ.
"""

from __future__ import annotations

import dataclasses
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..dataflow.uniform import Uniformity
from ..errors import SourceFaultError
from ..execute.lexical import SYNC, blank
from ..ir.nodes import Binary, Call, Cast, Const, For, InstrCall, Kernel, Load, Node, Ref, Store
from ..ir.visit import walk
from ..platforms.base import Platform
from .evidence import Evidence
from .subject import Subject

if TYPE_CHECKING:
    from .judge import Judge

_WORDS = re.compile(r"\bwarpSize\b|\b__lane_?id\b|\bcooperative_groups\b")


@dataclass(frozen=True, slots=True)
class Place:
    """A line that counts on `width` lanes: `words` is what it says."""

    line: int
    words: str
    width: int


def check_lanes(subject: Subject, judge: Judge) -> list[Evidence]:
    """One piece of evidence ("lanes") per other width when lanes work together in the text; none otherwise. The judge has
    refused what `misled` finds."""
    platform = subject.platform
    if not _concerned(subject):
        return []
    out: list[Evidence] = []
    first = next((p for p in counted(subject) if p.width == platform.lane_width), None)
    for width in platform.widths:
        began = time.perf_counter()
        wrong = _differs(subject, judge, width)
        own, seconds = platform.lane_width, time.perf_counter() - began
        if wrong is None:
            out.append(Evidence("lanes", "pass", f"the result is the same with warps of {own} and of {width} lanes", seconds))
            continue
        where = f" (line {first.line}: {first.words})" if first is not None else ""
        out.append(Evidence("lanes", "pass", f"note: this text is for warps of {own} lanes{where}; with {width} its result "
                            f"is another: {wrong.detail}", seconds, {"line": first.line} if first is not None else {}))
    return out


def misled(subject: Subject, judge: Judge) -> SourceFaultError | None:
    """What is wrong with a text that counts on another lane width than its platform has, and gives something else there."""
    if not _concerned(subject):
        return None
    own = subject.platform.lane_width
    places = counted(subject)
    if any(p.width == own for p in places):
        return None  # it knows its own; a division by another number is no proof of anything
    place = next((p for p in places if p.width in subject.platform.widths), None)
    wrong = _differs(subject, judge, place.width) if place is not None else None
    if place is None or wrong is None:
        return None
    return SourceFaultError(f"the result depends on the lane width: {place.words} counts on {place.width} lanes, but a warp of "
                            f"{subject.platform.title} has {own}; with {place.width} lanes: {wrong.detail}",
                            source=subject.text, line=place.line, hint="Use warpSize, or give shuffles the width "
                            f"{place.width} and look at {place.width} bits of a vote.")


def _concerned(subject: Subject) -> bool:
    """Do lanes work together in the text, on a platform whose texts may meet other widths?"""
    text = blank(subject.text)
    if subject.kernel is not None and any(_fixed(n, subject.platform) for n in walk(subject.kernel.body)):
        return False  # a matrix instruction is for one width, and no other has it
    return bool(subject.platform.widths) and (_WORDS.search(text) is not None or any(
        not m.group().startswith("__syncthreads") for m in SYNC.finditer(text)))


def _fixed(n: Node, platform: Platform) -> bool:
    row = platform.instr(n.instr) if isinstance(n, InstrCall) else None
    return row is not None and row.lanes > 1 and all(o.name != "active" for o in row.operands)


def _differs(subject: Subject, judge: Judge, width: int) -> Evidence | None:
    """The test that the same text fails with warps of `width` lanes; None when it gives the same."""
    platform = subject.platform
    other = dataclasses.replace(platform, lane_width=width, defines=(*platform.defines, *platform.widths[width]))
    found = judge.test(dataclasses.replace(subject, platform=other))
    return next((e for e in found if e.status == "fail" and e.kind == "test"), None)


def counted(subject: Subject) -> list[Place]:
    """The places in the text that count on a number of lanes, in order."""
    if subject.kernel is None:
        return _by_words(subject.text)
    kernel = subject.kernel
    varying = Uniformity(kernel.body, [n.axis for n in walk(kernel.body) if isinstance(n, For) and n.axis
                                       and (axis := subject.platform.axis(n.axis)) is not None and axis.level == "block"])
    found: dict[tuple[int, int], Place] = {}
    for n in walk(kernel.body):
        place = _arithmetic(n, varying, subject.text) or _vote(n, kernel, subject.text) or _meeting(n, kernel, subject)
        if place is not None:
            found.setdefault((place.line, place.width), place)
    return sorted(found.values(), key=lambda p: p.line)


# What may be done to a thread's index to get the lane or the warp: operator -> constant -> width.
_TAKEN: dict[str, dict[int, int]] = {"%": {32: 32, 64: 64}, "/": {32: 32, 64: 64}, "&": {31: 32, 63: 64}, ">>": {5: 32, 6: 64}}


def _arithmetic(n: Node, varying: Uniformity, text: str) -> Place | None:
    """`threadIdx.x & 31` and its kin, unless it is said in terms of warpSize."""
    if not isinstance(n, Binary) or not isinstance(n.b, Const) or n.span is None or n.op not in _TAKEN:
        return None
    width = _TAKEN[n.op].get(int(n.b.value))
    said = text[n.span.start:n.span.end]
    if width is None or varying.expr(n.a) or "warpSize" in said or "lane_id" in said:
        return None
    return Place(n.span.line, _words(text, n), width)


def _vote(n: Node, kernel: Kernel, text: str) -> Place | None:
    """A vote of 64 lanes in a variable of 32 bits, or used as it is."""
    cut = isinstance(n, Cast) and n.dtype.is_integer and n.dtype.bits <= 32
    vote = n.x if isinstance(n, Cast) and cut else n.b if isinstance(n, Binary) and n.op == "&" else n
    if not isinstance(n, Cast | Call | Binary) or n.span is None:
        return None
    calls = [c for c in walk(kernel.body) if isinstance(c, InstrCall) and c.instr in ("ballot.64", "activemask.64")]
    votes = {a.buffer for c in calls for a in c.args[:1] if isinstance(a, Ref)}
    whole = [x for x in (vote, *(n.args if isinstance(n, Call) else ())) if isinstance(x, Load) and x.buffer in votes]
    return Place(n.span.line, _words(text, n), 32 if cut else 64) if whole else None


def _meeting(n: Node, kernel: Kernel, subject: Subject) -> Place | None:
    """A mask that names all lanes, or a shuffle whose largest distance is half of a warp."""
    row = subject.platform.instr(n.instr) if isinstance(n, InstrCall) else None
    if row is None or not isinstance(n, InstrCall) or n.span is None or all(o.name != "active" for o in row.operands):
        return None
    given = dict(zip([o.name for o in row.operands], n.args, strict=True))
    mask = given["mask"]
    if "{mask}" in row.text and isinstance(mask, Const) and int(mask.value) == (1 << row.lanes) - 1:
        return Place(n.span.line, _words(subject.text, n), row.lanes)
    by = given.get("delta", given.get("bits"))
    width = given.get("width")
    if by is None or not isinstance(width, Const) or int(width.value) != subject.platform.lane_width:
        return None
    far = [by] if isinstance(by, Const) else [s.value for s in walk(kernel.body) if isinstance(s, Store)
                                              and isinstance(by, Load) and s.buffer == by.buffer]
    half = max((int(e.value) for e in far if isinstance(e, Const)), default=0)
    return Place(n.span.line, _words(subject.text, n), half * 2) if half in (16, 32) else None


def _words(text: str, n: Node) -> str:
    return " ".join(text[n.span.start:n.span.end].split())[:60] if n.span is not None else ""


_PLAIN = re.compile(r"(?:threadIdx\.\w|\b(?:tid|lane\w*|thread\w*)\b|\))\s*"
                    r"(?:(&)\s*(31|63|0x1[fF]|0x3[fF])|(%|/)\s*(32|64)|(>>)\s*([56]))\b")


def _by_words(text: str) -> list[Place]:
    """The same for a text that the front end does not understand: what looks like it."""
    out: list[Place] = []
    for k, line in enumerate(blank(text).splitlines(), 1):
        m = _PLAIN.search(line)
        if m is not None:
            op, number = next((m[i], m[i + 1]) for i in (1, 3, 5) if m[i])
            out.append(Place(k, m.group().strip(), _TAKEN[op][int(number, 0)]))
    return out
