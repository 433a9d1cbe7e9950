"""Syntax colours as data: which characters of which line are what. Renderers turn the kinds into colours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from .diff import Piece

# Pygments token name prefix -> our kind; the first that fits counts.
_KINDS = (
    ("Token.Comment.Preproc", "preproc"), ("Token.Comment", "comment"), ("Token.Keyword.Type", "type"),
    ("Token.Keyword", "keyword"), ("Token.Literal.Number", "number"), ("Token.Literal.String", "string"),
    ("Token.Name.Builtin", "type"),
)


@lru_cache(maxsize=64)
def coloured(lines: tuple[str, ...], language: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Per line: (kind, characters) runs that together are the line."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return tuple((("", line),) for line in lines)
    out: list[list[tuple[str, str]]] = [[]]
    for token, text in lexer.get_tokens("\n".join(lines)):
        kind = next((kind for prefix, kind in _KINDS if str(token).startswith(prefix)), "")
        for k, part in enumerate(text.split("\n")):
            if k:
                out.append([])
            if part:
                out[-1].append((kind, part))
    out += [[] for _ in range(len(lines) - len(out))]
    return tuple(tuple(runs) for runs in out[:len(lines)])


def overlay(pieces: tuple[Piece, ...], runs: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str, bool]]:
    """(kind, characters, changed) runs: the diff's marks and the colours of one line together."""
    flat = [(kind, len(text)) for kind, text in runs]
    for piece in pieces:
        rest = piece.text
        while rest:
            if not flat:
                yield "", rest, piece.changed
                break
            kind, left = flat[0]
            taken = rest[:left]
            yield kind, taken, piece.changed
            rest = rest[left:]
            if left > len(taken):
                flat[0] = (kind, left - len(taken))
            else:
                flat.pop(0)
