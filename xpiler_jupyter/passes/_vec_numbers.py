"""Extremes of floats among which there may be NaNs: what a loop makes of them, and how a row that folds a vector in an
order of its own gives the same.

Such a row only has one result when no element is NaN. A loop `if (x > m) m = x` and one with fmax pass over them, which
`x > -inf ? x : -inf` does in front of the row; what then comes out as -inf changes no maximum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..ir.types import BOOL
from ._assumed import NO_NAN, SOME
from ._vec_body import Assign
from ._vec_tree import Tree, const, make


def numbers(a: Assign) -> Iterator[tuple[Tree, Tree, str]]:
    """(what to fold, how the fold and the value before are put together, what that assumes) for a fold: forms that are
    right with NaN first, then the loop's own."""
    combine = a.combine
    assert combine is not None
    if a.fold not in ("max", "min") or not a.value.dtype.is_float:
        yield a.value, combine, ""
        return
    passes_over = combine.op in ("max", "min") or (combine.op == "select" and combine.args[1].op == "fold")
    if passes_over:
        least = const(-math.inf if a.fold == "max" else math.inf, a.value.dtype)
        clean = _choice(a.fold, a.value, least)
        if combine.op in ("max", "min"):  # where all is NaN, what was there before stays
            fold, acc = Tree("fold", combine.dtype), Tree("acc", combine.dtype)
            some = Tree("!=", BOOL, (fold, const(-math.inf if a.fold == "max" else math.inf, combine.dtype)))
            yield clean, Tree("select", combine.dtype, (some, combine, acc)), SOME
        else:
            yield clean, combine, ""
    yield a.value, combine, NO_NAN


def _choice(op: str, x: Tree, y: Tree) -> Tree:
    """`x > y ? x : y`, or the smaller one: y where x is NaN."""
    cond = make("<", BOOL, y, x) if op == "max" else make("<", BOOL, x, y)
    return Tree("select", x.dtype, (cond, x, y))
