"""Cambricon BANG C. What it is as data stands in `tables.py`, its intrinsics in `instrs.py`."""

from __future__ import annotations

from pathlib import Path

from ...ir.nodes import Kernel
from ..base import C_TYPES, Platform
from ..concrete import Rows, concrete
from ..kernel_text import emit_kernel
from . import tables
from .copies import COPIES
from .instrs import INSTRS
from .typed import typed


def emit(kernel: Kernel) -> str:
    """The __mlu_global__ function and its host wrapper."""
    return emit_kernel(kernel, PLATFORM)


PLATFORM = Platform(
    name="bang",
    title="Cambricon BANG C",
    language="cpp",
    suffixes=tables.SUFFIXES,
    axes=tables.AXES,
    memories=tables.memories(),
    lane_width=1,
    max_threads=max(job.tasks for job in tables.API.jobs),
    kernel_qualifier=tables.KERNEL_QUALIFIER,
    barriers=tables.BARRIERS,
    emit=emit,
    simulator=Path(__file__).parent / "sim.hpp",
    api=tables.API,
    predefined=tables.predefined(),
    headers=tables.HEADERS,
    types=tables.TYPES,
    functions=tables.FUNCTIONS,
    markers=tables.MARKERS,
    derived=tables.DERIVED,
    usual=tables.USUAL,
    instrs=Rows(lambda: concrete(typed(INSTRS), C_TYPES)),
    copies=COPIES,
)
