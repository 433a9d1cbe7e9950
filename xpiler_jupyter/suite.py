"""A file of several kernels ported together: each kernel is a port of its own, and the host function that runs them in
sequence is written anew and judged end to end, on the same inputs as the source's own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from . import running
from .errors import StateError, UnsupportedError, UsageError, WrongResultError, XpilerError
from .frontend.meanings import with_meanings
from .frontend.said import condition
from .intake import conditions, program_in
from .ir.nodes import Kernel
from .ir.program import Program, as_one_kernel
from .platforms import registry as platforms
from .platforms.base import Platform
from .platforms.program_text import program_text
from .port import Port
from .record import Event, Step
from .verify.evidence import LADDER, Evidence, Verdict
from .verify.judge import Judge
from .verify.subject import Subject
from .verify.verdict import verdict_of

WHOLE = 1e9  # the judge's patience: launches that depend on each other are not cut to slices


AnyPort: TypeAlias = "Port | Suite"


def start(text: str, target: str, *, kernel: str | None = None, source: str | None = None, filename: str | None = None,
          **options: Any) -> Port | Suite:
    """A port of the kernel that is meant; a suite where a host function runs several in sequence and none is named (or
    that function is). Options are those of `Port`. Raises XpilerError."""
    written = platforms.get(source) if source else platforms.detect(text, filename)
    options = {**options, "source": source, "filename": filename}
    program, why = program_in(text, written, kernel)
    if program is not None:
        return Suite(text, target, program, **options)
    try:
        return Port(text, target, kernel=kernel, **options)
    except UsageError as err:
        if why is None or kernel is not None or "several kernels" not in err.message:
            raise
        place = f"line {why.line}: " if why.line else ""
        raise UsageError(f"{err.message}; together they are not ported: {place}{why.message}",
                         hint="Name the one to port: --kernel NAME.") from None


class Suite:
    """The kernels of a program on their way to another platform. Has the interface of `Port`; what concerns one kernel
    (accepting, editing, undoing) goes to the port in progress.

    Args:
        text, target: as for `Port`.
        program: the host function that runs the kernels, as read from the text.
        options: those of `Port` but `kernel`.
    """

    def __init__(self, text: str, target: str, program: Program, *, shape: dict[str, int] | None = None,
                 assume: Iterable[str] = (), ref: Callable[..., Any] | None = None, seed: int = 0, device: str = "auto",
                 **options: Any) -> None:
        began = time.perf_counter()
        self.source_text, self.program, self.kernel_name = text, program, program.name
        self.shape, self.assume, self.ref, self.seed, self.device = dict(shape or {}), tuple(assume), ref, seed, device
        self.labels = tuple(s.label for s in program.stages)
        self.ports: tuple[Port, ...] = tuple(
            Port(text, target, kernel=s.label, seed=seed, device=device, shape=_own(self.shape, s.kernel), **options)
            for s in program.stages)
        self.source, self.target = self.ports[0].source, self.ports[0].target
        whole = as_one_kernel(program)
        self._whole = replace(whole, assume=(*whole.assume, *(condition(a, whole, self.source) for a in self.assume)))
        self._said = conditions(self._whole, self.source)
        self.error: XpilerError | None = None
        self._judge: Judge | None = None
        self._done: tuple[tuple[Kernel, ...], str, Verdict, tuple[Evidence, ...]] | None = None
        self._listeners: list[Callable[[Event], None]] = []
        self._cancelled = False
        for port in self.ports:
            port.on(self._relay)
        self.seconds = time.perf_counter() - began

    # -- what it is now ------------------------------------------------------------------------------------------------

    @property
    def at(self) -> Port:
        """The port in progress: the first that is not finished, else the last."""
        return next((p for p in self.ports if not p.finished), self.ports[-1])

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps of all kernels, each named with its kernel."""
        return tuple(replace(s, pass_name=f"{label}: {s.pass_name}")
                     for label, port in zip(self.labels, self.ports, strict=True) for s in port.steps)

    @property
    def pending(self) -> Step | None:
        """The proposal that waits for a decision."""
        return self.at.pending

    @property
    def finished(self) -> bool:
        """Every kernel is ported, and the whole was judged."""
        return self._done is not None and all(p.finished for p in self.ports) and \
            self._done[0] == tuple(p.kernel for p in self.ports)

    @property
    def code(self) -> str:
        """All kernels and the function that runs them; the source until all are ported."""
        return self._done[1] if self._done is not None and self.finished else self.source_text

    @property
    def platform(self) -> Platform:
        """The platform that `code` is written for."""
        return self.target if self.finished else self.source

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        own = () if self._judge is None else tuple(self._judge.evidence)
        return (*own, *(self._done[3] if self._done is not None and self.finished else ()))

    @property
    def verdict(self) -> Verdict:
        """What is known about `code`: no more than of its weakest part."""
        if self.error is not None and not self.finished:
            return Verdict("unsupported" if isinstance(self.error, UnsupportedError) else "untested", str(self.error))
        if self._done is None or not self.finished:
            return Verdict("untested", f"{self.target.title} is not reached yet")
        parts = [(label, p.verdict) for label, p in zip(self.labels, self.ports, strict=True)]
        whole = self._done[2]
        # What a kernel alone demands of its sizes, the host function gives it.
        given = {a for p in self.ports for a in p.judge.sizes.assumptions}
        assumptions = dict.fromkeys((*whole.assumptions, *(a for _, v in parts for a in v.assumptions if a not in given)))
        weakest = min(parts, key=lambda part: LADDER.index(part[1].level))
        level, detail = whole.level, f"{self.program.name} runs {', '.join(self.labels)}: {whole.detail}"
        if LADDER.index(weakest[1].level) < LADDER.index(level):
            level, detail = weakest[1].level, f"{weakest[0]}: {weakest[1].detail}"
        return Verdict(level, detail, whole.number_model, tuple(assumptions))

    @property
    def assumptions(self) -> tuple[str, ...]:
        return self.verdict.assumptions

    @property
    def number_model(self) -> str:
        return self.verdict.number_model

    # -- moving forward ------------------------------------------------------------------------------------------------

    def run(self) -> Suite:
        """Ports every kernel and judges the whole. Raises XpilerError as `Port.run` does; it is also kept in `error`."""
        self._cancelled, self.error = False, None
        try:
            for label, port in zip(self.labels, self.ports, strict=True):
                if self._cancelled:
                    return self
                try:
                    port.run()
                except XpilerError as err:
                    err.message = f"{label}: {err.message}"
                    raise
            if not self._cancelled and all(p.finished for p in self.ports):
                self._finish()
        except XpilerError as err:
            self.error = err
            self._emit("error", text=str(err))
            raise
        self._emit("done", text=self.verdict.detail)
        return self

    def next(self) -> Step | None:
        """The next proposal of the port in progress; None when every kernel is ported and the whole is judged."""
        for port in self.ports:
            if not port.finished:
                return port.next()
        if not self.finished:
            self._finish()
        return None

    def propose(self, pass_name: str, **knobs: Any) -> Step:
        return self.at.propose(pass_name, **knobs)

    def _finish(self) -> None:
        """Writes the whole text and judges it against the source's own host function."""
        began = time.perf_counter()
        kernels = tuple(p.kernel for p in self.ports)
        text = program_text(self.program, kernels, self.target)
        self._emit("progress", text=f"testing {self.program.name}")
        if self._judge is None:
            subject = Subject(self.source_text, self.source, with_meanings(self._whole))
            shape = {k: v for k, v in self.shape.items() if k in {p.name for p in self.program.params}}
            self._judge = Judge(subject, shape=shape, ref=self.ref, seed=self.seed, device=self.device, patience=WHOLE)
        found = tuple(self._judge.test(Subject(text, self.target, None, self.program.name)))
        verdict = verdict_of(found, (*self._said, *self._judge.assumptions))
        self._done = (kernels, text, verdict, found)
        self.seconds += time.perf_counter() - began
        if verdict.level == "wrong":
            raise WrongResultError(f"{self.program.name}: the ported kernels together are wrong: {verdict.detail}",
                                   hint="Each is tested alone: look at what they hand on.")

    # -- decisions -----------------------------------------------------------------------------------------------------

    def accept(self, force: bool = False) -> Step:
        step = self.at.accept(force)
        if all(p.finished for p in self.ports):
            self._finish()
        return step

    def reject(self) -> Step:
        return self.at.reject()

    def why(self) -> str:
        """Why the verdicts on the kernels are what they are; see `Port.why`."""
        return "\n\n".join(p.why() for p in self.ports)

    def undo(self) -> Suite:
        """Takes the last change of the last kernel that has steps back."""
        port = next((p for p in reversed(self.ports) if p.steps), None)
        if port is None:
            raise StateError("there is nothing to undo")
        port.undo()
        self.error = None
        return self

    def edit(self, text: str, step: int | None = None) -> Step:
        port, own = (self.at, None) if step is None else self._place(step)
        return port.edit(text, own)

    def back_to(self, k: int) -> Suite:
        """Keeps the first `k` steps of all."""
        if not 0 <= k <= len(self.steps):
            raise StateError(f"there is no step {k}", hint=f"Steps: 0 to {len(self.steps)}.")
        for port in self.ports:
            keep = min(k, len(port.steps))
            if keep < len(port.steps):
                port.back_to(keep)
            k -= keep
        self.error = None
        return self

    def cancel(self) -> None:
        """Stops `run` after the step in progress; what was done stays."""
        self._cancelled = True
        for port in self.ports:
            port.cancel()

    def _place(self, k: int) -> tuple[Port, int]:
        for port in self.ports:
            if 0 <= k < len(port.steps):
                return port, k
            k -= len(port.steps)
        raise StateError("there is no such step", hint=f"Steps: 0 to {len(self.steps) - 1}.")

    # -- using the result ----------------------------------------------------------------------------------------------

    def __call__(self, *arrays: Any, **scalars: Any) -> Any:
        """Runs the function on NumPy arrays, in the order of its parameters. See `Port`."""
        return running.call(self.code, self.platform, None, arrays, scalars, self.shape, self.device)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: what the command line prints with --json."""
        v = self.verdict
        return {
            "from": self.source.name, "to": self.target.name, "kernel": self.kernel_name, "kernels": list(self.labels),
            "verdict": v.level, "verdict_detail": v.detail, "number_model": v.number_model,
            "assumptions": list(v.assumptions), "code": self.code, "source": self.source_text, "shape": self.shape,
            "seed": self.seed, "device": self.device, "assume": list(self.assume),
            "seconds": round(self.seconds + sum(s.seconds for s in self.steps), 4),
            "steps": [s.as_dict() for s in self.steps], "evidence": [e.as_dict() for e in self.evidence],
            "ports": [p.as_dict() for p in self.ports],
        }

    def save(self, path: str | Path) -> None:
        """Writes the whole as JSON."""
        Path(path).write_text(json.dumps(self.as_dict(), indent=1))

    # -- inside --------------------------------------------------------------------------------------------------------

    def on(self, callback: Callable[[Event], None]) -> None:
        """Calls `callback` for every event of every kernel; `step` counts over all of them."""
        self._listeners.append(callback)

    def off(self, callback: Callable[[Event], None]) -> None:
        self._listeners.remove(callback)

    def _relay(self, event: Event) -> None:
        if event.kind in ("done", "error"):
            return  # of one kernel: the whole says its own
        before = sum(len(p.steps) for p in self.ports[:self.ports.index(self.at)])
        self._emit(event.kind, None if event.step is None else before + event.step, event.text)

    def _emit(self, kind: str, step: int | None = None, text: str = "") -> None:
        for callback in self._listeners:
            callback(Event(kind, step, text))


def _own(shape: dict[str, int], kernel: Kernel) -> dict[str, int]:
    """The sizes that a kernel has by the name that the person said."""
    names = {p.name for p in kernel.params + kernel.sizes}
    return {k: v for k, v in shape.items() if k in names}
