"""Why two texts are equal, or what stopped the proof: lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..dataflow.proof.coordinates import agree
from ..dataflow.proof.explain import Made, made
from ..dataflow.proof.model import Unknown
from ..errors import XpilerError
from ..execute.aside import Aside
from .interface import Mismatch
from .proofs import EFFORT, SECONDS, Question, programs


def explained(q: Question, seconds: float = SECONDS) -> list[str]:
    """What each output is made of on both sides, worked out in a process of its own. Never raises for what the texts do."""
    aside = Aside(lambda: _lines(q, int(EFFORT * seconds)), seconds)
    try:
        return aside.wait() or [f"what the outputs are made of: {aside.failure}"]
    finally:
        aside.stop()


def _lines(q: Question, effort: int) -> Iterator[list[str]]:
    try:
        both = programs(q)
    except (Unknown, Mismatch, XpilerError) as err:
        yield [f"what the outputs are made of is not known: {err}"]
        return
    with suppress(Unknown):  # elements as tuples read better than flat indices
        agree(both[0], both[1])
    told: list[list[Made]] = []
    failed: list[str] = []
    for p, whose in zip(both, q.names, strict=True):
        try:
            told.append(made(p, effort))
        except Unknown as err:
            told.append([])
            failed.append(f"what the outputs {whose} are made of is not known: {err}")
    out: list[str] = []
    slots = sorted({m.slot for t in told for m in t})
    for slot in slots:
        out.append(f"{slot}:")
        for whose, t in zip(q.names, told, strict=True):
            for m in (m for m in t if m.slot == slot):
                place = f"line {m.line} " if m.line else ""
                out.append(f"  {place}{whose}: {m.element} = {m.formula}")
    yield out + failed
