"""Real CUDA: a compile check through NVRTC without a GPU, and runs through CuPy where there is one."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import Any

import numpy as np

from ...errors import CompileError, UnsupportedError, UsageError
from ...execute.api import Array, Entry, Executor, Fault, Launch, Limits, RunResult
from ...execute.check import CheckResult
from ...execute.device_text import device_part, uses
from . import nvrtc

ARCHITECTURE = "sm_90"
_KEEP = r"(cuda_fp16|cuda_bf16|mma|cooperative_groups)(\.h)?$"
_ERROR = re.compile(r"kernel\((\d+)\): (?:catastrophic )?error(?: #[\w-]+)?: (.*)")
_WARNING = re.compile(r"kernel\((\d+)\): warning(?: #[\w-]+)?: (.*)")
_USAGE = re.compile(r"Function properties for (\S+)|Used (\d+) registers|(\d+) bytes smem|"
                    r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
# NVRTC knows no libc: the integer names and constants that kernels take for granted.
_PRELUDE = """#define XRT_NVRTC 1
typedef signed char int8_t; typedef short int16_t; typedef int int32_t; typedef long long int64_t;
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;
typedef unsigned long long uint64_t; typedef unsigned int uint;
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_SQRT1_2 0.70710678118654752440
#define M_SQRT2 1.41421356237309504880
#define M_2_SQRTPI 1.12837916709551257390
#define M_LOG2E 1.4426950408889634074
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define DBL_MAX __DBL_MAX__
#define INT_MAX __INT_MAX__
#define INT_MIN (-__INT_MAX__ - 1)
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
"""
_STD = """namespace std {
template <class T> __device__ constexpr const T& max(const T& a, const T& b) { return a < b ? b : a; }
template <class T> __device__ constexpr const T& min(const T& a, const T& b) { return b < a ? b : a; }
using ::exp; using ::log; using ::sqrt; using ::pow; using ::tanh; using ::fabs; using ::abs; using ::floor;
using ::ceil;
using ::erf; using ::sin; using ::cos; using ::fmax; using ::fmin; using ::isnan; using ::isinf;
template <class T> struct numeric_limits;
template <> struct numeric_limits<float> {
  __device__ static constexpr float max() { return __FLT_MAX__; }
  __device__ static constexpr float min() { return __FLT_MIN__; }
  __device__ static constexpr float lowest() { return -__FLT_MAX__; }
  __device__ static constexpr float epsilon() { return __FLT_EPSILON__; }
  __device__ static float infinity() { return __int_as_float(0x7f800000); }
};
}
"""


def device_source(text: str) -> str:
    """What NVRTC and CuPy compile: the device half, behind what it needs to be complete."""
    part = device_part(text, "cuda", _KEEP)
    head = [_PRELUDE]
    if uses(text, r"\bhalf2?\b|__half|\bh(exp|log|sqrt|add)\w*\s*\("):
        head.append("#include <cuda_fp16.h>\n")
    if uses(text, r"bfloat16"):
        head.append("#include <cuda_bf16.h>\n")
    if uses(text, r"\bwmma\b"):
        head.append("#include <mma.h>\nusing namespace nvcuda;\n")
    if uses(text, r"\bstd\s*::"):
        head.append(_STD)
    return "".join(head) + '#line 1 "kernel"\n' + part


def compile_check(text: str) -> CheckResult:
    """Compiles the device half to machine code for sm_90; says registers, shared memory and spills."""
    if nvrtc.library() is None:
        return CheckResult("skip", f"NVIDIA's compiler is not here: {nvrtc.INSTALL}")
    start = time.perf_counter()
    options = (f"--gpu-architecture={ARCHITECTURE}", "--std=c++17", "-default-device", "--ptxas-options=-v",
               *(f"-I{p}" for p in nvrtc.include_folders()))
    done = nvrtc.compile_text(device_source(text), options)
    seconds = time.perf_counter() - start
    if not done.ok:
        return _failed(done.log, seconds)
    kernels = _usage(done.log)
    warnings = "\n".join(f"line {m[1]}: warning: {m[2]}" for m in _WARNING.finditer(done.log))
    said = "; ".join(f"{name}: {u['registers']} registers, {u['shared']} B shared" +
                     (f", {u['spills']} B spilled" if u["spills"] else "") for name, u in kernels.items())
    return CheckResult("pass", f"NVRTC compiled it for {ARCHITECTURE}" + (f" ({said})" if said else ""), seconds,
                       warnings, {"architecture": ARCHITECTURE, "kernels": kernels})


def _failed(log: str, seconds: float) -> CheckResult:
    m = _ERROR.search(log)
    message = m[2] if m else next((line for line in log.splitlines() if "error" in line), "no message")
    data: dict[str, Any] = {"line": int(m[1])} if m else {}
    return CheckResult("fail", f"NVRTC refuses it: {message}" + (f" (line {m[1]})" if m else ""), seconds, log, data)


def _usage(log: str) -> dict[str, dict[str, int]]:
    """Per kernel what ptxas reports."""
    kernels: dict[str, dict[str, int]] = {}
    current: dict[str, int] = {}
    for m in _USAGE.finditer(log):
        if m[1]:
            current = kernels.setdefault(_plain(m[1]), {"registers": 0, "shared": 0, "spills": 0})
        elif m[2]:
            current["registers"] = int(m[2])
        elif m[3]:
            current["shared"] = int(m[3])
        else:
            current["spills"] = int(m[5]) + int(m[6])
    return kernels


def _plain(mangled: str) -> str:
    """The function's own name in a mangled one."""
    m = re.match(r"_Z(\d+)", mangled)
    return mangled[m.end():m.end() + int(m[1])] if m else mangled


@cache
def _cupy() -> Any:
    """CuPy when it and a device are here, else None."""
    try:
        import cupy
        return cupy if cupy.is_available() else None
    except Exception:  # a broken driver raises whatever it likes; no device then
        return None


def devices() -> list[str]:
    """"cuda:0" and so on."""
    cupy = _cupy()
    return [f"cuda:{k}" for k in range(cupy.cuda.runtime.getDeviceCount())] if cupy else []


def device_executor(device: str) -> Executor:
    """Runs on the GPU called `device`."""
    return CupyExecutor(device)


def raw_kernel(text: str, name: str) -> Any:
    """The kernel as CuPy's own object, callable as `kernel(grid, block, args)`. Raises UsageError without a device."""
    cupy = _cupy()
    if cupy is None:
        raise UsageError("there is no CUDA device here", hint="It takes a GPU and pip install 'xpiler-jupyter[cuda]'.")
    return _function(cupy, text, name)


def call_in_place(text: str, launch: Launch, subject: Any, given: dict[str, Any]) -> None:
    """Runs the kernel of `subject` on arrays that already lie on the device, changing them; nothing is copied."""
    function = raw_kernel(text, subject.kernel.name)
    numbers = subject.kernel_scalars({k: v for k, v in given.items() if not hasattr(v, "__cuda_array_interface__")})
    cupy = _cupy()
    args = tuple(cupy.asarray(given[subject.origin(p.name)]) if p.pointer else _scalar(p.dtype, numbers[p.name])
                 for p in subject.kernel.params)
    function(launch.grid, launch.block, args, shared_mem=launch.shared_bytes)


def _function(cupy: Any, text: str, name: str) -> Any:
    """Compiles a text on the current device and finds a kernel in it; mangled names are the compiler's business."""
    options = ("--std=c++17", "-default-device", "-fmad=false", *(f"-I{p}" for p in nvrtc.include_folders()))
    module = cupy.RawModule(code=device_source(text), options=options, name_expressions=[name])
    try:
        return module.get_function(name)
    except Exception as e:
        m = _ERROR.search(str(e))
        raise CompileError(m[2] if m else str(e).strip().splitlines()[0], source=text,
                           line=int(m[1]) if m else None) from None


class CupyExecutor:
    """Kernels on a real GPU by CuPy's RawModule, launched with the entry's own extents."""

    def __init__(self, device: str) -> None:
        self.index = int(device.split(":")[1])
        self.name = device

    def compile(self, text: str, entry: Entry) -> CupyCompiled:
        """Raises CompileError for a wrong text, UnsupportedError for an entry that is a host function."""
        if entry.launch is None:
            raise UnsupportedError(f"{entry.function} is a host function; a device runs kernels only",
                                   hint="Give the entry a launch, or run it on the simulator.")
        cupy = _cupy()
        with cupy.cuda.Device(self.index):
            function = _function(cupy, text, entry.function)
        return CupyCompiled(cupy, self, function, entry, text)


class CupyCompiled:
    """A kernel loaded on a device."""

    log = ""

    def __init__(self, cupy: Any, executor: CupyExecutor, function: Any, entry: Entry, text: str) -> None:
        self._cupy, self._executor, self._function, self._entry, self._text = cupy, executor, function, entry, text

    def run(self, buffers: dict[str, Array], scalars: dict[str, int | float], *, reverse: bool = False,
            limits: Limits = Limits()) -> RunResult:  # noqa: B008 (frozen)
        """Runs once on copies. A device chooses its own order: `reverse` and the time limit have no effect on it."""
        cupy, launch = self._cupy, self._entry.launch
        assert launch is not None
        try:
            with cupy.cuda.Device(self._executor.index):
                on_device = {a.name: cupy.asarray(np.ascontiguousarray(buffers[a.name])).copy()
                             for a in self._entry.args if a.pointer}
                args = tuple(on_device[a.name] if a.pointer else _scalar(a.dtype, scalars[a.name])
                             for a in self._entry.args)
                if launch.shared_bytes > 48 << 10:
                    self._function.max_dynamic_shared_size_bytes = launch.shared_bytes
                begin, end = cupy.cuda.Event(), cupy.cuda.Event()
                begin.record()
                self._function(launch.grid, launch.block, args, shared_mem=launch.shared_bytes)
                end.record()
                end.synchronize()
                seconds = cupy.cuda.get_elapsed_time(begin, end) * 1e-3
                outputs = {name: cupy.asnumpy(v).reshape(buffers[name].shape) for name, v in on_device.items()}
        except Exception as e:  # the driver's errors have no common class; the message names the fault
            return RunResult(fault=Fault(_kind(str(e)), str(e).strip().splitlines()[0]), device=self._executor.name)
        return RunResult(outputs, seconds, None, self._executor.name)


def _scalar(dtype: Any, value: int | float) -> Any:
    """CuPy passes NumPy scalars by their own width."""
    kind = "f" if dtype.is_float else "i" if dtype.kind == "int" else "u" if dtype.kind == "uint" else "b"
    return np.dtype(f"{kind}{dtype.bytes}" if kind != "b" else "?").type(value)


def _kind(message: str) -> str:
    text = message.lower()
    if "illegal address" in text or "misaligned" in text:
        return "bounds"
    if "out_of_memory" in text or "out of memory" in text:
        return "memory"
    return "launch" if "invalid" in text else "crash"
