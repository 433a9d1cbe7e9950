"""Say what is wrong with a kernel before anyone ports it: does it parse, compile, stay in bounds, and does its result
depend on the order of its threads. Exit status 1 when something is wrong."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from . import common

if TYPE_CHECKING:
    from ..verify.evidence import Evidence

HELP = "say what is wrong with a kernel, with lines"
SIGNS = {"pass": "ok     ", "fail": "WRONG  ", "skip": "skipped", "unknown": "unknown"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_kernel(parser)
    common.add_switches(parser)
    common.add_shape(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the test inputs")


def run(args: argparse.Namespace) -> int:
    text = common.read_text(args.file)
    platform = common.platform_of(text, args)
    sizes = common.shapes(args.shape)
    from ..running import subject_of
    from ..verify.source_check import check_source

    subject = subject_of(text, platform, args.kernel, sizes, common.templates(args))
    evidence = check_source(subject, shape=sizes, seed=args.seed)
    failed = [e for e in evidence if e.status == "fail"]
    name = subject.kernel.name if subject.kernel else (args.kernel or "")
    if args.json:
        print(json.dumps({"from": platform.name, "kernel": name, "ok": not failed,
                          "evidence": [e.as_dict() for e in evidence]}))
        return 1 if failed else 0
    print(f"{name}: {platform.title}")
    for e in evidence:
        _print(e, text)
    found = f"{len(failed)} thing{'' if len(failed) == 1 else 's'} wrong" if failed else "nothing wrong was found"
    print(found)
    return 1 if failed else 0


def _print(e: Evidence, text: str) -> None:
    print(f"  {SIGNS.get(e.status, e.status)}  {e.kind}: {e.detail}")
    line = e.data.get("line")
    lines = text.splitlines()
    if e.status == "fail" and isinstance(line, int) and 1 <= line <= len(lines):
        print(f"           {line} | {lines[line - 1].strip()}")
