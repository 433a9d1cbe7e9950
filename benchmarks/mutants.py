"""How many wrong edits of ported kernels does the judge catch?

    python benchmarks/mutants.py [--count 200] [--seed 0] [--target NAME] FILE...

Ports each file, makes seeded mutants of the result, judges each against the untouched source. Mutants that also pass a
much larger input set (more sizes, more seeds) are listed as equivalent, to be reviewed by eye.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Kernel
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.mutants import Outcome, grade, mutants
from xpiler_jupyter.verify.subject import Subject
from xpiler_jupyter.verify.verdict import verdict_of

HERE = Path(__file__).parent.parent / "tests" / "adversarial"


def outcomes(path: Path, target: str | None, count: int, seed: int) -> list[Outcome]:
    """Mutants of the port of one file (of the source itself when `target` is None), judged."""
    text = path.read_text()
    platform = registry.detect(text, path.name)
    kernel = parse(text, platform)
    source = Subject(text, platform, kernel)
    judge = Judge(source, seed=seed, device="sim")
    more = [Judge(source, seed=seed + k, device="sim", broad=True) for k in (1000, 2000)]
    ported: Kernel | None = kernel
    if target is not None and target != platform.name:
        port = Port(text, target, source=platform.name, device="sim", seed=seed).run()
        ported = port.kernel
    assert ported is not None
    there = registry.get(ported.platform)

    def test(judges: list[Judge], candidate: str, of: Kernel) -> tuple[str, str]:
        level, detail = "untested", ""
        for j in judges:
            verdict = verdict_of(j.test(Subject(candidate, there, of)))
            level, detail = verdict.level, verdict.detail
            if level == "wrong":
                break
        return level, detail

    return [grade(m, there.emit, lambda t, k: test([judge], t, k), lambda t, k: test(more, t, k))
            for m in mutants(ported, seed, count)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", nargs="*", type=Path, default=sorted(HERE.glob("*/source.*")))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", help="platforms to port to (default: all)")
    args = parser.parse_args()
    targets = args.target or list(registry.names())
    jobs = [(f, t) for f in args.files for t in targets]
    each = max(1, -(-args.count // max(1, len(jobs))))
    totals: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    began = time.perf_counter()
    for path, target in jobs:
        try:
            found = outcomes(path, target, each, args.seed)
        except XpilerError as err:
            print(f"{path.parent.name}/{path.name} -> {target}: skipped, {err}")
            continue
        for o in found:
            totals[o.result] += 1
            kinds[o.mutant.kind, o.result] += 1
            if o.result != "caught":
                line = f" line {o.mutant.line}" if o.mutant.line else ""
                print(f"{o.result}: {path.parent.name} -> {target}:{line} {o.mutant.words} ({o.detail[:160]})")
    print()
    print(f"{'kind':12} {'caught':>7} {'equivalent':>11} {'missed':>7} {'unprintable':>12}")
    for kind in sorted({k for k, _ in kinds}):
        print(f"{kind:12} {kinds[kind, 'caught']:7} {kinds[kind, 'equivalent']:11} {kinds[kind, 'missed']:7} "
              f"{kinds[kind, 'unprintable']:12}")
    print(f"{sum(totals.values())} mutants in {time.perf_counter() - began:.0f} s: " + ", ".join(
        f"{n} {k}" for k, n in totals.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
