"""Write the reference pages, from the same tables that the code uses: one per pass, one per platform, and the instrs of each
platform on a page per section of its manual."""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path

HELP = "write the pages of passes, platforms and instrs"
NOTE = "<!-- Written by `xpiler doc` from the tables in the code: change those, not this page. -->\n"


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


def pages() -> dict[str, str]:
    """Every page by its path below the output folder."""
    from ..passes import _registry as passes
    from ..platforms import manual
    from ..platforms import registry as platforms

    out = {f"passes/{n}.md": pass_page(n) for n in passes.names()}
    out |= {f"platforms/{n}.md": platform_page(n) for n in platforms.names()}
    for n in platforms.names():
        made = manual.pages(platforms.get(n))
        out |= {f"instrs/{n}/{page}.md": f"{NOTE}\n{text}" for page, text in made.items()}
    links = [f"- [{p.removesuffix('.md')}]({p})" for p in sorted(out)]
    out["README.md"] = NOTE + "\n# Reference\n\n" + "\n".join(links) + "\n"
    return out


def pass_page(name: str) -> str:
    """What one pass does, its knobs, before and after."""
    from ..passes import _registry as passes

    found = passes.get(name)
    shown = inspect.getdoc(type(found)) or ""
    lines = [NOTE, f"# {name}", "", f"A {found.kind} pass. {found.summary}", "", "```", shown, "```"]
    if found.knobs:
        lines += ["", "| knob | meaning |", "|---|---|", *(f"| `{k}` | {v} |" for k, v in found.knobs.items())]
    return "\n".join(lines) + "\n"


def platform_page(name: str) -> str:
    """Axes, memories, limits and spellings of one platform."""
    from ..platforms import manual
    from ..platforms import registry as platforms
    from ..platforms.kinds import KINDS, kind_of

    p = platforms.get(name)
    lines = [NOTE, f"# {p.title} (`{p.name}`)", "", f"Files: {', '.join(f'`*{s}`' for s in p.suffixes)}. Lanes in lock step: "
             f"{p.lane_width}. Threads in a block: at most {p.max_threads}."]
    if p.axes:
        lines += ["", "| axis | level | size | largest |", "|---|---|---|---|"]
        lines += [f"| `{a.text or a.name}` | {a.level} | `{a.extent_text or a.extent_name}` | {a.max_extent} |" for a in p.axes]
    lines += ["", "| memory | word | shared by | bytes | alignment |", "|---|---|---|---|---|"]
    for m in p.memories:
        lines.append(f"| {m.name} | {f'`{m.qualifier}`' if m.qualifier else ''} | one {m.scope} | "
                     f"{m.capacity if m.capacity is not None else 'what the machine has'} | {m.alignment} |")
    lines += ["", "| type | here |", "|---|---|", *(f"| {t} | `{word}` |" for t, word in p.types.items())]
    if p.functions:
        lines += ["", "Functions whose spelling C's naming rule does not give:", ""]
        lines += ["| function | type | here |", "|---|---|---|"]
        lines += [f"| {fn} | {t} | `{word}` |" for (fn, t), word in sorted(p.functions.items(), key=str)]
    if p.derived:
        lines += ["", "| built-in | is |", "|---|---|", *(f"| `{k}` | `{v}` |" for k, v in p.derived.items())]
    if p.instrs:
        words: dict[str, set[str]] = {}
        for row in p.instrs:
            words.setdefault(kind_of(row), set()).add(row.word)
        counts = ", ".join(f"{len(words[k])} {k}" for k in KINDS if k in words)
        links = ", ".join(f"[{page.replace('-', ' ')}](../instrs/{p.name}/{page}.md)" for page in manual.pages(p))
        lines += ["", f"Instrs: {len({r.word for r in p.instrs})} words ({counts}) in {len(p.instrs)} typed rows, on the pages "
                  f"{links}. `xpiler explain WORD` prints one."]
    return "\n".join(lines) + "\n"
