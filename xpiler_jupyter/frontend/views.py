"""A local array seen as elements of two sizes: taken apart when each size has its own range of bytes.

`int8 buf[768]` used as 128 bytes and, through `(float *)buf + 64`, as 128 floats behind them, is two arrays in one. The
lowering gives each other-sized view a buffer of its own; here it is shown that they share no byte, or it is an error.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Any

from ..errors import SourceFaultError
from ..ir import build
from ..ir.nodes import Alloc, Binary, Block, Cast, Const, Expr, For, Kernel, Let, Load, Node, Ref, Select, Store, Var
from ..ir.types import ScalarType
from ..ir.visit import Rewriter, children, walk
from .meanings import with_meanings
from .source import Source
from .symbols import index_sum
from .view import View

Range = tuple[int, int]  # first and last


def split_views(kernel: Kernel, views: list[View], source: Source) -> Kernel:
    """The kernel with one array per view. Raises SourceFaultError when a view reaches past the array's end, and
    UnsupportedError when two views share bytes or a range is not known."""
    touched = _Touched()
    touched.look(with_meanings(kernel).body, {})
    allocs = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc)}
    parts: dict[str, list[tuple[str, ScalarType, Range]]] = {}
    for view in views:
        alloc = allocs[view.buffer]
        of = parts.setdefault(view.buffer, [])
        own = [(view.buffer, alloc.dtype)] if not of else []
        for name, dtype in (*own, (view.name, view.dtype)):
            if name in touched.unknown:
                raise source.unsupported(view.at, f"{view.buffer} is seen as {view.dtype} and as {alloc.dtype}, and which "
                                         "of its bytes belong to which cannot be told", "Declare two arrays.")
            if name in touched.ranges:
                of.append((name, dtype, touched.ranges[name]))
        _check(view, alloc, of, source)
    return dataclasses.replace(kernel, body=_Split(parts).visit(kernel.body))


def _check(view: View, alloc: Alloc, parts: list[tuple[str, ScalarType, Range]], source: Source) -> None:
    length = alloc.shape[0]
    assert isinstance(length, Const)
    size = int(length.value) * alloc.dtype.bytes
    spans = sorted((lo * t.bytes, (hi + 1) * t.bytes, t) for _, t, (lo, hi) in parts)
    for lo, hi, t in spans:
        if lo < 0 or hi > size:
            raise source.error(SourceFaultError, view.at, f"the source is at fault: {view.buffer} has {size} bytes, but the "
                               f"kernel touches bytes {lo} to {hi - 1} of it as {t}")
    for (_, end, a), (start, _, b) in pairwise(spans):
        if start < end:
            raise source.unsupported(view.at, f"bytes {start} to {end - 1} of {view.buffer} are used as {a} and as {b}: "
                                     "their sizes differ", "Declare two arrays.")


class _Touched:
    """Which elements of each buffer are touched: first and last, where loops and constants tell."""

    def __init__(self) -> None:
        self.ranges: dict[str, Range] = {}
        self.unknown: set[str] = set()

    def look(self, node: Node, env: dict[str, Range]) -> None:
        if isinstance(node, Block):
            for s in node.stmts:
                self.look(s, env)
                if isinstance(s, Let):
                    got = range_of(s.value, env)
                    env = {**env, s.name: got} if got is not None else env
            return
        if isinstance(node, For):
            lo, hi = range_of(node.lo, env), range_of(node.hi, env)
            inner = {**env, node.var: (lo[0], max(lo[0], hi[1] - 1))} if lo is not None and hi is not None else env
            for bound in (node.lo, node.hi, node.step):
                self.look(bound, env)
            self.look(node.body, inner)
            return
        if isinstance(node, Load | Store | Ref) and len(node.indices) == 1:
            got = range_of(node.indices[0], env)
            if got is None:
                self.unknown.add(node.buffer)
            else:
                first, last = self.ranges.get(node.buffer, got)
                self.ranges[node.buffer] = min(first, got[0]), max(last, got[1])
        for c in children(node):
            self.look(c, env)


def range_of(e: Expr, env: dict[str, Range]) -> Range | None:
    """The smallest and the largest value of an integer expression, or None when that is not known."""
    if isinstance(e, Const):
        return (int(e.value), int(e.value)) if e.dtype.is_integer else None
    if isinstance(e, Var):
        return env.get(e.name)
    if isinstance(e, Cast) and e.dtype.is_integer and e.x.dtype.is_integer:
        return range_of(e.x, env)
    if isinstance(e, Select):
        a, b = range_of(e.a, env), range_of(e.b, env)
        return None if a is None or b is None else (min(a[0], b[0]), max(a[1], b[1]))
    if isinstance(e, Binary) and e.op in ("+", "-", "*"):
        a, b = range_of(e.a, env), range_of(e.b, env)
        if a is None or b is None:
            return None
        if e.op == "*":
            corners = [x * y for x in a for y in b]
            return min(corners), max(corners)
        return (a[0] + b[0], a[1] + b[1]) if e.op == "+" else (a[0] - b[1], a[1] - b[0])
    return None


class _Split(Rewriter):
    def __init__(self, parts: dict[str, list[tuple[str, ScalarType, Range]]]) -> None:
        self.parts = parts
        self.first = {name: lo for of in parts.values() for name, _, (lo, _) in of}

    def visit_Alloc(self, s: Alloc) -> Any:
        if s.name not in self.parts:
            return s
        return tuple(dataclasses.replace(s, name=name, dtype=t, shape=(build.integer(hi - lo + 1),))
                     for name, t, (lo, hi) in self.parts[s.name])

    def _moved(self, node: Any) -> Any:
        first = self.first.get(node.buffer, 0)
        if not first:
            return node
        return dataclasses.replace(node, indices=(less(node.indices[0], first),))

    visit_Load = visit_Store = visit_Ref = _moved


def less(e: Expr, by: int) -> Expr:
    """`e - by`, folded where `e` begins or ends with a constant."""
    if isinstance(e, Const):
        return Const(int(e.value) - by, e.dtype)
    if isinstance(e, Binary) and e.op == "+":
        for whole, rest in ((e.a, e.b), (e.b, e.a)):
            if isinstance(whole, Const):
                return index_sum(rest, Const(int(whole.value) - by, whole.dtype))
    return build.sub(e, Const(by, e.dtype))
