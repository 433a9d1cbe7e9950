"""The benchmark's report, from its results: a line per direction, what was not understood, every failure by name."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from typing import Any

from ..verify.evidence import LADDER

Result = dict[str, Any]
COLUMNS = ("direction", "files", "ported", "compiled", "tested equal", "source at fault", "unsupported",
           "other failures", "internal", "median s", "p95 s")


def reached(result: Result, level: str) -> bool:
    """The port's verdict is `level` or stronger."""
    got = result.get("verdict")
    return bool(result.get("ported")) and got in LADDER and LADDER.index(got) >= LADDER.index(level)


def kind(result: Result) -> str:
    """"ported", or the kind of the failure."""
    return "ported" if result.get("ported") else str(result.get("error", {}).get("kind", "unfinished"))


def summary(results: list[Result]) -> list[dict[str, Any]]:
    """One row per direction, as numbers."""
    rows = []
    for direction in sorted({(r["from"], r["to"]) for r in results}):
        mine = [r for r in results if (r["from"], r["to"]) == direction]
        kinds = Counter(kind(r) for r in mine)
        seconds = sorted(r["seconds"] for r in mine)
        known = ("ported", "source_fault", "unsupported", "internal")
        rows.append({
            "direction": f"{direction[0]} -> {direction[1]}", "files": len(mine), "ported": kinds["ported"],
            "compiled": sum(reached(r, "compiled") for r in mine),
            "tested equal": sum(reached(r, "tested") for r in mine), "source at fault": kinds["source_fault"],
            "unsupported": kinds["unsupported"],
            "other failures": sum(n for k, n in kinds.items() if k not in known), "internal": kinds["internal"],
            "median s": round(statistics.median(seconds), 2), "p95 s": round(_quantile(seconds, 0.95), 2),
        })
    return rows


def report(results: list[Result]) -> str:
    """The whole report as text."""
    if not results:
        return "nothing was ported"
    rows = [[str(row[c]) for c in COLUMNS] for row in summary(results)]
    widths = [max(len(c), *(len(r[k]) for r in rows)) for k, c in enumerate(COLUMNS)]
    out = [_line(COLUMNS, widths), _line(["-" * w for w in widths], widths), *(_line(r, widths) for r in rows)]
    unsupported = Counter(_construct(r) for r in results if kind(r) == "unsupported")
    if unsupported:
        out += ["", "unsupported, by construct:"]
        out += [f"  {n:5}  {what}" for what, n in unsupported.most_common()]
    failed = [r for r in results if not r.get("ported")]
    if failed:
        out += ["", f"failures ({len(failed)}):"]
        out += [f"  {r['from']} -> {r['to']}  {r['file']}  {_reason(r)}"
                for r in sorted(failed, key=lambda r: (r["from"], r["to"], kind(r), r["file"]))]
    return "\n".join(out)


def _line(cells: Any, widths: list[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(w) for cell, w in rest)])


def _quantile(ordered: list[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, round(q * (len(ordered) - 1)))]


def _construct(result: Result) -> str:
    """The message without what differs from file to file."""
    return re.sub(r"\b\d+\b", "N", str(result["error"]["message"]).split("\n")[0])


def _reason(result: Result) -> str:
    error = result.get("error", {})
    place = f"line {error['line']}: " if error.get("line") else ""
    message = str(error.get("message", "not finished")).split("\n")[0].removeprefix("internal: ")
    return f"[{kind(result)}] {place}{message}"
