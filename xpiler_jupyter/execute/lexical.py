"""A look at a kernel text by its words alone: comments and strings blanked, functions by their braces, and which of
them may wait for other threads. Enough to compile the text unmodified; meaning is the compiler's business."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SKIP = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
_WORD = re.compile(r"[A-Za-z_]\w*")
# A name with its parameter list in front of a body; attributes and initialisers may stand between.
_HEAD = re.compile(r"([A-Za-z_]\w*)\s*\(")
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)((?:[^\n\\]|\\\n|\\.)*)", re.M)
_KEYWORDS = frozenset(("if", "for", "while", "switch", "catch", "return", "sizeof", "alignas", "decltype",
                       "__launch_bounds__", "__attribute__", "__align__"))
SYNC = re.compile(r"__sync\w+|__shfl\w*|__ballot\w*|__any\w*|__all\w*|__activemask|__match_\w+|\w+_sync|"
                  r"__builtin_amdgcn_(?:mfma\w+|wave_barrier)|this_thread_block|tiled_partition|coalesced_threads|"
                  r"thread_block(?:_tile)?")


def blank(text: str) -> str:
    """The text with comments and literals replaced by spaces, every offset and line kept."""
    return _SKIP.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


@dataclass(slots=True)
class Function:
    """A function (or macro) definition: its name and where its body lies."""

    name: str
    start: int
    end: int
    words: frozenset[str]


@dataclass(slots=True)
class Outline:
    """The functions of a text and who mentions whom."""

    masked: str
    functions: list[Function] = field(default_factory=list)
    loose_sync: bool = False

    def enclosing(self, at: int) -> int | None:
        """Index of the function whose body holds the offset."""
        return next((k for k, f in enumerate(self.functions) if f.start <= at < f.end), None)

    def reach(self, name: str) -> list[int]:
        """Indices of the functions that `name` may lead to, by mention."""
        seen: set[int] = set()
        todo = [name]
        done: set[str] = set()
        while todo:
            current = todo.pop()
            if current in done:
                continue
            done.add(current)
            for k, f in enumerate(self.functions):
                if f.name == current:
                    seen.add(k)
                    todo.extend(f.words)
        return sorted(seen)

    def waits(self, name: str) -> bool:
        """Whether `name` or anything it mentions may wait for other threads."""
        if self.loose_sync or not any(f.name == name for f in self.functions):
            return bool(SYNC.search(self.masked))
        return any(SYNC.fullmatch(w) for k in self.reach(name) for w in self.functions[k].words)


def outline(masked: str) -> Outline:
    """Finds function bodies at brace depth zero (namespaces and structs are looked into)."""
    out = Outline(masked)
    for m in _DEFINE.finditer(masked):
        out.functions.append(Function(m[1], m.start(2), m.end(2), frozenset(_WORD.findall(m[2]))))
    at = 0
    covered: list[tuple[int, int]] = []
    while (head := _HEAD.search(masked, at)) is not None:
        m = head
        at = m.end()
        if m[1] in _KEYWORDS:
            continue
        close = _match(masked, m.end() - 1, "(", ")")
        if close is None:
            break
        body = re.compile(r"\s*(?:const|noexcept|__attribute__\s*\(\(.*?\)\)|->\s*[\w:<>\s*&]+|:[^;{]*)?\s*\{").match(
            masked, close + 1)
        if body is None:
            continue
        end = _match(masked, body.end() - 1, "{", "}")
        if end is None:
            break
        words = frozenset(_WORD.findall(masked, m.start(), end))
        out.functions.append(Function(m[1], body.end() - 1, end + 1, words))
        covered.append((m.start(), end))
        at = end + 1
    defines = [(f.start, f.end) for f in out.functions if (f.start, f.end) not in covered]
    out.loose_sync = any(not any(a <= m.start() <= b for a, b in covered + defines) for m in SYNC.finditer(masked))
    return out


def _match(masked: str, at: int, opening: str, closing: str) -> int | None:
    depth = 0
    for k in range(at, len(masked)):
        c = masked[k]
        if c == opening:
            depth += 1
        elif c == closing:
            depth -= 1
            if depth == 0:
                return k
    return None
