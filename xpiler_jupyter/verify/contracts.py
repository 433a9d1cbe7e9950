"""Conditions over sizes that callers keep (`Kernel.assume`): which choices of sizes meet them."""

from __future__ import annotations

import numpy as np

from ..ir.nodes import Binary, Cast, Const, Expr, Kernel, Unary
from ..ir.visit import walk
from .footprint import evaluate
from .interval import Bound

_COMPARE = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal}


def holds(e: Expr, known: dict[str, Bound]) -> Bound:
    """1 where the condition holds, 0 where it does not, NaN where the names in it are not known."""
    if isinstance(e, Cast):
        return holds(e.x, known)
    if isinstance(e, Unary) and e.op == "!":
        return 1.0 - np.asarray(holds(e.x, known), dtype=float)
    if isinstance(e, Binary) and e.op in ("&&", "||"):
        a, b = holds(e.a, known), holds(e.b, known)
        return np.minimum(a, b) if e.op == "&&" else np.maximum(a, b)
    if isinstance(e, Binary) and e.op in _COMPARE:
        a, b = np.broadcast_arrays(evaluate(e.a, known), evaluate(e.b, known))
        told = ~(np.isnan(a) | np.isnan(b))
        return np.where(told, _COMPARE[e.op](a, b).astype(float), np.nan)
    value = np.asarray(evaluate(e, known), dtype=float)
    return np.where(np.isnan(value), np.nan, (value != 0).astype(float))


def broken(kernel: Kernel, known: dict[str, Bound]) -> Bound:
    """How many of the kernel's conditions do not hold for these sizes (or each of them, for arrays of choices)."""
    total: Bound = 0.0
    for e in kernel.assume:
        total = total + np.nan_to_num(1.0 - np.asarray(holds(e, known), dtype=float), nan=0.0)
    return total


def moduli(kernel: Kernel) -> list[int]:
    """Positive numbers that the conditions speak of: sizes are best chosen around them."""
    found = dict.fromkeys(int(n.value) for e in kernel.assume for n in walk(e)
                          if isinstance(n, Const) and n.dtype.is_integer and n.dtype.bits > 1)
    return [v for v in found if v > 0]
