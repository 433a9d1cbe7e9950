"""All instrs of AVX-512 and its forerunners that kernels use, from the files of this folder, one per family."""

from __future__ import annotations

from ..instr import Instr
from . import arithmetic, compare, convert, integer, memory, reduce, shuffle, vnni
from . import set as sets

FAMILIES: dict[str, tuple[Instr, ...]] = {
    "memory": memory.INSTRS,
    "set": sets.INSTRS,
    "arithmetic": arithmetic.INSTRS,
    "integer": integer.INSTRS,
    "vnni": vnni.INSTRS,
    "compare": compare.INSTRS,
    "convert": convert.INSTRS,
    "shuffle": shuffle.INSTRS,
    "reduce": reduce.INSTRS,
}
INSTRS: tuple[Instr, ...] = tuple(i for rows in FAMILIES.values() for i in rows)
BY_NAME: dict[str, Instr] = {i.name: i for i in INSTRS}
