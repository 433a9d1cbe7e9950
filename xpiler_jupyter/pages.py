"""Manual pages of passes, platforms and instrs, written from the tables that the code uses: for `xpiler doc`,
`xpiler explain` and `%xpile_explain`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from difflib import get_close_matches

from .errors import UsageError

NOTE = "<!-- Written by `xpiler doc` from the tables in the code: change those, not this page. -->\n"
MEASURED = ("benchmark.md", "corpus.md", "faulty-sources.md")  # pages of docs/ that scripts in benchmarks/ write


def explain(word: str) -> dict[str, str]:
    """Pages by what they are of ("pass", or a platform's name). Raises UsageError with the nearest words."""
    from .passes import _registry as passes
    from .platforms import registry
    from .platforms.manual import entry

    prefix, colon, name = word.strip().partition(":")
    if colon and not name.startswith(":"):
        asked, name = [registry.get(_known(prefix, registry.names()))], name.strip()
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

def _known(platform: str, names: Iterable[str]) -> str:
    if platform not in names:
        raise UsageError(f"there is no platform {platform!r}", hint=f"Known: {', '.join(names)}.")
    return platform


def pages() -> dict[str, str]:
    """Every page by its path below the output folder."""
    from .passes import _registry as passes
    from .platforms import manual
    from .platforms import registry as platforms

    out = {f"passes/{n}.md": pass_page(n) for n in passes.names()}
    out |= {f"platforms/{n}.md": platform_page(n) for n in platforms.names()}
    for n in platforms.names():
        made = manual.pages(platforms.get(n))
        out |= {f"instrs/{n}/{page}.md": f"{NOTE}\n{text}" for page, text in made.items()}
    links = [f"- [{p.removesuffix('.md')}]({p})" for p in (*MEASURED, *sorted(out))]
    out["README.md"] = NOTE + "\n# Reference\n\n" + "\n".join(links) + "\n"
    return out


def pass_page(name: str) -> str:
    """What one pass does, its knobs, before and after."""
    from .passes import _registry as passes

    found = passes.get(name)
    shown = inspect.getdoc(type(found)) or ""
    lines = [NOTE, f"# {name}", "", f"A {found.kind} pass. {found.summary}", "", "```", shown, "```"]
    if found.knobs:
        lines += ["", "| knob | meaning |", "|---|---|", *(f"| `{k}` | {v} |" for k, v in found.knobs.items())]
    return "\n".join(lines) + "\n"


def platform_page(name: str) -> str:
    """Axes, memories, limits and spellings of one platform."""
    from .platforms import manual
    from .platforms import registry as platforms
    from .platforms.kinds import KINDS, kind_of

    p = platforms.get(name)
    lines = [NOTE, f"# {p.title} (`{p.name}`)", "", f"Files: {', '.join(f'`*{s}`' for s in p.suffixes)}. Lanes in lock step: "
             f"{p.lane_width}. Threads in a block: at most {p.max_threads}."]
    if p.axes:
        lines += ["", "| axis | level | size | largest |", "|---|---|---|---|"]
        lines += [f"| `{a.text or a.name}` | {a.level} | `{a.extent_text or a.extent_name}` | {a.max_extent} |" for a in p.axes]
    lines += ["", "| memory | word | shared by | bytes | alignment |", "|---|---|---|---|---|"]
    for m in p.memories:
        by = f"one {m.scope}{', along ' if m.shared_by else ''}{', '.join(m.shared_by)}"
        lines.append(f"| {m.name} | {f'`{m.qualifier}`' if m.qualifier else ''} | {by} | "
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
