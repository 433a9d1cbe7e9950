"""One IPython for all notebook tests, with the extension loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@dataclass(frozen=True)
class Ran:
    """What a cell left: its value, what it printed, whether it failed, what it displayed besides its value."""

    value: Any
    out: str
    err: str
    success: bool
    data: dict[str, Any]
    shown: tuple[dict[str, Any], ...] = ()


@pytest.fixture(scope="session")
def shell() -> Any:
    from IPython.testing.globalipapp import start_ipython

    made = start_ipython()
    made.display_formatter.active_types = made.display_formatter.format_types  # as behind a notebook
    made.run_line_magic("load_ext", "xpiler_jupyter")
    return made


@pytest.fixture
def run(shell: Any) -> Callable[[str], Ran]:
    """Runs one cell; no traceback of ours may ever be among what it prints."""
    from IPython.utils.capture import capture_output

    from xpiler_jupyter.notebook.display import register

    register(shell)  # IPython binds a display to the class it meets first, and tests bring two classes named Port
    def cell(text: str) -> Ran:
        with capture_output() as got:
            result = shell.run_cell(text)
        data, _ = shell.display_formatter.format(result.result) if result.result is not None else ({}, {})
        assert "Traceback" not in got.stdout + got.stderr, got.stdout + got.stderr
        return Ran(result.result, got.stdout, got.stderr, result.success, data,
                   tuple(o.data for o in got.outputs if o.data))

    return cell


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch, shell: Any) -> None:
    """Ports with canned passes, and no port left from another test."""
    import fake_port

    fake_port.install(monkeypatch)
    magics = shell.magics_manager.registry["XpileMagics"]
    monkeypatch.setattr(magics, "latest", None)
