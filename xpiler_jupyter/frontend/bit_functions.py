"""Functions on the bits of an integer: how many are set, where the first is, in the opposite order.

Source: CUDA C++ Programming Guide, "Integer Intrinsics"; HIP names them alike. What they give is an int; `__clz(0)` is the
number of bits, `__ffs(0)` is 0.
"""

from __future__ import annotations

from tree_sitter import Node

from ..ir.build import binary, convert
from ..ir.nodes import Call, Const, Expr
from ..ir.types import I32, I64, U32, U64, ScalarType
from .context import Context
from .math_functions import is_trivial

# Word of a text -> canonical name, type of its argument.
_COUNTS: dict[str, tuple[str, ScalarType]] = {
    "__popc": ("popc", U32), "__builtin_popcount": ("popc", U32),
    "__popcll": ("popcll", U64), "__builtin_popcountll": ("popcll", U64), "__builtin_popcountl": ("popcll", U64),
    "__ffs": ("ffs", I32), "__builtin_ffs": ("ffs", I32), "__ffsll": ("ffsll", I64), "__builtin_ffsll": ("ffsll", I64),
    "__clz": ("clz", I32), "__clzll": ("clzll", I64),
}
_REVERSED = {"__brev": U32, "__brevll": U64}


def is_bit_function(name: str) -> bool:
    """Does `bit_call` know the name?"""
    return name in _COUNTS or name in _REVERSED


def bit_call(context: Context, node: Node, name: str, args: list[Expr]) -> Expr:
    """The call as IR. Raises UnsupportedError for a reversal where no statement can stand in front, and ParseError for a
    wrong number of arguments."""
    if len(args) != 1:
        raise context.parse_error(node, f"{name} takes one argument")
    if name in _COUNTS:
        fn, dtype = _COUNTS[name]
        return Call(fn, (convert(args[0], dtype),), I32)
    return _reversed(context, node, convert(args[0], _REVERSED[name]))


def _reversed(context: Context, node: Node, x: Expr) -> Expr:
    """Neighbouring bits change places, then pairs of them, and so on."""
    bits, whole = x.dtype.bits, (1 << x.dtype.bits) - 1
    if not is_trivial(x):
        context.need_hoisting(node, "a reversal of bits")
        x = context.let("bits", x, node).expr
    step = 1
    while step < bits:
        low = Const(whole // ((1 << step) + 1), x.dtype)  # every other group of `step` bits
        right = binary("&", binary(">>", x, Const(step, I32)), low)
        x = binary("|", right, binary("<<", binary("&", x, low), Const(step, I32)))
        step *= 2
        if step < bits:
            context.need_hoisting(node, "a reversal of bits")
            x = context.let("bits", x, node).expr
    return x
