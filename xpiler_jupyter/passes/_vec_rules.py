"""Whether the rules of a row hold for the arguments of a call."""

from __future__ import annotations

import re
from functools import cache

from ..errors import XpilerError
from ..frontend.module import parse
from ..ir.algebra import Scope
from ..ir.nodes import Expr, If, const_bool
from ..ir.simplify import simplify_expr
from ..ir.types import ScalarType
from ..ir.visit import substitute, walk
from ..platforms import registry
from ..platforms.base import Platform
from ..platforms.instr import Instr


def broken_rule(row: Instr, scalars: dict[str, Expr], scope: Scope, platform: Platform) -> str | None:
    """The reason of the first rule that is not shown to hold where the scope's facts do, else None. A rule is a
    disjunction: what asks for an address counts as not shown."""
    types = tuple((o.name, o.dtype) for o in row.operands if not o.memory and isinstance(o.dtype, ScalarType))
    for text, reason in row.rules:
        if not any(_holds(part, types, scalars, scope, platform) for part in _parts(text)):
            return reason
    return None


def _parts(text: str) -> list[str]:
    """The sides of the outermost `||`."""
    out, depth, start = [], 0, 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and text[k:k + 2] == "||":
            out.append(text[start:k])
            start = k + 2
    return [*out, text[start:]]


def _holds(part: str, types: tuple[tuple[str, ScalarType], ...], scalars: dict[str, Expr], scope: Scope,
           platform: Platform) -> bool:
    for name, value in platform.predefined.items():
        part = re.sub(rf"\b{name}\b", str(value), part)
    cond = _condition(part.strip(), types)
    if cond is None:
        return False
    return scope.proves(simplify_expr(substitute(cond, scalars), scope)) is True


@cache
def _condition(text: str, types: tuple[tuple[str, ScalarType], ...]) -> Expr | None:
    """The rule as an expression over the operands' names; None when it asks for something that is no value here."""
    host = registry.meeting_point()
    params = ", ".join(f"{host.types[t]} {n}" for n, t in types)
    try:
        kernel = parse(f'extern "C" void rule({params}{", " if params else ""}int* out) {{ if ({text}) out[0] = 1; }}', host)
    except XpilerError:
        return None
    found = next((n.cond for n in walk(kernel.body) if isinstance(n, If)), None)
    if found is None:  # folded away: always or never
        return const_bool(bool(kernel.body.stmts))
    return found
