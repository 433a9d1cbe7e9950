"""What happened in a port: its steps, the decisions about them, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Self

from .errors import StateError, XpilerError
from .record import Event, Step


class History:
    """A list of immutable steps. Every change pushes the old list, so that undo is exact."""

    def __init__(self) -> None:
        self.steps: tuple[Step, ...] = ()
        self.error: XpilerError | None = None
        self._history: list[tuple[Step, ...]] = []
        self._listeners: list[Callable[[Event], None]] = []

    @property
    def current(self) -> Step | None:
        """The last accepted step."""
        return next((s for s in reversed(self.steps) if s.state == "accepted"), None)

    @property
    def pending(self) -> Step | None:
        """The proposal that waits for a decision."""
        return self.steps[-1] if self.steps and self.steps[-1].state == "proposed" else None

    # -- decisions -----------------------------------------------------------------------------------------------------

    def accept(self, force: bool = False) -> Step:
        """Takes the waiting proposal. One that is known to be wrong is only taken with `force`."""
        step = self._waiting()
        if step.verdict.level == "wrong" and not force:
            raise StateError(f"this step is wrong: {step.verdict.detail}", hint="Edit or reject it, or accept with force.")
        self._push(self.steps)
        self._set_last("accepted")
        self._emit("accepted", len(self.steps) - 1, step.pass_name)
        return self.steps[-1]

    def reject(self) -> Step:
        """Puts the waiting proposal aside; it stays in the record."""
        step = self._waiting()
        self._push(self.steps)
        self._set_last("rejected")
        self._emit("rejected", len(self.steps) - 1, step.pass_name)
        return self.steps[-1]

    def undo(self) -> Self:
        """Takes the last change back: a proposal, a decision or an edit."""
        if not self._history:
            raise StateError("there is nothing to undo")
        self.steps = self._history.pop()
        self.error = None
        self._emit("undone", text=f"{len(self.steps)} steps left")
        return self

    def back_to(self, k: int) -> Self:
        """Keeps the first `k` steps."""
        if not 0 <= k <= len(self.steps):
            raise StateError(f"there is no step {k}", hint=f"Steps: 0 to {len(self.steps)}.")
        self._push(self.steps[:k])
        self.error = None
        self._emit("undone", text=f"{k} steps left")
        return self

    # -- inside --------------------------------------------------------------------------------------------------------

    def on(self, callback: Callable[[Event], None]) -> None:
        """Calls `callback` for every event, on the thread that caused it."""
        self._listeners.append(callback)

    def off(self, callback: Callable[[Event], None]) -> None:
        """Stops calling `callback`."""
        self._listeners.remove(callback)

    def _emit(self, kind: str, step: int | None = None, text: str = "") -> None:
        for callback in self._listeners:
            callback(Event(kind, step, text))

    def _upto(self, k: int) -> tuple[Step, ...]:
        if not 0 <= k < len(self.steps):
            raise StateError(f"there is no step {k}", hint=f"Steps: 0 to {len(self.steps) - 1}.")
        return self.steps[:k]

    def _waiting(self) -> Step:
        if self.pending is None:
            raise StateError("no proposal is waiting", hint="Propose the next pass first.")
        return self.pending

    def _push(self, steps: tuple[Step, ...]) -> None:
        self._history.append(self.steps)
        self.steps = steps

    def _set_last(self, state: str) -> None:
        self.steps = (*self.steps[:-1], replace(self.steps[-1], state=state))
