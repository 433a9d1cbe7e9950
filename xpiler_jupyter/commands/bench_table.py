"""The benchmark's report, from its results: a line per direction, which ports use the target's instrs, what was not
understood, every failure by name."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from pathlib import PurePath
from typing import Any

from ..verify.evidence import LADDER

Result = dict[str, Any]
COLUMNS = ("direction", "files", "ported", "compiled", "tested equal", "proved", "all sizes", "matrix", "vector",
           "source at fault", "unsupported", "other failures", "internal", "median s", "p95 s")


def reached(result: Result, level: str) -> bool:
    """The port's verdict is `level` or stronger."""
    got = result.get("verdict")
    return bool(result.get("ported")) and got in LADDER and LADDER.index(got) >= LADDER.index(level)


def kind(result: Result) -> str:
    """"ported", or the kind of the failure."""
    return "ported" if result.get("ported") else str(result.get("error", {}).get("kind", "unfinished"))


def uses(result: Result, *kinds: str) -> bool:
    """The ported text calls instrs of one of these kinds (`platforms.kinds`)."""
    return bool(result.get("ported")) and any(result.get("instrs", {}).get(k) for k in kinds)


def family(result: Result) -> str:
    """What files are grouped by: the first word of the name."""
    return re.split(r"[_\-.\d]", PurePath(result["file"]).name, maxsplit=1)[0] or result["file"]


def summary(results: list[Result]) -> list[dict[str, Any]]:
    """One row per direction, as numbers."""
    rows = []
    for direction in sorted({(r["from"], r["to"]) for r in results}):
        mine = [r for r in results if (r["from"], r["to"]) == direction]
        kinds = Counter(kind(r) for r in mine)
        seconds = sorted(r["seconds"] for r in mine)
        known = ("ported", "source_fault", "unsupported", "internal")
        rows.append({
            "direction": _direction(direction), "files": len(mine), "ported": kinds["ported"],
            "compiled": sum(reached(r, "compiled") for r in mine),
            "tested equal": sum(reached(r, "tested") for r in mine),
            "proved": sum(reached(r, "proved_sizes") for r in mine), "all sizes": sum(reached(r, "proved") for r in mine),
            "matrix": sum(uses(r, "matrix") for r in mine), "vector": sum(uses(r, "vector") for r in mine),
            "source at fault": kinds["source_fault"], "unsupported": kinds["unsupported"],
            "other failures": sum(n for k, n in kinds.items() if k not in known), "internal": kinds["internal"],
            "median s": round(statistics.median(seconds), 2), "p95 s": round(_quantile(seconds, 0.95), 2),
        })
    return rows


def instr_table(results: list[Result]) -> list[list[str]]:
    """Per direction and first word of the files' names: of how many ports how many use matrix, vector or either kind of
    instrs; a heading row first. Directions none of whose ports use any are left out."""
    rows = [["direction", "files", "ported", "matrix", "vector", "either"]]
    for direction in sorted({(r["from"], r["to"]) for r in results}):
        mine = [r for r in results if (r["from"], r["to"]) == direction]
        if not any(uses(r, "matrix", "vector") for r in mine):
            continue
        for name in sorted({family(r) for r in mine}):
            group = [r for r in mine if family(r) == name]
            counts = (sum(bool(r.get("ported")) for r in group), sum(uses(r, "matrix") for r in group),
                      sum(uses(r, "vector") for r in group), sum(uses(r, "matrix", "vector") for r in group))
            rows.append([f"{direction[0]} -> {direction[1]}", f"{name} ({len(group)})", *map(str, counts)])
    return rows


def proof_table(results: list[Result]) -> list[list[str]]:
    """Per direction and first word of the files' names: how many ports have which verdict; a heading row first. Directions
    none of which is proved are left out."""
    levels = ("compiled", "tested", "proved_sizes", "proved")
    rows = [["direction", "files", "ported", "compiled", "tested", "proved, these sizes", "proved, all sizes"]]
    for direction in sorted({(r["from"], r["to"]) for r in results}):
        mine = [r for r in results if (r["from"], r["to"]) == direction]
        if not any(reached(r, "proved_sizes") for r in mine):
            continue
        for name in sorted({family(r) for r in mine}):
            group = [r for r in mine if family(r) == name]
            counts = Counter(str(r.get("verdict")) for r in group if r.get("ported"))
            rows.append([_direction(direction), f"{name} ({len(group)})", str(sum(counts.values())),
                         *(str(counts[level]) for level in levels)])
    return rows


def report(results: list[Result]) -> str:
    """The whole report as text."""
    if not results:
        return "nothing was ported"
    out = _table([list(COLUMNS), *([str(row[c]) for c in COLUMNS] for row in summary(results))])
    by_family = instr_table(results)
    if len(by_family) > 1:
        out += ["", "ports that use matrix and vector instrs of the target:", *_table(by_family)]
    proofs = proof_table(results)
    if len(proofs) > 1:
        out += ["", "ports by verdict:", *_table(proofs)]
        reasons = Counter(_without_numbers(r["unproved"]) for r in results if r.get("ported") and r.get("unproved"))
        if reasons:
            out += ["", "not proved, by reason:", *(f"  {n:5}  {what}" for what, n in reasons.most_common(20))]
    unsupported = Counter(_construct(r) for r in results if kind(r) == "unsupported")
    if unsupported:
        out += ["", "unsupported, by construct:"]
        out += [f"  {n:5}  {what}" for what, n in unsupported.most_common()]
    faulty = sorted({(r["from"], r["file"], reason(r)) for r in results if kind(r) == "source_fault"})
    if faulty:
        out += ["", f"sources at fault ({len(faulty)}):", *(f"  {p}  {file}  {why}" for p, file, why in faulty)]
    failed = [r for r in results if not r.get("ported") and kind(r) != "source_fault"]
    if failed:
        out += ["", f"failures ({len(failed)}):"]
        out += [f"  {_direction((r['from'], r['to']))}  {r['file']}  [{kind(r)}] {reason(r)}"
                for r in sorted(failed, key=lambda r: (r["from"], r["to"], kind(r), r["file"]))]
    return "\n".join(out)


def reason(result: Result) -> str:
    """Why it was not ported, in one line, with the kernel's line."""
    error = result.get("error", {})
    place = f"line {error['line']}: " if error.get("line") else ""
    message = str(error.get("message", "not finished")).split("\n")[0].removeprefix("internal: ")
    return f"{place}{message}"


def _direction(pair: tuple[str, str]) -> str:
    return " -> ".join(pair) if pair[1] else f"{pair[0]} (sources)"


def _table(rows: list[list[str]]) -> list[str]:
    """Rows as aligned lines, the first one underlined."""
    widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
    return [_line(r, widths) for r in (rows[0], ["-" * w for w in widths], *rows[1:])]


def _line(cells: list[str], widths: list[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(w) for cell, w in rest)])


def _quantile(ordered: list[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, round(q * (len(ordered) - 1)))]


def _construct(result: Result) -> str:
    """The message without what differs from file to file."""
    return _without_numbers(result["error"]["message"])


def _without_numbers(text: Any) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", str(text).split("\n")[0])
