"""One class per failure. Each is for the person at the notebook: one line, the place with a caret, what to do next."""

from __future__ import annotations

import re
from typing import Any, ClassVar


class XpilerError(Exception):
    """Base of every failure a user can cause. `kind` is the stable name that `--json` reports.

    Args:
        message: one sentence, no trailing full stop needed.
        source: the whole kernel text, to quote the line from.
        line, column: 1-based place in `source`.
        hint: what to do next, one sentence.
    """

    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, source: str | None = None, line: int | None = None,
                 column: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.source, self.line, self.column, self.hint = source, line, column, hint

    @classmethod
    def at(cls, node: Any, message: str, source: str | None = None, hint: str | None = None) -> XpilerError:
        """The failure at an IR node (or anything with a `span`)."""
        span = getattr(node, "span", None)
        return cls(message, source=source, line=span.line if span else None,
                   column=span.column if span else None, hint=hint)

    @property
    def place(self) -> str:
        if self.line is None:
            return ""
        return f"line {self.line}" + (f", column {self.column}" if self.column else "")

    def __str__(self) -> str:
        head = f"{self.place}: {self.message}" if self.place else self.message
        return f"{head}. {self.hint}" if self.hint else head

    def render(self) -> str:
        """The line, the quoted source with a caret below, and the hint."""
        out = [f"{self.place}: {self.message}" if self.place else self.message]
        if self.source is not None and self.line is not None:
            lines = self.source.splitlines()
            if 1 <= self.line <= len(lines):
                text = lines[self.line - 1].replace("\t", " ")
                out.append("    " + text)
                if self.column:
                    out.append("    " + " " * (self.column - 1) + "^")
        if self.hint:
            out.append(self.hint)
        return "\n".join(out)

    def as_dict(self) -> dict[str, Any]:
        """`{kind, message, line, column}` for `--json`, plus the hint when there is one."""
        out: dict[str, Any] = {"kind": self.kind, "message": self.message, "line": self.line, "column": self.column}
        if self.hint:
            out["hint"] = self.hint
        return out


class ParseError(XpilerError):
    """The text is not a complete kernel of the C family."""

    kind = "parse"


class UnsupportedError(XpilerError):
    """The construct is legal but outside what we understand: named, never guessed."""

    kind = "unsupported"


class MissingSizeError(XpilerError):
    """A size or a launch extent that no one told us."""

    kind = "missing_size"


class IllegalPassError(XpilerError):
    """A pass that would change the meaning, or does not apply; the message is the reason."""

    kind = "illegal_pass"


class IRError(XpilerError):
    """A kernel breaks the well-formedness rules: a bug in a pass or in the front end, never the user's fault."""

    kind = "internal"


class CompileError(XpilerError):
    """The compiler refused the text; its first message with the kernel's own line."""

    kind = "compile"


class RunError(XpilerError):
    """The kernel faulted while running: out of bounds, divergent barrier, time-out, forbidden system call ..."""

    kind = "run"


class SourceFaultError(XpilerError):
    """The source itself has no meaning to preserve (undefined behaviour): where, and why."""

    kind = "source_fault"


class WrongResultError(XpilerError):
    """A proposed kernel computes something else than its source: the tests that show it are in the step."""

    kind = "wrong"


class UsageError(XpilerError):
    """Wrong use of the magic, the command line or the API."""

    kind = "usage"


class StateError(XpilerError):
    """The port is not in a state where that action makes sense; nothing was changed."""

    kind = "state"


def header_hint(text: str) -> str | None:
    """What to do about a name that a text does not declare, when it includes headers of its own project: they are not
    here. None when it includes none."""
    names = re.findall(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', text, re.M)
    return f"Is it in {' or '.join(dict.fromkeys(names))}? Paste what is needed of it above the kernel." if names else None
