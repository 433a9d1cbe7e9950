"""`__float_to_tf32` as arithmetic on the bits: every platform has that.

Source: CUDA C++ Programming Guide, "Alternate Floating Point"; PTX, `cvt.rna.tf32.f32`: to the nearest value with 10 bits
of mantissa, ties away from zero. A NaN stays the NaN that it is.
"""

from __future__ import annotations

from tree_sitter import Node

from ..ir.build import binary
from ..ir.nodes import Block, Const, Expr, If, Load, Store
from ..ir.types import F32, U32
from .context import Context

NAME = "__float_to_tf32"
_HALF, _KEPT = 0x1000, 0xFFFFE000  # half of the last bit kept; the bits kept


def to_tf32(context: Context, node: Node, x: Expr) -> Load:
    """Emits the rounding of a float in front of the current statement; the rounded value."""
    context.need_hoisting(node, NAME)
    cell = context.cell("tf32", F32, x, node)
    value, bits = Load(cell.buffer, (), F32), Load(cell.buffer, (), U32)
    rounded = binary("&", binary("+", bits, Const(_HALF, U32)), Const(_KEPT, U32))
    context.emit(If(binary("==", value, value), Block((Store(cell.buffer, (), rounded, U32),))), node)
    return value
