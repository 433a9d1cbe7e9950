"""Meanings as the front end reads them, printed again as C: what Detensorize puts into a kernel. For tests."""

from __future__ import annotations

import re

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.instr import Instr


def body(row: Instr, name: str) -> str:
    """A concrete row's meaning through the IR: a C function of its operands, buffers as pointers, in the table's order."""
    host = registry.meeting_point()
    params = [f"{host.types[o.dtype]}{'*' if o.memory else ''} {o.name}" for o in row.operands]
    kernel = parse(f'extern "C" void {name}({", ".join(params) or "int* none"}) {{\n{row.meaning}\n}}', host)
    text = re.sub(r"^#include.*\n", "", host.emit(kernel), flags=re.M)
    return text.replace('extern "C" void', "static void", 1)
