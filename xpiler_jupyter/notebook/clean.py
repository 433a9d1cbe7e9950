"""Makes hidden characters visible: text that a person approves must be what the person saw."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
_PLAIN = {"\n", " "}
TAB = "    "


def clean(text: str) -> str:
    """`text` with unix line ends, tabs as spaces, and every control, ANSI, zero-width, bidi or odd space character as
    its code, e.g. `⟦U+202E⟧`."""
    text = text.replace("\r\n", "\n").replace("\t", TAB)
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(f"⟦U+{ord(c):04X}⟧" if c not in _PLAIN and unicodedata.category(c) in _HIDDEN else c for c in text)
