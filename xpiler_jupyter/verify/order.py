"""Atomic updates that let the order of threads be seen."""

from __future__ import annotations

from ..dataflow.dependences import reduction
from ..ir.nodes import Kernel, Store
from ..ir.visit import walk

REVEALS = "which value from before a thread gets from this atomic update, or what it leaves, is a matter of their order"


def revealing(kernel: Kernel) -> Store | None:
    """The first part of an atomic update whose outcome follows the order of its threads even where its terms are integers:
    the value from before is kept, or the operation does not commute. Updates must be written out (`with_meanings`)."""
    return next((n for n in walk(kernel.body) if isinstance(n, Store) and n.atomic and reduction(n) is None), None)
