"""Progress: one line that changes, not faster than a person reads, gone at the end."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import fake_port
import fakes
import pytest
from IPython.utils.capture import capture_output

from xpiler_jupyter.notebook import progress
from xpiler_jupyter.record import Event


class Recorder:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.closed = False

    def show(self, line: str) -> None:
        self.lines.append(line)

    def close(self) -> None:
        self.closed = True


def test_lines_come_no_faster_than_a_person_reads() -> None:
    now = [0.0]
    out = Recorder()
    report = progress.Reporter(SimpleNamespace(steps=(fakes.split(),)), out, clock=lambda: now[0])
    for k in range(100):
        now[0] = k * 0.01
        report(Event("progress", None, f"event {k}"))
    assert 9 <= len(out.lines) <= 11
    assert out.lines[0] == "event 0 · 1 pass done · 0 ms"
    report(Event("done"))
    report.active = False
    now[0] = 5.0
    report(Event("progress", None, "late"))
    assert "late" not in out.lines[-1]


def test_the_notebook_line_is_updated_and_cleared(shell: Any) -> None:
    with capture_output() as got:
        shown = progress.Notebook()
        shown.show("one <b>")
        shown.show("two")
        lines = [o.data for o in got.outputs]
        shown.close()
    assert [d["text/plain"] for d in lines] == ["one <b>", "two"] and "one &lt;b&gt;" in lines[0]["text/html"]
    assert got.outputs == []


def test_the_terminal_line_is_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    line = progress.Terminal()
    line.close()
    assert err.getvalue() == ""
    line.show("working")
    line.close()
    assert err.getvalue().startswith("\r\x1b[2Kworking") and err.getvalue().endswith("\r\x1b[2K")


def test_who_watches(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress.watcher(shell), progress.Silent)  # stderr is no terminal here
    assert isinstance(progress.watcher(object()), progress.Notebook)
    out = Recorder()
    monkeypatch.setattr(progress, "watcher", lambda _: out)
    port = fake_port.Port(fakes.SOURCE, "cuda")
    with pytest.raises(KeyboardInterrupt), progress.watching(shell, port):
        port.next()
        raise KeyboardInterrupt
    assert out.lines and out.closed
