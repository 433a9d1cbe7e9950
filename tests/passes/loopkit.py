"""What the tests of the loop passes share: short constructors, apply-and-print, and the expected refusal."""

from __future__ import annotations

from typing import Any

import pytest
from strategies import assert_same, plain

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.ir.build import binary, integer, loop, scalar, var
from xpiler_jupyter.ir.nodes import Alloc, Binary, Block, Const, Expr, For, If, Kernel, Let, Load, Stmt, Store
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.ir.types import F32, I32
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes.base import PassResult
from xpiler_jupyter.platforms import registry as platforms

__all__ = ["F32", "I32", "Alloc", "Block", "If", "Kernel", "Let", "Store", "apply", "at", "bump", "e", "emit", "f",
           "loops", "plain", "put", "refused", "same", "scalar", "var"]

TARGET = platforms.meeting_point()


def e(value: Any) -> Any:
    """An index expression from Python operators on `V` objects, ints and names."""
    if isinstance(value, V):
        return value.expr
    return integer(value) if isinstance(value, int) else var(value) if isinstance(value, str) else value


class V:
    """Wraps an expression so that tests can write `at("i") * 4 + at("j")`."""

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def _with(self, op: str, other: Any) -> V:
        return V(binary(op, self.expr, e(other)))

    def __add__(self, other: Any) -> V:
        return self._with("+", other)

    def __sub__(self, other: Any) -> V:
        return self._with("-", other)

    def __mul__(self, other: Any) -> V:
        return self._with("*", other)

    def __floordiv__(self, other: Any) -> V:
        return self._with("/", other)

    def __mod__(self, other: Any) -> V:
        return self._with("%", other)

    def __lt__(self, other: Any) -> Binary:
        out = binary("<", self.expr, e(other))
        assert isinstance(out, Binary)
        return out


def at(name: str) -> V:
    return V(var(name))


def f(buffer: str, *index: Any) -> Load:
    """The float `buffer[index]`."""
    return Load(buffer, tuple(e(i) for i in index), F32)


def put(buffer: str, index: Any, value: Any) -> Store:
    """`buffer[index] = value;` with index None for a scalar, a tuple for several dimensions."""
    places = () if index is None else tuple(e(i) for i in index) if isinstance(index, tuple) else (e(index),)
    return Store(buffer, places, Const(value, F32) if isinstance(value, float) else value, F32)


def bump(value: Expr, by: float = 1.0) -> Expr:
    return binary("+", value, Const(by, F32))


def loops(*headers: Any, body: tuple[Stmt, ...] | list[Stmt]) -> For:
    """A nest: headers are (name, extent) or (name, lo, hi)."""
    inner: Any = Block(tuple(body))
    for h in reversed(headers):
        name, lo, hi = (h[0], 0, h[1]) if len(h) == 2 else h
        inner = Block((loop(name, e(hi), inner, lo=e(lo)),))
    out = inner.stmts[0]
    assert isinstance(out, For)
    return out


def apply(name: str, kernel: Kernel, /, **knobs: Any) -> PassResult:
    """The pass' result, checked for well-formedness."""
    check(kernel)
    result = registry.get(name).apply(kernel, TARGET, **knobs)
    check(result.kernel)
    return result


def emit(kernel: Kernel) -> str:
    return TARGET.emit(kernel)


def same(name: str, kernel: Kernel, /, sizes: tuple[int, ...] = (0, 1, 4, 7), scalars: tuple[str, ...] = ("n",),
         **knobs: Any) -> PassResult:
    """The pass' result, run against the kernel for several sizes."""
    result = apply(name, kernel, **knobs)
    for n in sizes:
        assert_same(kernel, result.kernel, **{s: n for s in scalars})
    return result


def refused(name: str, kernel: Kernel, match: str, /, **knobs: Any) -> IllegalPassError:
    with pytest.raises(IllegalPassError, match=match) as caught:
        apply(name, kernel, **knobs)
    return caught.value
