"""The rows as a kernel sees them: concrete types, and a register as a value that is declared with a vector type.

The tables speak of a register by its lanes alone. In a kernel it is an `Alloc` in memory "register" of one dimension,
the lanes, declared `__m512` or the like; a scalar result is any place that an assignment can have on its left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...ir.types import I32, ScalarType
from ..concrete import concrete
from ..instr import Instr, Operand
from . import tables
from .rows import INTEGERS

RESULT_PLACES = ("local", "global")


def copies() -> tuple[Instr, ...]:
    """`a = b` between registers: C's assignment, one row per vector type and lane type."""
    made = []
    for v in tables.VECTORS.values():
        types = INTEGERS["T"] if v.lane == I32 else (v.lane,)
        for t in types:
            dst, src = (Operand(n, t, ("register",), access, shape=(v.bytes // t.bytes,), declared=v.word)
                        for n, access in (("dst", "w"), ("a", "r")))
            made.append(Instr(f"copy{v.word}.{t}", "Copies a register.", (dst, src),
                              f"for (int i = 0; i < {v.bytes // t.bytes}; i++)\n  dst[i] = a[i];", overlap="any",
                              source="C: assignment", template="{dst} = {a}"))
    return tuple(made)


def values(rows: Iterable[Instr]) -> tuple[Instr, ...]:
    """One row per choice of types, its register operands with their shape and the type that declares them."""
    # Floats moved as the bits of integers come last: who looks for a row of floats finds the one made for them first.
    ordered = sorted(concrete(rows, tables.TYPES), key=lambda row: row.name.endswith((".f32", ".f64")))
    return tuple(replace(row, operands=tuple(_operand(row, o) for o in row.operands)) for row in ordered) + copies()


def _operand(row: Instr, o: Operand) -> Operand:
    if o.memory != ("register",):
        integer = isinstance(o.dtype, ScalarType) and o.dtype.is_integer
        return replace(o, untyped=True) if o.memory and integer else o
    if o.extent == "1":
        return replace(o, memory=RESULT_PLACES)
    assert isinstance(o.dtype, ScalarType)
    return replace(o, shape=(tables.lanes_of(o, o.dtype),), declared=tables.word_of(row, o, o.dtype), extent="")
