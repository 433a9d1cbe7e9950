"""Each instr's meaning against the simulator's function and against the processor's instruction, on random and edge inputs.

All meanings, all calls and a driver become a few libraries; a process of its own loads them and reports the rows that
differ. The processor's side is compiled with the compiler's own immintrin.h, never with ours.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ir_bodies import body

from xpiler_jupyter.ir.types import F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from xpiler_jupyter.platforms.concrete import concrete
from xpiler_jupyter.platforms.instr import Instr, choices, dtype_of
from xpiler_jupyter.platforms.vnni import tables
from xpiler_jupyter.platforms.vnni.instrs import INSTRS
from xpiler_jupyter.platforms.vnni.meanings import function, result_of

compiler = pytest.importorskip("xpiler_jupyter.execute.compiler")
store = pytest.importorskip("xpiler_jupyter.execute.cache")

SIM = Path(tables.__file__).with_name("sim.hpp")
PLAIN = SIM.parent.parent / "c" / "sim.hpp"
TRIALS = int(os.environ.get("XPILER_TRIALS", "1000"))
CODES = {t: k for k, t in enumerate((I8, U8, I16, U16, I32, U32, I64, U64, F32, F64, F16))}

# What a case asks of the driver: {operands, inexact} and per operand {kind, dtype, bytes, access, alignment, values...}.
DRIVER = r"""
struct Op { int kind, dtype, bytes, written, align, few, range; int values[8]; };
struct Case { int ops, mode; Op op[72]; };
static unsigned long long state;
static unsigned rng() { state = state * 6364136223846793005ull + 1442695040888963407ull; return (unsigned)(state >> 33); }
static const int widths[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 2};
static double number(int mode) {
  static const double edges[] = {0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 127.5, 255.5, -128.5, 65504.0, -65520.0,
    70000.0, 1e-7, -6e-8, 3e-41, 3e9, -3e9, 2147483648.0, 2147483520.0, -2147483648.0, -2147483649.0, 2147483647.5,
    4294967295.0, 4294967296.0, 4294967295.5, -0.9, 1e30, -3.4e38, 16777217.0, INFINITY, -INFINITY, NAN};
  if (mode == 1) return (double)(rng() % 17) - 8.5 + 0.5;  // sums and products of such numbers are exact
  if (mode == 2) return (rng() % 3 ? 1.0 : 2.0) * (rng() % 2 ? 1.0 : -1.0);
  if (mode == 3) return ((double)(rng() % 100000) + 1.0) / 321.0;
  unsigned k = rng() % 8;
  if (k < 3) return edges[rng() % (sizeof edges / sizeof *edges)];
  if (k < 6) return (double)(int)(rng() % 4001 - 2000) / 500.0;
  return ((double)rng() - 1e9) * 1.37;
}
static void fill(char* p, int bytes, int dtype, int mode) {
  int w = widths[dtype];
  for (int at = 0; at + w <= bytes; at += w) {
    if (dtype >= 8 && ((mode && mode != 4) || rng() % 6)) {
      double v = number(mode);
      if (dtype == 8) { float f = (float)v; memcpy(p + at, &f, 4); }
      else if (dtype == 9) memcpy(p + at, &v, 8);
      else { _Float16 h = (_Float16)(float)v; memcpy(p + at, &h, 2); }
      continue;
    }
    unsigned long long v = (unsigned long long)rng() << 32 ^ (unsigned long long)rng() << 1 ^ rng();
    unsigned k = rng() % 8;
    if (k == 0) v = 0x8000000000000000ull >> (64 - 8 * w);
    if (k == 1) v = 0x7fffffffffffffffull >> (64 - 8 * w);
    if (k == 2) v = ~0ull;
    if (k == 3) v = (unsigned long long)(long long)((int)(rng() % 80) - 9);
    if (mode == 4 && dtype == 8 && (v & 0x7fffffff) > 0x7f800000) v |= 0x400000;  // no signalling NaN
    if (mode == 4 && dtype == 9 && (v << 1) > 0xffe0000000000000ull) v |= 0x8000000000000ull;
    memcpy(p + at, &v, w);
  }
}
static bool same(const char* a, const char* b, int bytes, int dtype, int mode) {
  int w = widths[dtype];
  for (int at = 0; at + w <= bytes; at += w) {
    double x = 0, y = 0;
    if (dtype == 8) { float f, g; memcpy(&f, a + at, 4); memcpy(&g, b + at, 4); x = f; y = g; }
    if (dtype == 9) { memcpy(&x, a + at, 8); memcpy(&y, b + at, 8); }
    if (dtype == 10) { _Float16 f, g; memcpy(&f, a + at, 2); memcpy(&g, b + at, 2); x = (float)f; y = (float)g; }
    if (x != x && y != y) continue;
    if (mode == 3 && x * y > 0 && x - y <= x * 0.0000611 && y - x <= x * 0.0000611) continue;
    if (memcmp(a + at, b + at, w)) return false;
  }
  return true;
}
enum { ROOM = 1024, AT = 512 };
static char first[72][ROOM] __attribute__((aligned(64))), second[72][ROOM] __attribute__((aligned(64)));
extern "C" __attribute__((visibility("default")))
void drive(const Case* cases, int n, void (**f)(void**), void (**g)(void**), int trials, int seed, int* out) {
  for (int c = 0; c < n; c++) {
    const Case& t = cases[c];
    state = 977 * (c + 1) + seed;
    out[c] = 0;
    if (!g[c]) continue;
    for (int trial = 0; trial < trials && !out[c]; trial++) {
      void *p[72], *q[72];
      for (int j = 0; j < t.ops; j++) {
        const Op& o = t.op[j];
        int shift = o.kind == 1 && o.align == 1 ? (int)(rng() % 8) * widths[o.dtype] : 0;
        // Values live at AT; only what stands in memory needs surroundings that must stay as they are.
        char *from = o.kind == 1 ? first[j] : first[j] + AT; int room = o.kind == 1 ? ROOM : 64;
        fill(from, room, o.dtype, t.mode);
        if (o.few) { int v = o.values[rng() % o.few]; memcpy(first[j] + AT, &v, 4); }
        if (o.range) for (int i = 0; i < 16; i++) { int v = (int)(rng() % 40) - 8; memcpy(first[j] + AT + 4 * i, &v, 4); }
        memcpy(second[j] + (from - first[j]), from, room);
        p[j] = first[j] + AT + shift; q[j] = second[j] + AT + shift;
      }
      f[c](p); g[c](q);
      for (int j = 0; j < t.ops; j++) {
        const Op& o = t.op[j];
        bool ok = o.kind == 1 ? same(first[j], second[j], ROOM, o.dtype, 0) : same((char*)p[j], (char*)q[j], o.bytes, o.dtype, t.mode);
        if (!ok) out[c] = 1 + trial;
      }
    }
  }
}
"""

LOADER = """
import ctypes, json, sys
libraries, names, trials = json.loads(sys.argv[1])
meaning, wrong = ctypes.CDLL(libraries[0]), {}
n = ctypes.c_int.in_dll(meaning, "count").value
for name, path in zip(names, libraries[1:]):
    other, out = ctypes.CDLL(path), (ctypes.c_int * n)()
    table = lambda lib: ctypes.byref(ctypes.c_void_p.in_dll(lib, "functions"))
    meaning.drive(ctypes.byref(ctypes.c_char.in_dll(meaning, "cases")), n, table(meaning), table(other), trials, 1, out)
    wrong[name] = [k for k in range(n) if out[k]]
print(json.dumps(wrong))
"""
ANY = "struct Any { void* p; template <class T> operator T*() const { return (T*)p; } };\n"


def values_of(row: Instr, name: str) -> list[int]:
    """Constants to try for an immediate operand: what the rules allow, thinned."""
    tests = [re.sub(r"&&", " and ", re.sub(r"\|\|", " or ", c)) for c, _ in row.rules]
    allowed = [v for v in range(256) if all(eval(t, {}, {name: v}) for t in tests)]
    step = max(1, len(allowed) // 6)
    return sorted({allowed[0], allowed[-1], *allowed[1::step]})[:8]


def size_of(extent: str, t: ScalarType) -> int:
    return int(eval(extent.replace("sizeof(T)", str(t.bytes)).replace("/", "//"))) * t.bytes if extent else 0


def is_constant(name: str) -> bool:
    return name in ("imm", "scale")


CASES: list[tuple[Instr, dict[str, ScalarType]]] = [(r, c) for r in INSTRS for c in choices(r)]


def mode_of(row: Instr) -> int:
    if row.exact:
        return 4 if "signalling" in row.assumption else 0
    return 3 if "14_" in row.name else 2 if "_mul_" in row.name else 1


def describe(row: Instr, chosen: dict[str, ScalarType]) -> str:
    ops = []
    for o in row.operands:
        t = dtype_of(o, chosen)
        kind = 2 if not o.memory else 0 if o.memory == ("register",) else 1
        values = values_of(row, o.name) if is_constant(o.name) else []
        bounded = o.name == "idx" and any(p.name == "base" for p in row.operands)
        size = size_of(o.extent, t)
        if "undefined" in row.doc + row.assumption and o.name == "dst":
            size = size_of(row.operands[1].extent, t) if len(row.operands) > 1 else 0
        ops.append(f"{{{kind}, {CODES[t]}, {size}, {int(o.access != 'r')}, {o.alignment}, {len(values)}, "
                   f"{int(bounded)}, {{{', '.join(map(str, values))}}}}}")
    return f"{{{len(ops)}, {mode_of(row)}, {{{', '.join(ops)}}}}}"


def meanings_text() -> str:
    text = ["#define EXPORT extern \"C\" __attribute__((visibility(\"default\")))\n", DRIVER]
    for k, (row, chosen) in enumerate(CASES):
        args = []
        for j, o in enumerate(row.operands):
            c = tables.TYPES[dtype_of(o, chosen)]
            args.append(f"({c}*)p[{j}]" if o.memory else f"*({c}*)p[{j}]")
        text.append("static " + function(row, chosen, f"m_{k}") + f"static void f_{k}(void** p) {{ m_{k}({', '.join(args)}); }}\n")
    table = ", ".join(f"f_{k}" for k in range(len(CASES)))
    text.append(f"EXPORT int count; int count = {len(CASES)};\nEXPORT void (*functions[])(void**); void (*functions[])(void**) = {{{table}}};\n")
    text.append("EXPORT Case cases[]; Case cases[] = {" + ",\n".join(describe(r, c) for r, c in CASES) + "};\n")
    return "".join(text)


def call_text(k: int, row: Instr, chosen: dict[str, ScalarType]) -> str:
    """A function that makes the intrinsic's call; constants become the branches of a switch."""
    lines, args, constant = [], [], None
    result = result_of(row)
    for j, o in enumerate(row.operands):
        t = dtype_of(o, chosen)
        if o is result:
            continue
        if is_constant(o.name):
            constant = (j, o.name)
            args.append("@")
        elif o.memory and o.memory != ("register",):
            args.append(f"Any{{p[{j}]}}")
        else:
            word = "unsigned short" if t == F16 and not o.memory else tables.word_of(row, o, t)
            lines.append(f"{word} x{j}; __builtin_memcpy(&x{j}, p[{j}], sizeof x{j});")
            args.append(f"x{j}")
    call = f"{row.name}({', '.join(args)})"
    if result is not None:
        t = dtype_of(result, chosen)
        word = "unsigned short" if t == F16 and result.extent == "1" else tables.word_of(row, result, t)
        call = f"{word} r = {call}; __builtin_memcpy(p[0], &r, sizeof r);"
    else:
        call += ";"
    if constant:
        branches = " ".join(f"case {v}: {{ {call.replace('@', str(v))} break; }}" for v in values_of(row, constant[1]))
        call = f"switch (*(int*)p[{constant[0]}]) {{ {branches} }}"
    return f"static void f_{k}(void** p) {{ {' '.join(lines)} {call} }}\n"


def calls_text(part: str = "") -> str:
    """The calls of all rows, or of those with `part` in their names."""
    keep = [part in row.name for row, _ in CASES]
    text = [ANY, *(call_text(k, r, c) for k, (r, c) in enumerate(CASES) if keep[k])]
    table = ", ".join(f"f_{k}" if keep[k] else "0" for k in range(len(CASES)))
    return "".join(text) + ("extern \"C\" __attribute__((visibility(\"default\"))) void (*functions[])(void**);\n"
                            f"void (*functions[])(void**) = {{{table}}};\n")


def library(text: str, header: Path | None, flags: tuple[str, ...]) -> Path:
    """A shared library, from the cache when nothing that it is made of changed."""
    tools = compiler.toolchain()
    command = [*(c for c in tools.compile if "sanitize" not in c), *compiler.COMMON, "-g0", "-w", *flags, "-x", "c++"]
    if header is not None:
        command += ["-I", str(compiler.RUNTIME), "-include", str(header)]
    made_of = [p.read_bytes() for p in sorted(SIM.parent.glob("*.hpp"))] if header == SIM else []
    key = store.key_of("vnni test", text, " ".join(command), tools.version, *made_of)

    def make(out: Path) -> str:
        obj = out.with_suffix(".o")
        done = subprocess.run([*command, "-c", "-", "-o", str(obj)], input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:6000]
        compiler._link(tools, obj, out, text)
        obj.unlink()
        return ""

    return store.build(key, ".so", make)[0]


def processor_has() -> set[str]:
    try:
        found = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        return set()
    return set(found[1].split()) if found else set()


def intrinsics_folder() -> list[str]:
    """Where the compiler keeps its own immintrin.h."""
    tools = compiler.toolchain()
    program = Path(tools.compile[0])
    if program.name == "zig":
        return ["-isystem", str(program.parent / "lib" / "include")]
    done = subprocess.run([str(program), "-print-file-name=include"], capture_output=True, text=True)
    return ["-isystem", done.stdout.strip(), "-D_MM_MALLOC_H_INCLUDED", "-D__MM_MALLOC_H"]


def compare(meaning: Path, names: list[str], libraries: list[Path]) -> dict[str, list[int]]:
    """Which cases differ from the meaning, per library, as a process of its own finds it."""
    argument = json.dumps([[str(p) for p in (meaning, *libraries)], names, TRIALS])
    done = subprocess.run([sys.executable, "-c", LOADER, argument], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:] or done.returncode
    found: dict[str, list[int]] = json.loads(done.stdout)
    return found


def report(names: list[str], libraries: list[Path]) -> dict[str, list[str]]:
    meaning = library(meanings_text(), PLAIN, ("-O0", *compiler._cpu_flags()))
    return {name: [CASES[k][0].name + str([str(t) for t in CASES[k][1].values()]) for k in wrong]
            for name, wrong in compare(meaning, names, libraries).items()}


def hardware() -> Path:
    text = "#include <immintrin.h>\ntypedef __INT8_TYPE__ int8_t; typedef __UINT8_TYPE__ uint8_t; typedef __INT16_TYPE__ int16_t; " \
           "typedef __UINT16_TYPE__ uint16_t; typedef __UINT32_TYPE__ uint32_t; typedef __INT64_TYPE__ int64_t; " \
           "typedef __UINT64_TYPE__ uint64_t;\n" + calls_text()
    return library(text, None, ("-O0", "-ffreestanding", *tables.NATIVE_FLAGS, *intrinsics_folder()))


def simulator(part: str = "", flags: tuple[str, ...] = ()) -> Path:
    return library(calls_text(part), SIM, ("-O0", "-DXRT_H=static inline", *compiler._cpu_flags(), *flags))


def test_meaning_and_simulator_agree() -> None:
    wrong = report(["simulator"], [simulator()])["simulator"]
    assert not wrong, f"{len(wrong)}: {wrong}"


def test_the_meaning_is_read_right() -> None:
    """What the front end makes of a meaning, printed again, against the table's own text."""
    rows = concrete(INSTRS, tables.TYPES)
    assert len(rows) == len(CASES)
    text = ["#define EXPORT extern \"C\" __attribute__((visibility(\"default\")))\n"]
    for k, row in enumerate(rows):
        args = [f"{'' if o.memory else '*'}({tables.TYPES[o.dtype]}*)p[{j}]" for j, o in enumerate(row.operands)]
        text.append(f"{body(row, f'm_{k}')}static void f_{k}(void** p) {{ m_{k}({', '.join(args)}); }}\n")
    table = ", ".join(f"f_{k}" for k in range(len(rows)))
    text.append(f"EXPORT void (*functions[])(void**); void (*functions[])(void**) = {{{table}}};\n")
    wrong = report(["ir"], [library("".join(text), PLAIN, ("-O0", *compiler._cpu_flags()))])["ir"]
    assert not wrong, f"{len(wrong)}: {wrong}"


def test_meaning_and_processor_agree() -> None:
    """Against the instructions, and against the simulator where it uses them (the dot products)."""
    lacking = set(tables.NATIVE_CPU) - processor_has()
    if lacking:
        pytest.skip(f"this processor lacks {', '.join(sorted(lacking))}")
    wrong = report(["processor", "simulator"], [hardware(), simulator("_dp", tables.NATIVE_FLAGS)])
    assert not any(wrong.values()), wrong


def test_a_wrong_meaning_is_seen() -> None:
    """The driver itself: the unsigned operand read as signed, a sum that wraps instead of saturating."""
    by_name = {row.name: k for k, (row, _) in enumerate(CASES)}
    text = meanings_text()
    signed, wraps = by_name["_mm512_dpbusd_epi32"], by_name["_mm_dpwssds_epi32"]
    for k, old, new in ((signed, "const uint8_t* a", "const int8_t* a"), (wraps, "int64_t sum", "int sum")):
        start = text.index(f"static void m_{k}(")
        end = text.index("static void f_", start)
        text = text[:start] + text[start:end].replace(old, new) + text[end:].replace(
            f"m_{k}((int*)p[0], (int*)p[1], (uint8_t*)", f"m_{k}((int*)p[0], (int*)p[1], (int8_t*)")
    meaning = library(text, PLAIN, ("-O0", *compiler._cpu_flags()))
    assert compare(meaning, ["simulator"], [simulator("_dp")])["simulator"] == sorted([signed, wraps])
