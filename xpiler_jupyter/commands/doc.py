"""Write the reference pages, from the same tables that the code uses: one per pass, one per platform, and the instrs of each
platform on a page per section of its manual."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..pages import NOTE, pages

HELP = "write the pages of passes, platforms and instrs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="docs", metavar="DIR", help="where the pages go (docs)")


def run(args: argparse.Namespace) -> int:
    out, made = Path(args.out), pages()
    for old in sorted(out.glob("instrs/*/*.md")):
        if str(old.relative_to(out)) not in made and old.read_text().startswith(NOTE):
            old.unlink()  # a page of ours that the tables have no more
    for name, text in made.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"xpiler: wrote {len(made)} pages to {args.out}", file=sys.stderr)
    return 0
