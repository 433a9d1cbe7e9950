"""Both renderings of a port: the same facts, in a saved notebook and in a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import fakes
import pytest

from xpiler_jupyter.notebook.render_html import port_html, step_html, verdict_html
from xpiler_jupyter.notebook.render_text import port_text, step_text
from xpiler_jupyter.notebook.snapshot import Failure
from xpiler_jupyter.verify.evidence import LADDER

DONE = fakes.snapshot(fakes.split(), fakes.bind())
WRONG = fakes.snapshot(fakes.split("proposed", fakes.BAD, fakes.WRONG), finished=False)
FAILED = fakes.snapshot(fakes.split(), finished=False, failure=Failure(
    "unsupported", "`__shfl_xor_sync` is not understood", "Use a full mask.", 2, 8, fakes.SOURCE))
PROVED = fakes.snapshot(fakes.split(), replace(fakes.bind(), evidence=(*fakes.GOOD, *fakes.PROOFS), verdict=fakes.PROVED),
                        verdict=fakes.PROVED)
SNAPSHOTS = {"done": DONE, "proved": PROVED, "wrong": WRONG, "failed": FAILED}


class Page(HTMLParser):
    """Collects the tags, and the text that a site without styles shows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_text_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"notebook/{name}", port_text(SNAPSHOTS[name]) + "\n")


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_html_is_whole_and_inert(name: str) -> None:
    page = Page(port_html(SNAPSHOTS[name]))
    assert page.open == []
    assert not {"script", "style", "link", "img", "iframe", "svg"} & set(page.tags)
    assert {k for k, _ in page.attributes} <= {"style", "open", "title"}
    assert not any("url(" in (v or "") for _, v in page.attributes)


def test_html_without_any_style_still_reads() -> None:
    text = Page(port_html(DONE)).text
    assert "\n-   for (int i = 0; i < n; ++i) {\n" in text
    assert "\n+   for (int i_outer = 0; i_outer < (n + 255) / 256; ++i_outer) {\n" in text
    assert "tested" in text and "bit-exact" in text and "A and B do not overlap" in text
    assert "12 inputs give the same bits" in text


def test_html_shows_the_first_wrong_element() -> None:
    text = Page(port_html(WRONG)).text
    for word in ("B[255]", "1.25", "-7.5", "4 of 1000 elements differ", "n=1000", "seed 7", "line 6:"):
        assert word in text
    assert port_html(WRONG).count("<details open") == 1


def test_html_shows_where_it_stopped() -> None:
    text = Page(port_html(FAILED)).text
    assert "Stopped at line 2, column 8" in text and "Use a full mask." in text
    assert "  for (int i = 0; i < n; ++i) {\n       ^" in text


ATTACKS = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\u202eright to left", "\x1b[31mred",
           "</pre></div>")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_gets_out_of_its_place(attack: str) -> None:
    step = replace(fakes.split(evidence=(replace(fakes.GOOD[0], kind=attack, detail=attack),)), pass_name=attack,
                   note=attack, engine=attack, knobs={attack: attack}, after=fakes.SPLIT + attack,
                   verdict=replace(fakes.TESTED, detail=attack, number_model=attack, assumptions=(attack,)))
    data = {"scalars": {attack: 1}, "kind": attack, "comparison": {
        "buffer": attack, "first": {"index": 1, "expected": attack, "got": attack}}}
    evidence = tuple(replace(e, detail=attack, data=data) for e in fakes.BAD)
    bad = fakes.split("proposed", evidence, fakes.WRONG)
    failure = Failure("parse", attack, attack, 1, 1, attack)
    snap = replace(fakes.snapshot(step, bad, failure=failure), kernel=attack, code=attack)
    for html in (port_html(snap), step_html(step), verdict_html(step.verdict)):
        page = Page(html)
        assert page.open == [] and not {"script", "img"} & set(page.tags)
        assert not {"\u202e", "\x1b"} & set(html)
    for text in (port_text(snap), step_text(step)):
        assert not {"\u202e", "\x1b"} & set(text)


def test_colour_only_adds_colour() -> None:
    for snap in SNAPSHOTS.values():
        plain = re.sub(r"\x1b\[[0-9;]*m", "", port_text(snap, color=True))
        assert "\x1b" in port_text(snap, color=True)
        assert [x.rstrip() for x in plain.split("\n")] == [x.rstrip() for x in port_text(snap).split("\n")]


@pytest.mark.parametrize("state", ["proposed", "accepted", "rejected", "failed", "conflict"])
@pytest.mark.parametrize("level", [*LADDER, "a rung of tomorrow"])
def test_every_state_and_level_has_words(state: str, level: str) -> None:
    step: Any = replace(fakes.split(state), verdict=replace(fakes.TESTED, level=level))
    snap = fakes.snapshot(step, finished=state == "accepted")
    assert Page(port_html(snap)).text and port_text(snap)


def test_a_step_that_changes_nothing_says_so() -> None:
    same = fakes.split(after=fakes.SOURCE)
    assert "The text stays as it is." in step_html(same)
    assert "(no change)" in step_text(same)
