"""Plain C/C++: one function with a C ABI, no axes; the meeting point of all directions."""

from __future__ import annotations

from pathlib import Path

from ...ir.nodes import Kernel
from .. import plain
from ..base import C_TYPES, Memory, Platform
from ..kernel_text import emit_kernel


def emit(kernel: Kernel) -> str:
    """The kernel as one extern "C" function."""
    return emit_kernel(kernel, PLATFORM)


PLATFORM = Platform(
    name="c",
    title="plain C",
    language="cpp",
    suffixes=(".c", ".cpp", ".cc", ".h"),
    axes=(),
    memories=(Memory("local", "", "thread", None), Memory("global", "", "grid", None)),
    lane_width=1,
    max_threads=1,
    kernel_qualifier="",
    barriers={},
    emit=emit,
    simulator=Path(__file__).parent / "sim.hpp",
    headers=plain.HEADERS,
    functions=plain.functions(),
    definitions=plain.definitions(C_TYPES),
    meeting_point=True,
)
