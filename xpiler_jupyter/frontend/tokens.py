"""C tokens with their places. Nothing is lost: the token texts joined give the text back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .source import Source


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is one of id, num, str, op, space, comment, directive. `start`, `end` are character offsets in the
    original text. `exact` says that the token stands there letter by letter; otherwise a macro put it there, and the
    range is that of the macro's use."""

    kind: str
    text: str
    start: int
    end: int
    exact: bool = True


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]+|\\\r?\n)
      | (?P<comment>//(?:\\\r?\n|[^\n])*|/\*.*?\*/)
      | (?P<open>/\*)
      | (?P<str>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"|(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
      | (?P<id>[^\W\d]\w*|\$)
      | (?P<num>\.?\d(?:[eEpP][+-]|'[0-9A-Za-z]|[0-9A-Za-z_.])*)
      | (?P<op><<<|>>>|<<=|>>=|\.\.\.|->\*?|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|::
          |[-+*/%&|^~!<>=?:;,.(){}\[\]\#@])
    """,
    re.VERBOSE | re.DOTALL,
)
# A directive runs to the end of its line; a backslash joins lines, and a comment may span them.
_DIRECTIVE = re.compile(r"#(?:\\\r?\n|/\*.*?\*/|//[^\n]*|[^\n])*", re.DOTALL)


def tokenize(source: Source) -> list[Token]:
    """All tokens of the text. Raises ParseError for a comment or string that never ends and for a stray character."""
    text, out, at, line_start = source.text, [], 0, True
    while at < len(text):
        if text[at] == "#" and line_start:
            m = _DIRECTIVE.match(text, at)
            assert m is not None
            out.append(Token("directive", m.group(), at, m.end()))
            at = m.end()
            continue
        m = _TOKEN.match(text, at)
        if m is None:
            if text[at] in "\"'":
                raise source.parse_error(at, f"the string that starts here is not closed: {text[at]} is missing")
            raise source.parse_error(at, f"the character {text[at]!r} has no place in C")
        kind = m.lastgroup or "op"
        if kind == "open":
            raise source.parse_error(at, "the comment that starts here is not closed: */ is missing")
        out.append(Token(kind, m.group(), at, m.end()))
        if kind == "space":
            line_start = line_start or "\n" in m.group()
        elif kind != "comment":
            line_start = False
        at = m.end()
    return out


def split(text: str) -> list[Token]:
    """Tokens of a snippet (a macro body), without spaces and comments; places count from 0. Stray characters stay
    single tokens of kind op."""
    out, at = [], 0
    while at < len(text):
        m = _TOKEN.match(text, at)
        kind, end = (m.lastgroup or "op", m.end()) if m else ("op", at + 1)
        if kind not in ("space", "comment"):
            out.append(Token(kind, text[at:end], at, end))
        at = end
    return out


def _unclosed(tokens: list[Token], opened: Token) -> Token | None:
    """For a `(` or `[` that is never closed: the first word behind it that cannot stand inside."""
    k = next(i for i, t in enumerate(tokens) if t is opened)
    before = next((t.text for t in reversed(tokens[:k]) if t.kind != "space"), "")
    depth, allowed = 0, 2 if before == "for" else 0
    for t in tokens[k:]:
        if t.kind != "op":
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(t.text, 0)
        if t.text == ";":
            allowed -= 1
        if (t.text == ";" and allowed < 0) or (t.text == "{" and depth > 0):
            return t
    return None


_CLOSES = {"(": ")", "[": "]", "{": "}"}


def check_brackets(source: Source, tokens: list[Token]) -> None:
    """Raises ParseError at the first bracket that is not closed, or closed by the wrong one."""
    stack: list[Token] = []
    for t in tokens:
        if t.kind != "op":
            continue
        if t.text in _CLOSES:
            stack.append(t)
        elif t.text in (")", "]", "}"):
            if not stack:
                raise source.parse_error(t.start, f"this {t.text} closes nothing")
            top = stack.pop()
            want = _CLOSES[top.text]
            if t.text != want:
                line, column = source.place(top.start)
                here = _unclosed(tokens, top) or t
                raise source.parse_error(here.start, f"a {want} is missing before this {here.text}",
                                         f"It would close the {top.text} of line {line}, column {column}.")
    if stack:
        top = stack[-1]
        raise source.parse_error(top.start, f"the text ends before this {top.text} is closed: {_CLOSES[top.text]} is "
                                 "missing", "Is the kernel cut off?")
