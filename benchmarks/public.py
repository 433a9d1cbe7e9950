"""Ports the kernels of public files that we did not write, one by one, and counts how far each gets.

    python benchmarks/public.py PATH... [--root DIR] [--to c] [--timeout 60] [--jobs 2] [--json OUT] [--retry]

PATH is a file, a folder, or a text file (`.txt`) that names files. Each kernel goes to the other GPU platform and to the
targets of `--to`, alone in a worker process with a time limit. Only counts, names, lines and our own messages are kept,
never their code. With --json a second run goes on where the first stopped; --retry does again what was not tested.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from xpiler_jupyter.commands.bench_pool import Pool
from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend.included import with_headers
from xpiler_jupyter.frontend.module import parse_module
from xpiler_jupyter.platforms import registry

Result = dict[str, Any]
OTHER = {"cuda": "hip", "hip": "cuda"}  # programs for processors are not what this measures
SUFFIXES = (".cu", ".cuh", ".hip", ".cpp")
OUTCOMES = ("tested", "compiled", "source at fault", "refused", "wrong", "out of time", "internal")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    parser.add_argument("--root", type=Path, default=Path("."), metavar="DIR", help="file names are said from here; the "
                        "first folder is the repository")
    parser.add_argument("--to", default="c", metavar="P,P", help="targets besides the other GPU platform")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="S", help="for one port of one kernel")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--retry", action="store_true")
    args = parser.parse_args(arguments)
    kept: dict[tuple[str, ...], Result] = {}
    if args.json and args.json.exists():
        kept = {_key(r): r for r in json.loads(args.json.read_text())}
    done: list[Result] = []
    todo: list[dict[str, Any]] = []
    for file in _files(args.paths):
        for found in _kernels(file, args.root, [t for t in args.to.split(",") if t]):
            old = kept.get(_key(found))
            if "error" not in found and old is not None and (outcome(old) == "tested" or (
                    not args.retry and old.get("error", {}).get("stage") != "read")):
                done.append(old)
            else:
                (done if "error" in found else todo).append(found)
    with closing(Pool(args.jobs, args.timeout).run(todo)) as results:
        for k, r in enumerate(results, 1):
            done.append(r)
            print(f"{k}/{len(todo)} {r['file']} -> {r['to']}: {outcome(r)} {reason(r)}", flush=True)
            if args.json:
                args.json.write_text(json.dumps(sorted(done, key=_key), indent=1) + "\n")
    if args.json:
        args.json.write_text(json.dumps(sorted(done, key=_key), indent=1) + "\n")
    print("\n" + tables(done))
    return 0


def _key(r: Result) -> tuple[str, ...]:
    return r["file"], r["from"], r["to"], r["sha"]


def _files(paths: list[Path]) -> list[Path]:
    out: list[Path] = []
    for p in paths:
        if p.is_dir():
            out += sorted(q for q in p.rglob("*") if q.suffix in SUFFIXES and "__global__" in q.read_text(errors="replace"))
        elif p.suffix == ".txt":
            out += _files([Path(line) for line in p.read_text().splitlines() if line.strip()])
        else:
            out.append(p)
    return out


def _kernels(file: Path, root: Path, targets: list[str]) -> list[dict[str, Any]]:
    """A task per kernel of a file and target; a finished result, with `error`, for each that the front end refuses."""
    name = str(file.relative_to(root)) if file.is_relative_to(root) else file.name
    text = with_headers(file.read_text(errors="replace"), file)
    platform = registry.detect(text, file.name)
    if platform.name not in OTHER:
        platform = registry.get("cuda")
    failures: dict[str, XpilerError] = {}
    kernels: list[str] = []
    try:
        module = parse_module(text, platform)
        kernels, failures = [k.name for k in module.kernels], dict(module.failures)
    except XpilerError as e:
        failures = {"": e}
    sha = hashlib.sha256(text.encode()).hexdigest()[:16]
    out: list[dict[str, Any]] = []
    for to in (OTHER[platform.name], *targets):
        same = {"from": platform.name, "to": to, "sha": sha}
        out += [{**same, "file": f"{name}:{k}", "ported": False, "seconds": 0.0, "error": {**e.as_dict(), "stage": "read"}}
                for k, e in failures.items()]
        out += [{**same, "file": f"{name}:{k}", "path": str(file), "kernel": k, "prove": 0.0} for k in kernels]
    return out


def outcome(r: Result) -> str:
    """One of OUTCOMES."""
    error, verdict = r.get("error", {}), r.get("verdict", "")
    if r.get("ported"):
        return "compiled" if verdict in ("compiled", "untested") else "tested"
    if error.get("kind") == "source_fault":
        return "source at fault"
    if error.get("kind") == "internal":
        return "out of time" if "no result after" in error["message"] else "internal"
    return "wrong" if error.get("kind") == "wrong" else "refused"


def reason(r: Result) -> str:
    """Our message, with its line; nothing for a port that succeeded."""
    error = r.get("error")
    return "" if not error else f"line {error['line']}: {error['message']}" if error.get("line") else str(error["message"])


def _construct(r: Result) -> str:
    """What several messages have in common: names and numbers of one kernel go."""
    named = r"\b(the (?:function|name|type|kernel|host code's|file-scope variable)) [^ :]+"
    text = re.sub(named, r"\1 ...", r["error"]["message"])
    return re.sub(r"\d+", "N", text.split("; ")[0])[:100].replace("|", "/")


def tables(results: list[Result]) -> str:
    """By repository, then by reason, as Markdown."""
    out: list[str] = []
    for direction in sorted({(r["from"] + " -> " + r["to"]) for r in results}):
        mine = [r for r in results if r["from"] + " -> " + r["to"] == direction]
        out += [direction, "", "| repository | kernels | " + " | ".join(OUTCOMES) + " |", "|---" * (2 + len(OUTCOMES)) + "|"]
        for repo in [*sorted({r["file"].split("/")[0] for r in mine}), ""]:
            rows = [r for r in mine if repo in ("", r["file"].split("/")[0])]
            counts = Counter(map(outcome, rows))
            out.append(f"| {repo or 'all'} | {len(rows)} | " + " | ".join(str(counts[o]) for o in OUTCOMES) + " |")
        out.append("")
    out += ["| what stopped a port | ports |", "|---|---|"]
    why = Counter(f"{outcome(r)}: {_construct(r)}" for r in results if r.get("error"))
    return "\n".join([*out, *(f"| {text} | {n} |" for text, n in why.most_common(40))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
