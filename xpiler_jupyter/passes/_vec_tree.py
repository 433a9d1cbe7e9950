"""Expressions over the lanes of a vector in one normal form, so that a row's meaning and a kernel's statement that say
the same thing look the same.

A tree's leaves are vectors ("vec"), values that all lanes share ("scalar"), constants and masks; what `data` holds there
is up to who builds the tree. The rules below keep every bit, but for which of two zeros a comparison of equals picks.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..ir import build
from ..ir.nodes import Binary, Call, Cast, Const, Expr, Load, Select, Unary, Var
from ..ir.types import BF16, BOOL, F16, F32, F64, ScalarType
from ._assumed import FINITE, NO_NAN

_WRAPPING = frozenset(("+", "-", "*", "&", "|", "^", "neg", "~"))
COMMUTES = frozenset(("+", "*", "&", "|", "^", "==", "!=", "&&", "||", "max", "min"))
_ONCE = frozenset(("+", "-", "*", "/", "sqrt", "neg", "abs", "max", "min"))
_COMPARE = frozenset(("<", "<=", "==", "!="))
# Less exact variants of functions, and what they stand for: a vector computes that, which is at least as exact.
_EXACT = {"__expf": "exp", "__logf": "log", "__log2f": "log2", "__log10f": "log10", "__sinf": "sin", "__cosf": "cos",
          "__tanf": "tan", "__powf": "pow", "__fdividef": "/"}
_OPERATORS = _COMPARE | frozenset(("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "&&", "||"))


@dataclass(frozen=True, eq=False, slots=True)
class Tree:
    """One value per lane. `op` is a leaf's word, an operator of C, "neg", "!", "~", "select", "cast" or a function."""

    op: str
    dtype: ScalarType
    args: tuple[Tree, ...] = ()
    data: Any = None
    shared: bool = False  # do all lanes hold the same value?
    _hash: int = 0

    def __post_init__(self) -> None:
        shared = self.op in ("const", "scalar") or (self.args != () and all(a.shared for a in self.args))
        object.__setattr__(self, "shared", shared)
        object.__setattr__(self, "_hash", hash((self.op, self.dtype, self.args, self.data)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (isinstance(other, Tree) and self._hash == other._hash and self.op == other.op and self.dtype == other.dtype
                and self.data == other.data and self.args == other.args)

    def walk(self) -> Iterator[Tree]:
        yield self
        for a in self.args:
            yield from a.walk()


class NoTree(Exception):
    """An expression that says nothing about lanes; `node` is what does not."""

    def __init__(self, why: str, node: Expr) -> None:
        super().__init__(why)
        self.why, self.node = why, node


Leaf = Callable[[Expr], Tree | None]


def tree(e: Expr, leaf: Leaf) -> Tree:
    """The normal form of `e`; `leaf` says what an expression is that is one, else None. Raises NoTree."""
    found = leaf(e)
    if found is not None:
        return found
    if isinstance(e, Const):
        return const(e.value, e.dtype)
    if isinstance(e, Cast):
        return cast(tree(e.x, leaf), e.dtype)
    if isinstance(e, Unary):
        return make("neg" if e.op == "-" else e.op, e.dtype, tree(e.x, leaf))
    if isinstance(e, Binary):
        return make(e.op, e.dtype, tree(e.a, leaf), tree(e.b, leaf))
    if isinstance(e, Select):
        return make("select", e.dtype, tree(e.cond, leaf), tree(e.a, leaf), tree(e.b, leaf))
    if isinstance(e, Call):
        return make(_EXACT.get(e.fn, e.fn), e.dtype, *(tree(a, leaf) for a in e.args))
    if isinstance(e, Load):
        raise NoTree(f"{e.buffer} is not read one element after the other", e)
    raise NoTree(f"the loop's own index {e.name} is a value here" if isinstance(e, Var) else "it is no value", e)


def const(value: Any, dtype: ScalarType) -> Tree:
    """A constant, rounded to its type. A zero keeps its sign."""
    if dtype.is_float:
        value = rounded(float(value), dtype)
        return Tree("const", dtype, (), (value, math.copysign(1.0, value)) if value == value else ("nan", 1.0))
    return Tree("const", dtype, (), (bool(value) if dtype == BOOL else int(value), 1.0))


def rounded(value: float, dtype: ScalarType) -> float:
    """The nearest value of the type (bfloat16's are left as they are)."""
    code = {F16: "e", F32: "f"}.get(dtype)
    if code is None or not math.isfinite(value):
        return value
    try:
        return float(struct.unpack(code, struct.pack(code, value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def value_of(t: Tree) -> Any:
    """A constant's value."""
    return math.nan if t.data[0] == "nan" else t.data[0]


def as_const(t: Tree) -> Const:
    v = value_of(t)
    return Const(float(v) if t.dtype.is_float else v, t.dtype)


def cast(x: Tree, dtype: ScalarType) -> Tree:
    """`x` as `dtype`: detours that lose nothing vanish, and results that are cut are computed in the narrow type."""
    source = x.dtype
    if source == dtype:
        return x
    if x.op == "const" and dtype != BOOL and dtype != BF16:
        v = value_of(x)
        if dtype.is_float:
            return const(v, dtype)
        if source.is_integer:
            return const(_wrap(int(v), dtype), dtype)
    if x.op == "cast":
        inner = x.args[0].dtype
        if _holds(source, inner):  # a widening in between changes nothing
            return cast(x.args[0], dtype)
        if all(t.is_integer and t != BOOL for t in (inner, source, dtype)) and source.bits >= dtype.bits:
            return cast(x.args[0], dtype)
    if source.is_integer and dtype.is_integer and dtype.bits < source.bits and BOOL not in (source, dtype):
        if x.op in _WRAPPING:
            args = tuple(cast(a, dtype) for a in x.args)
            if all(a.op != "cast" for a in args):
                return make(x.op, dtype, *args)
        if x.op == "select":
            a, b = (cast(y, dtype) for y in x.args[1:])
            if "cast" not in (a.op, b.op):
                return make("select", dtype, x.args[0], a, b)
    if (source, dtype) == (F64, F32) and x.op in _ONCE:
        floats = tuple(_as_float(a) for a in x.args)
        if None not in floats:  # an operation on floats rounds to a float the same way by way of double
            return make(x.op, dtype, *(a for a in floats if a is not None))
    return Tree("cast", dtype, (x,))


def _as_float(x: Tree) -> Tree | None:
    """`x`, a double, as the float whose value it has."""
    if x.op == "cast" and _holds(F32, x.args[0].dtype):
        return cast(x.args[0], F32)
    if x.op == "cast" and x.args[0].dtype == F32:
        return x.args[0]
    return const(value_of(x), F32) if x.op == "const" and rounded(value_of(x), F32) == value_of(x) else None


def _wrap(value: int, t: ScalarType) -> int:
    value &= (1 << t.bits) - 1
    return value - (1 << t.bits) if t.kind == "int" and value >> (t.bits - 1) else value


def _holds(wide: ScalarType, narrow: ScalarType) -> bool:
    """Is every value of `narrow` one of `wide`?"""
    if narrow == BOOL or wide == BOOL:
        return narrow == BOOL
    if wide.is_float and narrow.is_float:
        return wide.bits > narrow.bits
    if wide.is_float:
        return narrow.is_integer and narrow.bits <= {16: 8, 32: 16, 64: 32}[wide.bits] and wide != BF16
    if narrow.is_float:
        return False
    return wide.bits > narrow.bits and (wide.kind == "int" or narrow.kind == "uint")


def make(op: str, dtype: ScalarType, *args: Tree) -> Tree:
    """The operation in normal form."""
    if op in (">", ">="):
        op, args = {">": "<", ">=": "<="}[op], args[::-1]
    if op in _COMPARE or (op in ("max", "min") and dtype.is_integer):
        narrow = _narrowed(args)
        if narrow is not None:
            inner = make(op, dtype if op in _COMPARE else narrow[0].dtype, *narrow)
            return inner if op in _COMPARE else cast(inner, dtype)
    if op == "neg" and args[0].op == "const":
        v = -value_of(args[0])
        return const(v if dtype.is_float else _wrap(v, dtype), dtype)
    if op == "neg" and args[0].op == "neg":
        return args[0].args[0]
    if op == "!" and args[0].op == "!":
        return args[0].args[0]
    if op == "fabs":
        op = "abs"
    if op == "select":
        return _select(dtype, *args)
    return Tree(op, dtype, args)


def _narrowed(args: tuple[Tree, ...]) -> tuple[Tree, ...] | None:
    """Both operands without the widening that C puts in front of comparisons."""
    types = {a.args[0].dtype for a in args if a.op == "cast"}
    if len(types) != 1:
        return None
    t = types.pop()
    out = []
    for a in args:
        if a.op == "cast" and _holds(a.dtype, t) and t != BOOL:
            out.append(a.args[0])
        elif a.op == "const" and a.dtype.is_integer == t.is_integer and (
                rounded(value_of(a), t) if t.is_float else _wrap(int(value_of(a)), t)) == value_of(a):
            out.append(const(value_of(a), t))
        else:
            return None
    return tuple(out)


def _select(dtype: ScalarType, cond: Tree, a: Tree, b: Tree) -> Tree:
    if cond.op == "!":
        return _select(dtype, cond.args[0], b, a)
    if a == b:
        return a
    if cond.op == "<":
        x, y = cond.args
        if dtype.is_integer and {x, y} == {a, b}:
            return make("min" if x == a else "max", dtype, x, y)
        if dtype.is_integer and y.op == "const" and value_of(y) == 0 and x == b and a == make("neg", dtype, x):
            return Tree("abs", dtype, (x,))
    if cond.op == "<=" and dtype.is_integer and set(cond.args) == {a, b}:
        return make("min" if cond.args[0] == a else "max", dtype, *cond.args)
    if cond.op == "!=" and cond.args[0] == cond.args[1] and b.op == "select" and b.args[0].op == "<":
        # x is NaN ? y : the larger (smaller) of both: what C's fmax (fmin) is
        x, y = cond.args[0], a
        if b.args[1:] == (y, x) and b.args[0].args in ((x, y), (y, x)):
            return Tree("max" if b.args[0].args == (x, y) else "min", dtype, (x, y))
    return Tree("select", dtype, (cond, a, b))


def relaxed(t: Tree) -> Iterator[tuple[Tree, str]]:
    """Other forms of the value, each with what it takes for granted ("" for nothing)."""
    if t.op in ("max", "min") and t.dtype.is_float:
        for x, y in (t.args, t.args[::-1]):
            cond = make("<", BOOL, y, x) if t.op == "max" else make("<", BOOL, x, y)
            known = y.op == "const" and value_of(y) == value_of(y)
            if not known:
                numbers = Tree("!=", BOOL, (y, y))
                yield Tree("select", t.dtype, (numbers, x, Tree("select", t.dtype, (cond, x, y)))), ""
            yield Tree("select", t.dtype, (cond, x, y)), "" if known else NO_NAN
    elif t.op == "select" and t.args[0].op in ("<=", "<") and t.dtype.is_float:
        cond, a, b = t.args
        if {a, b} == set(cond.args) and a != b:
            if cond.op == "<=":
                yield Tree("select", t.dtype, (make("<", BOOL, *cond.args), a, b)), ""
            yield Tree("max" if cond.args[1] == a else "min", t.dtype, (a, b)), NO_NAN
            other = Tree("select", t.dtype, (make("<", BOOL, *cond.args[::-1]), b, a))
            yield other, NO_NAN
        yield from _leaky(t)
        yield from _weighted(t)
    elif t.op == "neg" and t.dtype.is_float:
        yield Tree("*", t.dtype, (t.args[0], const(-1.0, t.dtype))), ""
    elif t.op == "neg":
        yield Tree("-", t.dtype, (const(0, t.dtype), t.args[0])), ""
    elif t.op == "*" and t.dtype.is_float:
        for x, y in (t.args, t.args[::-1]):
            if y.op == "const" and value_of(y) == -1:
                yield Tree("neg", t.dtype, (x,)), ""
    elif t.op == "-" and t.args[1].op == "const" and t.dtype.is_float:
        yield Tree("+", t.dtype, (t.args[0], make("neg", t.dtype, t.args[1]))), ""
    elif t.op == "-" and t.args[0].shared and t.dtype.is_float:
        yield Tree("+", t.dtype, (make("neg", t.dtype, t.args[1]), t.args[0])), ""
    elif t.op == "pow" and t.args[1].op == "const" and value_of(t.args[1]) == 2:
        yield Tree("*", t.dtype, (t.args[0], t.args[0])), ""
    elif t.op == "pow" and t.args[1].op == "const" and value_of(t.args[1]) == 3:
        square = Tree("*", t.dtype, (t.args[0], t.args[0]))
        yield Tree("*", t.dtype, (square, t.args[0])), "a cube is two products"


def _leaky(t: Tree) -> Iterator[tuple[Tree, str]]:
    """`x > 0 ? x : k * x`, 0 < k <= 1, as the larger of the two; a NaN's product is one."""
    (x, y), a, b = t.args[0].args, *t.args[1:]
    if x.op == "const" and value_of(x) == 0 and y == a and b.op == "*" and a in b.args:
        k = b.args[0] if b.args[1] == a else b.args[1]
        if k.op == "const" and 0 < value_of(k) <= 1:
            yield Tree("select", t.dtype, (make("<", BOOL, b, a), a, b)), ""


def _weighted(t: Tree) -> Iterator[tuple[Tree, str]]:
    """A choice as a sum of both sides, each times 1 or 0."""
    cond, a, b = t.args
    one, zero = const(1.0, t.dtype), const(0.0, t.dtype)
    if {a, b} <= {one, zero}:
        return
    x, y = cond.args
    when = Tree("select", t.dtype, (cond, one, zero))
    otherwise = Tree("select", t.dtype, (make("<" if cond.op == "<=" else "<=", BOOL, y, x), one, zero))
    sides = [w if v == one else Tree("*", t.dtype, (v, w)) for v, w in ((a, when), (b, otherwise)) if v != zero]
    yield (sides[0] if len(sides) == 1 else Tree("+", t.dtype, tuple(sides))), FINITE


def narrowed_floats(t: Tree, wide: ScalarType = F64, narrow: ScalarType = F32) -> Tree:
    """The tree with everything of the wide type computed in the narrow one."""
    args = tuple(narrowed_floats(a, wide, narrow) for a in t.args)
    dtype = narrow if t.dtype == wide else t.dtype
    if t.op == "const":
        return const(value_of(t), dtype) if t.dtype == wide else t
    if t.op == "cast":
        return cast(args[0], dtype)
    if not t.args:
        return cast(t, dtype)
    return make(t.op, dtype, *args)


def expr_of(t: Tree) -> Expr:
    """A value that all lanes share, as an expression."""
    if t.op == "scalar":
        found: Expr = t.data
        return found
    if t.op == "const":
        return as_const(t)
    args = [expr_of(a) for a in t.args]
    if t.op == "cast":
        return Cast(args[0], t.dtype)
    if t.op == "select":
        return Select(args[0], args[1], args[2], t.dtype)
    if t.op in ("neg", "!", "~"):
        return build.convert(Unary("-" if t.op == "neg" else t.op, args[0], t.dtype), t.dtype)
    if t.op in _OPERATORS:
        return build.convert(build.binary(t.op, args[0], args[1]), t.dtype)
    return Call(t.op, tuple(args), t.dtype)
