"""A port as JSON, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from .errors import UsageError
from .intake import parsed
from .record import Step
from .verify.evidence import Evidence


def as_dict(port: Any) -> dict[str, Any]:
    """What the command line prints with --json, and what `read` reads; `port` is a `Port`."""
    v = port.verdict
    return {
        "from": port.source.name, "to": port.target.name, "kernel": port.kernel_name, "verdict": v.level,
        "verdict_detail": v.detail, "number_model": v.number_model, "assumptions": list(v.assumptions),
        "code": port.code, "source": port.source_text, "shape": port.shape, "seed": port.seed, "device": port.device,
        "allow": list(port.allow), "assume": list(port.assume), "with": port.with_,
        "prove": port.prove,
        "seconds": round(port.seconds + sum(s.seconds for s in port.steps), 4),
        "steps": [s.as_dict() for s in port.steps],
        "evidence": [e.as_dict() for e in (*port.evidence, *(port.current.evidence if port.current else ()))],
    }


def read(path: str | Path) -> tuple[tuple[str, str], dict[str, Any], tuple[Step, ...], tuple[Evidence, ...]]:
    """(text and target, the other options of `Port`, steps, evidence) of a saved port. Raises UsageError when the file is
    none."""
    try:
        d = json.loads(Path(path).read_text())
        options = {"source": d["from"], **{k: d[k] for k in ("kernel", "shape", "seed", "device")},
                   **{k: d[k] for k in ("allow", "assume", "prove") if k in d}, "with_": d.get("with")}
        steps = tuple(Step.from_dict(s) for s in d["steps"])
        evidence = tuple(Evidence(**e) for e in d["evidence"])
        return (d["source"], d["to"]), options, tuple(replace(s, kernel=parsed(s.after, s.platform)) for s in steps), evidence
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise UsageError(f"{path} is not a saved port ({err})") from err
