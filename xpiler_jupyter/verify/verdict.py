"""Evidence adds up to one verdict: the highest rung of the ladder that it supports, never higher."""

from __future__ import annotations

from collections.abc import Iterable

from .evidence import Evidence, Verdict


def verdict_of(evidence: Iterable[Evidence], assumptions: Iterable[str] = ()) -> Verdict:
    """The verdict of a candidate from its checks. One failed check makes it wrong; a check that could not be made takes
    the rung it stands for away."""
    checks = list(evidence)
    given = tuple(dict.fromkeys(assumptions))
    by_kind = {e.kind: e for e in checks}
    for e in checks:
        if e.kind == "parse" and e.status == "fail":
            return Verdict("unsupported", e.detail, assumptions=given)
    failed = [e for e in checks if e.status == "fail"]
    if failed:
        return Verdict("wrong", failed[0].detail, assumptions=given)
    test, gate = by_kind.get("test"), by_kind.get("triviality")
    if test is not None and test.status == "pass":
        extra = tuple(str(a) for e in checks for a in e.data.get("assumptions", ()))
        given = tuple(dict.fromkeys((*given, *extra)))
        model = str(test.data.get("number_model", ""))
        if gate is not None and gate.status != "pass":
            return Verdict("tested", f"{test.detail}; {gate.detail}", model, given)
        return Verdict("tested", test.detail, model, given)
    built = by_kind.get("compile")
    if built is not None and built.status == "pass":
        why = test.detail if test is not None else "not run"
        return Verdict("compiled", f"{built.detail}; {why}", assumptions=given)
    return Verdict("untested", checks[-1].detail if checks else "nothing was checked", assumptions=given)
