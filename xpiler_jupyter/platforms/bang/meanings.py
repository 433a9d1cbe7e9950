"""Instrs' meanings as compilable functions: one per row and choice of types. Tests run them against the simulator."""

from __future__ import annotations

import re

from ...ir.types import ScalarType
from ..instr import Instr, Operand, dtype_of
from .memory import DIRECTIONS
from .tables import TYPES

PRELUDE = (
    """
typedef _Float16 half;
typedef __bf16 bfloat16_t;
"""
    + "enum mluMemcpyDirection_t { "
    + ", ".join(DIRECTIONS)
    + " };\n"
)


def result_of(row: Instr) -> Operand | None:
    """The operand that stands for the returned value, if the call returns one."""
    return next((o for o in row.operands if o.name == "return"), None)


def parameters(row: Instr) -> tuple[Operand, ...]:
    return tuple(o for o in row.operands if o.name != "return")


def function(row: Instr, chosen: dict[str, ScalarType], name: str) -> str:
    """The meaning as a C++ function called `name`, operands in call order."""
    result = result_of(row)
    kind = TYPES[dtype_of(result, chosen)] if result else "void"
    words = []
    for o in parameters(row):
        c = TYPES[dtype_of(o, chosen)]
        words.append(f"{'' if o.access != 'r' else 'const '}{c}* {o.name}" if o.memory else f"{c} {o.name}")
    types = "".join(f"  typedef {TYPES[t]} {n};\n" for n, t in chosen.items())
    body = re.sub(r"^", "  ", row.meaning, flags=re.M)
    return f"{kind} {name}({', '.join(words)}) {{\n{types}{body}\n}}\n"
