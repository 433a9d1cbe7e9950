"""Print the manual page of an instr, a pass or a platform: `xpiler explain __bang_maxpool`. A platform's name and a colon
in front choose between platforms that know the same word: `xpiler explain vnni:_mm512_add_ps`."""

from __future__ import annotations

import argparse
import json

from ..pages import explain

HELP = "print the page of an instr, a pass or a platform"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", metavar="WORD", help="an instr, a pass or a platform; PLATFORM:WORD for one platform's")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout: word, platforms, page")


def run(args: argparse.Namespace) -> int:
    found = explain(args.word)
    if args.json:
        print(json.dumps({"word": args.word, "pages": found}))
    else:
        print("\n".join(found.values()).rstrip())
    return 0
