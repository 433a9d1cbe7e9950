"""Print the manual page of an instr, a pass or a platform: `xpiler explain __bang_maxpool`. A platform's name and a colon
in front choose between platforms that know the same word: `xpiler explain vnni:_mm512_add_ps`."""

from __future__ import annotations

import argparse
import json
from difflib import get_close_matches

from ..errors import UsageError

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


def explain(word: str) -> dict[str, str]:
    """Pages by what they are of ("pass", or a platform's name). Raises UsageError with the nearest words."""
    from ..passes import _registry as passes
    from ..platforms import registry
    from ..platforms.manual import entry
    from . import common
    from .doc import NOTE, pass_page, platform_page

    prefix, colon, name = word.strip().partition(":")
    if colon and not name.startswith(":"):
        asked, name = [registry.get(common.known_platform(prefix))], name.strip()
    else:
        asked, name = [registry.get(p) for p in registry.names()], word.strip()
    name = name.rsplit("::", 1)[-1].split("(")[0].strip()
    found = {p.name: entry(name, p) for p in asked if p.overloads(name)}
    if not found:
        found = {p.name: entry(row.word, p) for p in asked if (row := p.instr(name)) is not None}
    if not colon and name in passes.names():
        found["pass"] = pass_page(name).removeprefix(NOTE).lstrip()
    if not colon and name in registry.names():
        found["platform"] = platform_page(name).removeprefix(NOTE).lstrip()
    if found:
        return found
    known = [r.word for p in asked for r in p.instrs] + ([] if colon else [*passes.names(), *registry.names()])
    near = get_close_matches(name, dict.fromkeys(known), n=5, cutoff=0.6)
    where = f" on {asked[0].title}" if colon else ""
    raise UsageError(f"nothing is called {name!r}{where}" + (f"; near: {', '.join(near)}" if near else ""),
                     hint="Instrs, passes and platforms have pages; docs/ lists them.")
