"""Two texts behind one C function: which buffer and which scalar of the one is which of the other."""

from __future__ import annotations

from typing import Any

from ..ir.nodes import Param
from .numbers import dtype_of
from .subject import Subject


class Mismatch(Exception):
    """A candidate that is wrong, in its interface or on one input; `data` holds the evidence."""

    def __init__(self, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.data = data or {}


def paired_buffers(mine: Subject, theirs: Subject) -> list[tuple[Param, Param]]:
    """(my pointer, the other's pointer): by position in the C ABI; by name when just one of the two is a bare device
    kernel with the same names. Raises Mismatch."""
    own, other = mine.pointers, theirs.pointers
    if len(own) != len(other):
        raise Mismatch(f"{mine.entry_name} takes {len(own)} buffers, the source takes {len(other)}")
    bare = [s.launched and not s.names for s in (mine, theirs)]
    if bare[0] != bare[1] and {p.name for p in own} == {p.name for p in other}:
        by_name = {p.name: p for p in other}
        pairs = [(p, by_name[p.name]) for p in own]
    else:
        by_slot = {theirs.slot(p): p for p in other}
        pairs = [(p, by_slot[mine.slot(p)]) for p in own if mine.slot(p) in by_slot]
        if len(pairs) != len(own):
            raise Mismatch("the buffers of the two kernels do not correspond")
    for a, b in pairs:
        if dtype_of(a.dtype) != dtype_of(b.dtype):
            raise Mismatch(f"parameter {a.name} is {a.dtype}*, the source's {b.name} is {b.dtype}*")
    return pairs


def paired_scalars(mine: Subject, theirs: Subject) -> dict[str, str]:
    """My scalars -> the other's: by name, else by position. Raises Mismatch."""
    names = [p.name for p in theirs.scalars]
    out: dict[str, str] = {}
    for i, p in enumerate(mine.scalars):
        if p.name not in names and i >= len(names):
            raise Mismatch(f"the candidate's scalar {p.name} has no counterpart in the source")
        out[p.name] = p.name if p.name in names else names[i]
    return out
