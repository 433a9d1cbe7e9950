"""C with AVX-512/VNNI intrinsics and OpenMP threads. Its tables stand in `tables.py`, its intrinsics in `instrs.py`."""

from __future__ import annotations

from pathlib import Path

from ...ir.nodes import Kernel
from .. import plain
from ..base import Platform
from ..concrete import Rows
from ..kernel_text import emit_kernel
from . import tables
from .instrs import INSTRS
from .registers import values


def emit(kernel: Kernel) -> str:
    """The kernel as one extern "C" function."""
    return emit_kernel(kernel, PLATFORM)


PLATFORM = Platform(
    name="vnni",
    title="C with AVX-512/VNNI",
    language="cpp",
    suffixes=tables.SUFFIXES,
    axes=(),
    memories=tables.MEMORIES,
    lane_width=1,
    max_threads=1,
    kernel_qualifier="",
    barriers={},
    emit=emit,
    simulator=Path(__file__).parent / "sim.hpp",
    headers={**plain.HEADERS, **tables.HEADERS},
    types=tables.TYPES,
    type_names=tables.MASKS,
    vectors={v.word: v.bytes for v in tables.VECTORS.values()},
    functions=plain.functions(),
    definitions=plain.definitions(tables.TYPES),
    markers=tables.MARKERS,
    weak_markers=tables.WEAK_MARKERS,
    loop_axis=tables.LOOP_AXIS,
    expects="AVX-512",
    predefined=tables.CONSTANTS,
    native_flags=tables.NATIVE_FLAGS,
    native_cpu=tables.NATIVE_CPU,
    instrs=Rows(lambda: values(INSTRS)),
    variants=r"^_mm(?:256|512)?_|(?<=_)maskz?3?_",
)
