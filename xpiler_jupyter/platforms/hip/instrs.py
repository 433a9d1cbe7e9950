"""Matrix-core instrs, lane by lane and as products of a wave's matrices; and what lanes do together otherwise."""

from __future__ import annotations

from ..instr import Instr
from . import fragments, mfma, warp

INSTRS: tuple[Instr, ...] = (*mfma.rows(), *fragments.rows(), *warp.instrs(64))
DEFINITIONS: dict[str, str] = {**mfma.vector_types(), **fragments.definitions(), **warp.definitions(64)}
