"""What is known about a text: single checks, and the one verdict they add up to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

# The ladder of the design, weakest first. A verdict is the strongest rung that the evidence reaches.
LADDER = ("wrong", "unsupported", "untested", "compiled", "safe", "tested", "checked", "proved_sizes", "proved")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One check. `kind` names it ("parse", "compile", "bounds", "race", "test", "triviality" ...); `status` is "pass",
    "fail", "skip" or "unknown"; `detail` is one sentence for a person; `seconds` is wall time; `data` holds what the
    views draw (worst element, seed, sizes, line, column ...), JSON-able."""

    kind: str
    status: str
    detail: str
    seconds: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`level` is a rung of LADDER; `number_model` "bit-exact" or "real arithmetic, max error ..."; `assumptions` are
    sentences a person must agree with for the verdict to hold."""

    level: str
    detail: str
    number_model: str = ""
    assumptions: tuple[str, ...] = ()

    def reaches(self, level: str) -> bool:
        """The verdict is this rung of the ladder or a higher one."""
        return LADDER.index(self.level) >= LADDER.index(level)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
