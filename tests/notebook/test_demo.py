"""The demo notebooks run from top to bottom, and what they store is what a reader should see."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "demo_notebooks").glob("*.ipynb"))


def texts(notebook: Any, mime: str) -> list[str]:
    """Every output of this type, in order; streams count as text."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            value = output.get("data", {}).get(mime) or (output.get("text", "") if mime == "text/plain" else "")
            found.append(value)
    return [f for f in found if f]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_demo_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("demo_execute", ROOT / "demo_notebooks" / "execute.py")
    assert spec and spec.loader
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    notebook = runner.execute(path)
    assert "widgets" not in notebook.metadata
    plain, html = texts(notebook, "text/plain"), texts(notebook, "text/html")
    assert html and not any("Traceback" in t for t in plain)
    assert not any(o.output_type == "error" for c in notebook.cells for o in c.get("outputs", []))
    stored = nbformat.read(path, as_version=4)
    assert len(texts(stored, "text/html")) == len(html), "run demo_notebooks/execute.py and commit what it stores"


def test_the_first_port_shows_what_it_says() -> None:
    stored = nbformat.read(ROOT / "demo_notebooks" / "01-first-port.ipynb", as_version=4)
    plain = "\n".join(texts(stored, "text/plain"))
    for words in ("[tested]", "as NumPy computes it: True", "the same on HIP: True", "first wrong element: b[256]",
                  "UsageError: this step is wrong"):
        assert words in plain
    assert all("<script" not in t and "<style" not in t for t in texts(stored, "text/html"))
