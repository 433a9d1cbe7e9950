"""A port as HTML that stays in a saved notebook. Pure functions over a `Snapshot`.

Only inline styles and no script, for sites that strip both: what matters is said in words, diff lines keep their signs.
Colours come from the theme's own variables where there are any (JupyterLab, VS Code), so light and dark both read well.
"""

from __future__ import annotations

from html import escape

from ..record import Step
from ..verify.evidence import Evidence, Verdict
from .clean import clean
from .colour import coloured, overlay
from .diff import Gap, Row, counts, folded, lines_of, rows
from .findings import about, first_wrong, line_of
from .snapshot import BADGES, STATES, STATUS, Failure, Snapshot, knobs_text, next_actions, seconds_text, verdict_words

MONO = ("font-family:var(--jp-code-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',"
        "monospace);font-size:var(--jp-code-font-size,13px)")
SANS = "font-family:var(--jp-ui-font-family,system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif)"
LINE = "rgba(128,128,128,.32)"
SOFT = "opacity:.72"
TONES = {"good": "#1a7f37", "some": "#0b69c7", "warn": "#9a6700", "bad": "#c9252d", "none": "#636c76"}
GREEN, RED, AMBER = "46,160,67", "229,83,75", "191,135,0"
_INK = {  # our kind of token -> the theme's colour, and a middle tone that reads on white and on black
    "keyword": "color:var(--jp-mirror-editor-keyword-color,#9161e8)",
    "type": "color:var(--jp-mirror-editor-builtin-color,#0f8a92)",
    "number": "color:var(--jp-mirror-editor-number-color,#1f7f4c)",
    "string": "color:var(--jp-mirror-editor-string-color,#bf6510)",
    "comment": "color:var(--jp-mirror-editor-comment-color,#75808a);font-style:italic",
    "preproc": "color:var(--jp-mirror-editor-meta-color,#a0602a)",
}


def port_html(snap: Snapshot) -> str:
    """The whole port: what it is and how sure we are, every pass with its diff and evidence, the text it reached."""
    body = [_header(snap)]
    if snap.failure:
        body.append(_failure(snap.failure))
    opened = snap.shown
    body += [_step(snap, k, step, k == opened) for k, step in enumerate(snap.steps)]
    if snap.evidence:
        body.append(_panel("What was checked on the source", evidence_html(snap.evidence), _tally(snap.evidence)))
    if snap.steps or not snap.failure:
        where = snap.target.title if snap.code_platform == snap.target.name else snap.title(snap.code_platform)
        label = "The ported kernel" if snap.finished else "The kernel so far"
        body.append(_panel(label, code_html(snap.code, snap.language(snap.code_platform)), escape(where),
                           opened=snap.finished))
    body.append(_next(snap))
    return (f'<div style="{SANS};font-size:14px;line-height:1.5;max-width:1100px;border:1px solid {LINE};'
            f'border-radius:8px;overflow:hidden;margin:4px 0">{"".join(body)}</div>')


def step_html(step: Step, language: str = "cpp") -> str:
    """One step alone."""
    return (f'<div style="{SANS};font-size:14px;line-height:1.5"><b>{_text(step.pass_name)}</b> '
            f"{_step_badge(step)}<div>{_text(step.note)}</div>{_step_body(step, language)}</div>")


def verdict_html(verdict: Verdict) -> str:
    """A verdict alone: badge, what it means, number model, assumptions."""
    return (f'<div style="{SANS};font-size:14px;line-height:1.5">{badge(verdict.level)} {_text(verdict.detail)}'
            f"{_model(verdict)}</div>")


def badge(level: str) -> str:
    """The verdict's word on its colour."""
    word, tone = BADGES.get(level, (level, "none"))
    return _pill(word, TONES[tone])


def evidence_html(evidence: tuple[Evidence, ...]) -> str:
    """Every check: a sign, its name, what it found, how long it took."""
    return f'<ul style="list-style:none;margin:0;padding:0">{"".join(_check(e) for e in evidence)}</ul>'


def code_html(text: str, language: str) -> str:
    """A kernel text with syntax colours."""
    lines = lines_of(text)
    body = "\n".join("".join(_ink(kind, part) for kind, part in runs) for runs in coloured(tuple(lines), language))
    return f'<pre style="{MONO};line-height:1.45;margin:0;padding:0;overflow-x:auto;white-space:pre">{body}</pre>'


def diff_html(before: str, after: str, language: str) -> str:
    """The aligned diff; lines keep their signs, so that it reads without any style."""
    a = coloured(tuple(lines_of(before)), language)
    b = coloured(tuple(lines_of(after)), language)
    all_rows = rows(before, after)
    if all(r.sign == " " for r in all_rows):
        same = "only the indentation changes" if any(r.moved for r in all_rows) else "the text stays as it is"
        return f'<div style="{SOFT};font-style:italic">{same.capitalize()}.</div>'
    out = []
    for row in folded(all_rows):
        if isinstance(row, Gap):
            out.append(f'<span style="display:block;{SOFT};padding:1px 8px;background:rgba(128,128,128,.10)">'
                       f"  ⋯ {row.count} unchanged lines\n</span>")
        else:
            runs = b[row.after - 1] if row.after is not None else a[row.before - 1] if row.before is not None else ()
            out.append(_diff_line(row, runs))
    return (f'<pre style="{MONO};line-height:1.45;margin:0;padding:4px 0;overflow-x:auto;white-space:pre;'
            f'border:1px solid {LINE};border-radius:6px"><span style="display:inline-block;min-width:100%">'
            f'{"".join(out)}</span></pre>')


# -- parts -------------------------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    return escape(clean(text))


def _pill(word: str, colour: str) -> str:
    return (f'<span style="display:inline-block;background:{colour};color:#fff;border-radius:10px;padding:0 9px;'
            f'font-size:12px;line-height:20px;font-weight:600;white-space:nowrap">{escape(word)}</span>')


def _ink(kind: str, text: str) -> str:
    return f'<span style="{_INK[kind]}">{escape(text)}</span>' if kind in _INK and text.strip() else escape(text)


def _header(snap: Snapshot) -> str:
    if snap.pending:
        mark = _pill("waits for you", TONES["warn"])
    elif not snap.finished and not snap.failure:
        mark = _pill("under way", TONES["none"])
    else:
        mark = badge(snap.verdict.level)
    number = len([s for s in snap.steps if s.state == "accepted"])
    facts = [f"{number} pass{'' if number == 1 else 'es'}", seconds_text(snap.seconds)]
    return (f'<div style="padding:10px 14px;background:rgba(128,128,128,.08)">'
            f'<div><b style="font-size:15px;{MONO};font-size:15px">{_text(snap.kernel)}</b> &nbsp; '
            f'{escape(snap.source.title)} <span style="{SOFT}">→</span> <b>{escape(snap.target.title)}</b> &nbsp; '
            f'{mark} <span style="{SOFT};font-size:12px">&nbsp;{" · ".join(facts)}</span></div>'
            f'<div style="margin-top:2px">{_text(snap.headline)}</div>'
            f"{_model(snap.verdict) if snap.finished else ''}</div>")


def _model(verdict: Verdict) -> str:
    """Number model and assumptions: what a person must agree with."""
    out = ""
    if verdict.number_model:
        out += f'<div style="font-size:13px"><span style="{SOFT}">Numbers:</span> {_text(verdict.number_model)}</div>'
    if verdict.assumptions:
        items = "".join(f"<li>{_text(a)}</li>" for a in verdict.assumptions)
        out += (f'<div style="font-size:13px"><span style="{SOFT}">This holds if:</span>'
                f'<ul style="margin:0;padding-left:20px">{items}</ul></div>')
    return out


def _box(inner: str, tone: str) -> str:
    return (f'<div style="border-left:4px solid rgb({tone});background:rgba({tone},.12);padding:8px 12px;'
            f'border-radius:0 6px 6px 0;margin:6px 0">{inner}</div>')


def _failure(failure: Failure) -> str:
    place = f"line {failure.line}" + (f", column {failure.column}" if failure.column else "") if failure.line else ""
    inner = f"<b>{'Stopped at ' + place if place else 'Stopped'}</b>: {_text(failure.message)}"
    if failure.source and failure.line:
        source = failure.source.split("\n")
        if failure.line <= len(source):
            quoted = clean(source[failure.line - 1])
            caret = "\n" + " " * (len(clean(source[failure.line - 1][:failure.column - 1]))) + "^" \
                if failure.column else ""
            inner += f'<pre style="{MONO};margin:4px 0;overflow-x:auto">{escape(quoted)}{caret}</pre>'
    if failure.hint:
        inner += f'<div style="{SOFT}">{_text(failure.hint)}</div>'
    return f'<div style="padding:4px 14px">{_box(inner, RED)}</div>'


def _panel(title: str, inner: str, aside: str = "", opened: bool = False) -> str:
    return (f'<details{" open" if opened else ""} style="border-top:1px solid {LINE};padding:0">'
            f'<summary style="cursor:pointer;padding:7px 14px"><b>{escape(title)}</b>'
            f' <span style="{SOFT};font-size:13px">&nbsp;{aside}</span></summary>'
            f'<div style="padding:4px 14px 12px 14px">{inner}</div></details>')


def _step_badge(step: Step) -> str:
    if step.state in ("rejected", "failed", "conflict"):
        word, tone = STATES[step.state]
        return _pill(word, TONES[tone])
    return badge(step.verdict.level)


def _step(snap: Snapshot, k: int, step: Step, opened: bool) -> str:
    added, removed = counts(rows(step.before, step.after))
    waiting = f" {_pill('waits for you', TONES['warn'])}" if step.state == "proposed" else ""
    who = "" if step.engine in ("rules", step.pass_name) else f" · by {_text(step.engine)}"
    knobs = f' <span style="{MONO};font-size:12px;{SOFT}">{_text(knobs_text(step))}</span>' if step.knobs else ""
    faded = ";opacity:.75" if step.state in ("rejected", "conflict") else ""
    return (f'<details{" open" if opened else ""} style="border-top:1px solid {LINE};padding:0{faded}">'
            f'<summary style="cursor:pointer;padding:7px 14px"><span style="{SOFT}">{k + 1}.</span> '
            f'<b style="{MONO}">{_text(step.pass_name)}</b>{knobs} &nbsp;{_step_badge(step)}{waiting} &nbsp;'
            f'<span style="{SOFT};font-size:12px">+{added} −{removed} lines · {seconds_text(step.seconds)}{who}</span>'
            f'<div style="margin-left:18px">{_text(step.note)}</div></summary>'
            f'<div style="padding:2px 14px 12px 14px">'
            f"{_step_body(step, snap.language(step.platform), snap.says_again(step.verdict))}</div></details>")


def _step_body(step: Step, language: str, said: bool = False) -> str:
    out = [_wrong(step.evidence, step.after)] if step.verdict.level == "wrong" else []
    out.append(diff_html(step.before, step.after, language))
    if verdict_words(step) and step.verdict.level != "wrong":
        out.append(f'<div style="margin-top:8px">{badge(step.verdict.level)} {_text(step.verdict.detail)}</div>')
    if not said:
        out.append(_model(step.verdict))
    if step.evidence:
        out.append(f'<div style="margin-top:6px">{evidence_html(step.evidence)}</div>')
    return "".join(out)


def _wrong(evidence: tuple[Evidence, ...], after: str) -> str:
    """The first wrong element, large; or the words of the check that failed."""
    found = first_wrong(evidence)
    if found is None:
        failed = next((e for e in evidence if e.status == "fail"), None)
        return _box(f"<b>Wrong</b>: {_text(failed.detail)}", RED) if failed else ""
    cell = "padding:1px 14px 1px 0;text-align:left;border:0;background:none"
    head = "".join(f'<th style="{cell};{SOFT};font-weight:400">{w}</th>'
                   for w in ("first wrong element", "expected", "got"))
    row = "".join(f'<td style="{cell};{MONO}">{_text(w)}</td>'
                  for w in (f"{found.buffer}[{found.index}]", found.expected, found.got))
    rest = about(found)
    tail = f'<div style="{SOFT};font-size:13px">{_text(" · ".join(rest))}</div>' if rest else ""
    quoted = line_of(after, found.line)
    if quoted:
        tail += f'<div style="font-size:13px">line {found.line}: <code style="{MONO}">{_text(quoted)}</code></div>'
    lines = "".join(f'<tr style="background:none">{cells}</tr>' for cells in (head, row))
    return _box(f'<table style="border-collapse:collapse;margin:0;border:0;font-size:13px">{lines}</table>{tail}', RED)


def _check(e: Evidence) -> str:
    sign, tone = STATUS.get(e.status, ("?", "warn"))
    word = {"pass": "passed", "fail": "failed", "skip": "skipped", "unknown": "not known"}.get(e.status, e.status)
    return (f'<li style="margin:1px 0;padding:0 0 0 22px;text-indent:-22px">'
            f'<span title="{word}" style="display:inline-block;text-indent:0;width:16px;height:16px;line-height:16px;'
            f'text-align:center;border-radius:8px;font-size:11px;background:{TONES[tone]};color:#fff">{sign}</span> '
            f"<b>{_text(e.kind.replace('_', ' '))}</b> {_text(e.detail)} "
            f'<span style="{SOFT};font-size:12px">{seconds_text(e.seconds) if e.seconds else ""}</span></li>')


def _tally(evidence: tuple[Evidence, ...]) -> str:
    passed, failed = (sum(e.status == s for e in evidence) for s in ("pass", "fail"))
    return f"{passed} passed" + (f", {failed} failed" if failed else "")


def _diff_line(row: Row, runs: tuple[tuple[str, str], ...]) -> str:
    tone = {"+": GREEN, "-": RED}.get(row.sign)
    inner = ""
    for kind, text, changed in overlay(row.pieces, runs):
        inner += (f'<b style="background:rgba({tone},.36);border-radius:3px">{escape(text)}</b>' if changed and tone
                  else _ink(kind, text))
    style = f"background:rgba({tone},.15);" if tone else "opacity:.85;" if row.moved else ""
    edge = f"border-left:3px solid rgb({tone})" if tone else "border-left:3px solid transparent"
    return f'<span style="display:block;{style}{edge};padding:0 8px">{row.sign} {inner}\n</span>'


def _next(snap: Snapshot) -> str:
    parts = [f'<code style="{MONO};font-size:12px;background:rgba(128,128,128,.14);border-radius:4px;padding:1px 5px">'
             f"{escape(magic)}</code> {escape(what)}" for magic, what in next_actions(snap)]
    return (f'<div style="border-top:1px solid {LINE};padding:6px 14px;font-size:12px">'
            f'<span style="{SOFT}">Next:</span> {" &nbsp;·&nbsp; ".join(parts)}</div>')
