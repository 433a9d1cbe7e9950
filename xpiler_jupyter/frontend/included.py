"""A file with the project's own headers in place of their #include lines: what lies beside a kernel belongs to it.

System headers stay as they are: what they declare is known or refused by name. A header is taken once, as with
`#pragma once`; one that is not there is left to whoever misses something of it.
"""

from __future__ import annotations

import re
from pathlib import Path

_QUOTED = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"[^\n]*$', re.M)
_ONCE = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+once[^\n]*$", re.M)
LARGEST = 1 << 20  # characters of all headers together
SOURCES = {".cu", ".cuh", ".h", ".hpp", ".hip", ".inc", ".inl", ".c", ".cc", ".cpp", ".mlu", ""}


def with_headers(text: str, path: Path) -> str:
    """The text of the file at `path` with the headers that it quotes and that lie beside it, or beside a header that
    quotes them. Headers that cannot be read stay as they are."""
    done: set[Path] = {path.resolve()}
    room = [LARGEST]

    def put(inner: str, folder: Path) -> str:
        def one(m: re.Match[str]) -> str:
            found = next((p for p in ((folder / m[1]), (path.parent / m[1])) if p.suffix in SOURCES and p.is_file()), None)
            if found is None:
                return m[0]
            if found.resolve() in done:
                return f"// {m[1]}: above"
            done.add(found.resolve())
            try:
                header = found.read_text(errors="replace")
            except OSError:
                return m[0]
            room[0] -= len(header)
            if room[0] < 0:
                return m[0]
            return f"// {m[1]}\n{put(_ONCE.sub('', header), found.parent)}\n// end of {m[1]}"

        return _QUOTED.sub(one, inner)

    return put(text, path.parent)
