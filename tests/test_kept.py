"""Values kept between runs: found again by the same code, never by other code, and never trusted to be there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xpiler_jupyter.kept import Kept


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XPILER_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_what_was_put_is_there_for_the_next(folder: Path) -> None:
    source = folder / "code.py"
    source.write_text("one")
    first = Kept("values", [source])
    assert first.get("a") is None
    first.put("a", ("x", 1.5))
    first.write()
    assert Kept("values", [source]).get("a") == ("x", 1.5)
    assert Kept("others", [source]).get("a") is None
    source.write_text("another")
    assert Kept("values", [source]).get("a") is None
    assert len(list((folder / "cache").glob("values-*.db"))) == 1  # what older code made is gone


def test_a_damaged_file_is_no_file(folder: Path) -> None:
    source = folder / "code.py"
    source.write_text("one")
    kept = Kept("values", [source])
    kept.put("a", 1)
    kept.write()
    next((folder / "cache").glob("values-*.db")).write_bytes(b"nothing like a table" * 100)
    again = Kept("values", [source])
    assert again.get("a") is None
    again.put("a", 1)
    again.write()


def test_hashes_are_made_anew(folder: Path) -> None:
    """Forms hold polynomials, whose hashes differ from process to process."""
    code = """
from xpiler_jupyter.passes import _match_row as m
from xpiler_jupyter.platforms import registry
for row in [r for p in registry.names() for r in list(registry.get(p).instrs)[::200]]:
    known = m.row_forms(row)
    if not isinstance(known, str):
        fresh = [form for form, _ in m._read(row)]
        assert fresh == [k.form for k in known], row.name
        assert [hash(f) for f in fresh] == [hash(k.form) for k in known], row.name
"""
    for seed in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
    assert list((folder / "cache").glob("forms-*.db")) and list((folder / "cache").glob("meanings-*.db"))
