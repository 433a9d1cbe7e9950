"""Loads and stores that say more than what they move (a hint for the caches), and functions that give two values."""

from __future__ import annotations

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Call, Const, Load
from ..ir.types import F32, F64
from .math_functions import is_trivial
from .records import Records
from .symbols import Bundle, Got, Place

LOADS = frozenset(("__ldg", "__ldca", "__ldcg", "__ldcs", "__ldcv", "__ldlu", "__builtin_nontemporal_load"))
STORES = frozenset(("__stcg", "__stcs", "__stwb", "__stwt"))
# Function -> the two that it stands for.
BOTH = {"sincosf": ("sin", "cos"), "sincos": ("sin", "cos"), "__sincosf": ("__sinf", "__cosf")}


MOVES = frozenset(("memcpy", "std::memcpy", "__builtin_memcpy"))
MOVED = 16  # elements that a move may have to be written out


def move(low: Records, node: Node, name: str, args: list[Node]) -> None:
    """`memcpy(&bits, &number, sizeof bits)`: elements of one size move, whatever their types are. Raises UnsupportedError
    for a longer move, or one between elements of different sizes."""
    if len(args) != 3:
        raise low.parse_error(node, f"{name} takes 3 arguments, not {len(args)}")
    target, source, size = low.pointer(args[0]), low.pointer(args[1]), low.folded(low.expr(args[2]))
    wide = target.dtype.bytes
    if not isinstance(size, Const) or wide != source.dtype.bytes or int(size.value) % wide or int(size.value) > MOVED * wide:
        raise low.unsupported(node, f"{name} in a kernel is supported for a few elements of one size", "Write the loop out.")
    for k in range(int(size.value) // wide):
        to, of = low.element(node, target, build.integer(k)), low.element(node, source, build.integer(k))
        if not isinstance(to, Load) or not isinstance(of, Load):
            raise low.unsupported(node, f"{name} of records is not supported", "Assign them.")
        stored = to.dtype
        low.store(Place(to.buffer, to.indices, stored), Load(of.buffer, of.indices, stored), node)


def hinted_access(low: Records, node: Node, name: str, args: list[Node]) -> Got | None:
    """The load's value; None for a store or a pair, which are emitted. Raises ParseError for arguments that do not fit."""
    want = 1 if name in LOADS else 2 if name in STORES else 3
    if len(args) != want:
        raise low.parse_error(node, f"{name} takes {want} argument{'s' if want > 1 else ''}, not {len(args)}")
    if name in LOADS:
        return low.element(node, low.pointer(args[0]), build.integer(0))
    if name in STORES:
        place = low.element(node, low.pointer(args[0]), build.integer(0))
        if isinstance(place, Bundle):
            places = tuple(Place(e.buffer, e.indices, e.dtype) for e in place.values if isinstance(e, Load))
            low.store_record(places, low.record_value(args[1], place.record), node)
        elif isinstance(place, Load):
            low.store(Place(place.buffer, place.indices, place.dtype), build.convert(low.expr(args[1]), place.dtype), node)
        else:
            raise low.parse_error(node, f"{name} stores one element")
        return None
    t = F64 if name == "sincos" else F32
    x = build.convert(low.expr(args[0]), t)
    if not is_trivial(x):
        low.need_hoisting(node, name)
        x = low.let("angle", x, node).expr
    for fn, a in zip(BOTH[name], args[1:], strict=True):
        place = low.element(node, low.pointer(a), build.integer(0))
        if not isinstance(place, Load):
            raise low.parse_error(node, f"{name} gives two numbers")
        low.store(Place(place.buffer, place.indices, place.dtype), build.convert(Call(fn, (x,), t), place.dtype), node)
    return None
