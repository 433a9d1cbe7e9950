"""Instrs' meanings as compilable functions: one per row and choice of types."""

from __future__ import annotations

import re

from ...ir.types import ScalarType
from ..instr import Instr, Operand, dtype_of
from .tables import TYPES


def result_of(row: Instr) -> Operand | None:
    """The operand that stands for the returned value, if the call returns one."""
    first = row.operands[0] if row.operands else None
    return first if first is not None and first.name == "dst" else None


def parameters(row: Instr) -> tuple[Operand, ...]:
    """The operands that the call writes out."""
    return row.operands[1:] if result_of(row) else row.operands


def function(row: Instr, chosen: dict[str, ScalarType], name: str) -> str:
    """The meaning as a C++ function called `name`: buffers as pointers, scalars by value, the result first."""
    words = []
    for o in row.operands:
        c = TYPES[dtype_of(o, chosen)]
        words.append(f"{'' if o.access != 'r' else 'const '}{c}* {o.name}" if o.memory else f"{c} {o.name}")
    types = "".join(f"  typedef {TYPES[t]} {n};\n" for n, t in chosen.items())
    body = re.sub(r"^", "  ", row.meaning, flags=re.M)
    return f"void {name}({', '.join(words)}) {{\n{types}{body}\n}}\n"
