"""Cambricon BANG C. What it is as data stands in `tables.py`, its intrinsics in `instrs.py`.

Its variants, `bang@mtp_372` or `bang@flat`: another architecture has other memories and perhaps fewer intrinsics, and
the tolerant simulator does not check operands.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ...ir.nodes import Kernel
from .. import plain
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
    completes=("__sync", "__sync_cluster", "__sync_all"),
    emit=emit,
    simulator=Path(__file__).parent / "sim.hpp",
    api=tables.API,
    predefined=tables.predefined(),
    headers=tables.HEADERS,
    types=tables.TYPES,
    functions=tables.FUNCTIONS,
    definitions=plain.definitions(tables.TYPES, "__mlu_func__"),
    markers=tables.MARKERS,
    derived=tables.DERIVED,
    usual=tables.USUAL,
    instrs=Rows(lambda: concrete(typed(INSTRS), C_TYPES)),
    copies=COPIES,
    switches={**{a: f"architecture {a}" for a in tables.ARCHS}, "flat": "the tolerant simulator"},
)


def variant(switches: tuple[str, ...]) -> Platform:
    """The platform with these of its switches on. Raises UsageError for two architectures."""
    archs = [w for w in dict.fromkeys(switches) if w in tables.ARCHS]
    if len(archs) > 1:
        raise UsageError(f"{archs[0]} or {archs[1]}: which architecture?")
    arch = archs[0] if archs else tables.DEFAULT_ARCH
    other, flat = arch != tables.DEFAULT_ARCH, "flat" in switches
    if not other and not flat:
        return PLATFORM
    return replace(
        PLATFORM,
        name="@".join((PLATFORM.name, *([arch] if other else []), *(["flat"] if flat else []))),
        title=f"{PLATFORM.title}{f' for {arch}' if other else ''}{' (tolerant)' if flat else ''}",
        memories=tables.memories(arch),
        predefined=tables.predefined(arch),
        simulator=PLATFORM.simulator.with_name("sim_flat.hpp" if flat else "sim.hpp"),
        defines=(f"-DXRT_BANG_ARCH={tables.ARCHS[arch].number}",),
        instrs=Rows(lambda: tuple(r for r in PLATFORM.instrs if not r.arch or arch in r.arch)),
    )
