"""The text as the person wrote it: places in it, and errors that point at them."""

from __future__ import annotations

from bisect import bisect_right
from typing import TypeVar

from ..errors import ParseError, UnsupportedError, XpilerError
from ..ir.nodes import Span

E = TypeVar("E", bound=XpilerError)


class Source:
    """A kernel text. Offsets given to the methods count characters; spans hold byte offsets of the UTF-8 text."""

    def __init__(self, text: str, filename: str | None = None) -> None:
        self.text = text
        self.filename = filename
        self._lines = [0] + [k + 1 for k, c in enumerate(text) if c == "\n"]
        self._bytes: list[int] | None = None
        if not text.isascii():
            total, self._bytes = 0, []
            for c in text:
                self._bytes.append(total)
                total += 1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4
            self._bytes.append(total)

    def place(self, offset: int) -> tuple[int, int]:
        """1-based line and column of a character."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        line, column = self.place(start)
        if self._bytes is not None:
            start, end = self._bytes[start], self._bytes[end]
        return Span(start, end, line, column)

    def error(self, kind: type[E], offset: int, message: str, hint: str | None = None) -> E:
        """An error of class `kind` that quotes the line of a character."""
        line, column = self.place(min(offset, len(self.text)))
        return kind(message, source=self.text, line=line, column=column, hint=hint)

    def parse_error(self, offset: int, message: str, hint: str | None = None) -> ParseError:
        return self.error(ParseError, offset, message, hint)

    def unsupported(self, offset: int, message: str, hint: str | None = None) -> UnsupportedError:
        return self.error(UnsupportedError, offset, message, hint)
