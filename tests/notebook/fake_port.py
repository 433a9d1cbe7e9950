"""A port whose passes are canned: the magics' own logic is tested without parsing or compiling anything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import fakes

from xpiler_jupyter.errors import IllegalPassError, ParseError, StateError, XpilerError
from xpiler_jupyter.record import Event, Step
from xpiler_jupyter.verify.evidence import Verdict


class Port:
    """Two steps from C to CUDA, with the real port's states. A text with "broken" does not parse, one with "hang" is
    interrupted, one with "stuck" finds no pass."""

    def __init__(self, text: str, target: str, **options: Any) -> None:
        if "broken" in text:
            raise ParseError("expected ';'", source=text, line=2, column=3, hint="Close the statement.")
        self.source_text, self.options, self.target_name = text, options, target
        self.source, self.target, self.kernel_name = fakes.C, fakes.CUDA, "scale"
        self.steps: tuple[Step, ...] = ()
        self.error: XpilerError | None = None
        self.evidence, self.seconds = (), 0.0
        self.history: list[tuple[Step, ...]] = []
        self.listeners: list[Callable[[Event], None]] = []
        self.cancelled = False

    @property
    def pending(self) -> Step | None:
        return self.steps[-1] if self.steps and self.steps[-1].state == "proposed" else None

    @property
    def current(self) -> Step | None:
        return next((s for s in reversed(self.steps) if s.state == "accepted"), None)

    @property
    def code(self) -> str:
        return self.current.after if self.current else self.source_text

    @property
    def platform(self) -> fakes.Side:
        return fakes.CUDA if self.current and self.current.platform == "cuda" else fakes.C

    @property
    def finished(self) -> bool:
        return not self.pending and self.platform is fakes.CUDA

    @property
    def verdict(self) -> Verdict:
        return self.current.verdict if self.current else Verdict("untested", "no step taken yet")

    def why(self) -> str:
        return "equal to the source for all inputs"

    def on(self, callback: Callable[[Event], None]) -> None:
        self.listeners.append(callback)

    def _push(self, steps: tuple[Step, ...]) -> None:
        self.history.append(self.steps)
        self.steps = steps
        for callback in self.listeners:
            callback(Event("progress", len(steps), "working"))

    def run(self) -> Port:
        while not self.finished:
            if not self.pending:
                try:
                    self.next()
                except XpilerError as err:
                    self.error = err
                    raise
            self.accept()
            if "hang" in self.source_text and not self.cancelled:
                raise KeyboardInterrupt
        return self

    def next(self) -> Step | None:
        if self.pending:
            raise StateError("a proposal is waiting", hint="Accept, edit or reject it first.")
        if "stuck" in self.source_text:
            raise IllegalPassError("no pass applies: loop i carries the sum into B", source=self.source_text, line=2)
        if self.finished:
            return None
        self._push((*self.steps, fakes.bind("proposed") if self.current else fakes.split("proposed")))
        return self.steps[-1]

    def propose(self, pass_name: str, **knobs: Any) -> Step:
        self._push((*self.steps, replace(fakes.split("proposed"), pass_name=pass_name, knobs=knobs)))
        return self.steps[-1]

    def edit(self, text: str, step: int | None = None) -> Step:
        wrong = "n + 1" in text
        evidence, verdict = (fakes.BAD, fakes.WRONG) if wrong else (fakes.GOOD, fakes.TESTED)
        made = replace(fakes.split("proposed", evidence, verdict, text), pass_name="edit", engine="edit", knobs={})
        self._push((*(s for s in self.steps if s is not self.pending), made))
        return made

    def _decide(self, state: str) -> Step:
        if not self.pending:
            raise StateError("no proposal is waiting", hint="Propose the next pass first.")
        self._push((*self.steps[:-1], replace(self.steps[-1], state=state)))
        return self.steps[-1]

    def accept(self, force: bool = False) -> Step:
        if self.pending and self.pending.verdict.level == "wrong" and not force:
            raise StateError("this step is wrong", hint="Edit or reject it, or accept with force.")
        return self._decide("accepted")

    def reject(self) -> Step:
        return self._decide("rejected")

    def undo(self) -> Port:
        if not self.history:
            raise StateError("there is nothing to undo")
        self.steps = self.history.pop()
        return self

    def back_to(self, k: int) -> Port:
        self._push(self.steps[:k])
        return self

    def cancel(self) -> None:
        self.cancelled = True

    def save(self, path: Any) -> None:
        with open(path, "w") as out:
            out.write("{}")


Port.__module__ = "xpiler_jupyter.port"


def install(monkeypatch: Any) -> None:
    """Puts the canned port where the magics look for the real one."""
    import xpiler_jupyter.suite as suite  # with the real port, whichever test is the first

    monkeypatch.setattr(suite, "Port", Port)
    module = ModuleType("xpiler_jupyter.port")
    module.Port = Port  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xpiler_jupyter.port", module)
