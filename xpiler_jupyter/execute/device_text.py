"""The device half of a text: host functions blanked, every place kept, so that a device compiler takes the rest."""

from __future__ import annotations

import re

from .lexical import blank, outline

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]*)[>\"][^\n]*", re.M)


def device_part(text: str, api: str, keep_includes: str = r"$^") -> str:
    """The text without its host functions: those that are no `__global__` or `__device__` and either call the host API
    (names that begin with `api`), launch a kernel, or are exported by C linkage. Includes go, except where the name
    matches `keep_includes`."""
    masked = blank(text)
    out = list(text)

    def wipe(start: int, end: int) -> None:
        for k in range(start, end):
            if out[k] != "\n":
                out[k] = " "

    for m in _INCLUDE.finditer(text):
        commented = masked[m.start():m.end()].isspace()
        if not commented and not re.match(keep_includes, m[1]):
            wipe(m.start(), m.end())
    for f in outline(masked).functions:
        if masked[f.start:f.start + 1] != "{":  # a macro
            continue
        head = max(masked.rfind(c, 0, f.start) for c in ";}") + 1
        directive = [m.end() for m in re.finditer(r"^[ \t]*#[^\n]*$", masked[head:f.start], re.M)]
        head += directive[-1] if directive else 0
        declaration, body = masked[head:f.start], masked[f.start:f.end]
        if re.search(r"\b__(global|device)__\b", declaration):
            continue
        exported = re.search(r"\bextern\s+\"?", declaration) and "extern" in declaration
        if exported or "<<<" in body or re.search(rf"\b{api}[A-Z]\w*\s*\(", body) or "LaunchKernel" in body or \
                re.search(r"\bmain\s*\(", declaration):
            wipe(head, f.end)
    return "".join(out)


def uses(text: str, pattern: str) -> bool:
    """Whether the code of a text (not its comments) matches."""
    return bool(re.search(pattern, blank(text)))
