"""Keeps small summaries of `xpiler bench` and writes the pages that show them.

    xpiler bench DIR --from P --to P,P --json full.json      (or --check for the sources alone)
    python benchmarks/pages.py full.json ...                 merges into benchmarks/results/, writes docs/

benchmarks/results/directions.json: per direction the counts, the instr use by first word of the file names, and every
failure by name and reason. benchmarks/results/sources.json: per platform the counts, and every faulty source with its line
and our own words for what is wrong. Of the kernels themselves nothing is kept.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xpiler_jupyter.commands import bench_table as table

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
Result = dict[str, Any]

# QiMeng-Xpiler (OSDI 2025, arXiv 2505.02146), table 8, its full system: computation accuracy in percent. Its CPU platform
# is C with VNNI; it has no plain C there.
PAPER = {("cuda", "bang"): 91.7, ("cuda", "hip"): 100.0, ("cuda", "vnni"): 95.2, ("bang", "cuda"): 95.8, ("bang", "hip"): 97.0,
         ("bang", "vnni"): 95.2, ("hip", "cuda"): 100.0, ("hip", "bang"): 86.9, ("hip", "vnni"): 96.4,
         ("vnni", "cuda"): 98.2, ("vnni", "bang"): 88.7, ("vnni", "hip"): 99.4}
EQUAL = ("tested", "checked", "proved for these sizes", "proved for all sizes")
PLATFORMS = ("c", "vnni", "cuda", "hip", "bang")
NOTE = "<!-- Written by benchmarks/pages.py from benchmarks/results: change those, not this page. -->\n"


def main(files: list[str]) -> None:
    directions, sources = _read("directions.json"), _read("sources.json")
    for file in files:
        results = json.loads(Path(file).read_text())["results"]
        for pair in sorted({(r["from"], r["to"]) for r in results}):
            mine = [r for r in results if (r["from"], r["to"]) == pair]
            if pair[1]:
                directions[" ".join(pair)] = direction(mine)
            else:
                sources[pair[0]] = source(mine)
    RESULTS.mkdir(exist_ok=True)
    _write("directions.json", directions)
    _write("sources.json", sources)
    (ROOT / "docs" / "benchmark.md").write_text(benchmark_page(directions))
    (ROOT / "docs" / "faulty-sources.md").write_text(sources_page(sources))


def direction(results: list[Result]) -> dict[str, Any]:
    """What is kept of one direction."""
    row, = table.summary(results)
    return {**{k: v for k, v in row.items() if k != "direction"},
            "instrs": [r[1:] for r in table.instr_table(results)[1:]],
            "failures": sorted([r["file"], *_why(r)] for r in results
                               if not r.get("ported") or r.get("verdict") not in EQUAL)}


def _why(r: Result) -> tuple[str, str]:
    """What stands against a result: its error, or that nobody could test the port."""
    if r.get("ported"):
        return str(r.get("verdict")), "ported; too large for the simulator to run, and not cut to a slice"
    return table.kind(r), table.reason(r)


def source(results: list[Result]) -> dict[str, Any]:
    """What is kept of the sources of one platform."""
    count = {k: sum(r.get("verdict") == k for r in results) for k in ("sound", "faulty", "unknown")}
    open_ = [r for r in results if not r.get("ported") and r.get("verdict") != "faulty"]
    return {"files": len(results), **count,
            "found": sorted([r["file"], r["error"].get("line"), r["error"].get("check", ""), _own(r)] for r in results
                            if r.get("verdict") == "faulty"),
            "conditions": sorted([r["file"], n] for r in results for n in r.get("notes", ())),
            "open": sorted([r["file"], table.kind(r), table.reason(r)] for r in open_)}


def _own(result: Result) -> str:
    return str(result["error"]["message"]).split("\n")[0].removeprefix("the source is at fault: ")


def accuracy(row: dict[str, Any]) -> float | None:
    """Tested equal, in percent of the files whose source is not at fault."""
    sound = row["files"] - row["source at fault"]
    return 100.0 * row["tested equal"] / sound if sound else None


def benchmark_page(directions: dict[str, Any]) -> str:
    """The page of all directions."""
    lines = [NOTE, "# Ports of the development corpus", "",
             "The corpus is QiMeng-Xpiler's: 21 operators in 8 shapes per source platform, 168 files; no file of it is in this "
             "repository. A port counts as tested equal when the emitted text, run on the target's simulator or device, gives "
             "what the unmodified source gives on the same inputs. Sources at fault (undefined behaviour, listed on "
             "[their own page](faulty-sources.md)) have no meaning to preserve and are counted apart.", "",
             "Where fewer than 168 files were run, they are evenly spread over the folder (`--every N`). Times are wall-clock "
             "seconds of a whole port, every step judged, two ports at a time on two cores that were not idle otherwise.", "",
             "The last column is the published computation accuracy of QiMeng-Xpiler (OSDI 2025, table 8): of all 168 files, "
             "with GPT-4, on devices. Ours is in percent of the files whose source is sound.", "",
             "| direction | files | tested equal | of sound | source at fault | unsupported | other | matrix instrs | vector "
             "instrs | median s | p95 s | paper |", "|---|" + "---|" * 11]
    missing = []
    for a in PLATFORMS:
        for b in PLATFORMS:
            row = directions.get(f"{a} {b}")
            if a == b:
                continue
            if row is None:
                missing.append(f"{a} -> {b}")
                continue
            share, paper = accuracy(row), PAPER.get((a, b))
            lines.append(f"| {a} -> {b} | {row['files']} | {row['tested equal']} | "
                         f"{'' if share is None else f'{share:.1f} %'} | {row['source at fault']} | {row['unsupported']} | "
                         f"{row['other failures'] + row['internal']} | {row['matrix']} | {row['vector']} | {row['median s']} | "
                         f"{row['p95 s']} | {'' if paper is None else f'{paper} %'} |")
    if missing:
        lines += ["", f"Not measured yet: {', '.join(missing)}."]
    shares = [s for row in directions.values() if (s := accuracy(row)) is not None]
    if shares:
        lines += ["", f"Mean over {len(shares)} directions: {sum(shares) / len(shares):.1f} %, worst {min(shares):.1f} %. "
                  "Published: mean 95.4 % over 12 directions, worst 86.9 %."]
    lines += ["", "## Ports that use matrix and vector instrs of the target", "",
              "Counted in the emitted text, by the first word of the files' names (how many files)."]
    for name, row in sorted(directions.items()):
        if row["instrs"]:
            lines += ["", f"### {name.replace(' ', ' -> ')}", "", "| files | ported | matrix | vector | either |",
                      "|---|---|---|---|---|", *(f"| {' | '.join(map(str, r))} |" for r in row["instrs"])]
    lines += ["", "## Failures by name and reason", ""]
    for name, row in sorted(directions.items()):
        failed = [f for f in row["failures"] if f[1] != "source_fault"]
        if failed:
            lines += [f"### {name.replace(' ', ' -> ')}", "", *_rows(("file", "kind", "reason"), failed), ""]
    return "\n".join(lines).rstrip() + "\n"


def sources_page(sources: dict[str, Any]) -> str:
    """The page of faulty sources."""
    lines = [NOTE, "# Faulty sources of the development corpus", "",
             "Undefined behaviour that `xpiler bench DIR --from P --check` found in kernels as given: each runs unmodified in "
             "the simulator of its platform, and its accesses are looked at as integer sets. Such a kernel has no meaning for "
             "a port to preserve.", "", "| platform | files | sound | faulty | not decided |", "|---|---|---|---|---|"]
    lines += [f"| {p} | {s['files']} | {s['sound']} | {s['faulty']} | {s['files'] - s['sound'] - s['faulty']} |"
              for p in PLATFORMS if (s := sources.get(p))]
    for p in PLATFORMS:
        s = sources.get(p)
        if s and s["found"]:
            lines += ["", f"## {p}", "", *_rows(("file", "line", "check", "what is wrong"),
                                                ([f, line or "", check, why] for f, line, check, why in s["found"]))]
        if s and s["conditions"]:
            lines += ["", f"Sound on {p} only under a condition that the text does not say (else out of bounds):", "",
                      *_rows(("file", "condition"), s["conditions"])]
        if s and s["open"]:
            lines += ["", f"Not decided on {p}:", "", *_rows(("file", "kind", "reason"), s["open"])]
    return "\n".join(lines) + "\n"


def _rows(head: tuple[str, ...], rows: Iterable[list[Any]]) -> list[str]:
    def cell(value: Any) -> str:
        return str(value).replace("|", "\\|").replace("<", "&lt;")

    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(map(cell, r))} |" for r in rows)]


def _read(name: str) -> dict[str, Any]:
    path = RESULTS / name
    return json.loads(path.read_text()) if path.exists() else {}


def _write(name: str, value: dict[str, Any]) -> None:
    (RESULTS / name).write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
