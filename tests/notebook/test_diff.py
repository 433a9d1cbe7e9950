"""The diff a person approves: aligned by what lines say, words marked, nothing hidden."""

from __future__ import annotations

import random

import fakes
from hypothesis import given
from hypothesis import strategies as st

from xpiler_jupyter.notebook import diff
from xpiler_jupyter.notebook.clean import clean
from xpiler_jupyter.notebook.colour import coloured, overlay


def sides(rows: list[diff.Row]) -> tuple[list[str], list[str]]:
    """The two texts that a diff tells of, without indentation."""
    before = [r.text.strip() for r in rows if r.sign in " -"]
    after = [r.text.strip() for r in rows if r.sign in " +"]
    return before, after


def test_a_new_loop_is_seen_not_the_indentation() -> None:
    rows = diff.rows(fakes.SOURCE, fakes.SPLIT)
    comment = next(r for r in rows if "twice" in r.text)
    assert comment.sign == " " and comment.moved
    assert diff.counts(rows) == (6, 2)


def test_changed_words_are_marked() -> None:
    rows = diff.rows("x = A[i];\n", "x = A[i + 1];\n")
    assert [(r.sign, [p.text for p in r.pieces if p.changed]) for r in rows] == [("-", []), ("+", [" + 1"])]


def test_long_unchanged_stretches_fold() -> None:
    before = "\n".join(f"line{k};" for k in range(60))
    folded = diff.folded(diff.rows(before, before.replace("line30", "other")))
    assert [r.count for r in folded if isinstance(r, diff.Gap)] == [27, 26]
    assert "... 27 unchanged lines" in diff.unified(before, before.replace("line30", "other"))


def test_only_indentation_is_no_change_of_words() -> None:
    rows = diff.rows("a;\nb;", "  a;\n  b;")
    assert all(r.sign == " " and r.moved for r in rows)


@given(st.integers(0, 10_000))
def test_a_diff_tells_both_texts(seed: int) -> None:
    rng = random.Random(seed)
    pool = ["for (int i = 0; i < n; ++i) {", "  B[i] = A[i];", "}", "  B[j] = A[j] + 1;", "", "int x = 0;", "  }"]
    texts = ["\n".join(rng.choice(pool) for _ in range(rng.randrange(9))) for _ in range(2)]
    rows = diff.rows(*texts)
    before, after = sides(rows)
    assert before == [x.strip() for x in diff.lines_of(texts[0])]
    assert after == [x.strip() for x in diff.lines_of(texts[1])]
    for row in rows:
        assert "".join(p.text for p in row.pieces) == row.text


def test_hidden_characters_are_shown() -> None:
    trojan = "if (a\u202e) \u200b{ \x1b[31m}\r\n\tx\u00a0= 1;"
    assert clean(trojan) == "if (a⟦U+202E⟧) ⟦U+200B⟧{ ⟦U+001B⟧[31m}\n    x⟦U+00A0⟧= 1;"
    assert clean("größe = 2; // schön") == "größe = 2; // schön"


def test_colours_cover_every_character() -> None:
    lines = tuple(diff.lines_of(fakes.BOUND))
    assert ["".join(t for _, t in runs) for runs in coloured(lines, "cuda")] == list(lines)
    assert ["".join(t for _, t in runs) for runs in coloured(lines, "no such language")] == list(lines)
    row = diff.Row("+", None, 1, (diff.Piece("const "), diff.Piece("float* A", True)))
    assert "".join(t for _, t, _ in overlay(row.pieces, (("keyword", "const"), ("", " float* A")))) == row.text
