"""From what the runtime saw to one sentence for a person."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..platforms.base import Axis
from .api import Fault
from .control import Buffer, Report
from .lexical import blank

(SIGNAL, LAUNCH, CAPACITY, BARRIER, DEADLOCK, COPY, MEMORY, FORBIDDEN, CANARY, TIMEOUT, ASSERT, EXIT, LOAD,
 FREE) = range(1, 15)
INSTR = 16  # an instruction's own check: the text is "kind: message"

_X86_CALLS = {1: "write", 2: "open", 41: "socket", 42: "connect", 56: "clone", 57: "fork", 58: "vfork", 59: "execve",
              62: "kill", 87: "unlink", 101: "ptrace", 157: "prctl", 234: "tgkill", 257: "openat", 322: "execveat",
              435: "clone3", 9: "mmap of code", 10: "mprotect to code", 0: "read", 13: "sigaction", 38: "setitimer"}
_NEAR = 1 << 16
_HALFWAY = 4 << 30


def describe(report: Report, line_of: Callable[[int], int | None], seconds: float, text: str,
             axes: tuple[Axis, ...] = ()) -> Fault:
    """The fault, with its place said at the end of the message: in the words of the platform's `axes` where each index
    has a name of its own."""
    line = report.line or (line_of(report.pc - report.image) if report.image and report.pc >= report.image else None)
    arrays = _arrays_of(report, text)
    if report.kind == CAPACITY and not report.line and arrays:
        line = arrays[0][1]
    block = report.block if report.in_kernel else None
    thread = report.thread if report.in_kernel and not report.fast_fault else None
    kind, message, buffer = _what(report, seconds, text, line)
    if kind in ("launch", "capacity"):
        block = thread = None
    if kind == "capacity" and arrays:
        message += f": {', '.join(name for name, _ in arrays)}"
    return Fault(kind, message + _place(line, block, thread, axes), line, buffer, block, thread)


def _place(line: int | None, block: tuple[int, int, int] | None, thread: tuple[int, int, int] | None,
           axes: tuple[Axis, ...]) -> str:
    parts = [f"line {line}"] if line else []
    if block and thread:
        if axes and all("." not in a.name for a in axes):
            indices = [(a, (block if a.level == "grid" else thread)["xyz".index(a.place)]) for a in axes]
            parts += [f"{a.name} {n}" for a, n in indices if n or (a.level == "block" and not a.text)]
        else:
            parts += [f"block {_triple(block)}", f"thread {_triple(thread)}"]
    return f" ({', '.join(parts)})" if parts else ""


def _arrays_of(r: Report, text: str) -> list[tuple[str, int]]:
    """(name, line) of the arrays in the memory that is full, as the text declares them."""
    if r.kind != CAPACITY:
        return []
    told = re.match(r"(__\w+__) arrays", r.text)
    word = told[1] if told else "__shared__"
    found = re.finditer(rf"\b{word}\b[^;=(){{}}]*?\b(\w+)\s*\[", blank(text))
    return [(m[1], text.count("\n", 0, m.start()) + 1) for m in found]


def _triple(v: tuple[int, int, int]) -> str:
    return f"({v[0]},{v[1]},{v[2]})"


def _what(r: Report, seconds: float, text: str, line: int | None) -> tuple[str, str, str | None]:
    match r.kind:
        case _ if r.kind == SIGNAL:
            return _signal(r, text, line, seconds)
        case _ if r.kind == LAUNCH:
            return "launch", f"the launch is not possible: {r.text}", None
        case _ if r.kind == CAPACITY:
            return "capacity", r.text, None
        case _ if r.kind == BARRIER:
            return "barrier", _barrier(r), None
        case _ if r.kind == DEADLOCK:
            return "barrier", _deadlock(r), None
        case _ if r.kind == COPY:
            return _copy(r)
        case _ if r.kind == MEMORY:
            return "memory", f"asked for {_bytes(r.a)} of memory, the run may use {_bytes(r.b)}", None
        case _ if r.kind == FORBIDDEN:
            name = _X86_CALLS.get(r.a)
            return "forbidden", f"a kernel may not call the system ({name or f'call {r.a}'})", None
        case _ if r.kind == CANARY:
            where = _buffer_of(r)
            name = _quoted(where)
            side = "past" if where and r.addr >= where.hi else "before"
            message = f"out-of-bounds write just {side} {name}, found after the kernel"
            return "bounds", message, where.name if where else None
        case _ if r.kind == TIMEOUT:
            return "timeout", f"still running after {seconds:g} s", None
        case _ if r.kind == ASSERT:
            return "crash", f"assertion failed: {r.text}", None
        case _ if r.kind == EXIT:
            word = r.text if r.text in ("abort", "__trap") else f"exit({r.text})"
            return "crash", f"the text ended the program itself: {word}", None
        case _ if r.kind == INSTR:
            kind, _, what = r.text.partition(": ")
            named = re.search(r"\('(\w+)'\)", what)
            return kind, what, named[1] if named else None
        case _ if r.kind == FREE:
            return "crash", f"freed a pointer that is no allocation{f' (inside {r.text!r})' if r.text else ''}", None
        case _:
            return "crash", r.text or "the run ended without a result", None


def _signal(r: Report, text: str, line: int | None, seconds: float) -> tuple[str, str, str | None]:
    if r.signal == 8:
        return "arithmetic", "integer division by zero (or of the smallest integer by -1)", None
    if r.signal in (4, 5):
        name = _array_on(text, line)
        return "bounds", f"index outside the array{f' {name!r}' if name else ''}", name
    if r.signal == 24:
        return "timeout", f"still running after {seconds:g} s", None
    if r.b:
        return "memory", "stack overflow: the local arrays of a thread are too large, or it calls itself for ever", None
    verb = {0: "read", 1: "write"}.get(r.write, "access")
    if r.signal == 11 and r.a == 128:  # no address: not canonical, or an aligned instruction on an odd address
        return "bounds", f"misaligned or wild {verb}", None
    if r.addr < 4096:
        return "bounds", f"{verb} through a null pointer", None
    return _by_address(r, verb)


def _by_address(r: Report, verb: str) -> tuple[str, str, str | None]:
    inside = next((b for b in reversed(r.buffers) if b.page_lo <= r.addr < b.page_hi), None)
    if inside is not None and inside.space != "shared":
        name = _quoted(inside)
        if inside.space == "freed":
            return "bounds", f"{verb} of {name} after it was freed", inside.name
        if r.in_kernel and inside.space in ("host", "heap"):
            return "bounds", f"the kernel got a host pointer: {verb} of {name}", inside.name
        if not r.in_kernel and inside.space == "device":
            return "bounds", f"the host code got a device pointer: {verb} of {name}", inside.name
    near = _buffer_of(r)
    if near is None:
        return "bounds", f"{verb} through a wild pointer", None
    past = r.addr >= near.hi
    distance = r.addr - near.hi if past else near.lo - r.addr
    name = _quoted(near)
    if distance < _NEAR:
        return "bounds", f"out-of-bounds {verb} just {'past' if past else 'before'} {name}", near.name
    if distance <= _HALFWAY:
        side = "past the end of" if past else "before"
        return "bounds", f"out-of-bounds {verb} {_bytes(distance)} {side} {name}", near.name
    return "bounds", f"{verb} through a wild pointer", None


def _buffer_of(r: Report) -> Buffer | None:
    """The buffer whose pages are nearest to the address."""
    return min(r.buffers, key=lambda b: max(b.page_lo - r.addr, r.addr - b.page_hi + 1, 0), default=None)


def _quoted(b: Buffer | None) -> str:
    if b is None or not b.name:
        return "a buffer"
    return b.name if b.space == "shared" else "memory from malloc" if b.name == "malloc" else f"buffer {b.name!r}"


def _barrier(r: Report) -> str:
    if r.text == "outside":
        return "a barrier outside a kernel launch"
    if r.text == "partial":
        return "a matrix instruction needs all lanes of the warp"
    if r.text == "mask":
        return "a lane calls a warp operation whose mask leaves that lane out"
    return (f"threads of one block wait at different barriers: thread {_triple(r.thread)} at line {r.line}, "
            f"thread {_triple(r.thread2)} at line {r.line2}")


def _deadlock(r: Report) -> str:
    if r.line2:
        return (f"deadlock: thread {_triple(r.thread)} waits at line {r.line} for thread {_triple(r.thread2)}, "
                f"which waits at line {r.line2}")
    return "deadlock: the threads of a block wait for each other"


def _copy(r: Report) -> tuple[str, str, str | None]:
    name = r.text or None
    verb = "writes" if r.write else "reads"
    if r.b == (1 << 64) - 1:
        what = f"{name!r}" if name else "a pointer that is no device allocation"
        return "bounds", f"a copy {verb} {what}: not memory of the kind it says", name
    return "bounds", f"a copy {verb} {r.a} bytes of buffer {name!r}, which has {r.b} there", name


def _array_on(text: str, line: int | None) -> str | None:
    """The one local array of fixed size that is indexed on the line, if there is just one."""
    lines = text.splitlines()
    if not line or line > len(lines):
        return None
    arrays = set(re.findall(r"\b(\w+)\s*\[\s*[\w*+ ]+\s*\](?:\s*\[[^\]]*\])*\s*(?:;|=|,)", text))
    declared = {a for a in arrays if re.search(rf"[\w>]\s+{a}\s*\[", text)}
    here = {w for w in re.findall(r"\b(\w+)\s*\[", lines[line - 1]) if w in declared}
    return here.pop() if len(here) == 1 else None


def _bytes(n: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if n >= size:
            return f"{n / size:.3g} {unit}"
    return f"{n} bytes"
