"""Copies and fills between all memories against the simulator: sizes, places, strides of either sign, numbers of segments,
at once and later. One text for all: what differs between two directions is a word of the call.

What a later copy will write reads as 0xFF until its own queue is waited for; a wait for another queue changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ir_bodies import body
from test_bang_meaning import BANG, FAMILIES, SUPPORT, TRIALS, cases

from xpiler_jupyter.execute import Argument, Entry, Launch, Limits
from xpiler_jupyter.execute.simulator import SimulatorExecutor
from xpiler_jupyter.ir.types import I32, U8
from xpiler_jupyter.platforms.bang import memory, simgen
from xpiler_jupyter.platforms.bang.tables import TYPES
from xpiler_jupyter.platforms.bang.typed import ELEMENTS, typed
from xpiler_jupyter.platforms.base import C_TYPES
from xpiler_jupyter.platforms.concrete import concrete
from xpiler_jupyter.platforms.instr import Instr

COPIES = [r for r in memory.INSTRS if simgen.is_copy(r)]
FILLS = [r for r in memory.INSTRS if simgen.is_fill(r) and r.operands[0].memory[0] not in ("nram", "wram")]
ROOM = 8192

COMMON = """
struct Row { int rank, later, dir, to, from, io, bytes; void (*meaning)(void*, const void*, const int*); };
static char mirror[2][ROOM_];
__nram__ char nram_[2][ROOM_]; __wram__ char wram_[ROOM_]; __mlu_shared__ char sram_[2][ROOM_];
static int between(int lo, int hi) { return lo + (int)(rng() % (unsigned)(hi - lo + 1)); }
struct Bytes { long long lo, hi; };
static Bytes span(int size, long long s0, long long n1, long long s1, long long n2) {
  long long a = s0 * n1, b = s1 * n2;
  return {(a < 0 ? a : 0) + (b < 0 ? b : 0), (a > 0 ? a : 0) + (b > 0 ? b : 0) + size};
}
static void wait(bool io, bool right) {
  unsigned w = rng() % 3;
  if (right && w == 0) __sync();
  else if (w == 1) io == right ? __sync_io() : __sync_move();
  else __sync_io_move_compute(io == right, io != right, true, true, true, true);
}
""".replace("ROOM_", str(ROOM))

# Draws until everything lies inside the arrays; a[]: size, then the operands in the order of the call.
COPY = """
static bool draw(const Row& r, int* a, int& dst, int& src) {
  bool wide = r.to == 4 || r.from == 4;
  int unit = wide && r.bytes < 16 ? 16 : r.bytes, step = wide && r.bytes < 8 ? 8 : r.bytes;
  int size = unit * between(1, rng() % 4 ? 12 : 100), z = step;
  a[0] = size;
  Bytes d, s;
  if (r.rank == 1) {
    d = s = span(size, 0, 0, 0, 0);
  } else if (r.rank == 2) {
    int n = rng() % 6 ? between(0, 9) : between(0, 60);
    a[1] = n == 0 && rng() % 2 ? z * between(0, 9) : (size + z - 1) / z * z + z * between(0, 5);
    a[2] = z * between(rng() % 4 ? 0 : -40, 40);
    a[3] = n;
    d = span(size, a[1], n, 0, 0), s = span(size, a[2], n, 0, 0);
  } else {
    int p = between(1, 4), q = between(1, 4), total = p * q, u;
    do u = between(1, total); while (total % u);
    a[2] = p - 1, a[4] = q - 1, a[6] = u - 1, a[8] = total / u - 1;
    for (int i = 1; i < 9; i += 2) a[i] = z * (rng() % 4 ? between(-30, 30) : (size + z - 1) / z * between(-4, 4));
    d = span(size, a[1], a[2], a[3], a[4]), s = span(size, a[5], a[6], a[7], a[8]);
  }
  dst = (int)-d.lo + z * between(0, 64 / z), src = (int)-s.lo + z * between(0, 64 / z);
  return dst + d.hi <= ROOM_ && src + s.hi <= ROOM_;
}
static void call(const Row& r, char* d, const char* s, const int* a) {
  mluMemcpyDirection_t dir = (mluMemcpyDirection_t)r.dir;
  auto of = [&](auto copy) {
    if (r.rank == 1) copy(a[0], dir);
    else if (r.rank == 2) copy(a[0], dir, a[1], a[2], a[3]);
    else copy(a[0], dir, a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
  };
  if (r.later) of([&](auto... x) { __memcpy_async(d, s, x...); });
  else of([&](auto... x) { __memcpy(d, s, x...); });
}
static char before[ROOM_];
static int tried(const Row& r, char* const (*home)[2]) {
  int a[9] = {}, dst, src;
  do {} while (!draw(r, a, dst, src));
  char *to = home[r.to][0], *from = home[r.from][1];
  for (int i = 0; i < ROOM_; i++) to[i] = mirror[0][i] = (char)rng(), from[i] = mirror[1][i] = (char)rng();
  r.meaning(mirror[0] + dst, mirror[1] + src, a);
  call(r, to + dst, from + src, a);
  if (r.later) {
    memcpy(before, to, ROOM_);
    for (int i = 0; i < ROOM_; i++) if (before[i] != mirror[0][i] && before[i] != (char)0xFF) return 1;
    if (rng() % 2) wait(r.io, false);
    if (memcmp(before, to, ROOM_)) return 2;
    wait(r.io, true);
  }
  return memcmp(to, mirror[0], ROOM_) ? 3 : memcmp(from, mirror[1], ROOM_) ? 4 : 0;
}
""".replace("ROOM_", str(ROOM))
HOMES = """  char local[2][ROOM_];
  char* const home[5][2] = {{(char*)g, (char*)g + ROOM_}, {local[0], local[1]}, {sram_[0], sram_[1]}, {nram_[0], nram_[1]},
                            {wram_, wram_}};
  rng_state = 99 + seed;
""".replace("ROOM_", str(ROOM))


def direction(row: Instr) -> str:
    return next(c.removeprefix("dir == ") for c, _ in row.rules if c.startswith("dir == "))


def typed_copies() -> Iterator[tuple[Instr, Instr]]:
    """A copy of the table, and the row of one type that kernels have; in a quick run types take turns."""
    for at, row in enumerate(COPIES):
        made = concrete(typed((row,)), C_TYPES)
        assert len(made) == len(ELEMENTS)
        yield from ((row, m) for k, m in enumerate(made) if TRIALS >= 1000 or k % 4 == at % 4)


def meaning(row: Instr, known: dict[str, str]) -> str:
    """The name of a function with the row's meaning; `known` has the texts by what they are made of."""
    key = row.meaning + str([(o.name, o.dtype) for o in row.operands])
    if key not in known:
        name = f"meaning_{len(known)}"
        args, n = [], 0
        for o in row.operands:
            if o.memory:
                args.append(f"({C_TYPES[o.dtype]}*){'d' if o.name == 'dst' else 's'}")
            else:
                args.append(f"({C_TYPES[o.dtype]})a[{n}]")
                n += 1
        known[key] = (f"{body(row, name)}static void {name}_(void* d, const void* s, const int* a) "
                      f"{{ {name}({', '.join(args)}); }}\n")
    return f"meaning_{list(known).index(key)}_"


def run(text: str, n: int) -> np.ndarray:
    entry = Entry("all_rows", (Argument("out", I32, True), Argument("g", U8, True), Argument("seed", I32, False)),
                  Launch((1, 1, 1), (1, 1, 1)))
    result = SimulatorExecutor(BANG).compile(text, entry).run(
        {"out": np.full(n, -7, np.int32), "g": np.zeros(2 * ROOM, np.uint8)}, {"seed": 1},
        limits=Limits(seconds=60.0 + TRIALS))
    assert result.fault is None, result.fault
    return result.outputs["out"]


def copies_text(rows: list[tuple[Instr, Instr]]) -> str:
    known: dict[str, str] = {}
    table = []
    for row, made in rows:
        word = direction(row)
        source, target = (memory.MEMORIES.index(m) for m in memory.sides(word))
        rank = sum(o.name.endswith(("segnum", "segnum1")) for o in row.operands) + 1
        assert isinstance(made.operands[0].dtype, type(U8))
        table.append(f"{{{rank}, {int(row.deferred)}, {word}, {target}, {source}, {int(memory.pipe(word) == 'io')}, "
                     f"{made.operands[0].dtype.bytes}, {meaning(made, known)}}}")
    return (f"{SUPPORT}{COMMON}{COPY}{''.join(known.values())}static const Row rows[] = {{\n" + ",\n".join(table) +
            f"}};\n__mlu_global__ void all_rows(int* out, unsigned char* g, int seed) {{\n{HOMES}"
            f"  for (int k = 0; k < {len(rows)}; k++) {{\n    out[k] = 0;\n"
            f"    for (int t = 0; t < {TRIALS} && !out[k]; t++) out[k] = tried(rows[k], home);\n  }}\n}}\n")


def copies_that_differ(text: str, rows: list[tuple[Instr, Instr]]) -> list[str]:
    out = run(text, len(rows))
    return [f"{m.name} {m.operands[0].dtype}: {v}" for (_, m), v in zip(rows, out, strict=True) if v]


def test_copies() -> None:
    rows = list(typed_copies())
    assert not (wrong := copies_that_differ(copies_text(rows), rows)), (len(wrong), wrong[:20])


def test_a_wrong_copy_is_seen() -> None:
    """The driver itself: a segment too few, and no stride between a source's groups of segments."""
    rows = [(r, m) for r, m in typed_copies() if direction(r) == "GDRAM2NRAM"]
    text = copies_text(rows)
    wrong = copies_that_differ(text.replace("(unsigned int)a[3])", "(unsigned int)(a[3] ? a[3] - 1 : 0))")
                               .replace("(int)a[7],", "0,"), rows)
    assert len(wrong) == sum(len(r.operands) > 4 for r, _ in rows), wrong


def test_fills() -> None:
    """Rows that fill DRAM or SRAM; the ones for NRAM are among the others."""
    known: dict[str, str] = {}
    blocks = []
    todo = [(row, made) for row in FILLS for made in concrete(typed((row,)), C_TYPES)]
    for k, (row, made) in enumerate(todo):
        value = next(o.dtype for o in made.operands if o.name == "value")
        word, strided = TYPES[value], len(row.operands) > 3
        at = memory.MEMORIES.index(row.operands[0].memory[0])
        name = f"fill_{k}"
        known[name] = body(made, name)
        later = ("for (int i = 0; i < ROOM_; i++) if (to[i] != mirror[0][i] && to[i] != (char)0xFF) return 1;\n  __sync();"
                 if row.deferred else "")
        more = ", (unsigned)stride, (unsigned)segnum" if strided else ""
        blocks.append(f"""{known[name]}static int tried_{k}(char* const (*home)[2]) {{
  char* to = home[{at}][0];
  for (int i = 0; i < ROOM_; i++) to[i] = mirror[0][i] = (char)rng();
  int n = between(1, rng() % 4 ? 20 : 200), segnum = between(0, {8 if strided else 0});
  int stride = (n + between(0, 5)) * (int)sizeof({word}), at = between(0, 64) * (int)sizeof({word});
  if (at + stride * (segnum + 1) > ROOM_) return 0;
  {word} value = edge<{word}>(false);
  {name}(({word}*)(mirror[0] + at), (unsigned)n, value{more});
  {row.name}(to + at, (unsigned)n, value{more});
  {later}
  return memcmp(to, mirror[0], ROOM_) ? 3 : 0;
}}
""".replace("ROOM_", str(ROOM)))
    calls = "".join(f"  out[{k}] = 0; for (int t = 0; t < {TRIALS} && !out[{k}]; t++) out[{k}] = tried_{k}(home);\n"
                    for k in range(len(todo)))
    out = run(f"{SUPPORT}{COMMON}{''.join(blocks)}__mlu_global__ void all_rows(int* out, unsigned char* g, int seed) {{\n"
              f"{HOMES}{calls}}}\n", len(todo))
    wrong = [f"{m.name}: {v}" for (_, m), v in zip(todo, out, strict=True) if v]
    assert not wrong, wrong


def test_every_row_is_tried_somewhere() -> None:
    """But the waits, which only move time."""
    tried = {id(r) for family in FAMILIES for r, _ in cases(family)} | {id(r) for r in (*COPIES, *FILLS)}
    left = [r.name for module in FAMILIES.values() for r in module.INSTRS if r.meaning and id(r) not in tried]
    assert not left, left
