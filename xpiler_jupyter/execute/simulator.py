"""The host simulator as an executor: an unmodified text, compiled with its platform's header, run in a worker."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CompileError, RunError, UsageError
from ..platforms.base import Platform
from .api import Argument, Array, Entry, Fault, Limits, RunResult
from .compiler import compile_library, setup_of
from .control import ARG, ARGS_AT, CONTROL_BYTES, IN, MAX_ARGS, OUT, read_report
from .faults import CANARY, LOAD, SIGNAL, describe
from .lexical import blank
from .lines import line_of
from .pool import POOL, Worker
from .prepare import prepare

_PAGE = 4096
_HELD = 1 << 20  # bytes: smaller buffers are copied anew for each run
# A text that looks at memory by wider types than its buffers' needs the device's alignment; any other text gets its
# buffers ended exactly at the guard page, so that even one element too far is seen.
_WIDE = re.compile(r"\b[A-Za-z_]\w*[234]\s*[*>&]|\b(?:u?char|u?short|u?int|u?long|u?longlong|float|double|half)[234]\b|"
                   r"vector_size|ext_vector_type|aligned|__m\d+|reinterpret_cast|load_matrix_sync")


class SimulatorExecutor:
    """Compiles and runs texts of one platform on this machine's processor."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.name = f"{platform.name} simulator"

    def compile(self, text: str, entry: Entry) -> SimulatorCompiled:
        """Raises CompileError with the text's own line and column."""
        if len(entry.args) > MAX_ARGS:
            raise CompileError(f"{entry.function} takes {len(entry.args)} arguments, at most {MAX_ARGS} are supported",
                               source=text)
        source, setup = prepare(text, entry), setup_of(self.platform)
        library, log = compile_library(source, text, setup)

        def precise() -> Path:
            return compile_library(source, text, setup, ("-O0",))[0]

        return SimulatorCompiled(self.platform, text, entry, library, log, precise)


@dataclass(frozen=True, slots=True)
class _Job:
    """One run. `fast` allows the vectorised loops, which do not know which thread they are in."""

    library: Path
    buffers: dict[str, Array]
    scalars: dict[str, int | float]
    reverse: bool
    limits: Limits
    fast: bool


class SimulatorCompiled:
    """A text as a shared library; every run is a process of its own."""

    def __init__(self, platform: Platform, text: str, entry: Entry, library: Path, log: str,
                 precise: Callable[[], Path]) -> None:
        self.platform = platform
        self.text, self.entry, self.library, self._precise = text, entry, library, precise
        self._log = log
        self._align = 64 if _WIDE.search(blank(text)) else 1

    @property
    def log(self) -> str:
        return self._log

    def run(self, buffers: dict[str, Array], scalars: dict[str, int | float], *, reverse: bool = False,
            limits: Limits = Limits()) -> RunResult:  # noqa: B008 (frozen)
        """Runs once on copies of `buffers`. What the kernel does wrong is a `Fault` in the result."""
        self._check(buffers, scalars)
        job = _Job(self.library, buffers, scalars, reverse, limits, True)
        result, again = self._once(job)
        if again and result.fault is not None:
            # Optimised code knows neither the exact line nor, in a vectorised loop, the thread: look again without.
            slower, _ = self._once(replace(job, library=self._precise(), fast=False))
            if slower.fault is not None and slower.fault.kind == result.fault.kind:
                return slower
        return result

    def _check(self, buffers: dict[str, Array], scalars: dict[str, int | float]) -> None:
        for arg in self.entry.args:
            if arg.name not in (buffers if arg.pointer else scalars):
                raise UsageError(f"no value for the argument {arg.name!r} of {self.entry.function}")

    def _once(self, job: _Job) -> tuple[RunResult, bool]:
        places, size = self._layout(job)
        if size - CONTROL_BYTES > job.limits.memory_bytes:
            return RunResult(fault=Fault("memory", f"the buffers need {size >> 20} MiB, the run may use "
                                                   f"{job.limits.memory_bytes >> 20} MiB")), False
        worker = POOL.take()
        try:
            answer = self._call(worker, job, places, size)
            result = self._result(worker, job, places, answer)
        except (OSError, json.JSONDecodeError):
            worker.close()
            return RunResult(fault=Fault("crash", "the worker process died")), False
        except CompileError:
            POOL.give(worker)
            raise
        except BaseException:  # the user's interrupt: the run dies with its worker
            worker.close()
            raise
        POOL.give(worker)
        return result

    def _layout(self, job: _Job) -> tuple[dict[str, tuple[int, int]], int]:
        """Where each buffer's pages lie in the shared memory, and where in them its data begins."""
        places: dict[str, tuple[int, int]] = {}
        at = CONTROL_BYTES
        for arg in self.entry.args:
            if not arg.pointer:
                continue
            n = int(job.buffers[arg.name].nbytes)
            pages = max(1, -(-n // _PAGE)) * _PAGE
            align = max(self._align, arg.dtype.bytes)
            places[arg.name] = at, 0 if job.reverse else (pages - n) // align * align
            at += pages
        return places, at

    def _call(self, worker: Worker, job: _Job, places: dict[str, tuple[int, int]], size: int) -> dict[str, Any]:
        memory = worker.share(size)
        held, worker.held = worker.held, {}  # known again when this run has ended well
        launch = self.entry.launch
        grid, block = (launch.grid, launch.block) if launch else ((0, 0, 0), (0, 0, 0))
        IN.pack_into(memory, 0, *_extents(grid), *_extents(block), launch.shared_bytes if launch else 0,
                     job.limits.memory_bytes, 0, launch is not None, job.reverse, job.fast,
                     *(job.limits.max_blocks or (0, 0, 0)), len(self.entry.args), self._align, 0, 0, job.limits.seconds)
        memory[IN.size:IN.size + OUT.size] = bytes(OUT.size)
        for k, arg in enumerate(self.entry.args):
            name = arg.name.encode()[:39]
            if arg.pointer:
                data = job.buffers[arg.name]
                at, slack = places[arg.name]
                ARG.pack_into(memory, ARGS_AT + k * ARG.size, 1, at, data.nbytes, arg.dtype.bytes, 0, 0.0, name)
                if held.get(at + slack) is not data:
                    view = np.frombuffer(memory, np.uint8, data.nbytes, at + slack)
                    view[:] = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
            else:
                whole, real = _scalar(arg, job.scalars[arg.name])
                ARG.pack_into(memory, ARGS_AT + k * ARG.size, 0, 0, 0, 0, whole, real, name)
        return worker.run({"library": str(job.library), "control": CONTROL_BYTES, "seconds": job.limits.seconds})

    def _result(self, worker: Worker, job: _Job, places: dict[str, tuple[int, int]],
                answer: dict[str, Any]) -> tuple[RunResult, bool]:
        limits = job.limits
        memory = worker.memory
        assert memory is not None
        report = read_report(memory)
        if report.state == 2:
            outputs: dict[str, Array] = {}
            for name, (at, slack) in places.items():
                like = job.buffers[name]
                after = np.frombuffer(memory, np.uint8, like.nbytes, at + slack)
                before = np.ascontiguousarray(like).reshape(-1).view(np.uint8)
                # Most big buffers are only read: comparing costs less than the page faults of a copy.
                same = _same(after, before)
                outputs[name] = like if same else after.copy().view(like.dtype).reshape(like.shape)
                if same and like.nbytes >= _HELD and _frozen(like):
                    worker.held[at + slack] = like
            return RunResult(outputs, report.seconds), False
        if report.state == 3:
            fault = describe(report, lambda offset: line_of(job.library, offset), limits.seconds, self.text,
                             self.platform.axes)
            if report.kind == LOAD and "undefined symbol" in fault.message:
                raise CompileError(f"the text calls {fault.message.rsplit(':', 1)[-1].strip()!r}, which nobody defines",
                                   source=self.text)
            return RunResult(fault=fault), job.fast and report.kind in (SIGNAL, CANARY)
        if answer["signal"] == 9:
            return RunResult(fault=Fault("timeout", f"still running after {limits.seconds:g} s")), False
        if report.state == 1:
            how = f"signal {answer['signal']}" if answer["signal"] else f"exit status {answer['exit']}"
            return RunResult(fault=Fault("crash", f"the run ended by itself ({how})")), False
        raise RunError("the worker could not start the run")


def _frozen(array: Array) -> bool:
    """Can nobody write to it, not even through the array that it is a view of?"""
    return not array.flags.writeable and (array.base is None or
                                          (isinstance(array.base, np.ndarray) and not array.base.flags.writeable))


def _same(a: Array, b: Array, part: int = 1 << 20) -> bool:
    """Equal bytes? Part by part: what differs mostly does so at once, and no mask as large as the buffer is needed."""
    if a.size % 8 == 0 and a.ctypes.data % 8 == 0 and b.ctypes.data % 8 == 0:
        a, b = a.view(np.uint64), b.view(np.uint64)  # eight at a time
    return all(np.array_equal(a[k:k + part], b[k:k + part]) for k in range(0, a.size, part))


def _extents(v: tuple[int, ...]) -> tuple[int, ...]:
    """Launch extents as the device sees them: 32 bits, so that a negative one is a huge one."""
    return tuple(min(max(int(x), 0), 0xFFFFFFFF) for x in v)


def _scalar(arg: Argument, value: int | float) -> tuple[int, float]:
    """Both forms of a scalar, the integer one wrapped to 64 bits."""
    if arg.dtype.is_float:
        real = float(value)
        if arg.dtype.bits == 32:
            real = struct.unpack("<f", struct.pack("<f", real))[0] if abs(real) <= 3.4e38 else float(np.float32(real))
        return 0, real
    whole = int(value) & 0xFFFFFFFFFFFFFFFF
    return whole - (1 << 64) if whole >> 63 else whole, float(value)
