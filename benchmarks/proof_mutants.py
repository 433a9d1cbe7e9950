"""Does the prover ever call a wrong edit of a proved port equal?

    python benchmarks/proof_mutants.py [--each 30] [--seed 0] [--target cuda] [--seconds 5] FILE...

Ports each file, and takes the ports that are proved equal to their source. Seeded mutants of each are asked about in the
same way: text, parsed anew, against the source. A mutant that comes out equal is run by the judge, on several sets of
inputs; one that gives another result there is an unsound proof, and is printed. Exit status 1 if there was one.

A proof of equality speaks of the values that one order of the threads leaves; races, bounds and what a device can launch or
copy are questions of their own. Mutants called equal are therefore counted apart when they give other values and a race or
an access out of bounds is proved of them ("unsafe"), and when they do not run to their end ("faults").
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port
from xpiler_jupyter.verify.evidence import Evidence
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.mutants import Mutant, mutants
from xpiler_jupyter.verify.proofs import Question, first_proof
from xpiler_jupyter.verify.safety import safety_of
from xpiler_jupyter.verify.subject import Scalars, Subject

SETS = 2  # sets of inputs that a mutant called equal is run on; the second is much larger
RESULTS = ("not equal", "no answer", "equal", "unsafe", "faults", "UNSOUND", "unreadable")


@dataclass(slots=True)
class Pair:
    """A source and its proved port, at these sizes; `make` gives judges of the source with several sets of inputs."""

    name: str
    source: Subject
    port: Subject
    scalars: Scalars
    make: Callable[[int], Judge]
    judges: list[Judge] = field(default_factory=list)

    def tests(self, mutant: Subject) -> Iterator[Evidence | None]:
        """What failed with each judge, if anything did; a judge is made when it is needed first."""
        for k in range(SETS):
            if k == len(self.judges):
                self.judges.append(self.make(k))
            yield next((e for e in self.judges[k].test(mutant) if e.status == "fail"), None)


def asked(a: Subject, b: Subject, scalars: Scalars, seconds: float) -> str:
    """Is `b` equal to `a` at these sizes: "equal", "not equal" or "no answer" in time."""
    found = first_proof(Question(a, b, scalars), seconds)
    if any(e.kind == "equivalence" and e.status == "pass" for e in found):
        return "equal"
    return "no answer" if any("no answer" in e.detail for e in found) else "not equal"


def pair(path: Path, target: str, seed: int, seconds: float) -> Pair | str:
    """The port of a file, or why it takes no part."""
    text = path.read_text()
    port = Port(text, target, device="sim", seed=seed, filename=path.name, prove=0).run()
    if port.verdict.level not in ("tested", "proved", "proved_sizes"):
        return f"the port is {port.verdict.level}"
    source = Subject(text, port.source, with_meanings(parse(text, port.source)))
    own = Subject(port.code, port.platform, parse(port.code, port.platform))
    scalars = port.judge.sizes.sets[0].scalars
    if (found := asked(source, own, scalars, seconds)) != "equal":
        return f"the port is not proved: {found}"
    again = Subject(text, port.source, parse(text, port.source))
    sizes = {k: int(v) for k, v in scalars.items() if isinstance(v, int)}  # those that the proof speaks of
    return Pair(f"{path.name} -> {target}", source, own, scalars,
                lambda k: Judge(again, seed=seed + 1000 * k, device="sim", broad=k > 0, shape=sizes))


def result(p: Pair, m: Mutant, seconds: float) -> tuple[str, str]:
    """What comes of one mutant, and a detail."""
    try:
        text = p.port.platform.emit(m.kernel)
        mutant = Subject(text, p.port.platform, parse(text, p.port.platform))
    except (XpilerError, ValueError, TypeError, KeyError, NotImplementedError) as err:  # no front end makes such a kernel
        return "unreadable", str(err)
    if (answer := asked(p.source, mutant, p.scalars, seconds)) != "equal":
        return answer, ""
    for failed in p.tests(mutant):
        if failed is None:
            continue
        if failed.kind == "compile" or "fault" in failed.data:
            return "faults", failed.detail
        found = safety_of(mutant, p.scalars)
        open_ones = [f"{k} {getattr(found, k).status}" for k in ("races", "barriers", "bounds", "initialised")
                     if getattr(found, k).status == "violated"]
        if open_ones:
            return "unsafe", ", ".join(open_ones)
        return "UNSOUND", f"{failed.detail}\n{text}"
    return "equal", ""


def study(files: list[Path], targets: list[str], each: int, seed: int,
          seconds: float) -> Iterator[tuple[str, Mutant, str, str]]:
    """(pair, mutant, result, detail), one after the other."""
    for path in files:
        for target in targets:
            try:
                p = pair(path, target, seed, seconds)
            except XpilerError as err:
                p = str(err)
            if isinstance(p, str):
                print(f"{path.name} -> {target}: skipped, {p[:160]}", flush=True)
                continue
            assert p.port.kernel is not None
            counts: Counter[str] = Counter()
            for m in mutants(p.port.kernel, seed, each):
                found, detail = result(p, m, seconds)
                counts[found] += 1
                yield p.name, m, found, detail
            print(f"{p.name}: " + ", ".join(f"{n} {k}" for k, n in counts.most_common()), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--target", action="append", help="platforms to port to (default: all others)")
    parser.add_argument("--each", type=int, default=30, help="mutants of each port")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="time for one proof")
    args = parser.parse_args()
    kinds: Counter[tuple[str, str]] = Counter()
    pairs: set[str] = set()
    began = time.perf_counter()
    for name, m, found, detail in study(args.files, args.target or list(registry.names()), args.each, args.seed, args.seconds):
        kinds[m.kind, found] += 1
        pairs.add(name)
        if found in ("UNSOUND", "unsafe", "faults", "equal"):
            line = f" line {m.line}" if m.line else ""
            print(f"{found}: {name}:{line} {m.words} {detail}", flush=True)
    print(f"\n{'kind':12} " + " ".join(f"{r:>10}" for r in RESULTS))
    for kind in sorted({k for k, _ in kinds}):
        print(f"{kind:12} " + " ".join(f"{kinds[kind, r]:10}" for r in RESULTS))
    totals = {r: sum(n for (_, found), n in kinds.items() if found == r) for r in RESULTS}
    print(f"{'all':12} " + " ".join(f"{totals[r]:10}" for r in RESULTS))
    print(f"{sum(totals.values())} mutants of {len(pairs)} proved ports in {time.perf_counter() - began:.0f} s")
    return int(totals["UNSOUND"] > 0)


if __name__ == "__main__":
    sys.exit(main())
