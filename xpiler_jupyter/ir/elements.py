"""Loops over the elements of an array that a warp holds together, such as a fragment: which lane does which element is
nobody's business, so the loop runs once per warp, over all elements in row order.

    for (t < rows * columns) c[t / columns][t % columns] = ...
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from .build import div, integer, mod
from .nodes import Binary, Block, Const, Expr, For, Load, Node, Ref, Store, Var
from .visit import Rewriter, walk


def element_indices(t: Expr, shape: tuple[int, ...]) -> tuple[Expr, ...]:
    """The indices of element `t` of an array with two dimensions."""
    return div(t, integer(shape[1])), mod(t, integer(shape[1]))


def element_of(indices: tuple[Expr, ...]) -> str | None:
    """The variable whose element these (trailing) indices name."""
    x = indices[-1] if indices else None
    return x.a.name if isinstance(x, Binary) and x.op == "%" and isinstance(x.a, Var) else None


def is_element_loop(s: Node, arrays: Collection[str]) -> bool:
    """Does the loop go over the elements of one of these arrays?"""
    return isinstance(s, For) and any(
        isinstance(n, Load | Store) and n.buffer in arrays and element_of(n.indices) == s.var for n in walk(s.body))


def only_elements(s: For, arrays: Collection[str]) -> bool:
    """Is the loop's variable used for nothing but the elements of the arrays?"""
    inside = sum(2 for n in walk(s.body) if isinstance(n, Load | Store | Ref) and n.buffer in arrays
                 and element_of(n.indices) == s.var)
    return inside == sum(1 for n in walk(s.body) if isinstance(n, Var) and n.name == s.var)


def as_nest(s: For, arrays: Collection[str], names: tuple[str, str]) -> For:
    """The same over rows and columns."""
    columns = next(n.indices[-1].b for n in walk(s.body)  # type: ignore[union-attr]
                   if isinstance(n, Load | Store) and n.buffer in arrays and element_of(n.indices) == s.var)
    assert isinstance(columns, Const) and isinstance(s.hi, Const)
    row, column = Var(names[0], s.dtype), Var(names[1], s.dtype)

    class Put(Rewriter):
        def _place(self, node: Any) -> Any:
            if node.buffer not in arrays or element_of(node.indices) != s.var:
                return node
            return dataclasses.replace(node, indices=(*node.indices[:-2], row, column))

        visit_Load = visit_Store = _place

    body: Block = Put().visit(s.body)
    inner = dataclasses.replace(s, var=column.name, hi=columns, body=body, comments=())
    rows = Const(int(s.hi.value) // int(columns.value), s.dtype)
    return dataclasses.replace(s, var=row.name, hi=rows, body=Block((inner,)))
