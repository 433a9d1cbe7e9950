"""Wrong usage: exit status 2, one message, and an error object with --json."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Xpiler = Callable[..., Any]


@pytest.mark.parametrize("words", [(), ("prot",), ("port",), ("port", "x.c"), ("run", "k.c"), ("bench", "d"),
                                   ("port", "x.c", "--to", "cuda", "--seed", "many"), ("check", "--wrong", "x.c")])
def test_wrong_usage_is_status_2(xpiler: Xpiler, words: tuple[str, ...]) -> None:
    ran = xpiler(*words)
    assert ran.status == 2 and ran.out == "" and ran.err.startswith("xpiler: ")
    ran = xpiler(*words, "--json") if words and words[0] in ("port", "check") else None
    assert ran is None or (ran.status == 2 and ran.json["error"]["kind"] == "usage")


@pytest.mark.parametrize("words", [
    ("/nowhere/k.c", "--to", "cuda"), ("{}/scale.c", "--to", "cdua"), ("{}/scale.c", "--to", "cuda", "--from", "x"),
    ("{}/scale.c", "--to", "cuda", "--shape", "n"), ("{}/scale.c", "--to", "cuda", "--shape", "n=x"),
    ("{}", "--to", "c"),
])
def test_port_says_what_is_wrong_with_the_request(xpiler: Xpiler, kernels: Path, words: tuple[str, ...]) -> None:
    ran = xpiler("port", *(w.format(kernels) for w in words), "--json")
    assert ran.status == 2 and ran.json["error"]["kind"] == "usage" and ran.json["error"]["message"]
    assert set(ran.json["error"]) >= {"kind", "message", "line", "column"}


def test_suggestions(xpiler: Xpiler, kernels: Path) -> None:
    assert "did you mean cuda?" in xpiler("port", kernels / "scale.c", "--to", "cdua").err


def test_help() -> None:
    done = subprocess.run([sys.executable, "-m", "xpiler_jupyter", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "doctor" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    code = ("import sys; from xpiler_jupyter.cli import parser; parser(); "
            "print([m for m in ('numpy', 'islpy', 'IPython', 'pygments', 'tree_sitter') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_version(xpiler: Xpiler) -> None:
    assert xpiler("--version").out.startswith("xpiler-jupyter ")
