"""Expressions of the C family as text: parentheses only where precedence asks, casts only where C would not do them."""

from __future__ import annotations

import re

from ..errors import UnsupportedError
from ..ir.nodes import Binary, Call, Cast, Const, Expr, Load, Node, Ref, Select, Unary, Var
from ..ir.types import BF16, BOOL, F16, F32, ScalarType, common_type, integer_promotion
from ..ir.visit import children
from .base import Platform
from .literals import const_text, never_negative

PRECEDENCE = {
    "*": 13, "/": 13, "%": 13, "+": 12, "-": 12, "<<": 11, ">>": 11, "<": 10, "<=": 10, ">": 10, ">=": 10,
    "==": 9, "!=": 9, "&": 8, "^": 7, "|": 6, "&&": 5, "||": 4,
}
SELECT, UNARY, POSTFIX = 3, 14, 15


def _has_axis(e: Node, platform: Platform) -> bool:
    """Whether a built-in index is mentioned outside the subscripts of loads, which are printed by themselves."""
    if isinstance(e, Var):
        return platform.is_axis(e.name)
    return not isinstance(e, Load | Ref) and any(_has_axis(c, platform) for c in children(e))


_COMPARE = ("<", "<=", ">", ">=", "==", "!=")
# Mixed without parentheses these are right but hard to read, and compilers warn.
_CLARIFY = {("||", "&&"), ("&", "=="), ("|", "&"), ("<<", "+"), ("<<", "-"), (">>", "+"), (">>", "-"), ("|", "<<"),
            ("&", "+"), ("|", "+"), ("^", "&"), ("&", "-"), ("&", ">>"), ("|", ">>")}
_HALVES = (F16, BF16)
_KEYWORD = re.compile(r"(?:unsigned |signed )?(?:bool|char|short|int|long|float|double)")


class ExprText:
    """Prints expressions for one platform. `types` maps buffer names to element types, `ranks` to their ranks;
    `nonneg` collects names of integers that cannot be negative, as the statement printer learns them."""

    def __init__(self, platform: Platform) -> None:
        self.p = platform
        self.types: dict[str, ScalarType] = {}
        self.nonneg: set[str] = {n for a in platform.axes for n in (a.name, a.extent_name)}
        self._axes_signed = False

    # -- entry points --------------------------------------------------------------------------------------------------

    def expr(self, e: Expr, want: ScalarType | None = None) -> str:
        """`e` where C converts implicitly to `want` (None: where the type matters, e.g. an overloaded argument)."""
        return self._with_axes(e, want, wraps=want is not None and want.is_integer and want.bits == 32)

    def _with_axes(self, e: Expr, want: ScalarType | None, wraps: bool) -> str:
        outer = self._axes_signed
        self._axes_signed = self._needs_signed_axes(e, wraps)
        try:
            return self._go(self._unsaid(e, want), 0)
        finally:
            self._axes_signed = outer

    def cond(self, e: Expr) -> str:
        """A condition: C compares with zero by itself."""
        return self.expr(e, BOOL)

    # -- casts ---------------------------------------------------------------------------------------------------------

    def _unsaid(self, e: Expr, want: ScalarType | None) -> Expr:
        """`e` without an implicit cast that the context performs anyway."""
        if isinstance(e, Cast) and e.implicit and want == e.dtype:
            return e.x
        return e

    def _operands(self, a: Expr, b: Expr, t: ScalarType) -> tuple[Expr, Expr]:
        """The operands with as few of their implicit casts said as give the common type `t`. Halves convert to and
        from everything on real compilers, so a cast from one is always said."""
        def bare(e: Expr) -> Expr:
            return e.x if isinstance(e, Cast) and e.implicit and e.x.dtype not in _HALVES else e
        for x, y in ((bare(a), bare(b)), (bare(a), b), (a, bare(b))):
            if common_type(x.dtype, y.dtype) == t:
                return x, y
        return a, b

    def _needs_signed_axes(self, e: Expr, wraps: bool) -> bool:
        """Built-in indices are unsigned in the text but ints in the IR. The two agree while nothing can go negative,
        and in sums and products whose 32 bits are all that is used (`wraps`): an index, or a value for an int."""
        if not _has_axis(e, self.p):
            return False
        if isinstance(e, Var):
            return False
        if isinstance(e, Cast):
            same_bits = e.dtype.is_integer and e.dtype.bits == 32
            fine = (same_bits and wraps) or never_negative(e.x, self.nonneg)
            return not fine or self._needs_signed_axes(e.x, same_bits and wraps)
        parts = [c for c in children(e) if not isinstance(c, Load)]
        ring = isinstance(e, Binary) and e.op in ("+", "-", "*") and e.dtype.is_integer
        if ring and wraps:
            return any(self._needs_signed_axes(c, True) for c in parts)  # type: ignore[arg-type]
        if isinstance(e, Binary) and e.op not in ("&&", "||") and e.a.dtype.is_integer and (
                e.op == "-" or not all(never_negative(c, self.nonneg) for c in (e.a, e.b))):
            return True
        return any(self._needs_signed_axes(c, False) for c in parts)  # type: ignore[arg-type]

    # -- printing ------------------------------------------------------------------------------------------------------

    def _go(self, e: Expr, outer: int) -> str:
        text, prec = self._text(e)
        return f"({text})" if prec < outer else text

    def _text(self, e: Expr) -> tuple[str, int]:
        if isinstance(e, Const):
            text = const_text(e)
            return text, UNARY if text.startswith("-") else POSTFIX
        if isinstance(e, Var):
            return self._name(e.name)
        if isinstance(e, Unary):
            x = self._unsaid(e.x, BOOL if e.op == "!" else None)
            if e.op != "!" and isinstance(x, Cast) and x.implicit and integer_promotion(x.x.dtype) == x.dtype:
                x = x.x
            return e.op + self._go(x, UNARY + (1 if isinstance(x, Const | Unary) else 0)), UNARY
        if isinstance(e, Binary):
            return self._binary(e)
        if isinstance(e, Select):
            a, b = self._operands(e.a, e.b, e.dtype)
            cond = self._go(self._unsaid(e.cond, BOOL), SELECT + 1)
            return f"{cond} ? {self._go(a, SELECT)} : {self._go(b, SELECT)}", SELECT
        if isinstance(e, Cast):
            word, inner = self.type(e.dtype), self._go(e.x, UNARY)
            signed = inner.startswith("-") and not _KEYWORD.fullmatch(word)  # `(half)-x` reads as a difference
            return f"({word})({inner})" if signed else f"({word}){inner}", UNARY
        if isinstance(e, Load):
            return self.place(e.buffer, e.indices, e.dtype), POSTFIX
        if isinstance(e, Call):
            return self._call(e)
        if isinstance(e, Ref):
            return "&" + self.place(e.buffer, e.indices, e.dtype), UNARY
        raise TypeError(f"not an expression: {e!r}")

    def _name(self, name: str) -> tuple[str, int]:
        """A name, or how the platform writes an axis that is no built-in."""
        if not self.p.is_axis(name):
            return name, POSTFIX
        written = next((w for a in self.p.axes for n, w in ((a.name, a.text), (a.extent_name, a.extent_text)) if n == name), "")
        if self._axes_signed:
            return f"(int)({written})" if written else f"(int){name}", UNARY
        return (written, PRECEDENCE["/"]) if written else (name, POSTFIX)

    def _binary(self, e: Binary) -> tuple[str, int]:
        prec = PRECEDENCE[e.op]
        if e.op in ("&&", "||"):
            a, b = self._unsaid(e.a, BOOL), self._unsaid(e.b, BOOL)
        elif e.op in ("<<", ">>"):
            a, b = e.a, e.b
            if isinstance(a, Cast) and a.implicit and integer_promotion(a.x.dtype) == a.dtype:
                a = a.x
        else:
            t = common_type(e.a.dtype, e.b.dtype)
            a, b = self._operands(e.a, e.b, t)
        return f"{self._side(e.op, a, prec)} {e.op} {self._side(e.op, b, prec + 1)}", prec

    def _side(self, op: str, x: Expr, outer: int) -> str:
        if isinstance(x, Binary) and ((op, x.op) in _CLARIFY or (op in ("&", "|", "^") and x.op in _COMPARE)):
            outer = UNARY
        return self._go(x, outer)

    def place(self, buffer: str, indices: tuple[Expr, ...], dtype: ScalarType) -> str:
        """The lvalue `buffer[indices]`, reinterpreted when the access type differs from the element type."""
        subscripts = "".join(f"[{self._index(i)}]" for i in indices)
        stored = self.types.get(buffer, dtype)
        if stored == dtype:
            return buffer + subscripts
        if not indices:
            return f"(*({self.type(dtype)}*)&{buffer})"
        return f"(({self.type(dtype)}*){buffer}){subscripts}"

    def _index(self, i: Expr) -> str:
        bare = i.x if isinstance(i, Cast) and i.implicit and i.x.dtype.is_integer else i
        return self._with_axes(bare, None, wraps=bare.dtype.bits == 32)

    def _call(self, e: Call) -> tuple[str, int]:
        if e.dtype in _HALVES and (e.fn, e.dtype) not in self.p.functions:
            # Computed in float and rounded once, as the half functions of every platform do.
            wide = Call(e.fn, tuple(Cast(a, F32) for a in e.args), F32)
            return self._text(Cast(wide, e.dtype))
        template = self.p.functions.get((e.fn, e.dtype))
        if template is None:
            if e.fn.startswith("__") and (e.dtype not in (F32,) or (e.fn, F32) not in self.p.functions):
                raise UnsupportedError(f"{self.p.title} has no function {e.fn}")
            template = e.fn + ("f" if e.dtype == F32 else "")
        if "{" in template:
            args = [self._go(a, UNARY) for a in e.args]
            return template.format(*args), SELECT if "?" in template else PRECEDENCE["*"]
        # Only the functions with an f suffix convert their arguments; the others are overloaded, and a float argument
        # would choose the float version.
        parts = [self.expr(a, F32 if template.endswith("f") and e.dtype == F32 else None) for a in e.args]
        return f"{template}({', '.join(parts)})", POSTFIX

    def type(self, t: ScalarType) -> str:
        """The platform's word for a scalar type."""
        return self.p.types[t]


