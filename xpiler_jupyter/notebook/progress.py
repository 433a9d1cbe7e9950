"""What a person sees while a port is at work: one line that changes, and nothing of it afterwards.

This is the seam for the live view: `watching(shell, port)` picks who listens to the port's events.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from ..record import Event
from .clean import clean
from .display import in_terminal
from .snapshot import seconds_text

if TYPE_CHECKING:
    from ..suite import AnyPort

PAUSE = 0.1  # seconds between two updates


class Watcher(Protocol):
    """Something that shows events."""

    def show(self, line: str) -> None:
        """One line about what happens now."""

    def close(self) -> None:
        """The work is over."""


class Silent:
    """Nobody looks: a pipe, a test."""

    def show(self, line: str) -> None:
        pass

    def close(self) -> None:
        pass


class Terminal:
    """One status line on stderr."""

    def __init__(self) -> None:
        self.shown = False

    def show(self, line: str) -> None:
        self.shown = True
        print(f"\r\x1b[2K{line[:100]}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


class Notebook:
    """A line in the cell's output, updated in place, and cleared by the result that follows."""

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, line: str) -> None:
        from IPython.display import DisplayHandle

        data = {"text/plain": line, "text/html": f'<div style="opacity:.75;font-size:13px">⏳ {escape(line)}</div>'}
        if self.handle is None:
            self.handle = DisplayHandle()  # type: ignore[no-untyped-call,unused-ignore]
            self.handle.display(data, raw=True)
        else:
            self.handle.update(data, raw=True)

    def close(self) -> None:
        from IPython.display import clear_output

        if self.handle is not None:
            clear_output(wait=True)  # type: ignore[no-untyped-call,unused-ignore]


def watcher(shell: Any) -> Watcher:
    """Who shows progress here."""
    if not in_terminal(shell):
        return Notebook()
    return Terminal() if sys.stderr.isatty() else Silent()


class Reporter:
    """Turns a port's events into lines, not more often than a person can read."""

    def __init__(self, port: AnyPort, out: Watcher, clock: Any = time.perf_counter) -> None:
        self.port, self.out, self.clock = port, out, clock
        self.began = clock()
        self.last = self.began - PAUSE  # the first event shows at once: what follows it may take long
        self.active = True

    def __call__(self, event: Event) -> None:
        now = self.clock()
        if not self.active or not event.text or now - self.last < PAUSE:
            return
        self.last = now
        done = sum(s.state == "accepted" for s in self.port.steps)
        passes = f"{done} pass{'' if done == 1 else 'es'} done"
        self.out.show(f"{clean(event.text).splitlines()[0]} · {passes} · {seconds_text(now - self.began)}")


@contextmanager
def watching(shell: Any, port: AnyPort) -> Iterator[None]:
    """Shows the port's events while the block runs."""
    out = watcher(shell)
    report = Reporter(port, out)
    port.on(report)
    try:
        yield
    finally:
        report.active = False
        out.close()
