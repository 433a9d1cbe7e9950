"""Manual pages of instrs, as Markdown, from the tables alone: signature, operands, rules, meaning, and what we assume.

Rows that differ only in types (or in one word, as the directions of a copy) share one entry. Instrs that are variants of
one another by name (`Platform.variants`: widths, masks) share one in the reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..ir.types import F32
from .base import Platform
from .instr import Instr, Operand
from .kinds import KINDS, kind_of

_ACCESS = {"r": "read", "w": "written", "rw": "read and written"}
_OVERLAP = {
    "none": "Source and destination must not overlap.",
    "same": "Source and destination may be the same array, but not overlap otherwise.",
    "any": "Source and destination may overlap.",
}


def entry(word: str, platform: Platform) -> str:
    """The page of one word of a platform: every group of its overloads. The word must be in the table."""
    rows = platform.overloads(word)
    lines = [f"# {word}", "", f"{platform.title}, {_kind_words(rows)}."]
    for group in groups(rows):
        lines += ["", *_group(group, platform)]
    return "\n".join(lines) + "\n"


def groups(rows: Iterable[Instr]) -> list[list[Instr]]:
    """Rows with the same operands by name and passing, in the table's order."""
    found: dict[object, list[Instr]] = {}
    for row in rows:
        key = (tuple((o.name, bool(o.memory), bool(o.shape)) for o in row.operands), row.result, row.lanes)
        found.setdefault(key, []).append(row)
    return list(found.values())


def _group(rows: list[Instr], platform: Platform) -> list[str]:
    first = next((r for r in rows if any(o.dtype == F32 for o in r.operands)), rows[0])
    names, choices = _types(rows)
    lines = [f"    {signature(first, names)}", "", first.doc]
    if choices:
        lines += ["", *choices]
    words = _differing_words(rows)
    if words:
        lines += ["", f"Last word: {words}."]
    lines += ["", *(f"- {line}" for line in operand_lines(rows, names))]
    rules = {why: condition for r in reversed(rows) for condition, why in reversed(r.rules)}
    if rules:
        lines += ["", "Rules:", "", *(f"- {_rule(why, condition)}" for why, condition in reversed(rules.items()))]
    if first.meaning.strip():
        lines += ["", f"Meaning{_shown(first, rows)}:", "", "```c", first.meaning.strip(), "```"]
    return [*lines, "", *_notes(rows, platform)]


def signature(row: Instr, names: dict[str, str]) -> str:
    """The call with the types of its operands; type variables as in `names`."""
    def typed(o: Operand) -> str:
        if o.declared:
            return f"{o.declared} {o.name}"
        return f"{names[o.name]}{'*' if o.memory else ''} {o.name}"

    operands = {o.name: o for o in row.operands}
    text = row.text
    if row.result is not None:
        result = operands[row.result]
        text = text.replace("{" + row.result + "}", f"{result.declared or names[result.name]} {result.name}", 1)
    return re.sub(r"\{(\w+)\}", lambda m: typed(operands[m[1]]), text)


def _types(rows: list[Instr]) -> tuple[dict[str, str], list[str]]:
    """Type of each operand, by a variable where it differs between rows, and a line per variable."""
    columns = {o.name: tuple(str(r.operands[k].dtype) for r in rows) for k, o in enumerate(rows[0].operands)}
    variables: dict[tuple[str, ...], str] = {}
    names = {}
    for name, column in columns.items():
        if len(set(column)) == 1:
            names[name] = column[0]
        else:
            names[name] = variables.setdefault(column, "TSUVWXYZ"[len(variables)] if len(variables) < 8 else "T8")
    if len(variables) == 1:
        (column, variable), = variables.items()
        return names, [f"{variable} is one of {', '.join(dict.fromkeys(column))}."]
    if not variables:
        return names, []
    choices = dict.fromkeys(zip(*variables, strict=True))
    return names, [f"({', '.join(variables.values())}) is one of {', '.join('(' + ', '.join(c) + ')' for c in choices)}."]


def _differing_words(rows: list[Instr]) -> str:
    """The words, operands apart, in which the rows' texts differ; empty when they do not."""
    texts = dict.fromkeys(r.text for r in rows)
    if len(texts) == 1:
        return ""
    found = [re.findall(r"(?<![\w{:])[A-Za-z_][\w:]*(?![\w}(:])", t) for t in texts]
    common = set(found[0]).intersection(*found)
    return ", ".join(dict.fromkeys(f"`{w}`" for words in found for w in words if w not in common))


def operand_lines(rows: list[Instr], names: dict[str, str]) -> list[str]:
    """One phrase per operand: type, elements, memories, access, alignment."""
    lines = []
    for k, o in enumerate(rows[0].operands):
        mine = [r.operands[k] for r in rows]
        kind = names[o.name]
        shapes = dict.fromkeys(x.shape for x in mine if x.shape)
        if shapes:
            kind += f"[{' or '.join('x'.join(map(str, s)) for s in shapes)}]"
        parts = [f"`{o.name}`: {kind}"]
        if shapes:
            parts.append(" or ".join(dict.fromkeys(m for x in mine for m in x.memory)))
        elif o.memory:
            extents = dict.fromkeys(x.extent for x in mine if x.extent)
            if extents:
                shown = f" ({names[o.name]} = {mine[0].dtype})" if len(extents) > 1 else ""
                parts.append(f"{next(iter(extents))} elements{shown}")
            parts.append(" or ".join(dict.fromkeys(m for x in mine for m in x.memory)))
        if o.memory:
            parts.append(_ACCESS[o.access])
        aligned = sorted({x.alignment for x in mine})
        if aligned[-1] > 1:
            parts.append(f"aligned to {' or '.join(map(str, aligned))} bytes")
        if o.per_lane:
            parts.append("one per lane")
        lines.append(", ".join(parts))
    return lines


def _rule(why: str, condition: str) -> str:
    """The reason, and the condition where it reads on its own: not where it asks for an architecture or a type."""
    return why if re.search(r"__|\d\.\d|uintptr", condition) else f"{why}: `{condition}`"


def _shown(row: Instr, rows: list[Instr]) -> str:
    if len({r.meaning for r in rows}) == 1:
        return ""
    return f" (of `{row.name}`)"


def _notes(rows: list[Instr], platform: Platform) -> list[str]:
    first = rows[0]
    out = []
    buffers = [o for o in first.operands if o.memory and not o.shape]
    if any(o.access != "r" for o in buffers) and any(o.access == "r" for o in buffers):
        out.append(_OVERLAP[first.overlap])
    inexact = [r for r in rows if not r.exact]
    if inexact:
        some = "" if len(inexact) == len(rows) else f" ({', '.join(dict.fromkeys(str(r.operands[0].dtype) for r in inexact))})"
        out.append(f"Hardware may round differently than the meaning{some}.")
    if first.lanes > 1:
        out.append(f"{first.lanes} lanes execute it together.")
    arch = dict.fromkeys(a for r in rows for a in r.arch)
    if arch:
        out.append(f"Needs {' or '.join(arch)}.")
    leave = dict.fromkeys(r.needs for r in rows if r.needs)
    if leave:
        out.append(f"A port takes it for kernels of other types only with --allow {', '.join(leave)}.")
    assumed = dict.fromkeys(s for r in rows for s in re.split(r"(?<=\.) (?=[A-Z])", r.assumption) if s)
    out += ["We assume: " + " ".join(assumed)] if assumed else []
    sources = dict.fromkeys(r.source for r in rows if r.source)
    out += [f"Source: {'; '.join(sources)}."] if sources else []
    return [" ".join(out)]


def _kind_words(rows: Iterable[Instr]) -> str:
    kinds = {kind_of(r) for r in rows}
    return " and ".join(k for k in KINDS if k in kinds)


# -- the reference: pages of many instrs ---------------------------------------------------------------------------------


def pages(platform: Platform) -> dict[str, str]:
    """Reference pages by name: one per section of the manual where sections have names, else one per first letter."""
    by_page: dict[str, dict[str, list[str]]] = {}
    for word in dict.fromkeys(r.word for r in platform.instrs):
        base = stem(word, platform)
        by_page.setdefault(_page_of(platform.overloads(word)[0], base), {}).setdefault(base, []).append(word)
    out = {}
    for page, stems in sorted(by_page.items()):
        lines = [f"# {platform.title}: {page.replace('-', ' ')}", ""]
        for base, words in sorted(stems.items()):
            lines += _reference(base, words, platform)
        out[page] = "\n".join(lines).rstrip() + "\n"
    return out


def stem(word: str, platform: Platform) -> str:
    """The name without what makes it a variant."""
    return re.sub(platform.variants, "", word) if platform.variants else word


def _page_of(row: Instr, base: str) -> str:
    section = re.sub(r"[^a-z ]", "", row.source.rsplit(",", 1)[-1].lower()).strip()
    if section and not re.search(r"\d", row.source.rsplit(",", 1)[-1]):
        return re.sub(r" +", "-", section)
    letters = re.sub(r"^_*(?:[a-z]+_)?_*", "", base) or base.strip("_")
    return letters[0].lower()


def _reference(base: str, words: list[str], platform: Platform) -> list[str]:
    """One entry: the words, and the page of the plainest and widest of them, shortened."""
    plain = min(words, key=lambda w: (w.count("_"), -_width(platform.overloads(w)[0]), w))
    rows = platform.overloads(plain)
    lines = [f"## {base.strip('_') if len(words) > 1 else plain}", ""]
    if len(words) > 1:
        lines += [", ".join(f"`{w}`" for w in words) + f". Shown: `{plain}`.", ""]
    for group in groups(rows):
        names, choices = _types(group)
        first = next((r for r in group if any(o.dtype == F32 for o in r.operands)), group[0])
        lines += [f"`{signature(first, names)}`", "", " ".join([first.doc, *choices]), ""]
        differing = _differing_words(group)
        if differing:
            lines += [f"Last word: {differing}.", ""]
        lines += ["; ".join(operand_lines(group, names)) + ".", ""]
        rules = list(dict.fromkeys(why for r in group for _, why in r.rules))
        if rules:
            lines += ["Rules: " + "; ".join(rules) + ".", ""]
        if first.meaning.strip():
            lines += ["```c", first.meaning.strip(), "```", ""]
        lines += [*_notes(group, platform), ""]
    return lines


def _width(row: Instr) -> int:
    """Elements of the largest value that the row handles."""
    return max((int(s) for o in row.operands for s in o.shape), default=0)
