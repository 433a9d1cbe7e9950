"""The table of our own kernels: what came of each on every platform, from one or more runs of the tests.

    pytest tests/test_corpus.py --junitxml OUT.xml; python benchmarks/own_corpus.py OUT.xml ... > docs/corpus.md

A later file counts over an earlier one. The seconds go to standard error: they are the machine's, not the kernels'.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as Xml
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from corpus_kit import TARGETS, samples  # noqa: E402 (it stands beside the tests)

SHORT = {"proved": "proved, all sizes", "proved_sizes": "proved"}
NOTE = "<!-- Written by benchmarks/own_corpus.py from a run of tests/test_corpus.py: change those, not this page. -->\n"
SLOWEST = 10
Results = dict[tuple[str, str], tuple[str, float]]
_PORT = re.compile(r"test_a_port_computes_the_reference\[(.+)-(\w+)\]")


def results(path: Path) -> Results:
    """(platform-kernel, target) -> the verdict, a refusal, or what the test said; and its seconds."""
    out: Results = {}
    for case in Xml.parse(path).iter("testcase"):
        found = _PORT.fullmatch(case.get("name", ""))
        if found is None or case.find("skipped") is not None:
            continue
        said = next((p.get("value", "") for p in case.iter("property") if p.get("name") == "verdict"), "")
        for failed in (*case.findall("failure"), *case.findall("error")):
            said = "FAILED: " + failed.get("message", "").partition("\n")[0][:80]
        out[found[1], found[2]] = said or "not run", float(case.get("time", 0))
    return out


def page(found: Results) -> list[str]:
    """The table, a line per kernel."""
    lines = [NOTE, "# Our own kernels", "",
             "Each construct that people write stands in a kernel of ours in `tests/corpus/`, with sizes that have tails and a "
             "NumPy reference. The table says what the port to each platform is known to be: `tested` against the source and "
             "the reference; `proved` equal for all inputs at these sizes, or at all sizes; or refused, with the reason. A "
             "proof gets 5 seconds of the clock: on a busy machine some are `tested` only that an idle one proves.", "",
             "| kernel | about | " + " | ".join(TARGETS) + " |", "|---|---|" + "---|" * len(TARGETS)]
    counts: dict[str, int] = {}
    for s in samples():
        cells = []
        for target in TARGETS:
            said = found.get((f"{s.platform}-{s.path.stem}", target), ("not run", 0.0))[0]
            word = said.split(":")[0]
            if target != s.platform:
                counts[word] = counts.get(word, 0) + 1
            cells.append("" if target == s.platform else SHORT.get(said, said.replace("|", "/")))
        lines.append(f"| {s.platform}/{s.path.stem} | {', '.join(s.about['FEATURES'])} | " + " | ".join(cells) + " |")
    total = ", ".join(f"{n} {SHORT.get(word, word)}" for word, n in sorted(counts.items(), key=lambda c: -c[1]))
    return [*lines, "", f"{sum(counts.values())} ports of {len(samples())} kernels: {total}."]


def seconds(found: Results) -> str:
    """What the ports took together, and the slowest of them."""
    by = sorted(found, key=lambda k: -found[k][1])
    return "\n".join([f"{sum(t for _, t in found.values()):.0f} s for {len(found)} ports",
                      *(f"{found[k][1]:7.1f} s  {k[0]} to {k[1]}" for k in by[:SLOWEST])])


if __name__ == "__main__":
    merged: Results = {}
    for file in sys.argv[1:]:
        merged |= results(Path(file))
    print("\n".join(page(merged)))
    print(seconds(merged), file=sys.stderr)
