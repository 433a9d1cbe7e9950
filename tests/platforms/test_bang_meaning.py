"""Each instr's meaning against the simulator's function, on random and edge inputs: one text per family, run as a kernel.

The meaning is what the front end makes of the table's text, printed again: an instr as the passes see it.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from ir_bodies import body

from xpiler_jupyter.ir.types import F32, I32, ScalarType
from xpiler_jupyter.platforms.bang import (
    activation,
    compare,
    convert,
    elementwise,
    layout,
    matmul_conv,
    memory,
    reduce_pool,
    simgen,
)
from xpiler_jupyter.platforms.bang.meanings import function, parameters, result_of
from xpiler_jupyter.platforms.bang.tables import TYPES
from xpiler_jupyter.platforms.bang.typed import typed
from xpiler_jupyter.platforms.base import C_TYPES
from xpiler_jupyter.platforms.concrete import concrete
from xpiler_jupyter.platforms.instr import Instr, choices, dtype_of
from xpiler_jupyter.platforms.registry import get

simulator = pytest.importorskip("xpiler_jupyter.execute.simulator")
api = pytest.importorskip("xpiler_jupyter.execute.api")

BANG = replace(get("bang"), simulator=simgen.TARGET.with_name("sim.hpp"))
TRIALS = int(os.environ.get("XPILER_TRIALS", "24"))  # benchmarks/instrs.py asks for 1,000
PART = 60  # functions per text: small enough to compile while other tests run

# Compiling without the optimiser is several times faster, but this compiler then fuses multiply and add.
QUICK = "#pragma clang optimize off\n"
SUPPORT = """
static unsigned long long rng_state;
static unsigned rng() {
  rng_state = rng_state * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(rng_state >> 33);
}
static unsigned pick(unsigned lo, unsigned hi) { return lo + rng() % (hi - lo + 1); }
template <class T> T edge(bool plain) {
  if constexpr (bang::is_float<T>) {
    static const float list[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.5f, 1.5f, 2.5f, -2.5f, -0.5f, 127.5f, 255.5f, -128.5f, 65504.0f,
                                 -65520.0f, 70000.0f, 1e-7f, -6e-8f, 3e-41f, 3e9f, -3e9f, 2147483648.0f, 1e30f, -3.4e38f,
                                 INFINITY, -INFINITY, NAN};
    unsigned k = rng() % 8;
    if (plain || k > 3) return (T)((float)(int)(rng() % 4001 - 2000) / 500.0f);
    if (k == 3) return (T)((float)(int)(rng() % 2000001 - 1000000) * 0.37f);
    return (T)list[rng() % (sizeof list / 4)];
  } else {
    unsigned k = rng() % 8;
    if (k == 0) return std::numeric_limits<T>::min();
    if (k == 1) return std::numeric_limits<T>::max();
    if (k < 4) return (T)(rng() % 7) - (T)3;
    return (T)((unsigned long long)rng() << 16 ^ rng());
  }
}
template <class T> void fill(void* p, unsigned n, bool plain, bool divisor) {
  for (unsigned i = 0; i < n; i++) {
    T v = edge<T>(plain);
    if constexpr (!bang::is_float<T>) if (divisor && (v == 0 || v == (T)-1)) v = 3;
    ((T*)p)[i] = v;
  }
}
template <class T> bool same(T a, T b, float rel) {
  if (a != a || b != b) return a != a && b != b;
  if (memcmp(&a, &b, sizeof a) == 0) return true;
  if (rel == 0.0f) return false;
  double x = (double)(float)a, y = (double)(float)b, d = x > y ? x - y : y - x, m = (x < 0 ? -x : x) + (y < 0 ? -y : y);
  return a == b || d <= rel * m || d <= rel * 0.25;
}
template <class T> int differs(const void* a, const void* b, unsigned n, float rel) {
  for (unsigned i = 0; i < n; i++) if (!same(((const T*)a)[i], ((const T*)b)[i], rel)) return (int)i + 1;
  return 0;
}
enum { ROOM = 49152 };
__nram__ char n0[ROOM]; __nram__ char n1[ROOM]; __nram__ char n2[ROOM]; __nram__ char n3[ROOM];
__wram__ char w0[ROOM];
static char m0[ROOM], m1[ROOM], m2[ROOM], m3[ROOM], m4[ROOM];
static char* const home[] = {n0, n1, n2, n3, w0};
static char* const copy_[] = {m0, m1, m2, m3, m4};
"""

COUNTS = ("elem_count", "src_count", "count", "src_elem_count")


def scalar_choice(row: Instr, name: str, dtype: ScalarType, taken: set[str]) -> str:
    """A C expression that draws a value for a scalar operand."""
    c = TYPES[dtype]
    names = {o.name for o in row.operands}
    if name == "elem_count" and any("% 128 == 0" in c and "ARCH" not in c for c, _ in row.rules):
        return "pick(1, 6) * 64u"
    if name == "src_elem_count":
        return "pick(1, 5) * seg_elem_count"
    if name in COUNTS:
        return "pick(0, 3) ? pick(1, 300) : 64"
    if name == "size":
        return "pick(1, 60) * 8"
    if name == "seg_elem_count":
        return "pick(1, 40)"
    if name in ("value", "nvalue", "pad_value", "src1"):
        return f"edge<{c}>(false)"
    if name == "shift_bits":
        return f"pick(0, 8 * sizeof({TYPES[next(iter(row.types.values()))[0]]}) - 1)"
    if name.endswith("position"):
        return "(int)pick(0, 24) - 12"
    if name in ("dst_stride", "src_stride") and row.name != "__bang_move":
        t = row.operands[0 if name == "dst_stride" else 1].dtype
        assert isinstance(t, ScalarType)
        count = next(n for n in COUNTS if n in names)
        return f"({count} + pick(0, 3)) * sizeof({TYPES[t]})"
    if name in ("dst_stride", "src_stride"):
        return "size + pick(0, 9)"
    if name == "stride":
        return "(elem_count + pick(0, 3)) * sizeof(T)"
    if name == "segnum":
        return "pick(0, 3)"
    if name in ("K", "channel_input") or (row.name == "__bang_mlp" and name == "width"):
        return "pick(1, 2) * 64"
    if name in ("M", "N", "channel_output") or (row.name == "__bang_mlp" and name == "height"):
        return "pick(1, 9)"
    if name.startswith("kernel_"):
        return "pick(1, 3)"
    if name.startswith("stride_"):
        return "pick(1, 3)"
    if name in ("n", "h", "w", "c"):
        return {"n": "64" if "filter" in row.name else "pick(1, 2)", "h": "pick(1, 2) * 2", "w": "16",
                "c": "2" if "filter" in row.name else "64"}[name]
    if name.startswith("pad_"):
        return "pick(0, 2)" if name in ("pad_top", "pad_bottom") else "(height == 1 ? 0 : pick(0, 2))"
    if name in ("channel", "height", "width"):
        return "pick(1, 9)" if name == "channel" else "pick(3, 6)" if row.name == "__bang_conv" else "pick(3, 12)"
    raise AssertionError(f"no values for {row.name}: {name}")


def room_of(row: Instr) -> str:
    """Bytes of each buffer that a trial fills anew: what the drawn sizes can reach. What lies beyond must stay as it is."""
    names = {o.name for o in row.operands}
    if names & {"height", "h", "K", "width"}:
        return "ROOM"
    return "8192" if names & {"dst_stride", "src_stride", "stride"} else "4096"


def case(row: Instr, chosen: dict[str, ScalarType], k: int) -> str:
    """A function that returns 0 when the meaning and the simulator agree on all trials."""
    typedefs = "".join(f"typedef {TYPES[t]} {n}; " for n, t in chosen.items())
    buffers, room = [o for o in parameters(row) if o.memory], room_of(row)
    order = sorted((o for o in parameters(row) if not o.memory), key=lambda o: o.name == "src_elem_count" or o.name == "size")
    order.sort(key=lambda o: {"seg_elem_count": -1, "src_elem_count": 1}.get(o.name, 0))
    lines = [f"static int case_{k}() {{ {typedefs}", f"for (int trial = 0; trial < {TRIALS}; trial++) {{"]
    strides = [o for o in order if o.name in ("dst_stride", "src_stride", "stride")]
    for o in [o for o in order if o not in strides] + strides:
        lines.append(f"{TYPES[dtype_of(o, chosen)]} {o.name} = ({TYPES[dtype_of(o, chosen)]})"
                     f"({scalar_choice(row, o.name, dtype_of(o, chosen), set())});")
    lines.append(f"if (!({' && '.join(f'({c})' for c, _ in row.rules if 'uintptr_t' not in c) or 'true'})) {{ trial--; "
                 "if (++skipped > 100000) return -1; continue; }")
    divisor = str(row.name in ("__bang_div", "__bang_rem")).lower()
    if divisor == "true" and any(o.name == "src1" and not o.memory for o in row.operands):
        lines.append("if constexpr (!bang::is_float<T>) if (src1 == 0 || src1 == (T)-1) src1 = 3;")
    slots: dict[str, int] = {}
    for o in buffers:  # what earlier cases left must not differ
        s = 4 if o.memory == ("wram",) else len([s for s in slots.values() if s < 4])
        slots[o.name] = s
        lines.insert(1, f"memset(home[{s}], 0, ROOM); memset(copy_[{s}], 0, ROOM);")
    for o in buffers:
        c = TYPES[dtype_of(o, chosen)]
        s = slots[o.name]
        # Large buffers get new values everywhere now and then, else in a window: drawing them is most of the work.
        lines.append(f"{{ unsigned at = trial % 16 && {room} > 8192 ? pick(0, {room} / 4096 - 1) * 4096 : 0; "
                     f"fill<{c}>(home[{s}] + at, (trial % 16 && {room} > 8192 ? 4096 : {room}) / sizeof({c}), "
                     f"{'true' if row.name in PLAIN else 'trial < 4'}, {divisor}); }} "
                     f"memcpy(copy_[{s}], home[{s}], {room});")
        if row.name == "__bang_filter" and o.name == "index":
            lines.append(f"for (unsigned i = 0; i < {room} / sizeof({c}); i++) if (rng() & 1) "
                         f"(({c}*)home[{s}])[i] = (({c}*)copy_[{s}])[i] = ({c})0;")

    def args(where: str) -> str:
        return ", ".join(f"({TYPES[dtype_of(o, chosen)]}*){where}[{slots[o.name]}]" if o.memory else o.name
                         for o in parameters(row))

    rel = 0.0 if row.exact else 4e-6
    result = result_of(row)
    if result:
        c = TYPES[dtype_of(result, chosen)]
        lines.append(f"{c} want = meaning_{k}({args('copy_')}), got = {row.name}({args('home')});")
        lines.append(f"if (!same(want, got, {tolerance(dtype_of(result, chosen), rel)})) return 1;")
    else:
        lines.append(f"meaning_{k}({args('copy_')}); {row.name}({args('home')}); __sync();")
    for o in buffers:
        t = dtype_of(o, chosen)
        if row.name.startswith(("__bang_arg", "__bang_nan_arg", "__bang_fabs", "__bang_select")) or row.name in (
                "__bang_max", "__bang_min"):
            lines.append(f"if (memcmp(home[{slots[o.name]}], copy_[{slots[o.name]}], {room})) return 2;")
        else:
            lines.append(f"if (int d = differs<{TYPES[t]}>(home[{slots[o.name]}], copy_[{slots[o.name]}], "
                         f"{room} / sizeof({TYPES[t]}), {tolerance(t, rel)})) return 10 + d;")
    lines.append("}")
    for s in slots.values():
        lines.append(f"if (memcmp(home[{s}] + {room}, copy_[{s}] + {room}, ROOM - {room})) return 3;")
    return "\n  ".join(lines) + "\nreturn 0; }\n"


PLAIN = {"__bang_matmul", "__bang_mlp", "__bang_conv"}


def tolerance(t: ScalarType, rel: float) -> str:
    if not t.is_float or rel == 0.0:
        return "0.0f"
    return {16: "0.004f" if t.name == "bf16" else "0.001f", 32: f"{rel}f"}[t.bits]


FAMILIES = {"memory": memory, "elementwise": elementwise, "compare": compare, "activation": activation,
            "reduce_pool": reduce_pool, "layout": layout, "matmul_conv": matmul_conv, "convert": convert}


def cases(family: str) -> list[tuple[Instr, dict[str, ScalarType]]]:
    rows = [r for r in FAMILIES[family].INSTRS if r.meaning and not simgen.is_copy(r)]
    rows = [r for r in rows if all(o.memory in ((), ("nram",), ("wram",)) for o in r.operands)]
    return [(r, chosen) for r in rows for chosen in choices(r)]


def meaning(row: Instr, chosen: dict[str, ScalarType], k: int) -> str:
    """The row's meaning as a function `meaning_k` with the call's signature."""
    if row.name == "__bang_move":  # a kernel has it per element type; the call is in bytes
        return function(row, chosen, f"meaning_{k}")
    made = concrete(typed((row,)), C_TYPES)[list(choices(row)).index(chosen)]
    text, result = body(made, f"meaning_{k}"), result_of(row)
    if result is None:
        return text
    kind = TYPES[dtype_of(result, chosen)]
    params = [f"{TYPES[dtype_of(o, chosen)]}{'*' if o.memory else ''} {o.name}" for o in parameters(row)]
    names = ", ".join(o.name for o in parameters(row))
    return f"{text}static {kind} meaning_{k}({', '.join(params)}) {{ {kind} r; meaning_{k}(&r, {names}); return r; }}\n"


PARTS = [(family, start) for family in FAMILIES for start in range(0, len(cases(family)), PART)]


@pytest.mark.parametrize(("family", "start"), PARTS)
def test_meaning_and_simulator_agree(family: str, start: int) -> None:
    todo = cases(family)[start:start + PART]
    text = ["" if family == "matmul_conv" else QUICK, SUPPORT, "static int skipped;\n"]
    for k, (row, chosen) in enumerate(todo):
        text += [meaning(row, chosen, k), case(row, chosen, k)]
    calls = "".join(f"rng_state = {17 + k} + seed; skipped = 0; out[{k}] = case_{k}();\n" for k in range(len(todo)))
    text.append(f"__mlu_global__ void all_cases(int* out, int seed) {{\n{calls}}}\n")
    entry = api.Entry("all_cases", (api.Argument("out", I32, True), api.Argument("seed", I32, False)),
                      api.Launch((1, 1, 1), (1, 1, 1)))
    compiled = simulator.SimulatorExecutor(BANG).compile("".join(text), entry)
    run = compiled.run({"out": np.full(len(todo), -7, np.int32)}, {"seed": 1}, limits=api.Limits(seconds=60.0 + TRIALS))
    assert run.fault is None, run.fault
    wrong = [f"{row.name}{[str(t) for t in chosen.values()]}: {run.outputs['out'][k]}"
             for k, (row, chosen) in enumerate(todo) if run.outputs["out"][k] != 0]
    assert not wrong, wrong


def test_the_checks_are_generated_from_the_tables() -> None:
    assert simgen.TARGET.read_text() == simgen.generate()
    assert F32 in TYPES
