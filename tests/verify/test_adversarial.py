"""Kernels that must be caught, and correct variants that must not: every pair below tests/adversarial, for real.

Each folder holds a source and candidates; the file name says what the judge must answer.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from xpiler_jupyter.errors import UnsupportedError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.subject import Subject
from xpiler_jupyter.verify.verdict import verdict_of

FOLDER = Path(__file__).parent.parent / "adversarial"
FILES = sorted(p for p in FOLDER.glob("*/*") if p.stem.startswith(("accept", "reject")))


def load(path: Path) -> Subject:
    text = path.read_text()
    platform = registry.detect(text, path.name)
    try:
        return Subject(text, platform, parse(text, platform))
    except UnsupportedError:
        return Subject(text, platform)


@cache
def judge_of(folder: Path) -> Judge:
    return Judge(load(next(folder.glob("source.*"))), device="sim")


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_judge(path: Path) -> None:
    judge = judge_of(path.parent)
    verdict = verdict_of(judge.test(load(path)), judge.assumptions)
    assert verdict.level == ("tested" if path.stem.startswith("accept") else "wrong"), verdict.detail
