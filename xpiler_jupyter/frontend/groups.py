"""Texts that use cooperative groups: our own text for them (`platforms/groups.py`) is read behind the person's.

Names of the library get its prefix, so that a `reduce` of the person's stays one; `thread_block_tile<32>` becomes `auto`,
since the value says it all and the grammar would take the brackets for comparisons. What the library lacks keeps its name
and is refused by it.
"""

from __future__ import annotations

from ..platforms.base import Platform
from ..platforms.groups import NAMES, PREFIX, TYPES
from .preprocess import Prepared
from .source import Source
from .tokens import Token, tokenize

SPACE = "cooperative_groups"


def with_groups(prepared: Prepared, platform: Platform) -> Prepared:
    """The text itself when it uses none, or the platform has none."""
    tokens = prepared.tokens
    if not platform.groups or not any(t.kind == "id" and t.text == SPACE for t in tokens):
        return prepared
    words = [k for k, t in enumerate(tokens) if t.kind != "space"]
    texts = [tokens[k].text for k in words]
    spaces = {SPACE} | {texts[j + 1] for j in range(len(texts) - 3) if texts[j] == "namespace" and texts[j + 3] == SPACE}
    opened = any(texts[j:j + 3] == ["using", "namespace", name] for j in range(len(texts)) for name in spaces)
    # `name (...) {` is a definition: the person's own word.
    out: dict[int, str | None] = {}
    own = {texts[j] for j in range(1, len(texts) - 1) if texts[j + 1] == "(" and texts[j] in NAMES and _is_name(texts[j - 1])}
    j = 0
    while j < len(texts):
        first = j
        if texts[j] in spaces and j + 2 < len(texts) and texts[j + 1] == "::":
            j += 2
        elif not opened or texts[j] in own or (j > 0 and texts[j - 1] in (".", "->", "::")):
            j += 1
            continue
        if texts[j] in TYPES:
            last = _closed(texts, j + 1) if j + 1 < len(texts) and texts[j + 1] == "<" else j
            out |= {words[i]: None for i in range(first, last + 1)}
            out[words[first]] = "auto"
            j = last
        elif texts[j] in NAMES:
            out |= {words[i]: None for i in range(first, j)}
            out[words[j]] = PREFIX + texts[j]
        j += 1
    end = len(prepared.source.text)
    changed = [t if k not in out else Token("space", " ", t.start, t.end, False) if out[k] is None else
               Token("id", out[k] or "", t.start, t.end, False) for k, t in enumerate(tokens)]
    ours = [Token("space" if t.kind == "space" else t.kind, t.text, end, end, False) for t in tokenize(Source(platform.groups))]
    changed += [Token("space", "\n", end, end, False), *ours]
    return Prepared(prepared.source, "".join(t.text for t in changed), changed, prepared.comments, prepared.pragmas,
                    prepared.includes, prepared.notes)


def _is_name(text: str) -> bool:
    return text[:1].isalpha() and text not in ("return", "else")


def _closed(texts: list[str], k: int) -> int:
    """The place of the `>` that closes the bracket at k."""
    depth = 0
    while k < len(texts):
        depth += {"<": 1, ">": -1, ">>": -2}.get(texts[k], 0)
        if depth <= 0:
            return k
        k += 1
    return k - 1
