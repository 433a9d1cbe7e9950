"""What a view shows: a port at one moment, as plain values. Renderers see only this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..record import Step
from ..verify.evidence import Evidence, Verdict

if TYPE_CHECKING:
    from ..suite import AnyPort

# Words for people: a short one for the badge, and how sure it makes us ("bad", "warn", "none", "some", "good").
BADGES: dict[str, tuple[str, str]] = {
    "wrong": ("wrong", "bad"),
    "unsupported": ("unsupported", "warn"),
    "untested": ("not tested", "none"),
    "compiled": ("compiled", "some"),
    "safe": ("safe", "some"),
    "tested": ("tested", "good"),
    "checked": ("checked", "good"),
    "proved_sizes": ("proved for these sizes", "good"),
    "proved": ("proved for all sizes", "good"),
}
STATES: dict[str, tuple[str, str]] = {
    "proposed": ("waits for you", "warn"),
    "rejected": ("rejected", "none"),
    "failed": ("does not apply", "warn"),
    "conflict": ("in conflict", "bad"),
}
STATUS: dict[str, tuple[str, str]] = {
    "pass": ("✓", "good"), "fail": ("✗", "bad"), "skip": ("–", "none"), "unknown": ("?", "warn"),
}


@dataclass(frozen=True, slots=True)
class Side:
    """A platform as views name it."""

    name: str
    title: str
    language: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the port stopped."""

    kind: str
    message: str
    hint: str
    line: int | None
    column: int | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A port at one moment. `languages` names the Pygments lexer per platform; `code_platform` is what `code` is in."""

    kernel: str
    source: Side
    target: Side
    source_text: str
    code: str
    code_platform: str
    steps: tuple[Step, ...]
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    failure: Failure | None
    finished: bool
    seconds: float

    @property
    def pending(self) -> Step | None:
        """The proposal that waits for a decision."""
        return self.steps[-1] if self.steps and self.steps[-1].state == "proposed" else None

    @property
    def headline(self) -> str:
        """What is known, in one sentence."""
        if self.pending is None:
            return self.verdict.detail
        if self.pending.verdict.level == "wrong":
            return f"{self.pending.pass_name} is proposed, but it is wrong: {self.pending.verdict.detail}"
        return f"{self.pending.pass_name} is proposed: accept it, reject it, or edit it."

    @property
    def shown(self) -> int | None:
        """The step to open: the one that waits, else the last that went wrong."""
        if self.pending:
            return len(self.steps) - 1
        bad = [k for k, s in enumerate(self.steps) if s.state == "conflict" or s.verdict.level == "wrong"]
        return bad[-1] if bad and not self.finished else None

    def says_again(self, verdict: Verdict) -> bool:
        """Number model and assumptions of a step are those that the whole port shows already, or beside the point."""
        return verdict.level == "wrong" or (self.finished and (verdict.number_model, verdict.assumptions) == (
            self.verdict.number_model, self.verdict.assumptions))

    def language(self, platform: str) -> str:
        """The Pygments lexer for texts of `platform`."""
        return next((s.language for s in (self.source, self.target) if s.name == platform), "cpp")

    def title(self, platform: str) -> str:
        return next((s.title for s in (self.source, self.target) if s.name == platform), platform)

    @classmethod
    def of(cls, port: AnyPort) -> Snapshot:
        """The present moment of `port`."""
        err = port.error
        failure = Failure(err.kind, err.message, err.hint or "", err.line, err.column, err.source) if err else None
        return cls(port.kernel_name, _side(port.source), _side(port.target), port.source_text, port.code,
                   port.platform.name, tuple(port.steps), port.verdict, tuple(port.evidence), failure, port.finished,
                   port.seconds + sum(s.seconds for s in port.steps))


def _side(platform: object) -> Side:
    return Side(*(str(getattr(platform, k)) for k in ("name", "title", "language")))


def next_actions(snap: Snapshot) -> tuple[tuple[str, str], ...]:
    """(magic, what it does) for the state that the port is in."""
    if snap.pending:
        rest = (("%xpile_reject", "put it aside"), ("%xpile_edit", "change it by hand"))
        return rest if snap.pending.verdict.level == "wrong" else (("%xpile_accept", "take it"), *rest)
    if snap.finished:
        asked = any(e.kind == "equivalence" for s in snap.steps[-1:] for e in s.evidence)
        why = (("%xpile_why", "explain the proof"),) if asked else ()
        return (*why, ("%xpile_undo", "take the last change back"))
    undo = (("%xpile_undo", "take the last change back"),) if snap.steps else ()
    return (("%xpile_next", "propose the next pass"), *undo)


def knobs_text(step: Step) -> str:
    """`factor=8, loop=i`; a mapping as `bind: i to blockIdx.x, j to threadIdx.x`."""
    words = []
    for name, value in step.knobs.items():
        if isinstance(value, dict):
            words.append(f"{name}: " + ", ".join(f"{k} to {v}" for k, v in value.items()))
        elif isinstance(value, (list, tuple)):
            words.append(f"{name}=" + ",".join(str(v) for v in value))
        elif value is not None:
            words.append(f"{name}={value}")
    return "; ".join(words) if any(isinstance(v, dict) for v in step.knobs.values()) else ", ".join(words)


def verdict_words(step: Step) -> str:
    """The verdict's sentence, unless one of the checks says just that."""
    return "" if any(e.detail == step.verdict.detail for e in step.evidence) else step.verdict.detail


def seconds_text(seconds: float) -> str:
    """Wall time as a person says it."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
