"""From a kernel text to the C++ that the simulator compiles: launches become calls, shared arrays get a section per
function, includes and what the entry does not need vanish; every line keeps its number, and every changed column is
remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..errors import CompileError
from .api import Entry
from .lexical import Outline, blank, outline
from .needed import needed_part

LABEL = "kernel"  # the file name that compiler messages give to the kernel's own lines

# No header is ever read: the simulator is what they declare. (The name of a quoted one was blanked as a literal.)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*(?:include\b|pragma[ \t]+once)[^\n]*", re.M)
_NAMESPACE = re.compile(r"\busing\s+namespace\s+([A-Za-z_]\w*)\s*;")
_DYNAMIC = re.compile(r"\bextern\s+__shared__\s+((?:__align__\s*\([^)]*\)|alignas\s*\([^)]*\)\s*)?)"
                      r"\s*([\w:]+(?:\s+[\w:]+)*(?:\s*<[^;<>]*>)?)\s+(\w+)\s*\[\s*\]")
_SHARED = re.compile(r"\b__shared__\b")
_STATIC = re.compile(r"\bstatic\s*$")
_LAUNCH_CALL = re.compile(r"\b\w+LaunchKernelGGL\s*\(")
_NAME_BACK = re.compile(r"[\w:]+\s*$")


@dataclass(slots=True)
class Source:
    """What to compile, and how to find one's way back to the kernel's own columns."""

    text: str
    outline: Outline
    shifts: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # line -> (column, characters inserted)

    def column(self, line: int, column: int) -> int:
        """The kernel's column for a column of the compiled text."""
        moved = 0
        for at, inserted in self.shifts.get(line, []):
            if column - moved <= at:
                break
            moved += min(inserted, column - moved - at)
        return column - moved


def prepare(text: str, entry: Entry | None) -> Source:
    """The C++ for a text and a way in. Raises CompileError when the entry is not in the text."""
    masked = blank(text)
    if entry is not None and not re.search(rf"\b{re.escape(entry.function.split('<')[0])}\b", masked):
        raise CompileError(f"the text has no function {entry.function!r}", source=text)
    if entry is not None:
        text = needed_part(text, masked, entry.function.split('<')[0])
        masked = blank(text)
    shape = outline(masked)
    edits: list[tuple[int, int, str]] = []
    for m in _INCLUDE.finditer(masked):
        edits.append((m.start(), m.end(), ""))
    for m in _NAMESPACE.finditer(masked):  # of a header: it must be there to be opened
        if any(f.start <= m.start() < f.end for f in shape.functions):
            continue  # where none can be made: the platform's own
        edits.append((m.start(), m.start(), f"namespace {m[1]} {{}} "))
    dynamic = list(_DYNAMIC.finditer(masked))
    for m in dynamic:
        edits.append((m.start(), m.end(), _dynamic(m, shape)))
    sections: dict[int, int] = {}
    for m in _SHARED.finditer(masked):
        if any(d.start() <= m.start() < d.end() for d in dynamic):
            continue
        owner = shape.enclosing(m.start())
        k = -1 if owner is None else owner
        name = sections.setdefault(k, len(sections))
        word = "" if _STATIC.search(masked, max(0, m.start() - 20), m.start()) else "static "
        edits.append((m.start(), m.end(), f'{word}__attribute__((section("xrt_shared_{name}"), used))'))
    for m in re.finditer(r"<<<", masked):
        edits.extend(_launch(text, masked, m.start(), shape, sections))
    for m in _LAUNCH_CALL.finditer(masked):
        edits.extend(_launch_call(text, masked, m, shape, sections))
    body, shifts = _apply(text, edits)
    extern = "".join(f'extern "C" __attribute__((weak, visibility("hidden"))) char __start_xrt_shared_{k}[], '
                     f"__stop_xrt_shared_{k}[]; " for k in sections.values())
    way_in = "" if entry is None else _way_in(entry, shape, sections)
    return Source(f'{extern}\n#line 1 "{LABEL}"\n{body}\n#line 1 "entry"\n{way_in}', shape, shifts)


def _way_in(entry: Entry, shape: Outline, sections: dict[int, int]) -> str:
    """The function that the runtime calls: it knows the parameters because the compiler does."""
    arguments = ", ".join(f"a[{k}]" for k in range(len(entry.args)))
    if entry.launch is None:
        call = f"{entry.function}({arguments});"
    else:
        call = f"{_call_head(entry.function, shape, sections)}, xrt::config_of_run())({arguments});"
    return ('extern "C" __attribute__((visibility("default"))) void xrt_entry(const xrt::Arg* a) { (void)a; '
            f"xrt_image(__ehdr_start, etext); {call} }}\n")


def _dynamic(m: re.Match[str], shape: Outline) -> str:
    """`extern __shared__ T s[];` becomes a pointer to the block's dynamic shared memory; newlines inside stay."""
    lines = "\n" * m.group().count("\n")
    kind = " ".join(m[2].split())
    if shape.enclosing(m.start()) is not None:
        return f"{kind}* const {m[3]} = ({kind}*)xrt_dynamic{lines}"
    return f"static {kind}* const& {m[3]} = *({kind}* const*)&xrt_dynamic{lines}"


def _call_head(name: str, shape: Outline, sections: dict[int, int]) -> str:
    known = {f.name for f in shape.functions}
    words = re.findall(r"[A-Za-z_]\w*", name.split("<")[0])
    plain = next((w for w in reversed(words) if w in known), words[-1] if words else name)
    used = [sections[k] for k in (*shape.reach(plain), -1) if k in sections]
    ranges = ", ".join(f"{{__start_xrt_shared_{k}, __stop_xrt_shared_{k}}}" for k in used)
    sync = "true" if shape.waits(plain) else "false"
    table = f"xrt::Shared<{len(used)}>{{{{{ranges}}}}}" if used else "xrt::Shared<0>{}"
    return f"xrt::launch<{sync}>([&](auto... xrt_a) {{ {name}(xrt_a...); }}, {table}"


def _launch(text: str, masked: str, at: int, shape: Outline,
            sections: dict[int, int]) -> list[tuple[int, int, str]]:
    """`name<T> <<< config >>> (args)` as `xrt::launch<..>(.., xrt::config( config ))(args)`."""
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    start = at
    before = masked[:at].rstrip()
    if before.endswith(">"):  # template arguments: back to their opening bracket
        depth, k = 0, len(before) - 1
        while k >= 0:
            depth += before[k] == ">"
            depth -= before[k] == "<"
            if depth == 0:
                break
            k -= 1
        before = before[:max(k, 0)]
    m = _NAME_BACK.search(before)
    end = masked.find(">>>", at)
    if m is None or end < 0:
        raise CompileError("a launch needs a kernel in front of <<< and >>> behind its configuration", source=text,
                           line=line, column=column)
    start = m.start()
    name = " ".join(text[start:at].split())
    newlines = "\n" * text.count("\n", start, at)
    return [(start, at + 3, _call_head(name, shape, sections) + newlines + ", xrt::config("), (end, end + 3, "))")]


def _launch_call(text: str, masked: str, m: re.Match[str], shape: Outline,
                 sections: dict[int, int]) -> list[tuple[int, int, str]]:
    """`LaunchKernelGGL(name, grid, block, shared, stream, args)` in the same way."""
    depth, commas, end = 1, [], m.end()
    while end < len(masked) and depth:
        depth += {"(": 1, ")": -1}.get(masked[end], 0)
        if masked[end] == "," and depth == 1:
            commas.append(end)
        end += 1
    if depth or len(commas) < 4:
        raise CompileError("a launch needs a kernel, a grid, a block, shared bytes and a stream", source=text,
                           line=text.count("\n", 0, m.start()) + 1)
    name = " ".join(text[m.end():commas[0]].split())
    newlines = "\n" * text.count("\n", m.start(), commas[0])
    edits = [(m.start(), commas[0] + 1, _call_head(name, shape, sections) + newlines + ", xrt::config(")]
    last = (commas[4], commas[4] + 1, "))(") if len(commas) > 4 else (end - 1, end - 1, "))(")
    return [*edits, last]


def _apply(text: str, edits: list[tuple[int, int, str]]) -> tuple[str, dict[int, list[tuple[int, int]]]]:
    out: list[str] = []
    shifts: dict[int, list[tuple[int, int]]] = {}
    at = 0
    for start, end, new in sorted(edits):
        if start < at:
            continue
        out += [text[at:start], new]
        line_start = text.rfind("\n", 0, start) + 1
        shifts.setdefault(text.count("\n", 0, start) + 1, []).append(
            (start - line_start + 1, len(new.replace("\n", "")) - (end - start)))
        at = end
    out.append(text[at:])
    return "".join(out), shifts
