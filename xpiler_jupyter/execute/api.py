"""The one interface behind which simulators and devices run kernels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..ir.types import ScalarType

Array = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter of the entry function: `pointer` ones are buffers of `dtype`, the others scalars by value."""

    name: str
    dtype: ScalarType
    pointer: bool


@dataclass(frozen=True, slots=True)
class Launch:
    """A concrete launch geometry: (x, y, z) extents per level, as CUDA writes them."""

    grid: tuple[int, int, int] = (1, 1, 1)
    block: tuple[int, int, int] = (1, 1, 1)
    shared_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """How to call into a text. With `launch` the function is a device kernel, launched directly with those extents on
    buffers of the executor's; without, it is a C ABI function (a host wrapper, or plain C) called once."""

    function: str
    args: tuple[Argument, ...]
    launch: Launch | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. With `max_blocks` only the first so many blocks along x, y and z are run (0: all), of a grid
    that still says its whole extent: a slice of a huge launch."""

    seconds: float = 10.0
    memory_bytes: int = 4 << 30
    max_blocks: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a run ended early. `kind`: "bounds", "race", "barrier", "launch", "uninitialised", "capacity", "timeout",
    "memory", "forbidden", "crash", "arithmetic", "operand" (an instruction's own rule). `line` is the kernel text's own."""

    kind: str
    message: str
    line: int | None = None
    buffer: str | None = None
    block: tuple[int, int, int] | None = None
    thread: tuple[int, int, int] | None = None


@dataclass(slots=True)
class RunResult:
    """Buffers after the run, by argument name (empty when faulted), the kernel's own seconds, and the fault if any."""

    outputs: dict[str, Array] = field(default_factory=dict)
    seconds: float = 0.0
    fault: Fault | None = None
    device: str = "simulator"


class Compiled(Protocol):
    """A compiled text, ready to run many times."""

    @property
    def log(self) -> str:
        """Compiler warnings, one per line, with the kernel's lines; empty when clean."""

    def run(self, buffers: dict[str, Array], scalars: dict[str, int | float], *, reverse: bool = False,
            limits: Limits = Limits()) -> RunResult:
        """Runs once on copies of `buffers` (inputs are never modified). `reverse` walks threads and blocks in
        descending order. Never raises for what the kernel does: that is a `Fault`."""


class Executor(Protocol):
    """A place where texts of one platform run: its simulator, or a device."""

    name: str

    def compile(self, text: str, entry: Entry) -> Compiled:
        """Raises CompileError with the text's own line and column."""
