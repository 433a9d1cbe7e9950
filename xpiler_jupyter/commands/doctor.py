"""Say what is on this machine, and what each missing part would add. Exit status 1 when kernels can't run at all."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import XpilerError

HELP = "say what is installed and what is missing"

ADD = """extern "C" void add(const float* A, const float* B, float* C, int n) {
  for (int i = 0; i < n; ++i) C[i] = A[i] + B[i];
}
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: what it is, whether it is there, in which version, and what it adds."""

    group: str
    name: str
    present: bool
    detail: str
    adds: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    found = findings()
    works = found[0].present
    if args.json:
        print(json.dumps({"works": works, "findings": [asdict(f) for f in found]}))
        return 0 if works else 1
    group = ""
    for f in found:
        if f.group != group:
            group = f.group
            print(f"{group}:")
        print(f"  {'yes' if f.present else 'no ':3}  {f.name:24} {f.detail if f.present else f'would add: {f.adds}'}")
    return 0 if works else 1


def findings() -> list[Finding]:
    """Everything that is looked at; the first says whether kernels run here at all."""
    return [
        _simulator(),
        _package("compilers", "host compiler (ziglang)", ("ziglang",), "simulators without a system compiler"),
        _program("compilers", "g++", ("g++", "--version"), "another host compiler: XPILER_CXX=g++"),
        _program("compilers", "clang++", ("clang++", "--version"), "another host compiler: XPILER_CXX=clang++"),
        _package("compilers", "NVRTC", ("nvidia-cuda-nvrtc",),
                 "compile checks for CUDA without a GPU: pip install 'xpiler-jupyter[nvrtc]'"),
        _program("devices", "NVIDIA GPU", ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"),
                 "tests on the real device"),
        _package("devices", "CuPy", ("cupy-cuda13x", "cupy-cuda12x", "cupy"),
                 "running CUDA kernels on the GPU: pip install 'xpiler-jupyter[cuda]'"),
        _program("devices", "AMD GPU", ("rocminfo", "--help"), "a HIP device next to the simulator"),
        _devices(),
        _avx512(),
        _package("notebook", "JupyterLab", ("jupyterlab",),
                 "a place to use the magics: pip install 'xpiler-jupyter[notebook]'"),
        _endpoint(),
    ]


def _simulator() -> Finding:
    """Compiles and runs a kernel: compiler, worker process and sandbox at once."""
    adds = "everything: kernels are tested by running them"
    began = time.perf_counter()
    try:
        import numpy as np

        from ..platforms import registry
        from ..running import run_text

        ones = np.ones(8, dtype=np.float32)
        out = run_text(ADD, registry.get("c"), {"A": ones, "B": ones, "C": np.zeros_like(ones)}, {"n": 8}, device="sim")
        good = bool((out["C"] == 2).all())
    except XpilerError as err:
        return Finding("running kernels", "simulator", False, err.message, f"{adds} (now: {err.message})")
    except Exception as err:  # whatever is broken here is what a doctor must say
        return Finding("running kernels", "simulator", False, str(err), f"{adds} (now: {type(err).__name__}: {err})")
    took = f"a kernel was compiled and run in {time.perf_counter() - began:.2f} s"
    return Finding("running kernels", "simulator", good, took if good else "gives wrong results", adds)


def _devices() -> Finding:
    """What --device takes here."""
    from ..execute import available_devices

    here = [d for d in available_devices() if d != "sim"]
    return Finding("devices", "usable by --device", bool(here), ", ".join(here),
                   "tests on a real device; sim always works")


def _package(group: str, name: str, distributions: tuple[str, ...], adds: str) -> Finding:
    from importlib import metadata

    for distribution in distributions:
        try:
            return Finding(group, name, True, f"{distribution} {metadata.version(distribution)}", adds)
        except metadata.PackageNotFoundError:
            continue
    return Finding(group, name, False, "", adds)


def _program(group: str, name: str, command: tuple[str, ...], adds: str) -> Finding:
    import subprocess

    if not shutil.which(command[0]):
        return Finding(group, name, False, "", adds)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return Finding(group, name, False, "", adds)
    said = done.stdout.strip().splitlines()
    return Finding(group, name, done.returncode == 0, said[0] if said else "", adds)


def _avx512() -> Finding:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        flags = ""
    return Finding("devices", "AVX-512", "avx512f" in flags, "VNNI too" if "avx512_vnni" in flags else "without VNNI",
                   "CPU intrinsics run natively")


def _endpoint() -> Finding:
    """Only whether it is configured: keys and addresses are never printed."""
    there = bool(os.environ.get("OPENAI_BASE_URL") or os.environ.get("OPENAI_API_KEY"))
    return Finding("models", "model endpoint", there, "configured by the environment (not used by the rules engine)",
                   "an engine that proposes passes by a language model; the rules engine needs none")
