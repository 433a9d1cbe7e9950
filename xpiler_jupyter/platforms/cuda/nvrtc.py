"""NVIDIA's run-time compiler from its wheel, through ctypes: compiles for a GPU that need not be here."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from pathlib import Path
from typing import NamedTuple

INSTALL = "pip install 'xpiler-jupyter[nvrtc]'"


class Compiled(NamedTuple):
    """The outcome of one compilation: the log is NVRTC's and ptxas' together."""

    ok: bool
    log: str


@cache
def _roots() -> tuple[Path, ...]:
    """Folders of the NVIDIA wheels that may hold lib/ and include/."""
    spec = importlib.util.find_spec("nvidia")
    if spec is None or not spec.submodule_search_locations:
        return ()
    return tuple(p for base in spec.submodule_search_locations for p in sorted(Path(base).iterdir()) if p.is_dir())


@cache
def library() -> ctypes.CDLL | None:
    """The loaded library, None when the wheel is not installed."""
    for root in _roots():
        for path in sorted((root / "lib").glob("libnvrtc.so.*")):
            try:
                return ctypes.CDLL(str(path))
            except OSError:
                continue
    return None


@cache
def include_folders() -> tuple[str, ...]:
    """Where cuda_fp16.h and mma.h lie."""
    return tuple(str(r / "include") for r in _roots() if (r / "include" / "cuda_fp16.h").exists())


def compile_text(text: str, options: tuple[str, ...]) -> Compiled:
    """Compiles to machine code. `library()` must not be None."""
    lib = library()
    assert lib is not None
    program = ctypes.c_void_p()
    lib.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernel", 0, None, None)
    try:
        flags = [o.encode() for o in options]
        code = lib.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags))
        size = ctypes.c_size_t()
        lib.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value + 1)
        lib.nvrtcGetProgramLog(program, log)
        return Compiled(code == 0, log.value.decode("utf-8", "replace"))
    finally:
        lib.nvrtcDestroyProgram(ctypes.byref(program))
