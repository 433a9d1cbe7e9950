"""Calls of instrs as text, by the templates of the platform's table."""

from __future__ import annotations

import re

from ..errors import UnsupportedError
from ..ir.nodes import AnyStmt, Binary, Block, Const, Expr, InstrCall, Load, Node, Ref, Store, Var
from ..ir.types import I64, U64
from ..ir.visit import walk
from .base import Platform
from .expr_text import ExprText
from .instr import Instr, Operand

_LAST = re.compile(r", \{(\w+)\}\)$")


def declarations(body: Block, platform: Platform) -> dict[str, tuple[str, int]]:
    """The declared type of every value that only instrs touch, and how many of its buffer's dimensions that covers."""
    out: dict[str, tuple[str, int]] = {}
    for n in walk(body):
        row = platform.instr(n.instr) if isinstance(n, InstrCall) else None
        if isinstance(n, InstrCall) and row is not None:
            for a, o in zip(n.args, row.operands, strict=True):
                if isinstance(a, Ref) and o.declared:
                    out.setdefault(a.buffer, (o.declared, len(o.shape)))
    return out


def instr_text(call: InstrCall, printer: ExprText) -> str:
    """The call as a statement. Raises UnsupportedError when the platform lacks the instr."""
    row = printer.p.instr(call.instr)
    if row is None:
        raise UnsupportedError.at(call, f"{printer.p.title} has no instruction {call.instr}")
    shown = {o.name: _result(a, o, printer) if o.name == row.result else _address(a, o, printer) if row.atomic else
             _operand(a, o, printer)
             for a, o in zip(call.args, row.operands, strict=True)}
    return _without_defaults(row, call).format(**shown) + ";"


def _without_defaults(row: Instr, call: InstrCall) -> str:
    """The row's text without the operands at its end that may stay unsaid."""
    text = row.text
    given = {o.name: (o, a) for o, a in zip(row.operands, call.args, strict=True)}
    while (last := _LAST.search(text)) is not None and last[1] in given:
        o, a = given[last[1]]
        if not o.default or not isinstance(a, Const) or int(a.value) != int(o.default):
            break
        text = text[:last.start()] + ")"
    return text


def result_of(call: InstrCall, platform: Platform) -> Ref | None:
    """The place that takes the value of the call, when it gives one."""
    row = platform.instr(call.instr)
    if row is None or row.result is None:
        return None
    place = call.args[[o.name for o in row.operands].index(row.result)]
    return place if isinstance(place, Ref) else None


def declares(call: AnyStmt, name: str, platform: Platform) -> bool:
    """Can `name` be declared where the call gives it its first value?"""
    place = result_of(call, platform) if isinstance(call, InstrCall) else None
    if place is None or place.buffer != name or not isinstance(call, InstrCall):
        return False
    return [n for a in call.args for n in walk(a) if mentions(n, name)] == [place]


def mentions(n: Node, buffer: str) -> bool:
    """Does this node touch the buffer?"""
    return isinstance(n, Ref | Load | Store) and n.buffer == buffer


def _result(a: Expr, o: Operand, printer: ExprText) -> str:
    """A place that an assignment has on its left."""
    if o.declared or not isinstance(a, Ref):
        return _operand(a, o, printer)
    return printer.place(a.buffer, a.indices, a.dtype)


def _operand(a: Expr, o: Operand, printer: ExprText) -> str:
    if not isinstance(a, Ref):
        return printer.expr(a, o.dtype if not isinstance(o.dtype, str) else None)
    if o.declared:
        return a.buffer + "".join(f"[{printer.expr(i)}]" for i in a.indices[:len(a.indices) - len(o.shape)])
    whole = printer.types.get(a.buffer, a.dtype) == a.dtype
    if len(a.indices) == 1 and whole:
        index = a.indices[0]
        if isinstance(index, Const) and index.value == 0:
            return a.buffer
        if _sum(index):
            return f"{a.buffer} + {printer.place('', a.indices, a.dtype)[1:-1]}"
    return "&" + printer.place(a.buffer, a.indices, a.dtype)


def _address(a: Expr, o: Operand, printer: ExprText) -> str:
    """An operand of an atomic: the one element, by its name. The functions are declared for (unsigned) long long, which the
    64-bit words of <cstdint> need not be."""
    if not isinstance(a, Ref):
        return _operand(a, o, printer)
    wide = {I64: "(long long*)", U64: "(unsigned long long*)"}.get(a.dtype, "")
    first = len(a.indices) == 1 and isinstance(a.indices[0], Const) and a.indices[0].value == 0
    whole = first and printer.types.get(a.buffer, a.dtype) == a.dtype
    return f"{wide}{a.buffer}" if whole else f"{wide}&{printer.place(a.buffer, a.indices, a.dtype)}"


def _sum(e: Expr) -> bool:
    """Does `p + e` read the same with e in brackets and without?"""
    if isinstance(e, Binary) and e.op in ("+", "*"):
        return e.op == "*" or (_sum(e.a) and _sum(e.b))
    return isinstance(e, Const | Var | Load)
