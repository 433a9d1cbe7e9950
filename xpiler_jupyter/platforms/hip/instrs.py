"""Matrix-core instrs: the builtins lane by lane, and the same as products of a wave's matrices."""

from __future__ import annotations

from ..instr import Instr
from . import fragments, mfma

INSTRS: tuple[Instr, ...] = (*mfma.rows(), *fragments.rows())
DEFINITIONS: dict[str, str] = {**mfma.vector_types(), **fragments.definitions()}
