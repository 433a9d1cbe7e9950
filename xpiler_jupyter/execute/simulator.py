"""The host simulator as an executor: an unmodified text, compiled with its platform's header, run in a worker."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CompileError, RunError, UsageError
from ..platforms.base import Platform
from .api import Argument, Array, Entry, Fault, Limits, RunResult
from .compiler import compile_library
from .control import ARG, ARGS_AT, CONTROL_BYTES, IN, MAX_ARGS, OUT, read_report
from .faults import describe
from .lexical import blank
from .lines import line_of
from .pool import POOL, Worker
from .prepare import prepare

_PAGE = 4096
# A text that looks at memory by wider types than its buffers' needs the device's alignment; any other text gets its
# buffers ended exactly at the guard page, so that even one element too far is seen.
_WIDE = re.compile(r"\b\w+[234]\b\s*[*>&]|\b(?:u?char|u?short|u?int|u?long|u?longlong|float|double|half)[234]\b|"
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
        source = prepare(text, entry)
        library, log = compile_library(source, text, self.platform.simulator)
        return SimulatorCompiled(text, entry, library, log)


class SimulatorCompiled:
    """A text as a shared library; every run is a process of its own."""

    def __init__(self, text: str, entry: Entry, library: Path, log: str) -> None:
        self.text, self.entry, self.library = text, entry, library
        self._log = log
        self._align = 64 if _WIDE.search(blank(text)) else 1

    @property
    def log(self) -> str:
        return self._log

    def run(self, buffers: dict[str, Array], scalars: dict[str, int | float], *, reverse: bool = False,
            limits: Limits = Limits()) -> RunResult:  # noqa: B008 (frozen)
        """Runs once on copies of `buffers`. What the kernel does wrong is a `Fault` in the result."""
        self._check(buffers, scalars)
        result, again = self._once(buffers, scalars, reverse, limits, fast=True)
        if again:  # the vectorised loop knows no thread: run again one by one to name it
            slower, _ = self._once(buffers, scalars, reverse, limits, fast=False)
            if slower.fault is not None:
                return slower
        return result

    def _check(self, buffers: dict[str, Array], scalars: dict[str, int | float]) -> None:
        for arg in self.entry.args:
            if arg.name not in (buffers if arg.pointer else scalars):
                raise UsageError(f"no value for the argument {arg.name!r} of {self.entry.function}")

    def _once(self, buffers: dict[str, Array], scalars: dict[str, int | float], reverse: bool, limits: Limits, *,
              fast: bool) -> tuple[RunResult, bool]:
        places, size = self._layout(buffers, reverse)
        if size - CONTROL_BYTES > limits.memory_bytes:
            return RunResult(fault=Fault("memory", f"the buffers need {size >> 20} MiB, the run may use "
                                                   f"{limits.memory_bytes >> 20} MiB")), False
        worker = POOL.take()
        try:
            answer = self._call(worker, buffers, scalars, places, size, reverse, limits, fast)
            result, again = self._result(worker, buffers, places, answer, limits, fast)
        except (OSError, json.JSONDecodeError):
            worker.close()
            return RunResult(fault=Fault("crash", "the worker process died")), False
        except BaseException:  # the user's interrupt: the run dies with its worker
            worker.close()
            raise
        POOL.give(worker)
        return result, again

    def _layout(self, buffers: dict[str, Array], reverse: bool) -> tuple[dict[str, tuple[int, int]], int]:
        """Where each buffer's pages lie in the shared memory, and where in them its data begins."""
        places: dict[str, tuple[int, int]] = {}
        at = CONTROL_BYTES
        for arg in self.entry.args:
            if not arg.pointer:
                continue
            n = int(buffers[arg.name].nbytes)
            pages = max(1, -(-n // _PAGE)) * _PAGE
            align = max(self._align, arg.dtype.bytes)
            places[arg.name] = at, 0 if reverse else (pages - n) // align * align
            at += pages
        return places, at

    def _call(self, worker: Worker, buffers: dict[str, Array], scalars: dict[str, int | float],
              places: dict[str, tuple[int, int]], size: int, reverse: bool, limits: Limits, fast: bool) -> dict[str, Any]:
        memory = worker.share(size)
        launch = self.entry.launch
        grid, block = (launch.grid, launch.block) if launch else ((0, 0, 0), (0, 0, 0))
        IN.pack_into(memory, 0, *_extents(grid), *_extents(block), launch.shared_bytes if launch else 0,
                     limits.memory_bytes, 0, launch is not None, reverse, fast, limits.max_blocks or 0,
                     len(self.entry.args), self._align, 0, 0, limits.seconds)
        memory[IN.size:IN.size + OUT.size] = bytes(OUT.size)
        for k, arg in enumerate(self.entry.args):
            name = arg.name.encode()[:39]
            if arg.pointer:
                data = buffers[arg.name]
                at, slack = places[arg.name]
                ARG.pack_into(memory, ARGS_AT + k * ARG.size, 1, at, data.nbytes, arg.dtype.bytes, 0, 0.0, name)
                view = np.frombuffer(memory, np.uint8, data.nbytes, at + slack)
                view[:] = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
            else:
                whole, real = _scalar(arg, scalars[arg.name])
                ARG.pack_into(memory, ARGS_AT + k * ARG.size, 0, 0, 0, 0, whole, real, name)
        return worker.run({"library": str(self.library), "control": CONTROL_BYTES, "seconds": limits.seconds})

    def _result(self, worker: Worker, buffers: dict[str, Array], places: dict[str, tuple[int, int]],
                answer: dict[str, Any], limits: Limits, fast: bool) -> tuple[RunResult, bool]:
        memory = worker.memory
        assert memory is not None
        report = read_report(memory)
        if report.state == 2:
            outputs: dict[str, Array] = {}
            for name, (at, slack) in places.items():
                like = buffers[name]
                outputs[name] = np.frombuffer(memory, like.dtype, like.size, at + slack).reshape(like.shape).copy()
            return RunResult(outputs, report.seconds), False
        if report.state == 3:
            fault = describe(report, lambda offset: line_of(self.library, offset), limits.seconds, self.text)
            if report.kind == 13 and "undefined symbol" in fault.message:
                raise CompileError(f"the text calls {fault.message.rsplit(':', 1)[-1].strip()!r}, which nobody defines",
                                   source=self.text)
            return RunResult(fault=fault), fast and bool(report.fast_fault) and fault.kind != "timeout"
        if answer["signal"] == 9:
            return RunResult(fault=Fault("timeout", f"still running after {limits.seconds:g} s")), False
        if report.state == 1:
            how = f"signal {answer['signal']}" if answer["signal"] else f"exit status {answer['exit']}"
            return RunResult(fault=Fault("crash", f"the run ended by itself ({how})")), False
        raise RunError("the worker could not start the run")


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
