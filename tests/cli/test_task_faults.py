"""Kernels for cores with memories of their own that are wrong: check, run and port say what, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Xpiler = Callable[..., Any]

HEAD = 'extern "C" __mlu_global__ void k(float* a, float* out) {\n'
COPY = HEAD + """  __nram__ float x[SIZE];
  __wram__ float w[64];
  __memcpy(x, a, 256, GDRAM2NRAM);
  MORE
  __memcpy(out, x, 256, NRAM2GDRAM);
}
"""


def text(size: int = 64, more: str = "") -> str:
    return COPY.replace("SIZE", str(size)).replace("MORE", more)


FULL = (text(size=100000), 2, "__nram__ arrays take 400000 bytes, a program may use 393216 on mtp_592: x")
ODD = (text(more="__memcpy(w, x, 60, NRAM2WRAM);"), 5, "size must be divisible by 16")
WRONG_MEMORY = (text(more="__bang_add(x, x, a, 64);"), 5, "src1 of __bang_add must lie in nram memory")
PAST_THE_END = (text(more="__bang_add(x + 1, x + 1, x + 1, 64);"), 5, "its array has 252 left there")
NO_SUCH_JOB = ("// launch: dim(6) Union1\n" + text(), 1, "no multiple of the 4 tasks of a Union1")
UNWRITTEN = (text().replace("a, 256", "a, 128"), None, "reads local memory that it never wrote: out[32]")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    np.savez(tmp_path / "in.npz", a=np.ones(64, np.float32), out=np.zeros(64, np.float32))
    return tmp_path


def said(ran: Any, line: int | None, words: str) -> None:
    assert ran.status != 0 and words in ran.out + ran.err and "Traceback" not in ran.err
    assert line is None or f"line {line}" in ran.out + ran.err


@pytest.mark.parametrize(("source", "line", "words"), [FULL, ODD, WRONG_MEMORY, PAST_THE_END, NO_SUCH_JOB])
def test_run_refuses_with_the_line(xpiler: Xpiler, files: Path, source: str, line: int, words: str) -> None:
    (files / "k.mlu").write_text(source)
    said(xpiler("run", files / "k.mlu", "--inputs", files / "in.npz", "--out", files / "out.npz"), line, words)


@pytest.mark.parametrize(("source", "line", "words"), [FULL, PAST_THE_END, UNWRITTEN])
def test_check_says_what_is_wrong(xpiler: Xpiler, files: Path, source: str, line: int | None, words: str) -> None:
    (files / "k.mlu").write_text(source)
    said(xpiler("check", files / "k.mlu"), line, words)


@pytest.mark.parametrize(("source", "line", "words"), [ODD, WRONG_MEMORY, UNWRITTEN])
def test_port_finds_the_source_at_fault(xpiler: Xpiler, files: Path, source: str, line: int | None, words: str) -> None:
    (files / "k.mlu").write_text(source)
    ran = xpiler("port", files / "k.mlu", "--to", "c")
    said(ran, line, words)
    assert ran.out == "" and "source" in ran.err


def test_a_right_one_runs(xpiler: Xpiler, files: Path) -> None:
    (files / "k.mlu").write_text(text(more="__bang_add(x, x, x, 64);"))
    ran = xpiler("run", files / "k.mlu", "--inputs", files / "in.npz", "--out", files / "out.npz")
    assert ran.status == 0 and np.array_equal(np.load(files / "out.npz")["out"], np.full(64, 2, np.float32))
