"""Which row copies between two memories, and what waits for it when it runs behind."""

from __future__ import annotations

from ..base import CopyRows
from .memory import DIRECTIONS, pipe, sides

_OURS = {"gdram": ("global",), "ldram": ("ldram", "local")}


def _rows(direction: str) -> CopyRows:
    plain, later = f"__memcpy.{direction}", f"__memcpy_async.{direction}"
    granule = 16 if "WRAM" in direction else 1
    return CopyRows(plain, plain, later, later, f"__sync_{pipe(direction)}", granule)


COPIES: dict[tuple[str, str], CopyRows] = {
    (s, d): _rows(direction)
    for direction in DIRECTIONS
    for s in _OURS.get(sides(direction)[0], (sides(direction)[0],))
    for d in _OURS.get(sides(direction)[1], (sides(direction)[1],))
}
