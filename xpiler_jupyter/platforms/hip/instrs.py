"""Matrix-core instrs, lane by lane and as products of a wave's matrices; and what lanes do together otherwise."""

from __future__ import annotations

from ..instr import Instr
from . import fragments, mfma, warp

INSTRS: tuple[Instr, ...] = (*mfma.rows(), *fragments.rows(), *warp.instrs(64))
DEFINITIONS: dict[str, str] = {**mfma.vector_types(), **fragments.definitions(), **warp.definitions(64)}
# Devices with waves of 32 lanes have no such matrix cores.
INSTRS_32: tuple[Instr, ...] = warp.instrs(32)
DEFINITIONS_32: dict[str, str] = warp.definitions(32)
