"""Plain C's compile check: the host compiler itself, with its warnings."""

from __future__ import annotations

import time
from pathlib import Path

from ...errors import CompileError
from ...execute.check import CheckResult
from ...execute.compiler import syntax_check

_SIMULATOR = Path(__file__).parent / "sim.hpp"


def compile_check(text: str) -> CheckResult:
    """Compiles the text with warnings on; warnings are listed, and only an error fails."""
    start = time.perf_counter()
    try:
        log = syntax_check(text, _SIMULATOR, ("-Wall", "-Wextra", "-Wno-unused-function", "-Wno-unused-parameter"))
    except CompileError as e:
        seconds = time.perf_counter() - start
        if e.line is None and "host compiler" in e.message:
            return CheckResult("skip", str(e), seconds)
        return CheckResult("fail", f"the compiler refuses it: {e.message}" + (f" (line {e.line})" if e.line else ""),
                           seconds, str(e), {"line": e.line, "column": e.column})
    count = len(log.splitlines())
    said = f" with {count} warning{'s' if count > 1 else ''}" if count else ""
    return CheckResult("pass", f"the host compiler takes it{said}", time.perf_counter() - start, log)
