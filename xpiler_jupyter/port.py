"""A port: from one kernel text to another platform, step by step. Ties the rooms together and knows nothing of notebooks.

The state is a list of immutable steps; every change pushes the old list, so that undo is exact and bad input loses nothing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import running, saved
from .errors import IllegalPassError, StateError, UnsupportedError, UsageError, WrongResultError, XpilerError
from .execute import executor
from .frontend import parse
from .frontend.meanings import with_meanings
from .history import History
from .intake import remaining_shape, take_in
from .ir import narrow
from .ir.nodes import Kernel
from .ir.simplify import simplify
from .ir.spec import check
from .passes import _registry as passes
from .passes import planner
from .passes._plan import Move
from .platforms import registry as platforms
from .platforms.base import Platform
from .proving import Proofs
from .record import Step, plain_knobs
from .verify.evidence import Evidence, Verdict
from .verify.judge import Judge
from .verify.proofs import SECONDS
from .verify.subject import Subject
from .verify.verdict import verdict_of

MAX_STEPS = 40  # a plan that has not reached its target by then is going in circles


class Port(History):
    """One kernel on its way to another platform.

    Args:
        text: the kernel, with or without its host wrapper.
        target: name of the platform to reach.
        source: name of the platform it is written for; told from the text when None.
        kernel: which kernel, when the text has several.
        shape: sizes by parameter name, for what the text does not say.
        ref: a NumPy function that computes the same, as one more reference.
        engine: who proposes; "rules" needs no model.
        device: "auto", "sim" or a device name such as "cuda:0".
        seed: of the test inputs.
        filename: only to tell the platform from its ending.
        allow: narrower types that passes may compute in ("int8", "fp16", "tf32"); what that assumes is on the verdict.
        arch, flat: another architecture than the usual one of the source or the target; their tolerant simulator.
        assume: conditions that callers keep, such as "n % 256 == 0"; the tests keep to them and the verdict says so.
        with_: template arguments by parameter name, such as {"T": "float", "BLOCK": "256"}, for what no launch says.
        prove: seconds that a proof may take (is a step, is the whole equal for all inputs?); 0 for no proofs.

    Raises:
        XpilerError: the text is no kernel we can start from, with its place and what to do.
    """

    def __init__(self, text: str, target: str, *, source: str | None = None, kernel: str | None = None,
                 shape: dict[str, int] | None = None, ref: Callable[..., Any] | None = None, engine: str = "rules",
                 device: str = "auto", seed: int = 0, filename: str | None = None, allow: Iterable[str] = (),
                 arch: str | None = None, flat: bool = False, assume: Iterable[str] = (),
                 with_: dict[str, str] | None = None, prove: float = SECONDS) -> None:
        began = time.perf_counter()
        if engine != "rules":
            raise UsageError(f"there is no engine {engine!r} here", hint="Use --engine rules.")
        written = platforms.get(source) if source else platforms.detect(text, filename)
        words = [w for w in (arch, "flat" if flat else None) if w]
        self.source, self.target = platforms.switched(words, written, platforms.get(target))
        self.source_text, self.allow, self.ref = text, narrow.split(allow), ref
        self.shape, self.device, self.seed = dict(shape or {}), device, seed
        executor(self.source, device)  # an unknown device is an error now, not after the first pass
        self.assume, self.with_ = tuple(assume), dict(with_ or {})
        self._kernel, self._assumed = take_in(text, self.source, kernel, self.shape, self.assume, self.with_)
        self.kernel_name = self._kernel.name
        super().__init__()
        self.evidence: tuple[Evidence, ...] = ()
        self._judges: dict[tuple[str, ...], Judge] = {}
        self._plan: tuple[Kernel, list[Move]] | None = None
        self._cancelled = threading.Event()
        self.prove, self._proofs, self._running = prove, Proofs(prove), False
        self.seconds = time.perf_counter() - began

    # -- what it is now ------------------------------------------------------------------------------------------------

    @property
    def code(self) -> str:
        """The text of the last accepted step, or the source."""
        step = self.current
        return step.after if step else self.source_text

    @property
    def platform(self) -> Platform:
        """The platform that `code` is written for."""
        step = self.current
        return platforms.get(step.platform) if step else self.source

    @property
    def kernel(self) -> Kernel:
        """The IR of `code`. Raises UnsupportedError when an edit left the IR."""
        step = self.current
        if step is None:
            return self._kernel
        if step.kernel is None:
            return parse(step.after, self.platform)
        return step.kernel

    @property
    def finished(self) -> bool:
        """The target platform is reached and nothing waits."""
        if self.pending or self.platform.name != self.target.name:
            return False
        step = self.current
        return step is None or step.kernel is None or not self._planned(step.kernel)

    @property
    def verdict(self) -> Verdict:
        """What is known about `code` as a port of the source."""
        step = self.current
        if self.error is not None and not self.finished:
            level = "unsupported" if isinstance(self.error, UnsupportedError) else "untested"
            return Verdict(level, str(self.error))
        if step is None:
            already = self.source.name == self.target.name
            return Verdict("untested", f"the text is for {self.target.title} already" if already else "no step taken yet")
        if not self.finished:
            return Verdict("untested", f"{self.target.title} is not reached yet")
        return step.verdict_for(self.target.expects)

    @property
    def assumptions(self) -> tuple[str, ...]:
        return self.verdict.assumptions

    @property
    def number_model(self) -> str:
        return self.verdict.number_model

    # -- moving forward ------------------------------------------------------------------------------------------------

    @property
    def judge(self) -> Judge:
        """The judge of the current kernel."""
        return self._judge_for(self.current.uses if self.current else ())

    def _judge_for(self, uses: tuple[str, ...]) -> Judge:
        """Prepares the tests once per set of narrower types in use: sizes, inputs and the reference runs of the
        unmodified source."""
        if uses not in self._judges:
            began = time.perf_counter()
            self._emit("progress", text="running the source kernel")
            subject = Subject(self.source_text, self.source, with_meanings(self._kernel))
            judge = Judge(subject, shape=remaining_shape(self._kernel, self.source, self.shape), ref=self.ref,
                          seed=self.seed, device=self.device, allow=uses,
                          patience=4.0 if self.target.api is not None and self.target.api.jobs else 1.0)
            self._judges[uses] = judge
            self.evidence = tuple(judge.evidence)
            self.seconds += time.perf_counter() - began
            self._emit("source", text="source judged")
        return self._judges[uses]

    def run(self) -> Port:
        """Proposes, judges and accepts passes until the target is reached, one fails, or someone cancels.

        Raises:
            XpilerError: the source has no meaning to preserve, or a construct cannot be ported; also kept in `error`.
        """
        self._cancelled.clear()
        self.error, self._running = None, True
        try:
            while not self.finished and not self._cancelled.is_set():
                if self.pending is None and self.next() is None:
                    break
                step = self.pending
                if step is None:
                    break
                if step.verdict.level == "wrong":
                    raise WrongResultError(f"{step.pass_name} gave a wrong kernel: {step.verdict.detail}",
                                           hint="It waits unaccepted: edit or reject it. The source is untouched.")
                self.accept()
            self._settle()
        except XpilerError as err:
            self.error = err
            self._emit("error", text=str(err))
            raise
        finally:
            self._running = False
        self._emit("done", text=self.verdict.detail)
        return self

    def next(self) -> Step | None:
        """Proposes and judges the next planned pass. Returns the step, or None when the target is reached.

        Raises:
            IllegalPassError: no planned pass is legal here; the message holds every reason.
        """
        if self.pending:
            raise StateError("a proposal is waiting", hint="Accept, edit or reject it first.")
        reasons: list[str] = []
        moves = self._planned(self.kernel)
        for move in moves:
            try:
                return self.propose(move.pass_name, _towards=move.target, **move.knobs)
            except (IllegalPassError, UnsupportedError) as err:
                reasons.append(err.message)
        if moves:
            raise IllegalPassError("no pass applies: " + "; ".join(dict.fromkeys(reasons)),
                                   source=self.code, hint="Edit the kernel, or choose a pass yourself.")
        return None

    def propose(self, pass_name: str, *, _towards: Platform | None = None, **knobs: Any) -> Step:
        """Applies one pass to the current kernel and judges the result; the step waits for a decision.

        Raises:
            IllegalPassError: the pass does not apply, with the reason; nothing changed.
        """
        if self.pending:
            raise StateError("a proposal is waiting", hint="Accept, edit or reject it first.")
        began = time.perf_counter()
        self._judge_for(())  # a source without a meaning is refused before anything is tried with it
        self._emit("progress", text=f"trying {pass_name}")
        before, found = self.kernel, passes.get(pass_name)
        if self.allow and "allow" in found.knobs:
            knobs.setdefault("allow", self.allow)
        result = planner.applied(before, pass_name, _towards or self.target, knobs)
        uses = narrow.used((*(self.current.uses if self.current else ()), *result.uses))
        kernel = replace(simplify(result.kernel), instance="")  # what we print is a function of its own
        platform = platforms.get(kernel.platform)
        check(kernel, frozenset(a.name for a in platform.axes if a.level == "block"))
        step = Step(pass_name, "rules", plain_knobs(knobs), platform.name, self._before(before), platform.emit(kernel),
                    result.note, "proposed", kernel=kernel, uses=uses)
        judge = self._judge_for(uses)
        ahead = [Subject(*later) for later in planner.ahead(kernel, self.target, self.allow)]
        judge.expect(ahead)
        if not ahead or not self._running:  # of a whole run only the end is proved; `why` proves its steps
            last = None if self._running or self.current is None else _subject(self.current)
            self._proofs.begin(judge.original, last, _subject(step), judge.sizes.sets[0], whole=not ahead)
        return self._add(self._judged(step, judge, began, result.assumptions))

    def _before(self, kernel: Kernel) -> str:
        """The text that the next step starts from. The source is shown as we print it, so that the first diff shows the
        pass and not the printer; where it cannot be printed (a size is missing), as it was written."""
        if self.current is not None:
            return self.code
        try:
            return self.source.emit(kernel)
        except XpilerError:
            return self.code

    def _judged(self, step: Step, judge: Judge, began: float, assumptions: tuple[str, ...] = ()) -> Step:
        subject = _subject(step)
        self._emit("progress", text=f"testing {step.pass_name}")
        evidence = tuple(judge.test(subject))
        verdict = verdict_of(evidence, (*self._assumed, *judge.assumptions, *assumptions))
        return replace(step, evidence=evidence, verdict=verdict, seconds=time.perf_counter() - began)

    def edit(self, text: str, step: int | None = None) -> Step:
        """The person's own text instead of the proposal that waits, of the current kernel, or of an earlier step
        (then the steps after it are replayed). It is parsed and judged, and waits for a decision.

        Raises:
            XpilerError: the text does not parse; nothing changed.
        """
        began = time.perf_counter()
        base = self.steps if step is None else self._upto(step)
        waiting = base[-1] if base and base[-1].state == "proposed" else None
        replaced = waiting if step is None else self.steps[step]
        platform = platforms.get(replaced.platform) if replaced else self.platform
        before = replaced.before if replaced else self.code
        kernel: Kernel | None
        try:
            kernel = parse(text, platform, with_=self.with_)
        except UnsupportedError:
            kernel = None  # outside the IR it can still be compiled and tested as text
        # A person's text may use all that the person allows: it does not say what it uses.
        made = Step("edit", "edit", {}, platform.name, before, text, "edited by hand", "proposed", kernel=kernel,
                    uses=self.allow)
        judge = self._judge_for(self.allow)
        self._proofs.begin(judge.original, None, _subject(made), judge.sizes.sets[0])
        judged = self._judged(made, judge, began)
        keep = tuple(s for s in base if s is not waiting)
        later = self.steps[step + 1:] if step is not None else ()
        self._push((*keep, judged))
        self._settle()
        judged = self.steps[-1]
        self._emit("proposed", len(self.steps) - 1, "edited by hand")
        if later:
            self._replay(later)
        return judged

    def _replay(self, later: tuple[Step, ...]) -> None:
        """After an edit in the middle: the later passes again where they still apply, else marked in conflict."""
        if self.steps[-1].verdict.level == "wrong":
            self.steps = (*self.steps, *(replace(s, state="conflict") for s in later))
            return
        self._set_last("accepted")
        for k, old in enumerate(later):
            try:
                self.propose(old.pass_name, _towards=platforms.get(old.platform), **old.knobs)
                self._set_last("accepted")
            except XpilerError as err:
                rest = (replace(old, state="conflict", note=err.message),
                        *(replace(s, state="conflict") for s in later[k + 1:]))
                self.steps = (*self.steps, *rest)
                return

    def why(self) -> str:
        """Why the verdict is what it is: the proofs of the whole and of each step, what stopped those that failed, and
        what the outputs are made of in the source and in the port. What is proved on the way is on the steps then."""
        steps = [(s, _subject(s)) for s in self.steps if s.state == "accepted"]
        if not steps or self.prove <= 0:
            raise StateError("there is nothing to explain yet" if self.prove > 0 else "proofs are switched off (--prove 0)")
        judge = self.judge
        lines = self._proofs.why(judge.original, steps, judge.sizes.sets[0])
        self._settle()
        return "\n".join([f"{self.kernel_name}, {self.source.title} to {self.platform.title}: {lines[0]}", *lines[1:]])

    def cancel(self) -> None:
        """Stops `run` after the step in progress; what was done stays."""
        self._cancelled.set()

    # -- using the result ----------------------------------------------------------------------------------------------

    def __call__(self, *arrays: Any, **scalars: Any) -> Any:
        """Runs the current kernel on NumPy arrays, in the order of its wrapper's parameters (scalars positional or by
        name). Buffers that the kernel writes are returned as new arrays (one, or a tuple in order); trailing outputs
        may be left out. CuPy arrays run in place on the device."""
        return running.call(self.code, self.platform, self.current.kernel if self.current else self._kernel,
                            arrays, scalars, self.shape, self.device)

    def raw_kernel(self) -> Any:
        """The current kernel as a `cupy.RawKernel`. Raises UsageError when there is no CUDA device or CuPy."""
        return running.raw_kernel(self.code, self.platform, self.kernel)

    # -- saving --------------------------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: what the command line prints with --json, and what `load` reads."""
        return saved.as_dict(self)

    def save(self, path: str | Path) -> None:
        """Writes the port as JSON."""
        Path(path).write_text(json.dumps(self.as_dict(), indent=1))

    @classmethod
    def load(cls, path: str | Path) -> Port:
        """Reads a saved port; its steps and verdicts are as they were, further work judges anew.
        Raises UsageError when the file is not a saved port."""
        (text, target), options, steps, evidence = saved.read(path)
        port = cls(text, target, **options)
        port.steps, port.evidence = steps, evidence
        return port

    # -- inside --------------------------------------------------------------------------------------------------------

    def _planned(self, kernel: Kernel) -> list[Move]:
        """The planner's candidates; asked once per kernel, for it tries things out."""
        if self._plan is None or self._plan[0] is not kernel:
            self._plan = (kernel, planner.moves(kernel, self.target, self._done(), self.allow))
        return self._plan[1]

    def _done(self) -> tuple[str, ...]:
        return tuple(s.pass_name for s in self.steps if s.state == "accepted")

    def _add(self, step: Step) -> Step:
        if len(self.steps) >= MAX_STEPS:
            raise StateError(f"{MAX_STEPS} steps and no end", hint="Go back to an earlier step.")
        self._push((*self.steps, step))
        if not self._running:
            self._settle()
        self._emit("proposed", len(self.steps) - 1, f"{step.pass_name}: {step.note}")
        return self.steps[-1]

    def _settle(self) -> None:
        """Adds the proofs to the steps, waiting for those under way."""
        if self.prove > 0 and self.steps:
            self._emit("progress", text="proving")
            self.steps = self._proofs.settled(self.steps)
            self._history = [self._proofs.settled(steps) for steps in self._history]


def _subject(step: Step) -> Subject:
    """The text of a step as something to run."""
    return Subject(step.after, platforms.get(step.platform), step.kernel and with_meanings(step.kernel))
