"""Atomic updates and memory fences, as rows that the SIMT platforms share.

A row's meaning is what one thread alone would do: read, change, write. Where threads run one after the other that is
all there is to an atomic; where they run at once, it stays the call. Every operation stands in two rows: as a statement,
and with the value from before that it gives.

Source: CUDA C++ Programming Guide, "Atomic Functions" and "Memory Fence Functions"; HIP names them alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..ir.types import F32, F64, I32, I64, U32, U64, ScalarType
from .instr import Instr, Operand

MEMORIES = ("global", "shared")
_ATOMICS = 'CUDA C++ Programming Guide, "Atomic Functions"'
_FENCES = 'CUDA C++ Programming Guide, "Memory Fence Functions"'


@dataclass(frozen=True, slots=True)
class _Operation:
    """`update` is what becomes of `p[0]`, operands `v` (and `expected` in front of it, which is compared)."""

    word: str
    doc: str
    update: str
    types: tuple[ScalarType, ...]
    compares: bool = False
    exact: bool = True


_BITS = (I32, U32, U64)
_OPERATIONS = (
    _Operation("atomicAdd", "Adds v to the element.", "p[0] = p[0] + v;", (*_BITS, F32, F64)),
    _Operation("atomicSub", "Subtracts v from the element.", "p[0] = p[0] - v;", (I32, U32)),
    _Operation("atomicMin", "The element becomes the smaller of itself and v.", "p[0] = std::min(p[0], v);", (*_BITS, I64)),
    _Operation("atomicMax", "The element becomes the larger of itself and v.", "p[0] = std::max(p[0], v);", (*_BITS, I64)),
    _Operation("atomicAnd", "The element becomes the bits that it and v have.", "p[0] = p[0] & v;", _BITS),
    _Operation("atomicOr", "The element becomes the bits that it or v has.", "p[0] = p[0] | v;", _BITS),
    _Operation("atomicXor", "The element becomes the bits that just one of it and v has.", "p[0] = p[0] ^ v;", _BITS),
    _Operation("atomicExch", "The element becomes v.", "p[0] = v;", (*_BITS, F32)),
    _Operation("atomicInc", "Counts up to v, then from 0 again.", "p[0] = p[0] >= v ? 0u : p[0] + 1u;", (U32,)),
    _Operation("atomicDec", "Counts down to 0, then from v again.", "p[0] = p[0] == 0u || p[0] > v ? v : p[0] - 1u;", (U32,)),
    _Operation("atomicCAS", "The element becomes v if it is as expected.", "p[0] = p[0] == expected ? v : p[0];", _BITS, True),
)
# The scope of an update; one of a block may as well be one of the device, which more threads see.
SYNONYMS = {f"{o.word}_block": o.word for o in _OPERATIONS}


def _rows(o: _Operation, t: ScalarType) -> Iterator[Instr]:
    place = Operand("p", t, MEMORIES, "rw", extent="1")
    values = (*((Operand("expected", t),) if o.compares else ()), Operand("v", t))
    said = ", ".join("{" + x.name + "}" for x in (place, *values))
    for scope in ("", "_system"):
        doc = o.doc + (" The host and other devices see it as one step, too." if scope else "")
        name = f"{o.word}{scope}.{t}"
        yield Instr(name, doc, (place, *values), o.update, overlap="any", atomic=True, source=_ATOMICS,
                    template=f"{o.word}{scope}({said})")
        old = Operand("old", t, ("local", *MEMORIES), "w", extent="1")
        yield Instr(f"{name}.old", doc + " Gives its value from before.", (old, place, *values), f"old[0] = p[0];\n{o.update}",
                    overlap="any", atomic=True, source=_ATOMICS, template=f"{{old}} = {o.word}{scope}({said})")


def rows(more: Mapping[str, tuple[ScalarType, ...]]) -> tuple[Instr, ...]:
    """All rows of a platform; `more` are the types that an operation has there beside those that it has everywhere."""
    made = [row for o in _OPERATIONS for t in (*o.types, *more.get(o.word, ())) for row in _rows(o, t)]
    fences = {"": "of the device", "_block": "of the block", "_system": "of the device and the host"}
    for tail, who in fences.items():
        doc = f"What this thread wrote before is seen by all threads {who} before what it writes after."
        made.append(Instr(f"__threadfence{tail}", doc, (), "", atomic=True, source=_FENCES, template=f"__threadfence{tail}()"))
    return tuple(made)

