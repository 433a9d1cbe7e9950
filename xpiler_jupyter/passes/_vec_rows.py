"""Which rows of a platform's table work on vectors element by element, and what each computes as a `Tree`.

A row whose meaning is one loop `for (i < n) dst[i] = f(a[i], b[i], x, ...)` is a pattern: its vectors and scalars are
leaves. `n` is a constant (a register's lanes) or follows from one scalar operand (a counted row). So are the rows that
give one bit per lane, and those that fold a vector to one value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import UnsupportedError
from ..frontend.meanings import row_statements
from ..ir.nodes import Alloc, Binary, Const, Expr, For, Let, Load, Store, Var
from ..ir.types import BOOL, ScalarType
from ..ir.visit import stmts_of, substitute
from ..platforms.base import Platform
from ..platforms.instr import Instr, Operand
from ._vec_folds import bare, folded
from ._vec_tree import NoTree, Tree, make, tree

FUSED = "products are added without rounding in between (fma)"


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One row as `root` over its operands, for `lanes` elements, or for as many as `count` / `scale` says (None)."""

    row: Instr
    root: Tree
    dst: str
    lanes: int | None
    count: str = ""
    scale: int = 1
    fold: str = ""  # the operator of a row that gives one value for all lanes
    note: str = ""
    skips: bool = False  # a row that folds: does it pass over NaNs?
    rank: int = 0  # its place in the table

    def operand(self, name: str) -> Operand:
        return next(o for o in self.row.operands if o.name == name)


@dataclass(slots=True)
class Index:
    """The patterns for one length and a set of element types, by what they compute."""

    by_op: dict[tuple[str, ScalarType], list[Pattern]] = field(default_factory=dict)
    copies: list[Pattern] = field(default_factory=list)
    fills: list[Pattern] = field(default_factory=list)
    folds: list[Pattern] = field(default_factory=list)

    def add(self, p: Pattern) -> None:
        if p.fold:
            self.folds.append(p)
        elif p.root.op == "vec":
            self.copies.append(p)
        elif p.root.shared:
            self.fills.append(p)
        else:
            self.by_op.setdefault((p.root.op, p.root.dtype), []).append(p)


_INDEX: dict[tuple[str, int | None, frozenset[ScalarType]], Index] = {}
_PATTERNS: dict[tuple[str, str], tuple[Pattern, ...]] = {}


def index(platform: Platform, lanes: int | None, types: frozenset[ScalarType]) -> Index:
    """The patterns of `lanes` elements (None: counted) whose operands all have one of the types. Built once."""
    key = platform.name, lanes, types
    if key not in _INDEX:
        out = _INDEX[key] = Index()
        for rank, row in enumerate(platform.instrs):
            if not row.atomic and _promising(row, lanes, types):
                at = platform.name, row.name
                if at not in _PATTERNS:
                    _PATTERNS[at] = patterns(row, rank)
                for p in _PATTERNS[at]:
                    if p.lanes == lanes:
                        out.add(p)
    return _INDEX[key]


def lengths(platform: Platform) -> tuple[int | None, ...]:
    """The vector lengths that the platform's rows have, None for counted rows."""
    found: dict[int | None, None] = {}
    for row in platform.instrs:
        shapes = {o.shape[0] for o in row.operands if len(o.shape) == 1}
        if shapes:
            found.update(dict.fromkeys(shapes))
        elif _counter(row) is not None:
            found[None] = None
    return tuple(found)


_FEW = ("1", "2", "3")  # a result that is no vector: a value, perhaps with its index behind it
_COUNTER = re.compile(r"\(?(\w+)(?: / \w+\)?)?")


def _counter(row: Instr) -> str | None:
    """The scalar operand that every vector's extent is."""
    scalars = {o.name for o in row.operands if not o.memory}
    found = set()
    for o in row.operands:
        if o.memory and not o.extent.isdecimal():
            m = _COUNTER.fullmatch(o.extent)
            if m is None or m[1] not in scalars:
                return None
            found.add(m[1])
    return found.pop() if len(found) == 1 else None


def _promising(row: Instr, lanes: int | None, types: frozenset[ScalarType]) -> bool:
    """Cheap: may the row be a pattern of that length and these types? Its meaning is read only then."""
    buffers = [o for o in row.operands if o.memory]
    if row.deferred or row.needs:  # what waits for a wait, or needs leave, is not for every loop
        return False
    if row.lanes != 1 or not buffers or sum(o.access != "r" for o in buffers) != 1:
        return False
    if any(isinstance(o.dtype, str) or len(o.shape) > 1 for o in row.operands):
        return False
    vectors = [o for o in buffers if o.shape or not (o.access != "r" and o.extent in _FEW)]
    if not vectors or any(o.dtype not in types for o in vectors):
        return False
    if lanes is None:
        return not any(o.shape for o in vectors) and _counter(row) is not None
    shaped = [o.shape[0] for o in vectors if o.shape]
    return bool(shaped) and all(n == lanes for n in shaped) and all(o.shape or _elements(o) == lanes for o in vectors)


def _elements(o: Operand) -> int | None:
    """A constant extent, such as "16" or "64 / 4"."""
    m = re.fullmatch(r"\(?(\d+)(?: / (\d+))?\)?", o.extent)
    return int(m[1]) // int(m[2] or 1) if m else None


def patterns(row: Instr, rank: int = 0) -> tuple[Pattern, ...]:
    """What the row computes, in each form that a kernel may write it; nothing when it is no vector row."""
    try:
        stmts = row_statements(row)
    except UnsupportedError:
        return ()
    dst = next(o for o in row.operands if o.memory and o.access != "r")
    found = _lane_by_lane(row, dst, stmts) or _bits(row, dst, stmts) or _fold(row, dst, stmts)
    if found is None:
        return ()
    root, lanes, count, scale, fold = found
    first = Pattern(row, root, dst.name, lanes, count, scale, fold.removesuffix(_SKIPS), "", fold.endswith(_SKIPS), rank)
    others = [Pattern(row, r, dst.name, lanes, count, scale, note=FUSED, rank=rank) for r in _unfused(root)]
    return (first, *others)


_Found = tuple[Tree, int | None, str, int, str]
_SKIPS = " of numbers"  # behind the operator of a fold that passes over NaNs


def _lane_by_lane(row: Instr, dst: Operand, stmts: Iterable[Any]) -> _Found | None:
    """`for (i < n) dst[i] = value;`, perhaps with names for parts of the value."""
    body = list(stmts)
    if len(body) != 1 or not isinstance(body[0], For):
        return None
    loop = body[0]
    if loop.lo != Const(0, loop.dtype):
        return None
    length = _length(loop, row)
    value = _stored(loop, dst.name, _at(loop))
    if length is None or value is None:
        return None
    root = _tree(value, loop, row)
    return None if root is None else (root, *length, "")


def _at(loop: For) -> Expr:
    return Var(loop.var, loop.dtype)


def _length(loop: For, row: Instr) -> tuple[int | None, str, int] | None:
    """(constant, "", 1) or (None, the operand that counts, elements per unit)."""
    if not (isinstance(loop.lo, Const) and loop.lo.value in (0, 1) and isinstance(loop.step, Const) and loop.step.value == 1):
        return None
    hi: Any = bare(loop.hi)
    scale = 1
    if isinstance(hi, Const):
        return int(hi.value), "", 1
    if isinstance(hi, Binary) and hi.op == "/" and isinstance(hi.b, Const):
        hi, scale = bare(hi.a), int(hi.b.value)
    if isinstance(hi, Var) and any(o.name == hi.name and not o.memory for o in row.operands):
        return None, hi.name, scale
    return None


def _stored(loop: For, dst: str, at: Expr) -> Expr | None:
    """The value that the loop's only store puts at dst[i], the names in it seen through."""
    lets: list[Let] = []
    value: Expr | None = None
    for s in stmts_of(loop.body):
        if isinstance(s, Let) and value is None:
            lets.append(s)
        elif isinstance(s, Store) and value is None and s.buffer == dst and s.indices == (at,):
            value = s.value
        else:
            return None
    if value is None:
        return None
    for s in reversed(lets):
        value = substitute(value, {s.name: s.value})
    return value


def _tree(value: Expr, loop: For, row: Instr) -> Tree | None:
    operands = {o.name: o for o in row.operands}
    at = _at(loop)

    def leaf(e: Expr) -> Tree | None:
        if isinstance(e, Load) and e.buffer in operands and e.indices == (at,):
            dtype = operands[e.buffer].dtype
            return Tree("vec", e.dtype, (), e.buffer) if dtype == e.dtype else None
        if isinstance(e, Var) and e.name in operands:
            return Tree("scalar", e.dtype, (), e.name)
        mask = _mask_bit(e, at)
        return Tree("mask", BOOL, (), mask) if mask in operands else None

    try:
        return tree(value, leaf)
    except NoTree:
        return None


def _mask_bit(e: Expr, at: Expr) -> str | None:
    """The k of `(k >> i & 1) != 0`."""
    if not (isinstance(e, Binary) and e.op == "!=" and isinstance(e.b, Const) and e.b.value == 0):
        return None
    bit: Any = bare(e.a)
    if not (isinstance(bit, Binary) and bit.op == "&" and _number(bit.b) == 1):
        return None
    shift: Any = bare(bit.a)
    if isinstance(shift, Binary) and shift.op == ">>" and bare(shift.b) == at:
        k = bare(shift.a)
        return k.name if isinstance(k, Var) else None
    return None


def _number(e: Expr) -> Any:
    e = bare(e)
    return e.value if isinstance(e, Const) else None


def _fold(row: Instr, dst: Operand, stmts: Iterable[Any]) -> _Found | None:
    """A vector folded to one value, which dst[0] takes."""
    vectors = [o for o in row.operands if o.memory and o.access == "r"]
    if dst.extent not in _FEW or dst.shape or len(vectors) != 1 or vectors[0].dtype != dst.dtype:
        return None
    found = folded(list(stmts), dst, vectors[0])
    if found is None:
        return None
    op, loop, skips = found
    length = _length(loop, row)
    assert isinstance(dst.dtype, ScalarType)
    return (Tree("vec", dst.dtype, (), vectors[0].name), *length, op + _SKIPS * skips) if length is not None else None


# -- one bit per lane --------------------------------------------------------------------------------------------------


def _bits(row: Instr, dst: Operand, stmts: Iterable[Any]) -> _Found | None:
    """`r = 0; for (i < n) r |= (cond ? 1 : 0) << i; dst[0] = r;`: a mask. Its root is the condition."""
    body = [s for s in stmts if not isinstance(s, Alloc)]
    if len(body) != 3 or dst.extent != "1":
        return None
    start, loop, end = body
    if not (isinstance(start, Store) and isinstance(bare(start.value), Const) and bare(start.value).value == 0
            and isinstance(loop, For) and isinstance(end, Store) and end.buffer == dst.name
            and bare(end.value) == Load(start.buffer, (), start.dtype)):
        return None
    length, step = _length(loop, row), stmts_of(loop.body)
    if length is None or length[0] is None or len(step) != 1 or not isinstance(step[0], Store):
        return None
    value = step[0].value
    if not (step[0].buffer == start.buffer and isinstance(value, Binary) and value.op == "|"
            and value.a == Load(start.buffer, (), start.dtype)):
        return None
    shifted = bare(value.b)
    if not (isinstance(shifted, Binary) and shifted.op == "<<" and bare(shifted.b) == _at(loop)):
        return None
    root = _tree(shifted.a, loop, row)
    if root is None:
        return None
    while root.op == "cast":
        root = root.args[0]
    if root.op == "select" and all(a.op == "const" for a in root.args[1:]) and [a.data[0] for a in root.args[1:]] == [1, 0]:
        root = root.args[0]
    return (root, *length, "") if root.dtype == BOOL else None


def _unfused(root: Tree) -> Iterable[Tree]:
    """What a kernel writes as a product and a sum, and the row rounds once."""
    if root.op != "fma":
        return
    a, b, c = root.args
    minus = a.op == "neg"
    product = make("*", root.dtype, a.args[0] if minus else a, b)
    if c.op == "neg":
        if minus:
            yield make("-", root.dtype, make("neg", root.dtype, product), c.args[0])
        else:
            yield make("-", root.dtype, product, c.args[0])
    elif minus:
        yield make("-", root.dtype, c, product)
    else:
        yield make("+", root.dtype, product, c)


__all__ = ["FUSED", "Index", "Pattern", "index", "lengths", "patterns"]
