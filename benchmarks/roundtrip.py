"""Ports kernels to another platform and back, and judges the last text against the first one.

    python benchmarks/roundtrip.py DIR --from cuda --via hip,c [--count 40] [--only GLOB] [--json OUT]

Files are taken evenly from the folder. A round trip counts when both ports reach a verdict of tested or better and the
text that comes back is tested equal to the text that set out. Exit status 1 when one does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port
from xpiler_jupyter.running import subject_of
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.verdict import verdict_of

Result = dict[str, Any]
EQUAL = ("tested", "checked", "proved")  # levels of the verdict at which a text counts as equal


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="source", required=True, metavar="P")
    parser.add_argument("--via", required=True, metavar="P,P")
    parser.add_argument("--count", type=int, default=40, metavar="N", help="kernels per direction (default 40)")
    parser.add_argument("--only", default="*", metavar="GLOB")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(arguments)
    files = chosen(args.folder, registry.get(args.source).suffixes, args.only, args.count)
    if not files:
        parser.error(f"no file of {args.source} in {args.folder} fits {args.only}")
    results = []
    for via in args.via.split(","):
        for file in files:
            results.append(round_trip(file, args.source, via))
            print(line(results[-1]), flush=True)
    print("\n" + table(results))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(r["equal"] for r in results) else 1


def chosen(folder: Path, suffixes: tuple[str, ...], only: str, count: int) -> list[Path]:
    """At most `count` files, evenly over the sorted names."""
    files = sorted(p for p in folder.rglob("*") if p.name.endswith(suffixes) and fnmatch(p.name, only))
    if len(files) <= count:
        return files
    return [files[k * len(files) // count] for k in range(count)]


def round_trip(file: Path, source: str, via: str) -> Result:
    """One way there and back. `equal`: all three judgements agree; else `stage` and `reason` say what went wrong where."""
    text, began, stage = file.read_text(errors="replace"), time.perf_counter(), "there"
    result: Result = {"file": file.name, "from": source, "via": via, "equal": False}
    try:
        code = ported(text, source, via)
        result["lines_there"], stage = len(code.splitlines()), "back"
        code = ported(code, via, source)
        stage = "compare"
        judge = Judge(subject_of(text, registry.get(source)))
        verdict = verdict_of(judge.test(subject_of(code, registry.get(source))))
        result |= {"equal": verdict.level.startswith(EQUAL), "verdict": verdict.level, "numbers": verdict.number_model}
        if not result["equal"]:
            result |= {"stage": stage, "reason": verdict.detail}
    except (XpilerError, _NotPortedError) as err:
        result |= {"stage": stage, "reason": str(err)}
    result["seconds"] = round(time.perf_counter() - began, 2)
    return result


class _NotPortedError(Exception):
    """A port that ended without a text that is tested equal."""


def ported(text: str, source: str, target: str) -> str:
    """The finished port's text.

    Raises:
        XpilerError: the source is at fault or outside what is understood.
        _NotPortedError: the port's verdict, when it is below tested.
    """
    port = Port(text, target, source=source).run()
    if not port.finished or not port.verdict.level.startswith(EQUAL):
        raise _NotPortedError(f"{port.verdict.level}: {port.verdict.detail}")
    return port.code


def line(r: Result) -> str:
    """One line per round trip, as they finish."""
    said = "equal" if r["equal"] else f"{r['stage']}: {r['reason']}"
    return f"{r['from']} -> {r['via']} -> {r['from']}  {r['file']}  {r['seconds']:.1f} s  {said}"


def table(results: Iterable[Result]) -> str:
    """Counts per direction, as Markdown."""
    by: dict[tuple[str, str], list[Result]] = {}
    for r in results:
        by.setdefault((r["from"], r["via"]), []).append(r)
    rows = ["| round trip | kernels | equal | not ported there | not ported back | differ | median s |",
            "|---|---|---|---|---|---|---|"]
    for (source, via), found in by.items():
        failed = [sum(r.get("stage") == s for r in found) for s in ("there", "back", "compare")]
        seconds = sorted(r["seconds"] for r in found)
        rows.append(f"| {source} → {via} → {source} | {len(found)} | {sum(r['equal'] for r in found)} | "
                    + " | ".join(map(str, failed)) + f" | {seconds[len(seconds) // 2]:.1f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
