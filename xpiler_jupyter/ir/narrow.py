"""Narrower number types that a person may allow a port to compute in: `--allow int8,fp16,tf32`.

A port keeps the source's types. Matrix units are often only there for narrower ones; a pass may use them when the person
said so, and the verdict then names what has to hold. This table says which types each word covers and what it costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from ..errors import UsageError
from .types import F16, F32, F64, I8, I16, I32, I64, ScalarType


@dataclass(frozen=True, slots=True)
class Narrow:
    """One word of `--allow`.

    Attributes:
        name: the word.
        into: the type that operands are converted to. tf32 lives in a float whose last 13 bits are ignored.
        sources: types that may be converted.
        sums: the type that products are added up in.
        digits: significant binary digits of an operand, its leading one included.
        rounding: largest relative error of one converted value; 0 when the assumption leaves nothing to round.
    """

    name: str
    into: ScalarType
    sources: tuple[ScalarType, ...]
    sums: ScalarType
    digits: int
    rounding: float

    def assumption(self, buffers: Iterable[str]) -> str:
        """What must hold for the inputs named, as a sentence on the verdict."""
        names = ", ".join(buffers) or "the inputs"
        if self.into == I8:
            return f"values of {names} are integers in [-128, 127]"
        return f"values of {names} are representable in {self.name}; products are computed in {self.name}"


INT8 = Narrow("int8", I8, (F64, F32, F16, I64, I32, I16), I32, 8, 0.0)
FP16 = Narrow("fp16", F16, (F64, F32), F32, 11, 2.0**-11)
TF32 = Narrow("tf32", F32, (F64, F32), F32, 11, 2.0**-11)
NARROW: dict[str, Narrow] = {n.name: n for n in (INT8, FP16, TF32)}
FINITE = "finite"  # no word of `--allow`: what a pass says when its kernel is only right for numbers, not for NaN


def checked(words: Iterable[str]) -> tuple[str, ...]:
    """`words` without repeats, in the table's order. Raises UsageError for a word that is not in the table."""
    given = [w.strip().lower() for w in words if w.strip()]
    for w in given:
        if w not in NARROW:
            near = get_close_matches(w, NARROW, n=1, cutoff=0.5)
            raise UsageError(f"--allow {w}: there is no such type" + (f"; did you mean {near[0]}?" if near else ""),
                             hint=f"Known: {', '.join(NARROW)}.")
    return tuple(n for n in NARROW if n in given)


def used(words: Iterable[str]) -> tuple[str, ...]:
    """What passes made use of: words of the table, and FINITE, without repeats, in a fixed order."""
    given = list(words)
    return (*checked(w for w in given if w != FINITE), *((FINITE,) if FINITE in given else ()))


def split(words: str | Iterable[str]) -> tuple[str, ...]:
    """`"int8,fp16"`, or several such, as checked words. Raises UsageError."""
    parts = [words] if isinstance(words, str) else words
    return checked(w for part in parts for w in part.split(","))
