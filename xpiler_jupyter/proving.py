"""The proofs of one port: the whole against the source, and where someone looks at single steps each against the one
before. Each is begun when its step is tested, in a process of its own, and looked at when the answer is wanted.

Measured: the proofs of all ten steps of a native port take as long as its tests; that of the whole hides behind them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .record import Step
from .verify.evidence import Evidence
from .verify.interface import Mismatch, paired_scalars
from .verify.proofs import SECONDS, Proving, Question
from .verify.sizes import SizeSet
from .verify.subject import Subject
from .verify.verdict import PROOFS, SAFETY, verdict_of
from .verify.why import explained

AT_ONCE = 2  # proofs under way; more would take the processors from the tests

Key = tuple[str, str, str]  # kind of evidence, platform and text of the step


@dataclass
class Proofs:
    """Proofs by the text that they speak of.

    Attributes:
        seconds: what each may take; 0 for none at all.
    """

    seconds: float = SECONDS
    _waiting: dict[Key, Question] = field(default_factory=dict)
    _under_way: dict[Key, Proving] = field(default_factory=dict)
    _known: dict[Key, tuple[Evidence, ...]] = field(default_factory=dict)

    def begin(self, source: Subject, before: Subject | None, after: Subject, size: SizeSet, whole: bool = False) -> None:
        """Begins what there is to prove of a step: against the step `before`, and with `whole` (or where it is the first)
        against the source."""
        if self.seconds <= 0:
            return
        scalars = size.scalars
        own = dict(scalars)
        if before is not None:
            try:
                own = {k: scalars[v] for k, v in paired_scalars(before, source).items() if v in scalars}
            except Mismatch:
                before = None  # it has other parameters than the source: there is nothing to chain
        if before is not None:
            self._ask(Question(before, after, own, "step", "the step before",
                               names=("of the step before", "of this step")))
        if whole or before is None:
            self._ask(Question(source, after, dict(scalars), lengths=size.lengths))

    def _ask(self, q: Question) -> None:
        key = q.kind, q.b.platform.name, q.b.text
        if key not in self._known and key not in self._under_way:
            self._waiting[key] = q
            self._go_on()

    def _go_on(self) -> None:
        """Looks at what is done and starts what waits."""
        for key, proving in list(self._under_way.items()):
            early = proving.result(0.0)
            if not proving.running:
                self._done(key, early)
        while self._waiting and len(self._under_way) < AT_ONCE:
            key = next(iter(self._waiting))
            q = self._waiting.pop(key)
            try:
                self._under_way[key] = Proving(q, self.seconds)
            except OSError as err:
                self._known[key] = (Evidence(q.kind, "unknown", f"not proved: no process could be started ({err})"),)

    def _done(self, key: Key, evidence: tuple[Evidence, ...]) -> None:
        self._under_way.pop(key).stop()
        self._known[key] = evidence

    def settled(self, steps: Iterable[Step]) -> tuple[Step, ...]:
        """The steps with the proofs that were asked for: waits for those under way. Ctrl-C ends the waiting."""
        out: list[Step] = []
        chain: Evidence | None = None  # the last accepted step against the source
        first = True
        for s in steps:
            found = [e for kind in PROOFS for e in self._answer((kind, s.platform, s.after))]
            new = {e.kind: e for e in found}
            if "equivalence" not in new or (new["equivalence"].status != "pass" and not first):
                linked = _linked(chain, new.get("step"))
                if linked is not None:
                    new["equivalence"] = linked
            if new and s.verdict.level not in ("untested", "unsupported"):
                kept = [e for e in s.evidence if e.kind not in (*PROOFS, *SAFETY)]
                checks = (*kept, *new.values())
                s = replace(s, evidence=checks, verdict=verdict_of(checks, s.verdict.assumptions))
            out.append(s)
            if s.state in ("accepted", "proposed"):
                chain, first = new.get("equivalence"), False
        return tuple(out)

    def _answer(self, key: Key) -> tuple[Evidence, ...]:
        """What is known of one question; nothing when it was never asked."""
        while key in self._waiting:
            oldest = next(iter(self._under_way))
            self._done(oldest, self._under_way[oldest].result())
            self._go_on()
        if key in self._under_way:
            self._done(key, self._under_way[key].result())
            self._go_on()
        return self._known.get(key, ())

    def why(self, source: Subject, steps: Iterable[tuple[Step, Subject]], size: SizeSet) -> list[str]:
        """The proofs in words: of the whole, of each step by itself, and what the outputs are made of. `steps` are the
        accepted ones with their texts as subjects; `settled` has their proofs afterwards."""
        chain = list(steps)
        for k, (_, after) in enumerate(chain):
            self.begin(source, chain[k - 1][1] if k else None, after, size, whole=after is chain[-1][1])
        last = chain[-1][1]
        out: list[str] = []
        for (step, after), done in zip(chain, self.settled(s for s, _ in chain), strict=True):
            found = {e.kind: e for e in done.evidence}
            e = found.get("step") or found.get("equivalence")
            if e is not None:
                out.append(f"{step.pass_name}: {e.detail} ({e.seconds:.2f} s)")
            if after is last and "equivalence" in found:
                whole = found["equivalence"]
                out.insert(0, f"{whole.detail} ({whole.seconds:.2f} s)")
        return out + explained(Question(source, last, dict(size.scalars)), self.seconds)

    def stop(self) -> None:
        """Ends every proof under way."""
        self._waiting.clear()
        for proving in self._under_way.values():
            proving.stop()
        self._under_way.clear()


def _linked(before: Evidence | None, step: Evidence | None) -> Evidence | None:
    """Equal to a step that is equal to the source: equal to the source."""
    if before is None or step is None or before.status != "pass" or step.status != "pass":
        return None
    both = (before.data, step.data)
    everywhere = all(d.get("sizes") == "all" for d in both)
    where = "and all sizes" if everywhere else f"at {next(str(d['where']) for d in reversed(both) if d.get('sizes') != 'all')}"
    data: dict[str, Any] = {
        "sizes": "all" if everywhere else "these", "where": "all sizes" if everywhere else where.removeprefix("at "),
        "exact": all(d.get("exact") for d in both), "parallel": step.data.get("parallel"), "chain": True,
        **{k: list(dict.fromkeys(x for d in both for x in d.get(k, ()))) for k in ("rules", "assumptions")},
        "compared": step.data.get("compared", 0)}
    return Evidence("equivalence", "pass", f"equal to the source for all inputs {where}, step by step", 0.0, data)
