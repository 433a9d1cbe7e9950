"""The matrix units of a platform, read off its table: which rows fill, load, multiply and store fragments together."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from ..errors import XpilerError
from ..frontend.meanings import row_statements
from ..ir.affine import affine
from ..ir.algebra import Scope
from ..ir.nodes import Load, Store, Var
from ..ir.types import ScalarType
from ..ir.visit import walk
from ..platforms import registry
from ..platforms.instr import Instr, Operand


@dataclass(frozen=True, slots=True)
class MatrixUnit:
    """One `d = a * b + c` of a warp, with what moves its fragments. Operands: `multiply` has d, a, b, c in this order;
    `fill` and `load_*` have the fragment first; `store` has the memory first. `load_*` and `store` are by layout: "row"
    when the elements of a row are neighbours in memory, "col" when those of a column are."""

    multiply: Instr
    shape: tuple[int, int, int]
    factors: tuple[ScalarType, ScalarType]
    sums: ScalarType
    fill: Instr
    load_a: Instr
    load_b: Instr
    layouts: tuple[str, str]
    load_c: dict[str, Instr] = field(hash=False)
    store: dict[str, Instr] = field(hash=False)


@cache
def matrix_units(platform: str) -> tuple[MatrixUnit, ...]:
    """All that the platform's table has, in its order."""
    collective = [r for r in registry.get(platform).instrs if r.lanes > 1]
    loads: dict[str, dict[str, Instr]] = {}
    stores: dict[str, dict[str, Instr]] = {}
    fills: dict[str, Instr] = {}
    for row in collective:
        shaped = [o for o in row.operands if o.shape]
        memory = [o for o in row.operands if o.memory and not o.shape]
        if len(shaped) != 1:
            continue
        layout = _layout(row, shaped[0]) if memory else None
        if not memory and shaped[0].access == "w":
            fills.setdefault(shaped[0].declared, row)
        elif layout and shaped[0].access == "w":
            loads.setdefault(shaped[0].declared, {})[layout] = row
        elif layout:
            stores.setdefault(shaped[0].declared, {})[layout] = row
    out = []
    for row in collective:
        if len(row.operands) < 4 or not all(o.shape for o in row.operands[:4]):
            continue
        d, a, b, c = row.operands[:4]
        if a.declared not in loads or b.declared not in loads or c.declared not in fills or d.declared not in stores:
            continue
        for la, load_a in loads[a.declared].items():
            for lb, load_b in loads[b.declared].items():
                out.append(MatrixUnit(row, (a.shape[0], b.shape[1], a.shape[1]), (_type(a), _type(b)), _type(c),
                                      fills[c.declared], load_a, load_b, (la, lb), loads.get(c.declared, {}),
                                      stores[d.declared]))
    return tuple(out)


def _type(o: Operand) -> ScalarType:
    assert isinstance(o.dtype, ScalarType)
    return o.dtype


def _layout(row: Instr, fragment: Operand) -> str | None:
    """How the matrix lies in memory whose lines are `ld` apart; None for a row that moves something else."""
    scalars = [o.name for o in row.operands if not o.memory and not o.shape]
    if len(scalars) != 1:
        return None
    try:
        stmts = row_statements(row)
    except XpilerError:
        return None
    for n in (n for s in stmts for n in walk(s) if isinstance(n, Store)):
        other = next((x for x in walk(n.value) if isinstance(x, Load)), None)
        if other is None:
            return None
        inside, outside = (n, other) if n.buffer == fragment.name else (other, n)
        if inside.buffer != fragment.name or len(inside.indices) != 2 or len(outside.indices) != 1:
            return None
        i, j = inside.indices
        if not isinstance(i, Var) or not isinstance(j, Var):
            return None
        form = affine(outside.indices[0], [i.name, j.name])
        if form is None:
            return None
        ld = Scope().poly(Var(scalars[0]))
        if form[i.name] == ld and form.stride(j.name) == 1:
            return "row"
        if form[j.name] == ld and form.stride(i.name) == 1:
            return "col"
    return None
