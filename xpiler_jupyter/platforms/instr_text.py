"""Calls of instrs as text, by the templates of the platform's table."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..ir.nodes import Binary, Block, Const, Expr, InstrCall, Load, Ref, Var
from ..ir.visit import walk
from .base import Platform
from .expr_text import ExprText
from .instr import Operand


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
    return row.text.format(**{o.name: _operand(a, o, printer) for a, o in zip(call.args, row.operands, strict=True)}) + ";"


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


def _sum(e: Expr) -> bool:
    """Does `p + e` read the same with e in brackets and without?"""
    if isinstance(e, Binary) and e.op in ("+", "*"):
        return e.op == "*" or (_sum(e.a) and _sum(e.b))
    return isinstance(e, Const | Var | Load)
