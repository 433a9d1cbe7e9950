"""What a choice of intrinsics may take for granted of the values that a kernel computes with, and the word that tells the
judge so (`ir.narrow`). Where hardware treats a NaN otherwise than the source and no sequence does it right, the port says
what it assumes, and the tests keep to it."""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import narrow

NO_NAN, FINITE = "no value is NaN", "every value is finite"
# fmax over nothing but NaN and the infinity that every number beats: whether there was a number is not known any more.
SOME = "where all values before were NaN, a maximum or minimum is not over NaN and infinity alone"
_TESTED = (NO_NAN, FINITE)


def assumed(notes: Iterable[str]) -> tuple[str, ...]:
    """Those of the notes that are assumptions about values."""
    given = {part for n in notes for part in n.split("; ")}
    return tuple(a for a in (*_TESTED, SOME) if a in given)


def uses(notes: Iterable[str]) -> tuple[str, ...]:
    """The words by which the judge's inputs keep to what the notes assume."""
    return (narrow.FINITE,) if set(assumed(notes)) & set(_TESTED) else ()
