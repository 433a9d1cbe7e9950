"""The host compiler: clang from the ziglang wheel, or the one that XPILER_CXX names. No system header is ever read, no
system library linked: what a kernel needs from libm resolves in the worker process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ..errors import CompileError, header_hint
from ..platforms.base import Platform
from . import cache as store
from .prepare import LABEL, Source, prepare

RUNTIME = Path(__file__).parent / "runtime"

# No reassociation and no fused multiply-add: float results do not depend on the optimiser. Signed overflow wraps and
# types may alias, null is an address, an endless loop is endless: the simulator gives a text the meaning its author saw
# on the device, never one made of undefined behaviour. math-errno off lets sqrtf be one instruction.
COMMON = ("-std=c++17", "-O2", "-g1", "-fPIC", "-nostdinc", "-nostdinc++", "-fno-exceptions", "-fno-rtti", "-fwrapv",
          "-fno-strict-aliasing", "-ffp-contract=off", "-fno-math-errno", "-fno-threadsafe-statics",
          "-fno-stack-protector", "-fno-delete-null-pointer-checks",
          "-fno-finite-loops", "-fvisibility=hidden")
CLANG_QUIET = ("-fno-caret-diagnostics", "-fno-color-diagnostics", "-ferror-limit=8")
# Out of range, a conversion to an integer gives the nearest one, as the devices' own instruction does: not one number
# where the compiler vectorises and another where it does not.
CLANG = ("-fno-strict-float-cast-overflow", "-Xclang", "-ffloat16-excess-precision=none",
         "-Xclang", "-fbfloat16-excess-precision=none",
         "-fsanitize=bounds", "-fsanitize-trap=bounds", "-fno-sanitize-merge=bounds", *CLANG_QUIET)
GCC = ("-fsanitize=bounds", "-fsanitize-undefined-trap-on-error", "-fno-diagnostics-show-caret",
       "-fdiagnostics-color=never", "-fpermissive")
WARNINGS = ("-Wall", "-Wno-unused", "-Wno-unknown-pragmas", "-Wno-missing-braces", "-Wno-undefined-internal",
            "-Wno-pass-failed", "-Wno-vla-cxx-extension", "-Wno-unknown-warning-option")

_MESSAGE = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+):(?:(?P<column>\d+):)? "
                      r"(?P<level>error|fatal error|warning|note): (?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How to compile and link one shared library."""

    compile: tuple[str, ...]
    link: tuple[str, ...]
    version: str
    clang: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a compiler, at the kernel's own place."""

    level: str
    text: str
    line: int | None
    column: int | None

    def __str__(self) -> str:
        return f"line {self.line}: {self.level}: {self.text}" if self.line else f"{self.level}: {self.text}"


@cache
def zig() -> str:
    """Path of the ziglang wheel's program. Raises CompileError when it is not installed."""
    try:
        import ziglang
    except ImportError:
        raise CompileError("no host compiler", hint="pip install ziglang, or set XPILER_CXX to g++") from None
    return str(Path(ziglang.__file__).parent / "zig")


@cache
def _cpu_words() -> frozenset[str]:
    """What this machine's processor can do, in the kernel's words; nothing where that is not told."""
    try:
        found = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        return frozenset()
    return frozenset(found[1].split()) if found else frozenset()


@cache
def _cpu_flags() -> tuple[str, ...]:
    """Vector width of this machine; the third level of x86-64 brings half conversions as instructions."""
    return ("-march=x86-64-v3",) if {"avx2", "f16c", "bmi1", "bmi2", "fma", "movbe", "abm"} <= _cpu_words() else ()


def has_native(platform: Platform) -> bool:
    """Whether this processor has the platform's own instructions."""
    return bool(platform.native_flags) and set(platform.native_cpu) <= _cpu_words()


@dataclass(frozen=True, slots=True)
class Setup:
    """What the texts of a platform are compiled against: its simulator, its switches, this machine's instructions."""

    simulator: Path
    flags: tuple[str, ...] = ()

    @property
    def all_flags(self) -> tuple[str, ...]:
        """Every flag that decides what a header means."""
        return (*COMMON, *_cpu_flags(), *self.flags)


def setup_of(platform: Platform) -> Setup:
    """The platform's simulator; by the processor's own instructions where it has those of the platform."""
    native = platform.native_flags if has_native(platform) else ()
    return Setup(platform.simulator, (*native, *platform.defines))


@cache
def _toolchain(cxx: str) -> Toolchain:
    if not cxx:
        program = zig()
        import ziglang
        version = Path(ziglang.__file__).stat().st_mtime_ns
        from importlib.metadata import version as dist
        told = f"ziglang {dist('ziglang')} {version} {' '.join(CLANG)}"
        return Toolchain((program, "clang", *CLANG), (program, "ld.lld"), told, True)
    found = shutil.which(cxx)
    if found is None:
        raise CompileError(f"XPILER_CXX names {cxx!r}, which is not here", hint="Unset it to use the ziglang wheel.")
    version_text = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    clang = "clang" in version_text
    return Toolchain((found, *(CLANG if clang else GCC)), (found,), version_text, clang)


def toolchain() -> Toolchain:
    """The compiler in use: XPILER_CXX, else the wheel's clang."""
    return _toolchain(os.environ.get("XPILER_CXX", ""))


@cache
def _headers_hash(simulator: Path | None) -> str:
    files = sorted(RUNTIME.iterdir()) + (sorted(simulator.parent.glob("*.hpp")) if simulator else [])
    return store.key_of(*(p.read_bytes() for p in files if p.is_file()))


def _run(command: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        raise CompileError("the compiler did not finish within 120 seconds") from None
    except OSError as e:
        raise CompileError(f"the compiler could not be started: {e}") from None


def compile_library(source: Source, original: str, setup: Setup, extra: tuple[str, ...] = ()) -> tuple[Path, str]:
    """The shared library for a prepared text, from the cache when it was built before, and the warnings."""
    tools = toolchain()
    flags = (*setup.all_flags, *WARNINGS, *extra)
    key = store.key_of("kernel", source.text, " ".join(flags), setup.simulator.name, _headers_hash(setup.simulator),
                       tools.version)

    def make(out: Path) -> str:
        obj = out.with_suffix(".o")
        # With -pipe-like standard input the line table needs no path of this machine.
        done = _run([*tools.compile, "-x", "c++", *flags, "-I", str(RUNTIME), *_include(setup, extra), "-c", "-",
                     "-o", str(obj)], source.text)
        found = messages(done.stderr, source)
        if done.returncode:
            raise error_of(found, original, done.stderr)
        _link(tools, obj, out, original)
        obj.unlink()
        return "\n".join(str(m) for m in found if m.level == "warning")

    return store.build(key, ".so", make)


def _include(setup: Setup, extra: tuple[str, ...]) -> tuple[str, ...]:
    """The flags that bring the simulator in: parsed once per machine where the compiler can keep what it parsed."""
    tools = toolchain()
    # Variants of a simulator beside its sim.hpp may hold arrays of a section, which a parsed header loses.
    if not tools.clang or setup.simulator.name != "sim.hpp":
        return ("-include", str(setup.simulator))
    flags = (*setup.all_flags, *extra)
    # The parsed header remembers the files it came from, and the compiler holds it against them.
    files = [str((p, p.stat().st_mtime_ns)) for p in (*RUNTIME.iterdir(), *setup.simulator.parent.glob("*.hpp"))]
    key = store.key_of("header", " ".join(flags), str(setup.simulator), *sorted(files), _headers_hash(setup.simulator),
                       tools.version)

    def make(out: Path) -> str:
        done = _run([*tools.compile, "-x", "c++-header", *flags, "-w", "-I", str(RUNTIME), str(setup.simulator), "-o",
                     str(out)])
        if done.returncode:
            raise CompileError(f"the simulator's header does not compile: {done.stderr.strip()[:400]}")
        return ""

    return ("-include-pch", str(store.build(key, ".pch", make)[0]))


def syntax_check(text: str, simulator: Path, warnings: tuple[str, ...]) -> str:
    """The warnings of a text that is compiled but not kept. Raises CompileError at its first error."""
    tools, setup = toolchain(), Setup(simulator)
    source = prepare(text, None)
    done = _run([*tools.compile, "-x", "c++", *setup.all_flags, *warnings, "-I", str(RUNTIME), *_include(setup, ()),
                 "-fsyntax-only", "-"], source.text)
    found = messages(done.stderr, source)
    if done.returncode:
        raise error_of(found, text, done.stderr)
    return "\n".join(str(m) for m in found if m.level == "warning" and m.line)


def _link(tools: Toolchain, obj: Path, out: Path, original: str) -> None:
    undefined = ["-Bsymbolic"] if tools.link[-1] == "ld.lld" else ["-nostdlib", "-Wl,-Bsymbolic"]
    done = _run([*tools.link, "-shared", *undefined, str(obj), "-o", str(out)])
    if done.returncode:
        raise CompileError(f"linking failed: {done.stderr.strip().splitlines()[0] if done.stderr else 'no message'}",
                           source=original)


def compile_runtime() -> Path:
    """The runtime library that every worker loads once."""
    tools = toolchain()
    flags = (*COMMON, "-fvisibility=default")
    key = store.key_of("runtime", " ".join(flags), _headers_hash(None), tools.version)

    def make(out: Path) -> str:
        obj = out.with_suffix(".o")
        command = [c for c in tools.compile if "sanitize" not in c]
        done = _run([*command, *flags, "-x", "c++", "-I", str(RUNTIME), "-c", str(RUNTIME / "runtime.cpp"), "-o",
                     str(obj)])
        if done.returncode:
            raise CompileError(f"the simulator's runtime does not compile: {done.stderr.strip()[:400]}")
        _link(tools, obj, out, "")
        return ""

    return store.build(key, ".so", make)[0]


def parse_message(raw: str) -> Message | None:
    """One line of a compiler's output as a message; a place outside the kernel's own text is no place."""
    m = _MESSAGE.match(raw)
    if m is None:
        return None
    text = re.sub(r" \[-[\w=+-]+(,[^\]]*)?\]$", "", m["text"])
    line = int(m["line"]) if m["file"].rsplit("/", 1)[-1] == LABEL else None
    return Message(m["level"].replace("fatal ", ""), text, line, int(m["column"]) if line and m["column"] else None)


def messages(stderr: str, source: Source) -> list[Message]:
    """The compiler's messages at the kernel's own places; one in a header moves to the line that led there."""
    out: list[Message] = []
    for raw in stderr.splitlines():
        m = parse_message(raw)
        if m is None:
            continue
        if m.line and m.column:
            m = replace(m, column=source.column(m.line, m.column))
        if m.level != "note":
            out.append(m)
        elif out and out[-1].line is None and m.line:
            out[-1] = replace(out[-1], line=m.line, column=m.column)
    return out


def error_of(found: list[Message], original: str, stderr: str) -> CompileError:
    """The first error, as the exception to raise."""
    errors = [m for m in found if m.level == "error"]
    if not errors:
        return CompileError(f"the compiler failed: {stderr.strip()[:300]}", source=original)
    first = next((m for m in errors if m.line), errors[0])
    more = f"{len(errors) - 1} more errors follow" if len(errors) > 1 else None
    if "undeclared" in first.text or "unknown type" in first.text or "no template named" in first.text:
        more = header_hint(original) or more
    return CompileError(first.text, source=original, line=first.line, column=first.column, hint=more)
