"""Built-in names that are sums of axes, from the formula that the platform's table gives: `taskId` and the like."""

from __future__ import annotations

import ast
from collections.abc import Callable

from ..ir import build
from ..ir.nodes import Expr


def formula(text: str, name: Callable[[str], Expr]) -> Expr:
    """`text`, sums and products of names, with `name` saying what each stands for. Raises ValueError for anything else,
    which is a mistake in a table."""

    def read(e: ast.expr) -> Expr:
        if isinstance(e, ast.Name):
            return name(e.id)
        if isinstance(e, ast.Attribute) and isinstance(e.value, ast.Name):
            return name(f"{e.value.id}.{e.attr}")
        if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Add):
            return build.add(read(e.left), read(e.right))
        if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Mult):
            return build.mul(read(e.left), read(e.right))
        raise ValueError(f"{text!r} is no sum of products of names")

    return read(ast.parse(text, mode="eval").body)
