"""Port every kernel of a folder and print a table. With --json OUT the results are kept after each port, and a second
run with the same OUT goes on where the first stopped; a file that changed is done again. Ctrl-C keeps what is done."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import UsageError
from . import common

if TYPE_CHECKING:
    from .bench_pool import Result, Task

HELP = "port every kernel of a folder and print a table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="kernels, one per file; sub-folders too")
    parser.add_argument("--from", dest="source", required=True, metavar="P", help="the platform they are written for")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", metavar="P,P", help="the platforms to reach")
    where.add_argument("--check", action="store_true", help="port nothing: say which sources are wrong, and why")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="worker processes")
    parser.add_argument("--json", metavar="OUT", help="keep the results here; go on from them")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N files")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="a sample: only every Nth file")
    parser.add_argument("--only", metavar="GLOB", help="only files whose name or path fits, e.g. 'gemm*'")
    parser.add_argument("--retry", action="store_true", help="do again what failed last time")
    parser.add_argument("--timeout", type=float, default=180.0, metavar="S", help="give up on one port after this long")
    common.add_allow(parser)
    common.add_prove(parser)
    parser.add_argument("--out", metavar="DIR", help="write the ported kernels here")


def run(args: argparse.Namespace) -> int:
    from .bench_pool import Pool
    from .bench_table import report

    source = common.known_platform(args.source)
    targets = [""] if args.check else [common.known_platform(t) for t in args.to.split(",") if t]
    if not targets or args.jobs < 1 or args.every < 1:
        raise UsageError("--to wants at least one platform" if not targets else "--jobs and --every want at least 1")
    wanted = tasks(args, source, targets)
    kept = _read(args.json) if args.json else {}
    done = {key(t): kept[key(t)] for t in wanted if key(t) in kept}
    if args.retry:
        done = {k: r for k, r in done.items() if r.get("ported")}
    todo = [t for t in wanted if key(t) not in done]
    others = {k: r for k, r in kept.items() if k not in {key(t) for t in wanted} and not _stale(k, wanted)}
    progress = Progress(len(wanted), done)
    interrupted = False
    before = signal.signal(signal.SIGTERM, _interrupt)  # a batch system's way to say Ctrl-C
    try:
        with closing(Pool(args.jobs, args.timeout).run(todo)) as results:
            for result in results:
                done[key(result)] = result
                if args.json:
                    _write(args.json, [*others.values(), *done.values()])
                progress.show(result)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        signal.signal(signal.SIGTERM, before)
        progress.end()
    print(report(list(done.values())))
    if interrupted:
        hint = f"; the same command goes on from {args.json}" if args.json else ""
        print(f"\ninterrupted after {len(done)} of {len(wanted)}{hint}", file=sys.stderr)
        return 130
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def tasks(args: argparse.Namespace, source: str, targets: list[str]) -> list[Task]:
    """What to do, in the order of the targets and the file names."""
    import hashlib

    from ..ir.narrow import split
    from ..platforms import registry

    folder, allow = Path(args.folder), split(args.allow)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    suffixes = registry.get(source).suffixes
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name.endswith(suffixes))
    if args.only:
        files = [p for p in files if fnmatch(p.name, args.only) or fnmatch(str(p.relative_to(folder)), args.only)]
    if not files:
        raise UsageError(f"no {' or '.join(suffixes)} file in {folder}" + (f" fits {args.only}" if args.only else ""))
    files = files[::args.every][:args.limit]
    shas = {p: "+".join((hashlib.sha256(p.read_bytes()).hexdigest()[:16], *allow)) for p in files}
    return [{"path": str(p), "file": str(p.relative_to(folder)), "from": source, "to": target, "sha": shas[p],
             "out": args.out, "allow": allow, "prove": args.prove} for target in targets for p in files]


def key(item: Task | Result) -> tuple[str, str, str, str]:
    """What makes two results the same: the file with its contents (and what was allowed), and the direction."""
    return item["file"], item["from"], item["to"], item["sha"]


def _stale(k: tuple[str, str, str, str], wanted: list[Task]) -> bool:
    """An old result of a file that has changed since."""
    return any((t["file"], t["from"], t["to"]) == k[:3] for t in wanted)


def _read(file: str) -> dict[tuple[str, str, str, str], Result]:
    path = Path(file)
    if not path.exists() or path.stat().st_size == 0:
        return {}
    try:
        return {key(r): r for r in json.loads(path.read_text())["results"]}
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise UsageError(f"{file} is not a result of xpiler bench ({err})",
                         hint="Name another file with --json.") from None


def _write(file: str, results: list[Result]) -> None:
    from .bench_table import summary

    found: dict[str, Any] = {"version": __version__, "summary": summary(results), "results": results}
    common.write_bytes(file, json.dumps(found, indent=1).encode())


class Progress:
    """One status line on a terminal; elsewhere a line per failure and every tenth of the way."""

    def __init__(self, total: int, done: dict[Any, Result]) -> None:
        self.total, self.before = total, len(done)
        self.done, self.ported = len(done), sum(bool(r.get("ported")) for r in done.values())
        self.began = time.perf_counter()
        self.live = sys.stderr.isatty()
        if self.before:
            print(f"{self.before} of {total} are done already", file=sys.stderr)

    def show(self, result: Result) -> None:
        self.done += 1
        self.ported += bool(result.get("ported"))
        new = self.done - self.before
        left = (time.perf_counter() - self.began) / new * (self.total - self.done)
        line = f"{self.done}/{self.total}  {self.ported} ported  {self.done - self.ported} not  {left:.0f} s left"
        if self.live:
            print(f"\r\x1b[2K{line}  {result['file']}"[:110], end="", file=sys.stderr, flush=True)
        elif self.done == self.total or self.done * 10 // self.total != (self.done - 1) * 10 // self.total:
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.live:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
