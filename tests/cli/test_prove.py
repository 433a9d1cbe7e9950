"""`xpiler prove`: two kernels of any two platforms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ADD = "void add(const float* x, const float* y, float* z, int n) { for (int i = 0; i < n; i++) z[i] = x[i] + y[i]; }\n"
BACKWARDS = "void add(const float* a, const float* b, float* c, int m) { for (int k = m - 1; k >= 0; k--) c[k] = b[k] + a[k]; }\n"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "a.c").write_text(ADD)
    (tmp_path / "b.c").write_text(BACKWARDS)
    return tmp_path / "a.c", tmp_path / "b.c"


def test_equal(xpiler: Any, pair: tuple[Path, Path]) -> None:
    ran = xpiler("prove", *pair)
    assert ran.status == 0 and "[proved for all sizes]" in ran.out and "numbers: bit-exact" in ran.out


def test_json(xpiler: Any, pair: tuple[Path, Path]) -> None:
    ran = xpiler("prove", *pair, "--shape", "n=100", "--json")
    assert ran.status == 0 and ran.json["verdict"] == "proved"
    assert set(ran.json) == {"verdict", "number_model", "assumptions", "reason", "line", "seconds", "counterexample"}


def test_different_is_status_1_with_the_reason(xpiler: Any, pair: tuple[Path, Path]) -> None:
    pair[1].write_text(BACKWARDS.replace("b[k] +", "b[0] +"))
    ran = xpiler("prove", *pair)
    assert ran.status == 1 and "[not proved]" in ran.out and "z:" in ran.out
    ran = xpiler("prove", *pair, "--json")
    assert ran.status == 1 and ran.json["verdict"] == "unknown" and ran.json["reason"]


def test_why(xpiler: Any, pair: tuple[Path, Path]) -> None:
    ran = xpiler("prove", *pair, "--why")
    assert f"line 1 of {pair[0]}: z[i] = (x[i] + y[i])" in ran.out


def test_wrong_usage(xpiler: Any, pair: tuple[Path, Path]) -> None:
    assert xpiler("prove", pair[0]).status == 2
    assert xpiler("prove", *pair, "--prove", "0").status == 2
    ran = xpiler("prove", *pair, "--shape", "q=3")
    assert ran.status == 2 and "no size 'q'" in ran.err
    ran = xpiler("prove", pair[0], "nowhere.c")
    assert ran.status == 2 and "cannot read nowhere.c" in ran.err
