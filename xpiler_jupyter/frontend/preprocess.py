"""The preprocessor with places kept: macros expanded, conditions decided, comments and pragmas set aside."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from ..platforms.base import Platform
from .conditions import evaluate
from .source import Source
from .tokens import Token, check_brackets, split, tokenize

# Names that one compiler or another defines to say that it is the one: those of other platforms are not defined.
_COMPILERS = ("__CUDACC__", "__NVCC__", "__HIPCC__", "__HIP__", "__HIP_PLATFORM_AMD__", "__HIP_PLATFORM_NVIDIA__",
              "__HIP_PLATFORM_HCC__", "__HIP_PLATFORM_NVCC__", "__BANG__", "__CUDACC_RTC__", "__HIPCC_RTC__", "__MINGW32__",
              "__CYGWIN__", "__APPLE__")
# Names that say for which chip or for which compiler's version a text is compiled: not defined here, and noted.
_CHIPS = re.compile(r"__gfx\w+__|__MINGW\w+|__INTEL\w+")
# More output than this is no kernel but a macro bomb.
_MAX_TOKENS = 400_000


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment or a pragma: its words without marks, and its character range."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Macro:
    """A `#define`. `params` is None for an object-like macro."""

    name: str
    params: tuple[str, ...] | None
    body: tuple[Token, ...]
    variadic: bool = False


@dataclass(slots=True)
class Prepared:
    """Expanded text, ASCII only and free of comments, and the way back to the original.

    `tokens` joined give `text`; `comments` and `pragmas` are in text order."""

    source: Source
    text: str
    tokens: list[Token]
    comments: list[Remark]
    pragmas: list[Remark]
    includes: list[str]
    notes: list[str] = field(default_factory=list)  # what conditions took for granted
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        at = 0
        for t in self.tokens:
            self._starts.append(at)
            at += len(t.text)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The character range in the original text of the range [start, end) of the expanded text."""
        if not self.tokens:
            return 0, 0
        first = self.tokens[k := max(0, bisect_right(self._starts, start) - 1)]
        lo = min(first.start + start - self._starts[k], first.end) if first.exact else first.start
        if end <= start:
            return lo, lo
        last = self.tokens[j := max(0, bisect_right(self._starts, end - 1) - 1)]
        hi = last.start + end - self._starts[j] if last.exact else last.end
        return lo, max(lo, min(hi, last.end))


def prepare(source: Source, platform: Platform) -> Prepared:
    """Run the preprocessor. Raises ParseError (broken text) or UnsupportedError (a construct it will not guess)."""
    return _Preprocessor(source, platform).run()


class _Preprocessor:
    def __init__(self, source: Source, platform: Platform) -> None:
        self.source = source
        self.macros: dict[str, Macro] = {}
        # What the platform's own compiler defines. Other reserved names depend on flags that no one told us.
        self.platform_macros = platform.macros
        self.predefined = {"__cplusplus": 201703, **platform.predefined}
        self.out: list[Token] = []
        self.comments: list[Remark] = []
        self.pragmas: list[Remark] = []
        self.includes: list[str] = []
        self.notes: list[str] = []
        # One entry per open #if: (this branch is live, some branch was live, the enclosing text is live, its token).
        self.conditions: list[tuple[bool, bool, bool, Token]] = []

    @property
    def live(self) -> bool:
        return self.conditions[-1][0] if self.conditions else True

    def run(self) -> Prepared:
        for line in self.platform_macros:
            self.define(line, Token("directive", "", 0, 0))
        raw = tokenize(self.source)
        k = 0
        while k < len(raw):
            t = raw[k]
            if t.kind == "directive":
                self.directive(t)
                self.out.append(_blank(t))
            elif not self.live:
                self.out.append(_blank(t))
            elif t.kind == "comment":
                self.comments.append(Remark(_comment_text(t.text), t.start, t.end))
                self.out.append(_blank(t))
            elif t.kind == "id" and t.text in self.macros:
                used, end = self.use(raw, k)
                self.out += used
                k = end
                continue
            else:
                self.out.append(t)
            k += 1
        if self.conditions:
            raise self.source.parse_error(self.conditions[-1][3].start, "this condition has no #endif")
        tokens = [t if t.text.isascii() else Token(t.kind, _ascii(t.text), t.start, t.end, t.exact) for t in self.out]
        check_brackets(self.source, tokens)
        text = "".join(t.text for t in tokens)
        return Prepared(self.source, text, tokens, self.comments, self.pragmas, self.includes, self.notes)

    # -- directives ----------------------------------------------------------------------------------------------------

    def directive(self, t: Token) -> None:
        line = re.sub(r"\\\r?\n", " ", t.text)
        line = re.sub(r"/\*.*?\*/|//[^\n]*", " ", line, flags=re.DOTALL)
        m = re.match(r"#\s*([A-Za-z_]\w*)?(.*)", line, re.DOTALL)
        word, rest = (m.group(1) or "", m.group(2).strip()) if m else ("", "")
        if word in ("if", "ifdef", "ifndef"):
            outer = self.live
            value = outer and self.condition(word, rest, t)
            self.conditions.append((value, value, outer, t))
        elif word in ("elif", "else", "endif"):
            if not self.conditions:
                raise self.source.parse_error(t.start, f"#{word} without #if")
            _, seen, outer, start = self.conditions.pop()
            if word != "endif":
                value = outer and not seen and (word == "else" or self.condition("if", rest, t))
                self.conditions.append((value, seen or value, outer, start))
        elif not self.live or word in ("", "line", "warning", "ident"):
            return
        elif word == "define":
            self.define(rest, t)
        elif word == "undef":
            self.macros.pop(rest.split(None, 1)[0] if rest else "", None)
        elif word == "include":
            self.includes.append(rest)
        elif word == "pragma":
            self.pragmas.append(Remark(rest, t.start, t.end))
        elif word == "error":
            raise self.source.parse_error(t.start, f"the text stops itself: #error {rest}")
        else:
            raise self.source.unsupported(t.start, f"the directive #{word} is not supported")

    def condition(self, word: str, rest: str, t: Token) -> bool:
        if word == "if":
            return evaluate(split(rest), self.known, lambda message: self.source.unsupported(t.start, message)) != 0
        name = rest.split(None, 1)[0] if rest else ""
        if not name:
            raise self.source.parse_error(t.start, f"#{word} needs a name")
        return (self.known(name) is not None) == (word == "ifdef")

    def known(self, name: str) -> tuple[Token, ...] | None:
        """What a name stands for in a condition, or None. Raises UnsupportedError for names of the compiler's own."""
        if name in self.macros:
            return self.macros[name].body
        if name in self.predefined:
            if name == "__CUDA_ARCH__":
                self.note(f"{name} is {self.predefined[name]}")
            return (Token("num", str(self.predefined[name]), 0, 0),)
        if _CHIPS.fullmatch(name):
            self.note(f"{name} is not defined")
        elif name.startswith("__") and name not in _COMPILERS:
            here = self.conditions[-1][3].start if self.conditions else 0
            raise self.source.unsupported(here, f"a condition on {name} depends on how the text is compiled",
                                          "Keep only the branch that you mean.")
        return None

    def note(self, what: str) -> None:
        """Notes what a condition found, which another compiler's flags would change."""
        said = f"{what} where the text asks"
        if said not in self.notes:
            self.notes.append(said)

    def define(self, rest: str, t: Token) -> None:
        m = re.match(r"([A-Za-z_]\w*)(\(([^)]*)\))?\s*(.*)", rest, re.DOTALL)
        if m is None:
            raise self.source.parse_error(t.start, "#define needs a name")
        params: tuple[str, ...] | None = None
        variadic = False
        if m.group(2):
            names = [p.strip() for p in m.group(3).split(",")] if m.group(3).strip() else []
            variadic = bool(names) and names[-1].endswith("...")
            if variadic:
                names[-1] = names[-1][:-3].strip() or "__VA_ARGS__"
            params = tuple(names)
        self.macros[m.group(1)] = Macro(m.group(1), params, tuple(split(m.group(4))), variadic)

    # -- expansion -----------------------------------------------------------------------------------------------------

    def use(self, raw: list[Token], k: int) -> tuple[list[Token], int]:
        """The tokens that the macro named by `raw[k]` leaves, and the index after its use."""
        macro, name = self.macros[raw[k].text], raw[k]
        if macro.params is None:
            place = Token("id", "", name.start, name.end)
            return self.spaced(self.expand(macro, [], place, frozenset())), k + 1
        j = _skip(raw, k + 1)
        if j >= len(raw) or raw[j].text != "(":
            return [name], k + 1
        args, end = self.arguments(raw, j, name)
        place = Token("id", "", name.start, raw[end].end)
        return self.spaced(self.expand(macro, args, place, frozenset())), end + 1

    def arguments(self, raw: list[Token], j: int, name: Token) -> tuple[list[list[Token]], int]:
        """The arguments of the macro call whose `(` is `raw[j]`, and the index of its `)`."""
        args: list[list[Token]] = [[]]
        depth = 0
        for k in range(j, len(raw)):
            t = raw[k]
            if t.kind == "directive":
                raise self.source.unsupported(t.start, "a directive inside the arguments of a macro is not supported")
            if t.kind in ("space", "comment"):
                continue
            if t.text in "([{" and t.kind == "op":
                depth += 1
                if depth == 1:
                    continue
            elif t.text in ")]}" and t.kind == "op":
                depth -= 1
                if depth == 0:
                    return args, k
            elif t.text == "," and depth == 1:
                args.append([])
                continue
            args[-1].append(t)
        raise self.source.parse_error(name.start, f"the arguments of the macro {name.text} are not closed: ) is "
                                      "missing")

    def expand(self, macro: Macro, args: list[list[Token]], place: Token, hidden: frozenset[str]) -> list[Token]:
        """The replacement of one use at `place`; names in `hidden` are being expanded and stay as they are."""
        bound: dict[str, list[Token]] = {}
        if macro.params is not None:
            if not macro.params and args == [[]]:
                args = []
            if macro.variadic and len(args) >= len(macro.params):
                n = len(macro.params) - 1
                comma = Token("op", ",", place.start, place.end, False)
                joined = [t for k, a in enumerate(args[n:]) for t in ([comma] if k else []) + a]
                args = [*args[:n], joined]
            if len(args) != len(macro.params):
                raise self.source.parse_error(place.start, f"the macro {macro.name} takes {len(macro.params)} "
                                              f"arguments, not {len(args)}")
            bound = dict(zip(macro.params, args, strict=True))
        out: list[Token] = []
        body, k = macro.body, 0
        while k < len(body):
            t = body[k]
            if t.text == "#" and macro.params is not None and k + 1 < len(body) and body[k + 1].text in bound:
                out.append(_quoted(bound[body[k + 1].text], place))
                k += 2
                continue
            pasted = k + 1 < len(body) and body[k + 1].text == "##"
            if t.text == "##":
                if k + 1 < len(body) and out:
                    left, right = out.pop(), bound.get(body[k + 1].text, [body[k + 1]])
                    if not right:
                        out.append(left)
                        k += 2
                        continue
                    if len(right) != 1:
                        raise self.source.unsupported(place.start, f"the macro {macro.name} pastes more than one word "
                                                      "(##)")
                    pair = left.text + right[0].text
                    out.append(Token("num" if pair[0].isdigit() else "id", pair, place.start, place.end, False))
                k += 2
                continue
            if t.text in bound:
                arg = bound[t.text]
                out += arg if pasted else self.rescan(arg, hidden)
            else:
                out.append(Token(t.kind, t.text, place.start, place.end, False))
            if len(out) + len(self.out) > _MAX_TOKENS:
                raise self.source.unsupported(place.start, f"the macro {macro.name} expands to far too much text")
            k += 1
        return self.rescan(out, hidden | {macro.name})

    def rescan(self, tokens: list[Token], hidden: frozenset[str]) -> list[Token]:
        out: list[Token] = []
        k = 0
        while k < len(tokens):
            t = tokens[k]
            macro = self.macros.get(t.text) if t.kind == "id" and t.text not in hidden else None
            if macro is None:
                out.append(t)
                k += 1
            elif macro.params is None:
                out += self.expand(macro, [], t, hidden)
                k += 1
            elif k + 1 < len(tokens) and tokens[k + 1].text == "(":
                args, end = self.arguments(tokens, k + 1, t)
                whole = t if not t.exact else Token("id", "", t.start, max(t.end, tokens[end].end))
                out += self.expand(macro, args, whole, hidden)
                k = end + 1
            else:
                out.append(t)
                k += 1
            if len(out) + len(self.out) > _MAX_TOKENS:
                raise self.source.unsupported(t.start, "the macros expand to far too much text")
        return out

    def spaced(self, tokens: list[Token]) -> list[Token]:
        """The tokens with blanks between, so that none grow together. A blank belongs to the token before it."""
        out: list[Token] = []
        for t in tokens:
            out += [t, Token("space", " ", t.end, t.end, False)]
        return out


def _blank(t: Token) -> Token:
    """Spaces of the same length; line ends stay."""
    return Token("space", "".join(c if c == "\n" else " " for c in t.text), t.start, t.end)


def _ascii(text: str) -> str:
    return "".join(c if c < "\x80" else "_" for c in text)


def _quoted(arg: list[Token], place: Token) -> Token:
    """The string that `#` makes of an argument; as C does it, but for the blanks between its words."""
    text = " ".join(t.text for t in arg).replace("\\", "\\\\").replace('"', '\\"')
    return Token("str", f'"{text}"', place.start, place.end, False)


def _skip(raw: list[Token], k: int) -> int:
    while k < len(raw) and raw[k].kind in ("space", "comment"):
        k += 1
    return k


def _comment_text(text: str) -> str:
    if text.startswith("//"):
        return text.lstrip("/").strip()
    inner = text[2:-2].strip("*").strip()
    return "\n".join(line.strip().lstrip("*").strip() for line in inner.splitlines())
