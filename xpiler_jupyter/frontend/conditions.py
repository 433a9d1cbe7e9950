"""The integer expressions of `#if`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import UnsupportedError
from .tokens import Token

_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"),
    ("*", "/", "%"),
)


def evaluate(tokens: Sequence[Token], known: Callable[[str], Sequence[Token] | None],
             refuse: Callable[[str], UnsupportedError]) -> int:
    """The value of a condition. `known` maps a name to its replacement or None (which counts as 0, as in C).
    Raises what `refuse` makes of a reason when the condition is not a plain integer expression."""
    return _Condition(tokens, known, refuse).whole()


class _Condition:
    def __init__(self, tokens: Sequence[Token], known: Callable[[str], Sequence[Token] | None],
                 refuse: Callable[[str], UnsupportedError], depth: int = 0) -> None:
        self.tokens, self.known, self.refuse, self.at, self.depth = list(tokens), known, refuse, 0, depth

    def peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def take(self, text: str = "") -> str:
        got = self.peek()
        if not got or (text and got != text):
            raise self.refuse(f"this condition is too much for us: {text or 'a value'} is missing")
        self.at += 1
        return got

    def whole(self) -> int:
        value = self.ternary()
        if self.peek():
            raise self.refuse(f"this condition is too much for us at {self.peek()!r}")
        return value

    def ternary(self) -> int:
        value = self.level(0)
        if self.peek() != "?":
            return value
        self.take("?")
        a = self.ternary()
        self.take(":")
        b = self.ternary()
        return a if value else b

    def level(self, k: int) -> int:
        if k == len(_LEVELS):
            return self.unary()
        value = self.level(k + 1)
        while self.peek() in _LEVELS[k]:
            op = self.take()
            value = self.apply(op, value, self.level(k + 1))
        return value

    def apply(self, op: str, a: int, b: int) -> int:
        if op in ("/", "%"):
            if b == 0:
                raise self.refuse("this condition divides by zero")
            q = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            return q if op == "/" else a - b * q
        if op in ("<<", ">>"):
            if not 0 <= b < 64:
                raise self.refuse("this condition shifts by too much")
            return a << b if op == "<<" else a >> b
        return {"||": int(bool(a or b)), "&&": int(bool(a and b)), "|": a | b, "^": a ^ b, "&": a & b,
                "==": int(a == b), "!=": int(a != b), "<": int(a < b), "<=": int(a <= b), ">": int(a > b),
                ">=": int(a >= b), "+": a + b, "-": a - b, "*": a * b}[op]

    def unary(self) -> int:
        op = self.take()
        if op == "!":
            return int(not self.unary())
        if op == "-":
            return -self.unary()
        if op == "+":
            return self.unary()
        if op == "~":
            return ~self.unary()
        if op == "(":
            value = self.ternary()
            self.take(")")
            return value
        if op == "defined":
            bracket = self.peek() == "("
            if bracket:
                self.take("(")
            name = self.take()
            if bracket:
                self.take(")")
            return int(self.known(name) is not None)
        if op[0].isdigit():
            try:
                return int(op.rstrip("uUlL").replace("'", ""), 0)
            except ValueError:
                raise self.refuse(f"{op!r} is no integer") from None
        if op[0].isalpha() or op[0] == "_":
            if self.peek() == "(":
                raise self.refuse(f"a condition that calls {op} is not supported")
            return self.name(op)
        raise self.refuse(f"this condition is too much for us at {op!r}")

    def name(self, name: str) -> int:
        body = self.known(name)
        if body is None:
            return 0
        if not body:
            raise self.refuse(f"{name} is defined as nothing and cannot be compared")
        if self.depth > 50:
            raise self.refuse(f"{name} is defined by itself")
        return _Condition(body, self.known, self.refuse, self.depth + 1).whole()
