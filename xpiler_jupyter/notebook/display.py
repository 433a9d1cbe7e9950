"""Makes a Port the value of a cell: registers its HTML and text with IPython, and shows our errors without a traceback.

The port knows nothing of this. The later live view replaces `bundle` for front ends that can show it.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

from ..errors import XpilerError

if TYPE_CHECKING:
    from ..suite import AnyPort

_TYPES = (("xpiler_jupyter.port", "Port"), ("xpiler_jupyter.suite", "Suite"), ("xpiler_jupyter.record", "Step"),
          ("xpiler_jupyter.verify.evidence", "Verdict"))


def bundle(thing: Any, color: bool = False) -> dict[str, str]:
    """text/plain and text/html of a Port, a Step or a Verdict."""
    from ..record import Step
    from ..verify.evidence import Verdict
    from . import render_html, render_text
    from .snapshot import Snapshot

    if isinstance(thing, Verdict):
        model = f" ({thing.number_model})" if thing.number_model else ""
        return {"text/plain": f"{thing.level}: {thing.detail}{model}", "text/html": render_html.verdict_html(thing)}
    if isinstance(thing, Step):
        return {"text/plain": render_text.step_text(thing, color), "text/html": render_html.step_html(thing)}
    snap = Snapshot.of(thing)
    return {"text/plain": render_text.port_text(snap, color), "text/html": render_html.port_html(snap)}


class View:
    """Shows a port where the extension is not loaded: `View(port)` as a cell's value."""

    def __init__(self, port: AnyPort) -> None:
        self.port = port

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return bundle(self.port, terminal_colours())

    def __repr__(self) -> str:
        return bundle(self.port)["text/plain"]


def in_terminal(shell: Any) -> bool:
    """True in plain IPython, false behind a notebook."""
    from IPython.terminal.interactiveshell import TerminalInteractiveShell

    return isinstance(shell, TerminalInteractiveShell)


def terminal_colours() -> bool:
    """Colours only where a person looks at a terminal: never into a saved notebook."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()  # type: ignore[no-untyped-call,unused-ignore]
    if "NO_COLOR" in os.environ or (shell is not None and not in_terminal(shell)):
        return False
    return bool(getattr(sys.stdout, "isatty", lambda: False)())


def register(shell: Any) -> None:
    """Teaches the shell's formatters our types, without importing the port yet."""
    for module, name in _TYPES:
        shell.display_formatter.formatters["text/html"].for_type_by_name(module, name, _html)
        shell.display_formatter.formatters["text/plain"].for_type_by_name(module, name, _plain)
    XpilerError._render_traceback_ = _traceback  # type: ignore[attr-defined]


def unregister(shell: Any) -> None:
    """Takes back what `register` did."""
    for mime in ("text/html", "text/plain"):
        formatter = shell.display_formatter.formatters[mime]
        for module, name in _TYPES:
            formatter.deferred_printers.pop((module, name), None)
            known = next((t for t in formatter.type_printers if (t.__module__, t.__name__) == (module, name)), None)
            formatter.type_printers.pop(known, None)
    if "_render_traceback_" in vars(XpilerError):
        del XpilerError._render_traceback_  # type: ignore[attr-defined]


def _html(thing: Any) -> str:
    return bundle(thing)["text/html"]


def _plain(thing: Any, printer: Any, cycle: bool) -> None:
    printer.text(bundle(thing, terminal_colours())["text/plain"])


def _traceback(err: XpilerError) -> list[str]:
    """What a notebook shows for our error from a Python cell: the person's own line, then the message and its caret."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()  # type: ignore[no-untyped-call,unused-ignore]
    where = []
    for frame in traceback.extract_tb(err.__traceback__):
        cell = shell.compile.format_code_name(frame.filename) if shell is not None else None
        if cell and frame.line:
            where = [f"{' '.join(cell)}, line {frame.lineno}: {frame.line}"]
    return [*where, f"{type(err).__name__}: {err.render()}"]
