"""What a port remembers: its steps, each with texts and evidence, as values that can be saved as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .ir.nodes import InstrCall, Kernel
from .ir.visit import walk
from .verify.evidence import Evidence, Verdict

UNTESTED = Verdict("untested", "not judged yet")


@dataclass(frozen=True, slots=True)
class Step:
    """One pass applied once.

    Attributes:
        pass_name: a pass of the registry, or "edit" for the person's own text.
        engine: who proposed it: "rules", "llm", "edit" or "repair".
        knobs: the pass' settings.
        platform: name of the platform that `after` is written for.
        before, after: kernel texts; `after` equals `before` when the step failed.
        note: what was done, or why it failed, in one sentence.
        state: "proposed", "accepted", "rejected", "failed" (the pass refused) or "conflict" (an earlier edit broke it).
        kernel: the IR of `after`, when it is inside the IR; not saved.
        uses: narrower types that this step or one before computes in, by leave of the person.
    """

    pass_name: str
    engine: str
    knobs: dict[str, Any]
    platform: str
    before: str
    after: str
    note: str
    state: str
    evidence: tuple[Evidence, ...] = ()
    verdict: Verdict = UNTESTED
    seconds: float = 0.0
    kernel: Kernel | None = field(default=None, compare=False, repr=False)
    uses: tuple[str, ...] = ()

    def verdict_for(self, expects: str) -> Verdict:
        """The verdict on the step as a finished port: one without any of the instructions that its target is expected to
        use says so."""
        if not expects or self.kernel is None or any(isinstance(n, InstrCall) for n in walk(self.kernel.body)):
            return self.verdict
        return replace(self.verdict, detail=f"{self.verdict.detail}; no {expects} instructions")

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; the key `pass` holds the pass' name and `verdict` the ladder's word."""
        return {
            "pass": self.pass_name, "engine": self.engine, "knobs": self.knobs, "platform": self.platform,
            "before": self.before, "after": self.after, "note": self.note, "state": self.state,
            "verdict": self.verdict.level, "verdict_detail": asdict(self.verdict),
            "evidence": [e.as_dict() for e in self.evidence], "seconds": round(self.seconds, 4), "uses": list(self.uses),
        }

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Step:
        v = d["verdict_detail"]
        return cls(d["pass"], d["engine"], d["knobs"], d["platform"], d["before"], d["after"], d["note"], d["state"],
                   tuple(Evidence(**e) for e in d["evidence"]),
                   Verdict(v["level"], v["detail"], v["number_model"], tuple(v["assumptions"])), d["seconds"],
                   uses=tuple(d.get("uses", ())))


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a port. `kind`: "source" (judged), "proposed", "judged", "accepted", "rejected", "failed",
    "undone", "progress", "done", "error"; `step` is the index it concerns; `text` one line for a person."""

    kind: str
    step: int | None = None
    text: str = ""


def plain_knobs(knobs: dict[str, Any]) -> dict[str, Any]:
    """Knobs as JSON keeps them."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in knobs.items()}
