"""A port as text, for a terminal (coloured) or a saved notebook (plain). Pure functions over a `Snapshot`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from ..record import Step
from ..verify.evidence import Evidence, Verdict
from .clean import clean
from .colour import coloured
from .diff import Gap, counts, folded, lines_of, rows
from .findings import about, first_wrong, line_of
from .snapshot import BADGES, STATES, STATUS, Failure, Snapshot, knobs_text, next_actions, seconds_text, verdict_words

WIDTH = 100
_CODES = {"bold": "1", "dim": "2", "good": "32", "some": "36", "warn": "33", "bad": "31", "none": "2",
          "+": "32", "-": "31", "+!": "1;4;32", "-!": "1;4;31",
          "keyword": "35", "type": "36", "number": "33", "string": "32", "comment": "2", "preproc": "33"}


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours that a terminal's own theme chooses, or none."""

    on: bool = False

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.on and text else text


def port_text(snap: Snapshot, color: bool = False, diffs: bool = True, hints: bool = True) -> str:
    """The whole port. `diffs` shows every pass' diff, `hints` ends with the magics to go on with."""
    ink = Ink(color)
    out = list(_header(snap, ink))
    if snap.failure:
        out += _failure(snap.failure, ink)
    for k, step in enumerate(snap.steps):
        out += ["", *_step_head(k, step, ink)]
        if diffs:
            out += _indent(_step_body(step, ink, snap.says_again(step.verdict)))
    if snap.evidence:
        out += ["", ink("bold", "What was checked on the source"), *_indent(_checks(snap.evidence, ink))]
    if snap.finished:
        out += ["", ink("bold", "The ported kernel"), code_text(snap.code, snap.language(snap.code_platform), color)]
    if hints:
        out += ["", ink("dim", "Next: " + "  ".join(f"{magic} ({what})" for magic, what in next_actions(snap)))]
    return "\n".join(out)


def step_text(step: Step, color: bool = False, number: int = 1) -> str:
    """One step: head, diff, evidence."""
    ink = Ink(color)
    return "\n".join([*_step_head(number - 1, step, ink), *_indent(_step_body(step, ink))])


def verdict_line(snap: Snapshot, color: bool = False) -> str:
    """One line: what was ported and how sure we are."""
    return "\n".join(_header(snap, Ink(color)))


def code_text(text: str, language: str, color: bool = False) -> str:
    """A kernel text, coloured for a terminal."""
    lines = lines_of(text)
    if not color:
        return "\n".join(lines)
    ink = Ink(True)
    return "\n".join("".join(ink(kind, part) if kind else part for kind, part in runs)
                     for runs in coloured(tuple(lines), language))


def diff_text(before: str, after: str, color: bool = False) -> str:
    """The aligned diff with signs; the changed words are bold and underlined in colour."""
    ink = Ink(color)
    all_rows = rows(before, after)
    if all(r.sign == " " for r in all_rows):
        return ink("dim", "(only the indentation changes)" if any(r.moved for r in all_rows) else "(no change)")
    out = []
    for row in folded(all_rows):
        if isinstance(row, Gap):
            out.append(ink("dim", f"  ... {row.count} unchanged lines"))
        elif row.sign == " ":
            out.append(f"  {row.text}".rstrip())
        else:
            out.append(ink(row.sign, row.sign + " ") + "".join(
                ink(row.sign + ("!" if p.changed else ""), p.text) for p in row.pieces))
    return "\n".join(line.rstrip() for line in out)


# -- parts -------------------------------------------------------------------------------------------------------------


def _badge(level: str, ink: Ink) -> str:
    word, tone = BADGES.get(level, (level, "none"))
    return ink(tone, f"[{word}]")


def _header(snap: Snapshot, ink: Ink) -> Iterator[str]:
    if snap.pending:
        mark = ink("warn", "[waits for you]")
    elif not snap.finished and not snap.failure:
        mark = ink("none", "[under way]")
    else:
        mark = _badge(snap.verdict.level, ink)
    number = len([s for s in snap.steps if s.state == "accepted"])
    yield (f"{ink('bold', clean(snap.kernel))}  {snap.source.title} -> {snap.target.title}  {mark}  "
           + ink("dim", f"{number} pass{'' if number == 1 else 'es'}, {seconds_text(snap.seconds)}"))
    yield from _wrap(snap.headline)
    if snap.finished:
        yield from _model(snap.verdict)


def _wrap(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(clean(text).replace("\n", " "), WIDTH, initial_indent=first, subsequent_indent=rest) or []


def _model(verdict: Verdict) -> Iterator[str]:
    if verdict.number_model:
        yield from _wrap(verdict.number_model, "numbers: ", "  ")
    if verdict.assumptions:
        yield "this holds if:"
        for a in verdict.assumptions:
            yield from _wrap(a, "  - ", "    ")


def _failure(failure: Failure, ink: Ink) -> Iterator[str]:
    column = f", column {failure.column}" if failure.column else ""
    place = f" at line {failure.line}{column}" if failure.line else ""
    yield ink("bad", f"stopped{place}: ") + clean(failure.message)
    lines = (failure.source or "").split("\n")
    if failure.line and failure.line <= len(lines):
        yield "    " + clean(lines[failure.line - 1])
        if failure.column:
            yield "    " + " " * len(clean(lines[failure.line - 1][:failure.column - 1])) + ink("bad", "^")
    if failure.hint:
        yield clean(failure.hint)


def _step_head(k: int, step: Step, ink: Ink) -> Iterator[str]:
    added, removed = counts(rows(step.before, step.after))
    if step.state in ("rejected", "failed", "conflict"):
        word, tone = STATES[step.state]
        mark = ink(tone, f"[{word}]")
    else:
        mark = _badge(step.verdict.level, ink) + (ink("warn", " [waits for you]") if step.state == "proposed" else "")
    knobs = f" ({clean(knobs_text(step))})" if step.knobs else ""
    yield (f"{k + 1}. {ink('bold', clean(step.pass_name))}{knobs}  {mark}  "
           + ink("dim", f"+{added} -{removed} lines, {seconds_text(step.seconds)}"))
    yield from _wrap(step.note, "   ", "   ")


def _step_body(step: Step, ink: Ink, said: bool = False) -> Iterator[str]:
    if step.verdict.level == "wrong":
        yield from _wrong(step.evidence, step.after, ink)
    yield from diff_text(step.before, step.after, ink.on).split("\n")
    if step.verdict.level != "wrong":
        yield from _wrap(verdict_words(step))
    if not said:
        yield from _model(step.verdict)
    yield from _checks(step.evidence, ink)


def _wrong(evidence: tuple[Evidence, ...], after: str, ink: Ink) -> Iterator[str]:
    found = first_wrong(evidence)
    if found is None:
        return
    yield ink("bad", "first wrong element: ") + (
        clean(f"{found.buffer}[{found.index}] is {found.got}, expected {found.expected}"))
    if about(found):
        yield "  " + clean(", ".join(about(found)))
    if line_of(after, found.line):
        yield f"  line {found.line}: {clean(line_of(after, found.line))}"


def _checks(evidence: tuple[Evidence, ...], ink: Ink) -> Iterator[str]:
    for e in evidence:
        sign, tone = STATUS.get(e.status, ("?", "warn"))
        took = f" ({seconds_text(e.seconds)})" if e.seconds else ""
        lines = _wrap(f"{e.kind.replace('_', ' ')}: {e.detail}{took}", "", "  ") or [clean(e.kind)]
        yield f"{ink(tone, sign)} {lines[0]}"
        yield from ("  " + line for line in lines[1:])


def _indent(lines: Iterator[str]) -> Iterator[str]:
    return (f"   {line}" if line else "" for line in lines)
