"""Real AMD code without ROCm: the ziglang wheel's clang compiles the device half for gfx90a."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

from ...errors import CompileError
from ...execute.check import CheckResult
from ...execute.compiler import CLANG_QUIET, parse_message, zig
from ...execute.device_text import device_part

ARCHITECTURE = "gfx90a"
_HEADER = Path(__file__).parent / "check.hpp"
_FLAGS = ("-x", "hip", f"--offload-arch={ARCHITECTURE}", "--offload-device-only", "-nogpuinc", "-nogpulib", "-nostdinc",
          "-nostdinc++", "-fms-extensions", "-fno-math-errno", "-std=c++17", "-O3", "-S", "-Wno-everything")
# The metadata at the end of the assembly, one record per kernel.
_FIELDS = {"registers": "vgpr_count", "scalar_registers": "sgpr_count", "spills": "vgpr_spill_count",
           "shared": "group_segment_fixed_size"}


def compile_check(text: str) -> CheckResult:
    """Compiles the device half to gfx90a assembly; says vector registers, LDS bytes and spills."""
    try:
        program = zig()
    except CompileError as e:
        return CheckResult("skip", str(e))
    start = time.perf_counter()
    source = '#line 1 "kernel"\n' + device_part(text, "hip")
    try:
        done = subprocess.run([program, "clang", *_FLAGS, *CLANG_QUIET, "-include", str(_HEADER), "-", "-o", "-"],
                              input=source, capture_output=True, text=True, timeout=120, check=False)
    except (subprocess.TimeoutExpired, OSError) as e:
        return CheckResult("fail", f"clang did not finish: {e}", time.perf_counter() - start)
    seconds = time.perf_counter() - start
    if done.returncode:
        found = [m for m in map(parse_message, done.stderr.splitlines()) if m and m.level == "error"]
        first = next((m for m in found if m.line), found[0] if found else None)
        if first is None:
            said = next((x for x in done.stderr.splitlines() if "error" in x), "without a message")
            return CheckResult("fail", f"clang for {ARCHITECTURE} refuses it: {said.rpartition('error: ')[2]}", seconds,
                               done.stderr)
        where = f" (line {first.line})" if first.line else ""
        return CheckResult("fail", f"clang for {ARCHITECTURE} refuses it: {first.text}{where}", seconds, done.stderr,
                           {"line": first.line, "column": first.column})
    kernels = _usage(done.stdout)
    said = "; ".join(f"{name}: {u['registers']} vector registers, {u['shared']} B LDS" +
                     (f", {u['spills']} spilled" if u["spills"] else "") for name, u in kernels.items())
    return CheckResult("pass", f"clang compiled it for {ARCHITECTURE}" + (f" ({said})" if said else ""), seconds, "",
                       {"architecture": ARCHITECTURE, "kernels": kernels})


def _usage(assembly: str) -> dict[str, dict[str, int]]:
    """Per kernel what the code object's metadata says."""
    out: dict[str, dict[str, int]] = {}
    at = assembly.find("amdhsa.kernels:")
    if at < 0:
        return out
    for record in re.split(r"^  - ", assembly[at:], flags=re.M)[1:]:
        name = re.search(r"\.name:\s+(\S+)", record)
        if name:
            m = re.match(r"_Z(\d+)", name[1])
            plain = name[1][m.end():m.end() + int(m[1])] if m else name[1]
            out[plain] = {key: int(v[1]) if (v := re.search(rf"\.{field}:\s+(\d+)", record)) else 0
                          for key, field in _FIELDS.items()}
    return out
