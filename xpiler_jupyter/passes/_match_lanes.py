"""What a warp does together, all of its lanes must come to, with the same operands."""

from __future__ import annotations

from ..dataflow.uniform import Uniformity
from ..ir.nodes import Const, Expr, For, If, InstrCall, Kernel, Node, While
from ..ir.visit import children, walk
from ..platforms.instr import Instr
from ._axes import axis_nest
from ._match_tree import NoMatchError


def check_together(kernel: Kernel, loop: For, row: Instr, call: InstrCall) -> None:
    """Raises NoMatchError unless all lanes of each warp are shown to make the call together. A kernel without block axes
    has no lanes yet."""
    nest = axis_nest(kernel)
    if row.lanes == 1 or not nest.block:
        return
    x = nest.block[-1]
    size = x.hi.value if isinstance(x.hi, Const) else None
    if size is None or int(size) % row.lanes:
        raise NoMatchError(f"{row.word} is run by {row.lanes} lanes together, and {x.var} is not shown to be whole groups of "
                           "them")
    uniform = Uniformity(nest.body, [x.var], groups={x.var: row.lanes})
    if not all(uniform.expr(a) for a in call.args):
        raise NoMatchError(f"the operands of {row.word} are not shown to be the same for all {row.lanes} lanes")
    if not all(uniform.expr(e) for e in _conditions(nest.body, loop)):
        raise NoMatchError(f"not all {row.lanes} lanes are shown to come to {row.word} together")


def _conditions(node: Node, loop: For) -> list[Expr]:
    """What decides whether and how often the loop is come to: conditions and bounds around it."""
    out: list[Expr] = []
    for c in children(node):
        if c is not loop and any(n is loop for n in walk(c)):
            if isinstance(c, If | While):
                out.append(c.cond)
            elif isinstance(c, For):
                out += [c.lo, c.hi, c.step]
            out += _conditions(c, loop)
    return out
