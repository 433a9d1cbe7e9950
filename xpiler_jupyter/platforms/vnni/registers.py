"""The rows as a kernel sees them: concrete types, and a register as a value that is declared with a vector type.

The tables speak of a register by its lanes alone. In a kernel it is an `Alloc` in memory "register" of one dimension,
the lanes, declared `__m512` or the like; a scalar result is any place that an assignment can have on its left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...ir.types import ScalarType
from ..concrete import concrete
from ..instr import Instr, Operand
from . import tables

RESULT_PLACES = ("local", "global")


def values(rows: Iterable[Instr]) -> tuple[Instr, ...]:
    """One row per choice of types, its register operands with their shape and the type that declares them."""
    return tuple(replace(row, operands=tuple(_operand(row, o) for o in row.operands))
                 for row in concrete(rows, tables.TYPES))


def _operand(row: Instr, o: Operand) -> Operand:
    if o.memory != ("register",):
        return o
    if o.extent == "1":
        return replace(o, memory=RESULT_PLACES)
    assert isinstance(o.dtype, ScalarType)
    return replace(o, shape=(tables.lanes_of(o, o.dtype),), declared=tables.word_of(row, o, o.dtype), extent="")
