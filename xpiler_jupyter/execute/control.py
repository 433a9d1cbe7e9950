"""The shared memory of one run as Python sees it: `struct Control` of runtime/xrt.h, field by field."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

IN = struct.Struct("<6I3Q10Id")
OUT = struct.Struct("<2I2i5Q4I10Id256s2I")
ARG = struct.Struct("<4Qqd40s")
ALLOC = struct.Struct("<4Q2I40s")
MAX_ARGS, MAX_ALLOCS = 64, 256
ARGS_AT = IN.size + OUT.size
ALLOCS_AT = ARGS_AT + MAX_ARGS * ARG.size
CONTROL_BYTES = (ALLOCS_AT + MAX_ALLOCS * ALLOC.size + 4095) // 4096 * 4096
SPACES = {1: "host", 2: "device", 3: "managed", 4: "shared", 5: "freed", 6: "heap"}


@dataclass(slots=True)
class Buffer:
    """A buffer as it lay in the worker's memory."""

    name: str
    lo: int
    hi: int
    page_lo: int
    page_hi: int
    space: str


@dataclass(slots=True)
class Report:
    """What the runtime left behind."""

    state: int
    kind: int
    line: int
    line2: int
    pc: int
    addr: int
    image: int
    a: int
    b: int
    signal: int
    write: int
    in_kernel: int
    fast_fault: int
    block: tuple[int, int, int]
    thread: tuple[int, int, int]
    thread2: tuple[int, int, int]
    launches: int
    seconds: float
    text: str
    buffers: list[Buffer]


def read_report(memory: Any) -> Report:
    """Unpacks the output half of the control block."""
    v = OUT.unpack_from(memory, IN.size)
    buffers = []
    for k in range(min(v[-2], MAX_ALLOCS)):
        lo, hi, page_lo, page_hi, space, _line, name = ALLOC.unpack_from(memory, ALLOCS_AT + k * ALLOC.size)
        buffers.append(Buffer(_text(name), lo, hi, page_lo, page_hi, SPACES.get(space, "?")))
    block, thread, thread2 = v[13:16], v[16:19], v[19:22]
    fields: list[Any] = [*v[:13], block, thread, thread2, v[22], v[23], _text(v[24]), buffers]
    return Report(*fields)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
