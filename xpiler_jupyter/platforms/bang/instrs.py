"""All instrs of BANG C, from the files of this folder, one per family."""

from __future__ import annotations

from ..instr import Instr
from . import activation, compare, convert, elementwise, layout, matmul_conv, memory, reduce_pool

INSTRS: tuple[Instr, ...] = (
    *memory.INSTRS,
    *elementwise.INSTRS,
    *compare.INSTRS,
    *activation.INSTRS,
    *reduce_pool.INSTRS,
    *layout.INSTRS,
    *matmul_conv.INSTRS,
    *convert.INSTRS,
)


def overloads(name: str) -> tuple[Instr, ...]:
    """All rows of one name, in the tables' order."""
    return tuple(i for i in INSTRS if i.name == name)
