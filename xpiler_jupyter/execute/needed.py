"""What of a text its entry needs: people paste whole files, with harnesses that no simulator compiles. Everything at file
scope that the entry does not lead to, by mention, is blanked; every line and column stays."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*(?:[(<{]|::)")
_DIRECTIVE = re.compile(r"[ \t]*#(?:\\\r?\n|[^\n])*")
_DEFINE = re.compile(r"[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)")
_SCOPE = re.compile(r"\s*(?:inline\s+)?(?:namespace\b[\w\s:]*|extern\s*)$")
# Said about a declaration with arguments of its own: not the brackets of a function.
_ABOUT = re.compile(r"\b(?:alignas|_Alignas|__align__|__builtin_align__|__launch_bounds__|__cluster_dims__|__maxnreg__|"
                    r"__attribute__|__declspec|decltype)\s*\(")
_TYPE = re.compile(r"\s*(?:typedef\s+)?(?:struct|class|union|enum(?:\s+(?:class|struct))?)\b\s*([A-Za-z_]\w*)?")
_DEVICE = re.compile(r"\b__(?:global|device|mlu_global|mlu_func|mlu_entry|mlu_device)__\b")
_LAUNCH = re.compile(r"<<<|LaunchKernelGGL\b")
_DECLARED = re.compile(r"([A-Za-z_]\w*)\s*(?=[=\[({;,]|$)")
_LAST = re.compile(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*;\s*$")


@dataclass(slots=True)
class Item:
    """Something at file scope. `names` lead to it; a `host` function only by being called. `always`: the text needs it
    whatever the entry is; `stays`: it is never blanked, but leads on only when it is reached (a macro)."""

    start: int
    end: int
    names: set[str] = field(default_factory=set)
    host: bool = False
    always: bool = False
    stays: bool = False
    is_type: bool = False


@dataclass(slots=True)
class _Pasted:
    """Names that macros put together (##): what they may begin and end with."""

    heads: set[str] = field(default_factory=set)
    tails: set[str] = field(default_factory=set)

    def learn(self, macro: str) -> None:
        self.heads.update(re.findall(r"([A-Za-z_]\w*)\s*##", macro))
        self.tails.update(re.findall(r"##\s*([A-Za-z_]\w*)", macro))

    def may_be(self, names: set[str]) -> bool:
        return any(n.startswith(h) for n in names for h in self.heads) or \
            any(n.endswith(t) for n in names for t in self.tails)


class _Broken(Exception):
    """Brackets that do not pair as they stand (conditional compilation may do that): nothing is blanked then."""


def needed_part(text: str, masked: str, entry: str) -> str:
    """The text with what `entry` does not need blanked.

    Args:
        masked: the text with comments and literals blanked (`lexical.blank`).
        entry: the function that will be called.
    """
    try:
        items = _items(masked, entry)
    except _Broken:
        return text
    out = list(text)
    for item in _unneeded(items, masked, entry):
        for k in range(item.start, item.end):
            if out[k] != "\n":
                out[k] = " "
    return "".join(out)


def _unneeded(items: list[Item], masked: str, entry: str) -> list[Item]:
    words, calls = {entry}, {entry}
    types = {n for i in items if i.is_type for n in i.names}
    own = set().union(*(i.names for i in items))
    for i in items:  # a member that is defined outside belongs to its type
        i.names -= {n for n in i.names if n.endswith("::") and n[:-2] not in types}
        i.names = {n.removesuffix("::") for n in i.names}
    left, pasted = list(items), _Pasted()
    while reached := [i for i in left if i.always or i.names & (calls if i.host else words) or pasted.may_be(i.names)]:
        for i in reached:
            if i.stays:
                pasted.learn(masked[i.start:i.end])
            words.update(_WORD.findall(masked, i.start, i.end))
            calls.update(_CALL.findall(masked, i.start, i.end))
            # A function may be handed over by its name alone: as an argument, in a table, as a result.
            calls.update(re.findall(r"(?:[(,&={?:]|\breturn)\s*([A-Za-z_]\w*)\s*(?=[,)};:])", masked[i.start:i.end]))
        left = [i for i in left if not any(i is r for r in reached)]
    left = [i for i in left if not i.stays]
    # What has no name of its own (an assertion, an operator) stays when all that it speaks of stays.
    return [i for i in left if i.names or not {w for w in _WORD.findall(masked, i.start, i.end) if w in own} <= words]


def _items(masked: str, entry: str) -> list[Item]:
    """Everything at file scope, in text order; namespaces and `extern "C"` blocks are looked into."""
    out: list[Item] = []
    macros: set[str] = set()
    at, opened = 0, 0
    while at < len(masked):
        if masked[at].isspace() or masked[at] == ";":
            at += 1
        elif masked[at] == "}":
            if not opened:
                raise _Broken
            opened, at = opened - 1, at + 1
        elif (line := _directive(masked, at)) is not None:
            define = _DEFINE.match(masked, masked.rfind("\n", 0, at) + 1)
            if define is not None:
                macros.add(define[1])
            at = line
        else:
            item, scope = _item(masked, at)
            if scope:
                opened += 1
            elif item.end <= at:
                raise _Broken
            else:
                out.append(item)
            at = item.end
    defined = [_macro(m) for m in re.finditer(r"^" + _DEFINE.pattern + r"(?:\\\r?\n|[^\n])*", masked, re.M)]
    hosts: set[str] = set()
    if any(entry in i.names and not i.host for i in out):  # a kernel needs no host code
        hosts = {n for d in defined for n in d.names if _makes_a_host_function(masked[d.start:d.end])}
    for i in out:
        i.always = i.always or bool(i.names & (macros - hosts))
    return out + defined


def _makes_a_host_function(macro: str) -> bool:
    """Whether a macro stands for host code that launches kernels."""
    return bool(_LAUNCH.search(macro)) and not _DEVICE.search(macro)


def _macro(m: re.Match[str]) -> Item:
    """A macro: it leads on to what its body mentions."""
    return Item(m.start(), m.end(), {m[1]}, stays=True)


def _directive(masked: str, at: int) -> int | None:
    """The end of the directive that begins here."""
    if masked[at] != "#" or masked[masked.rfind("\n", 0, at) + 1:at].strip():
        return None
    m = _DIRECTIVE.match(masked, at)
    return m.end() if m is not None else None


def _item(masked: str, start: int) -> tuple[Item, bool]:
    """The item that begins here; True when it only opens a scope that is to be looked into."""
    at = start
    while at < len(masked):
        c = masked[at]
        if c == "#" and (line := _directive(masked, at)) is not None:
            at = line
            continue
        if c == ";":
            return _declaration(masked, start, at + 1), False
        if c in "([":
            at = _after(masked, at)
            continue
        if c == "{":
            head = masked[start:at]
            if _SCOPE.match(head):
                return Item(start, at + 1), True
            end = _after(masked, at)
            if _is_function(head):
                return _function(masked, start, at, end), False
            at = end
            continue
        at += 1
    return _declaration(masked, start, len(masked)), False


def _after(masked: str, at: int) -> int:
    """The place behind the bracket group that opens here."""
    depth = 0
    for k in range(at, len(masked)):
        if masked[k] in "([{":
            depth += 1
        elif masked[k] in ")]}":
            depth -= 1
            if depth == 0:
                return k + 1
    raise _Broken


def _plain(head: str) -> str:
    """A declaration without what is said about it, without template brackets and what stands in round ones."""
    out, at = "", 0
    while at < len(head):
        m = _ABOUT.match(head, at)
        if m is not None:
            at = _after(head, m.end() - 1)
        elif head[at] == "(":
            out, at = out + "()", _after(head, at)
        elif head[at] == "<" and re.search(r"\w\s*$", out):
            end = _angle(head, at)
            at = end if end is not None else at + 1
        else:
            out, at = out + head[at], at + 1
    return re.sub(r"^\s*(?:template\s*)+", "", out)


def _angle(head: str, at: int) -> int | None:
    depth = 0
    for k in range(at, len(head)):
        depth += {"<": 1, ">": -1}.get(head[k], 0)
        if depth == 0:
            return k + 1
    return None


def _is_function(head: str) -> bool:
    plain = _plain(head)
    return "()" in plain and not re.search(r"(?<![=!<>+\-*/%&|^])=(?!=)", plain.split("()")[0].replace("operator=", ""))


def _function(masked: str, start: int, body: int, end: int) -> Item:
    plain = _plain(masked[start:body])
    if re.search(r"\boperator\b", plain):
        return Item(start, end)
    names = set(re.findall(r"([A-Za-z_]\w*)\s*\(\)", plain)) | set(re.findall(r"[A-Za-z_]\w*::", plain))
    return Item(start, end, names, host=not _DEVICE.search(masked[start:body]))


def _declaration(masked: str, start: int, end: int) -> Item:
    """A type, an alias, variables, a prototype, an assertion."""
    text = masked[start:end]
    plain = _plain(text)
    if re.match(r"\s*(?:using\s+namespace|#)", plain):
        return Item(start, end, always=True)
    if re.match(r"\s*(?:static_assert|_Static_assert)\b", plain):
        return Item(start, end)
    if (m := re.match(r"\s*(?:using|namespace)\s+(?:[\w:]*::)?([A-Za-z_]\w*)", plain)) is not None:
        return Item(start, end, {m[1]})
    last = _LAST.search(plain)
    if re.match(r"\s*typedef\b", plain):
        inner = re.search(r"\(\s*\*\s*([A-Za-z_]\w*)\s*\)", text)
        m = _TYPE.match(plain)
        names = {x for x in (inner[1] if inner else last[1] if last else "", m[1] if m and m[1] else "") if x}
        return Item(start, end, names | (_enumerators(text) if "enum" in plain else set()))
    if (m := _TYPE.match(plain)) is not None and ("{" in plain or (plain.strip().endswith(";") and "()" not in plain)):
        names = {m[1]} if m[1] else set()
        names |= set(_WORD.findall(plain[plain.rfind("}"):])) if "{" in plain else set()
        return Item(start, end, names | (_enumerators(text) if "enum" in plain.split("{")[0] else set()), is_type=True)
    names = set(_DECLARED.findall(_without_values(plain)))
    return Item(start, end, names)


def _enumerators(text: str) -> set[str]:
    return set(_WORD.findall(text[text.find("{"):]))


def _without_values(plain: str) -> str:
    """Declarators without initialisers: what follows `=` up to the next comma at this level."""
    out, depth, value = "", 0, False
    for c in plain:
        if c in "{[":
            depth += 1
        if depth == 0 and c == ",":
            value = False
        if c == "=" and depth == 0:
            value = True
            out += "="
        elif not value and depth == 0:
            out += c
        if c in "}]":
            depth -= 1
    return out
