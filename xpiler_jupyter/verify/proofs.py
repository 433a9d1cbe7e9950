"""Are two texts equal for all inputs? The proof as evidence, made in a process that can be killed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..dataflow.proof.build import program
from ..dataflow.proof.model import Program, Unknown
from ..dataflow.proof.prove import Proof, prove
from ..errors import XpilerError
from ..execute.aside import Aside
from ..frontend import parse
from ..frontend.meanings import with_meanings
from ..ir.nodes import Node
from .caller import Called, agreed_start, as_called, common_names, guarded, scalars_of, words_of
from .evidence import Evidence
from .interface import Mismatch, paired_buffers, paired_scalars
from .safety import safety_of
from .subject import Scalars, Subject
from .verdict import SAFETY

SECONDS = 5.0  # what a proof may take
EFFORT = 12_000_000  # integer-set operations per second of that, about
EXTRA = 0.2  # the share of it that may go to a proof for all sizes where one at the sizes tested is there already
PROVED_SAFE = {"races": "threads never touch an element unordered when one of them writes", "bounds":
               "every access stays in its buffer", "barriers": "all threads of a block come to each barrier"}


@dataclass(frozen=True, slots=True)
class Question:
    """Is `b` equal to `a`? `scalars` are values of a's scalars ("at these sizes"), None for all sizes only. `kind` is that
    of the evidence; `other` how sentences call the text of `a`. `reread`: the kernel of `b` is read from its text anew, so
    that what the proof speaks of is the text and not what some pass meant by it. `names`: whose lines sentences
    speak of. `lengths`: elements of a's buffers at these sizes."""

    a: Subject
    b: Subject
    scalars: Scalars | None = None
    kind: str = "equivalence"
    other: str = "the source"
    reread: bool = True
    names: tuple[str, str] = ("of the source", "of the port")
    lengths: Mapping[str, int] = field(default_factory=dict)


class Proving:
    """A proof under way in a process of its own.

    Args:
        question: what is asked.
        seconds: after which it is given up.
    """

    def __init__(self, question: Question, seconds: float = SECONDS) -> None:
        self.question, self.seconds = question, seconds
        self._aside: Aside[tuple[Evidence, ...]] = Aside(lambda: _everything(question, seconds), seconds)

    def result(self, seconds: float | None = None) -> tuple[Evidence, ...]:
        """The best answer, when the proof is done or its time is up (or after `seconds`, the best so far): the proof of
        equality, and where that is made what is known of the safety of `b`."""
        found = self._aside.wait(seconds)
        if found is not None:
            return found
        why = self._aside.failure or "no answer yet"
        if why == "no answer in time":
            why = f"no answer within {self.seconds:g} s; --prove allows more"
        return (Evidence(self.question.kind, "unknown", f"not proved: {why}", self.seconds),)

    @property
    def running(self) -> bool:
        return self._aside.running

    def stop(self) -> None:
        self._aside.stop()


def _everything(q: Question, seconds: float) -> Iterator[tuple[Evidence, ...]]:
    found: Evidence | None = None
    for found in answers(q, seconds):
        yield (found,)
    if found is not None and found.status == "pass" and q.kind == "equivalence":
        yield (found, *safety_checks(q))


def safety_checks(q: Question) -> list[Evidence]:
    """Races, barriers and bounds of `b` at the sizes of the question; nothing where it names none. Never raises for what
    the text does. A violation is no failure here: that takes a run that shows it."""
    began = time.perf_counter()
    if q.scalars is None or q.b.kernel is None:
        return []
    try:
        values = {k: q.scalars[v] for k, v in paired_scalars(q.b, q.a).items() if v in q.scalars}
        lengths = {own.name: q.lengths[other.name] for own, other in paired_buffers(q.b, q.a) if other.name in q.lengths}
        text = replace(q.b, kernel=parse(q.b.text, q.b.platform, q.b.kernel.name))  # instrs as calls
        findings = safety_of(text, values, lengths).findings
    except (Unknown, Mismatch, XpilerError) as err:
        return [Evidence(kind, "unknown", f"not decided: {err}", time.perf_counter() - began) for kind in SAFETY]
    took = (time.perf_counter() - began) / len(SAFETY)
    return [Evidence(kind, "pass", PROVED_SAFE[kind], took) if (f := findings[kind]).ok else
            Evidence(kind, "unknown", f.reason, took, {"violated": f.status == "violated", "lines": list(f.lines)})
            for kind in SAFETY]


def answers(q: Question, seconds: float = SECONDS) -> Iterator[Evidence]:
    """Answers in this process, each better than the one before: at these sizes, then for all sizes. An answer that is no
    proof says why. Never raises for what the texts do."""
    began = time.perf_counter()
    try:
        sides = called(q)
    except (Unknown, Mismatch, XpilerError) as err:
        yield _unknown(q, str(err), _line(getattr(err, "node", None)), began)
        return
    open_ones = {p.name for c in sides for p in scalars_of(c.kernel)}
    effort, proved = EFFORT * seconds, False
    if q.scalars is not None or not open_ones:
        found = _asked(q, sides, fixed(q, sides), effort, began)
        proved = found.status == "pass"
        yield found
    if open_ones:
        found = _asked(q, sides, None, effort * (EXTRA if proved else 1), began)
        if found.status == "pass" or (not proved and q.scalars is None):
            yield found


def called(q: Question) -> tuple[Called, Called]:
    """Both kernels in their caller's terms, under common names. Raises Unknown, Mismatch, XpilerError."""
    b = _reread(q.b) if q.reread else q.b
    mine, theirs = common_names(q.a, b, paired_scalars(b, q.a))
    first = as_called(q.a, {p.name: p.name for p in q.a.pointers}, mine)
    second = as_called(b, {own.name: other.name for own, other in paired_buffers(b, q.a)}, theirs)
    return first, replace(second, kernel=replace(second.kernel, assume=first.kernel.assume))


def fixed(q: Question, sides: tuple[Called, Called]) -> dict[str, int]:
    """The sizes that the question names, under the common names."""
    values = {p.name: (q.scalars or {}).get(p.name.removesuffix("'")) for p in scalars_of(sides[0].kernel)}
    return {k: int(v) for k, v in values.items() if v is not None}


def programs(q: Question, sides: tuple[Called, Called] | None = None, sizes: Mapping[str, int] | None = None) -> list[Program]:
    """Both kernels as statements over integer sets, at the question's sizes or (None) for all. Raises as `called` does; the
    `side` of an Unknown is the number of the text that it is about."""
    if sides is None:
        sides = called(q)
        sizes = fixed(q, sides) if q.scalars is not None or not scalars_of(sides[0].kernel) else None
    out: list[Program] = []
    for c, s in zip(sides, (q.a, q.b), strict=True):
        kernel = c.kernel if sizes is not None else guarded(c.kernel, c.kernel.assume)
        try:
            out.append(program(kernel, sizes or {}, words_of(s.platform), c.slots))
        except Unknown as err:
            raise _At(err, len(out)) from None
    return out


class _At(Unknown):
    """An Unknown about one of the two texts."""

    def __init__(self, err: Unknown, side: int) -> None:
        super().__init__(err.reason, err.node)
        self.side = side


def _reread(s: Subject) -> Subject:
    """The subject with the kernel that its text says. Raises XpilerError when the text cannot be read."""
    if s.kernel is None:
        return s
    return replace(s, kernel=with_meanings(parse(s.text, s.platform, s.kernel.name)))


def _asked(q: Question, sides: tuple[Called, Called], sizes: Mapping[str, int] | None, effort: float,
           began: float) -> Evidence:
    """The answer at these sizes, or (None) for all."""
    try:
        both = programs(q, sides, sizes)
        proof = prove(both[0], both[1], int(effort))
        if proof.equal:
            agreed_start(*sides, proof.given)
    except Unknown as err:
        return _unknown(q, str(err), _line(err.node), began, getattr(err, "side", 0))
    if not proof.equal:
        where = f"{proof.output}: " if proof.output else ""
        return _unknown(q, f"{where}{proof.reason}", _line(proof.node), began, proof.side)
    parallel = any(p.block or p.grid for p in both)
    notes = tuple(dict.fromkeys(n for c in sides for n in c.kernel.notes))
    return _proved(q, proof, _sizes_words(sizes, bool(scalars_of(sides[0].kernel))), sizes is None, parallel, notes, began)


def _sizes_words(sizes: Mapping[str, int] | None, has_sizes: bool) -> str:
    if sizes is None:
        return "all sizes"
    return ", ".join(f"{k}={v}" for k, v in sizes.items()) if has_sizes else "these sizes"


def _proved(q: Question, proof: Proof, sizes: str, everywhere: bool, parallel: bool, notes: tuple[str, ...],
            began: float) -> Evidence:
    rules = [*proof.words]
    if proof.finite:
        rules.append("zero times anything is zero (values are finite)")
    if proof.reordered:
        rules.append("the terms of sums may be taken in any order")
    assumptions = [*notes, *(f"as real numbers: {w}" for w in rules)]
    if everywhere:
        assumptions.append("sizes are at least 1, and no index overflows")
    words = f"equal to {q.other} for all inputs at {sizes}" if not everywhere else \
        f"equal to {q.other} for all inputs and all sizes"
    data: dict[str, Any] = {"sizes": "all" if everywhere else "these", "where": sizes, "exact": not rules, "rules": rules,
                            "compared": proof.compared, "assumptions": assumptions, "parallel": parallel}
    return Evidence(q.kind, "pass", words, time.perf_counter() - began, data)


def _unknown(q: Question, why: str, line: int | None, began: float, side: int = 0) -> Evidence:
    place = f"line {line} {q.names[side]}: " if line else ""
    return Evidence(q.kind, "unknown", f"not proved equal to {q.other}: {place}{why}", time.perf_counter() - began,
                    {"line": line, "side": side, "reason": why})


def _line(node: Node | None) -> int | None:
    span = getattr(node, "span", None)
    return span.line if span is not None else None


def first_proof(q: Question, seconds: float = SECONDS) -> tuple[Evidence, ...]:
    """The best answer within the time, from a process of its own, as `Proving.result` gives it."""
    proving = Proving(q, seconds)
    try:
        return proving.result()
    finally:
        proving.stop()


