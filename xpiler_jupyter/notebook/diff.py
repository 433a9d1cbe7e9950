"""Aligned line diff of two kernel texts, with the changed words marked. Pure functions over strings.

Lines are aligned by what they say, not by their indentation: a pass that wraps a body in a loop changes the indentation
of every line below, and a reader should see the loop, not the indentation. Lone braces say nothing but their
indentation, so they are aligned by that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from .clean import clean

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_PAIR = 0.5  # two lines with fewer words in common than this are two lines, not one changed line
_CELLS = 20_000  # larger replaced regions are not paired word by word


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of one line; `changed` when the other side has something else there."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the diff. `sign` is "-", "+" or " "; `before` and `after` are 1-based line numbers (None on the side
    that lacks the line); `moved` marks an unchanged line with another indentation, shown as in the after text."""

    sign: str
    before: int | None
    after: int | None
    pieces: tuple[Piece, ...]
    moved: bool = False

    @property
    def text(self) -> str:
        return "".join(p.text for p in self.pieces)


@dataclass(frozen=True, slots=True)
class Gap:
    """`count` unchanged lines that were left out."""

    count: int


def lines_of(text: str) -> list[str]:
    """The lines that a view shows: cleaned, without trailing blanks, without empty lines around."""
    return [line.rstrip() for line in clean(text).strip("\n").split("\n")] if text.strip() else []


def rows(before: str, after: str) -> list[Row]:
    """Every line of both texts, in reading order, removed lines before the added ones that replace them."""
    a, b = lines_of(before), lines_of(after)
    keys_a, keys_b = [_key(x) for x in a], [_key(x) for x in b]
    out: list[Row] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if tag == "equal":
            out += [Row(" ", i + 1, j + 1, (Piece(b[j]),), moved=a[i] != b[j])
                    for i, j in zip(range(i1, i2), range(j1, j2), strict=True)]
        else:
            out += _replaced(a, b, i1, i2, j1, j2)
    return out


def _key(line: str) -> str:
    """What two lines must share to be the same line."""
    said = line.strip()
    return said if any(c not in "{}();" for c in said) else line


def folded(all_rows: list[Row], context: int = 3, keep: int = 24) -> list[Row | Gap]:
    """The rows near changes; long unchanged stretches become a `Gap`. Texts up to `keep` rows stay whole."""
    if len(all_rows) <= keep:
        return list(all_rows)
    near: set[int] = set()
    for k, row in enumerate(all_rows):
        if row.sign != " ":
            near.update(range(k - context, k + context + 1))
    out: list[Row | Gap] = []
    left = 0
    for k, row in enumerate(all_rows):
        if k in near:
            if left:
                out += all_rows[k - left:k] if left <= 2 else [Gap(left)]
            left = 0
            out.append(row)
        else:
            left += 1
    if left:
        out += all_rows[-left:] if left <= 2 else [Gap(left)]
    return out


def counts(all_rows: list[Row]) -> tuple[int, int]:
    """How many lines were added and removed."""
    return sum(r.sign == "+" for r in all_rows), sum(r.sign == "-" for r in all_rows)


def unified(before: str, after: str) -> str:
    """The folded diff as plain text: each line starts with "+ ", "- " or two blanks."""
    out = []
    for row in folded(rows(before, after)):
        out.append(f"  ... {row.count} unchanged lines" if isinstance(row, Gap) else f"{row.sign} {row.text}".rstrip())
    return "\n".join(out)


def _replaced(a: list[str], b: list[str], i1: int, i2: int, j1: int, j2: int) -> list[Row]:
    """A replaced region: similar lines are paired, so that only the words that differ are marked."""
    pairs = dict(_pairs(a[i1:i2], b[j1:j2]))
    back = {j: i for i, j in pairs.items()}
    out = []
    for i in range(i1, i2):
        other = b[j1 + pairs[i - i1]] if i - i1 in pairs else None
        out.append(Row("-", i + 1, None, _marked(a[i], other)))
    for j in range(j1, j2):
        other = a[i1 + back[j - j1]] if j - j1 in back else None
        out.append(Row("+", None, j + 1, _marked(b[j], other)))
    return out


def _likeness(x: str, y: str) -> float:
    return SequenceMatcher(None, _WORD.findall(x.strip()), _WORD.findall(y.strip()), autojunk=False).ratio()


def _pairs(a: list[str], b: list[str]) -> list[tuple[int, int]]:
    """The order-keeping pairing of lines with the largest total likeness."""
    n, m = len(a), len(b)
    if not n or not m or n * m > _CELLS:
        return []
    like = [[_likeness(x, y) for y in b] for x in a]
    best = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            take = like[i][j] + best[i + 1][j + 1] if like[i][j] >= _PAIR else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], take)
    out, i, j = [], 0, 0
    while i < n and j < m:
        if like[i][j] >= _PAIR and best[i][j] == like[i][j] + best[i + 1][j + 1]:
            out.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return out


def _marked(line: str, other: str | None) -> tuple[Piece, ...]:
    """`line` in pieces; marked are the words that `other` lacks. A line without a partner has no marks: all is new."""
    if other is None:
        return (Piece(line),)
    indent = line[:len(line) - len(line.lstrip())]
    mine, theirs = _WORD.findall(line.strip()), _WORD.findall(other.strip())
    pieces = [Piece(indent)] if indent else []
    for tag, i1, i2, _, _ in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        if i1 < i2:
            pieces.append(Piece("".join(mine[i1:i2]), tag != "equal"))
    return tuple(_joined(pieces))


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Marks that only a blank separates become one mark: easier to read."""
    out: list[Piece] = []
    for k, piece in enumerate(pieces):
        bridge = (not piece.changed and piece.text.isspace() and 0 < k < len(pieces) - 1
                  and pieces[k - 1].changed and pieces[k + 1].changed)
        marked = piece.changed or bridge
        if out and out[-1].changed == marked:
            out[-1] = Piece(out[-1].text + piece.text, marked)
        else:
            out.append(Piece(piece.text, marked))
    return out
