"""Evidence adds up to one verdict: the highest rung of the ladder that it supports, never higher."""

from __future__ import annotations

from collections.abc import Iterable

from .evidence import Evidence, Verdict

PROOFS = ("equivalence", "step")
# What a proof of equality takes for granted where the check of that kind did not pass.
SAFETY = {
    "races": "threads do not race (tested in two orders, not proved)",
    "barriers": "all threads of a block reach each barrier (tested, not proved)",
    "bounds": "every access stays in its buffer (tested, not proved)",
}
ELSEWHERE = "at other sizes the kernel is as safe as at those tested (bounds, races, barriers)"


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
        return Verdict("wrong", failed[0].detail + _contradiction(failed[0], by_kind.get("equivalence")), assumptions=given)
    test, gate = by_kind.get("test"), by_kind.get("triviality")
    if test is not None and test.status == "pass":
        extra = tuple(str(a) for e in checks for a in e.data.get("assumptions", ()) if e.kind not in PROOFS)
        given = tuple(dict.fromkeys((*given, *extra)))
        model = str(test.data.get("number_model", ""))
        proof = by_kind.get("equivalence")
        unsafe = next((by_kind[k] for k in SAFETY if k in by_kind and by_kind[k].data.get("violated")), None)
        if unsafe is not None:
            return Verdict("tested", f"{test.detail}; but {unsafe.detail}", model, given)
        if proof is not None and proof.status == "pass":
            return _proved(proof, by_kind, model, given)
        if gate is not None and gate.status != "pass":
            return Verdict("tested", f"{test.detail}; {gate.detail}", model, given)
        return Verdict("tested", test.detail, model, given)
    built = by_kind.get("compile")
    if built is not None and built.status == "pass":
        why = test.detail if test is not None else "not run"
        return Verdict("compiled", f"{built.detail}; {why}", assumptions=given)
    return Verdict("untested", checks[-1].detail if checks else "nothing was checked", assumptions=given)


def _proved(proof: Evidence, by_kind: dict[str, Evidence], measured: str, given: tuple[str, ...]) -> Verdict:
    """The verdict on a text that is proved equal and that passed its tests. The proof speaks of real numbers wherever it
    used a rule that holds for those only; what the tests measured stands beside it."""
    exact = bool(proof.data.get("exact")) and measured == "bit-exact"
    model = measured
    if not exact and measured == "bit-exact":
        model = "real arithmetic; bit for bit equal on all tests"
    assumed = [str(a) for a in proof.data.get("assumptions", ())]
    if proof.data.get("parallel"):
        open_ones = [words for kind, words in SAFETY.items() if not _passed(by_kind.get(kind))]
        assumed += open_ones
    elif not _passed(by_kind.get("bounds")):
        assumed.append(SAFETY["bounds"])
    level = "proved" if proof.data.get("sizes") == "all" else "proved_sizes"
    if level == "proved" and any(_passed(by_kind.get(k)) for k in SAFETY):
        assumed.append(ELSEWHERE)
    return Verdict(level, proof.detail, model, tuple(dict.fromkeys((*given, *assumed))))


def verdict_of_proof(proof: Evidence, safe: Iterable[Evidence] = ()) -> Verdict:
    """The verdict on two texts that were compared by proof alone: nothing was run, so nothing was measured."""
    if not _passed(proof):
        return Verdict("untested", proof.detail)
    assumed = [str(a) for a in proof.data.get("assumptions", ())]
    known = {e.kind for e in safe if _passed(e)}
    assumed += [ELSEWHERE] if known and proof.data.get("sizes") == "all" else []
    safety = SAFETY if proof.data.get("parallel") else {"bounds": SAFETY["bounds"]}
    assumed += ["the buffers do not overlap", *(w.split(" (")[0] for k, w in safety.items() if k not in known)]
    model = "bit-exact" if proof.data.get("exact") else "real arithmetic"
    return Verdict("proved" if proof.data.get("sizes") == "all" else "proved_sizes", proof.detail, model, tuple(assumed))


def _passed(e: Evidence | None) -> bool:
    return e is not None and e.status == "pass"


def _contradiction(failed: Evidence, proof: Evidence | None) -> str:
    """A test that fails wins over any proof; a proof that says otherwise is a bug of ours, and says so loudly."""
    if failed.kind not in ("test", "device") or not _passed(proof):
        return ""
    return "; YET IT WAS PROVED EQUAL: that proof is wrong, a bug of xpiler-jupyter. Please report it"
