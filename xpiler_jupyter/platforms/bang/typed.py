"""The rows as a kernel's IR has them: every pointer typed, every direction of a copy a word of the call, results stored.

The tables state what the simulator checks, in the guide's terms: copies count bytes, `dir` is an operand, a returned
value is an operand called "return". A kernel's text has more to say: its pointers have element types, and what a call
returns goes somewhere. Rows here differ from the tables' in these three things and in nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ...ir.types import BF16, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from ..instr import Instr, Operand

# A copy moves whole elements of any type.
ELEMENTS: tuple[ScalarType, ...] = (F32, F16, BF16, I8, U8, I16, U16, I32, U32, F64, I64, U64)
# Where the memory of a table's word lies for a kernel: parameters are in DRAM, plain local arrays in LDRAM.
_MEMORIES = {"gdram": ("global",), "ldram": ("ldram", "local")}
_STRIDED = re.compile(r"\b((?:dst_|src_)?stride[01]?)\b")


def typed(rows: Iterable[Instr]) -> tuple[Instr, ...]:
    """Every row in the form that kernels use, in the tables' order."""
    return tuple(_row(row) for row in rows)


def _row(row: Instr) -> Instr:
    row = _placed(row)
    if any(o.name == "dir" for o in row.operands):
        return _copy(row)
    if row.name == "__bang_move":
        return _in_elements(row, row.operands, "")
    if any(o.name == "return" for o in row.operands):
        return _stored(row)
    return _fill(row)


def _placed(row: Instr) -> Instr:
    def memories(o: Operand) -> tuple[str, ...]:
        return tuple(m for word in o.memory for m in _MEMORIES.get(word, (word,)))

    return replace(row, operands=tuple(replace(o, memory=memories(o)) for o in row.operands))


def _copy(row: Instr) -> Instr:
    """`dir` is a word of the call: it names the row."""
    direction = next(c.removeprefix("dir == ") for c, _ in row.rules if c.startswith("dir == "))
    operands = tuple(o for o in row.operands if o.name != "dir")
    words = [direction if o.name == "dir" else "{" + o.name + "}" for o in row.operands]
    kept = replace(row, rules=tuple(r for r in row.rules if not r[0].startswith("dir == ")))
    named = _in_elements(kept, operands, f"{row.name}({', '.join(words)})")
    return replace(named, name=f"{row.name}.{direction}")


def _in_elements(row: Instr, operands: tuple[Operand, ...], template: str) -> Instr:
    """Bytes become elements of T: the sizes of the call stay in bytes, the meaning divides."""

    def elements(text: str) -> str:
        text = re.sub(r"\bsize\b", "(size / sizeof(T))", text)
        return _STRIDED.sub(lambda m: f"({m[1]} / ({_sign(row, m[1])})sizeof(T))", text)

    strides = [o.name for o in operands if _STRIDED.fullmatch(o.name)]
    whole = tuple((f"{n} % ({_sign(row, n)})sizeof(T) == 0", f"{n} must be whole elements") for n in ("size", *strides))
    return replace(
        row,
        operands=tuple(replace(o, dtype="T", extent=elements(o.extent), untyped=True) if o.memory else o for o in operands),
        meaning=elements(row.meaning),
        types={"T": ELEMENTS},
        rules=(*row.rules, *whole),
        template=template,
    )


def _sign(row: Instr, name: str) -> str:
    dtype = next(o.dtype for o in row.operands if o.name == name)
    return "unsigned int" if dtype == U32 else "int"


def _stored(row: Instr) -> Instr:
    """A returned value goes to the first operand, a scalar of the kernel."""
    dtype = next(o.dtype for o in row.operands if o.name == "return")
    others = tuple(o for o in row.operands if o.name != "return")
    result = Operand("result", dtype, ("local",), "w", extent="1")
    template = f"{{result}} = {row.name}({', '.join('{' + o.name + '}' for o in others)})"
    return replace(row, operands=(result, *others), meaning=row.meaning.replace("return ", "result[0] = "),
                   template=template)


def _fill(row: Instr) -> Instr:
    """Fills take a void pointer: the type of the value says how wide an element is."""
    if not row.assumption.startswith("dst is a void pointer"):
        return row
    return replace(row, operands=tuple(
        replace(o, selects=o.name == "value", untyped=bool(o.memory)) for o in row.operands))
