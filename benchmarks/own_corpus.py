"""The table of our own kernels: what came of each on every platform, from a run of the tests.

    pytest tests/test_corpus.py --junitxml OUT.xml; python benchmarks/own_corpus.py OUT.xml > docs/corpus.md
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as Xml
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from corpus_kit import TARGETS, samples  # noqa: E402 (it stands beside the tests)

SHORT = {"proved": "proved, all sizes", "proved_sizes": "proved"}
_PORT = re.compile(r"test_a_port_computes_the_reference\[(.+)-(\w+)\]")


def results(path: Path) -> dict[tuple[str, str], str]:
    """(platform-kernel, target) -> the verdict, a refusal, or what the test said."""
    out: dict[tuple[str, str], str] = {}
    for case in Xml.parse(path).iter("testcase"):
        found = _PORT.fullmatch(case.get("name", ""))
        if found is None or case.find("skipped") is not None:
            continue
        said = next((p.get("value", "") for p in case.iter("property") if p.get("name") == "verdict"), "")
        failed = case.find("failure")
        if failed is not None:
            said = "FAILED: " + failed.get("message", "").splitlines()[0][:80]
        out[found[1], found[2]] = said
    return out


def page(found: dict[tuple[str, str], str]) -> list[str]:
    """The table, a line per kernel."""
    lines = ["# Our own kernels", "",
             "Each construct that people write stands in a kernel of ours in `tests/corpus/`, with sizes that have tails and a "
             "NumPy reference. The table says what the port to each platform is known to be: `tested` against the source and "
             "the reference; `proved` equal for all inputs at these sizes, or at all sizes; or refused, with the reason.", "",
             "| kernel | about | " + " | ".join(TARGETS) + " |", "|---|---|" + "---|" * len(TARGETS)]
    counts: dict[str, int] = {}
    for s in samples():
        cells = []
        for target in TARGETS:
            said = found.get((f"{s.platform}-{s.path.stem}", target), "" if target == s.platform else "not run")
            word = said.split(":")[0]
            if target != s.platform:
                counts[word] = counts.get(word, 0) + 1
            cells.append("" if target == s.platform else SHORT.get(said, said.replace("|", "/")))
        lines.append(f"| {s.platform}/{s.path.stem} | {', '.join(s.about['FEATURES'])} | " + " | ".join(cells) + " |")
    total = ", ".join(f"{n} {SHORT.get(word, word)}" for word, n in sorted(counts.items(), key=lambda c: -c[1]))
    return [*lines, "", f"{sum(counts.values())} ports of {len(samples())} kernels: {total}."]


if __name__ == "__main__":
    print("\n".join(page(results(Path(sys.argv[1])))))
