"""A local array seen as elements of another size."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.types import ScalarType


@dataclass(frozen=True, slots=True)
class View:
    """`name` is `buffer` seen as elements of `dtype`; `at` is the offset in the text where it is first seen so."""

    buffer: str
    name: str
    dtype: ScalarType
    at: int
