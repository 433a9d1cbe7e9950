"""From the instr tables to the simulator's checks: one C++ function per row, which tests rules, memories, bounds and
overlap and then calls the arithmetic in sim_arith.hpp and sim_tensor.hpp. Rows with the same operands and rules share one
macro. `python -m xpiler_jupyter.platforms.bang.simgen` writes sim_checks.hpp; a test holds it up to date.
"""

from __future__ import annotations

import re
from pathlib import Path

from ...ir.types import I8, ScalarType
from ..instr import Instr, Operand
from . import memory
from .instrs import INSTRS
from .meanings import parameters, result_of
from .tables import TYPES

TARGET = Path(__file__).with_name("sim_checks.hpp")
_POOLS = {
    "sumpool": "SUM",
    "avgpool": "MEAN",
    "maxpool": "MAX",
    "minpool": "MIN",
    "maxpool_index": "MAX_AT",
    "minpool_index": "MIN_AT",
}
_ACTIVE = {
    "exp_less_0": "exp",
    "exphp": "exp",
    "log": "ln",
    "loghp": "ln",
    "recip_greater_1": "recip",
    "reciphp": "recip",
    "rsqrthp": "rsqrt",
    "sqrthp": "sqrt",
}
_EXTREMES = {
    "argmax": "LARGEST",
    "argmin": "SMALLEST",
    "max": "LARGEST",
    "min": "SMALLEST",
    "nan_argmax": "LARGEST | NANS",
    "nan_argmin": "SMALLEST | NANS",
    "fabsmax": "LARGEST | ABSOLUTE",
    "fabsmin": "SMALLEST | ABSOLUTE",
}
_VOID = {"__bang_maskmove", "__bang_move"}


def is_copy(row: Instr) -> bool:
    return row.name in ("__memcpy", "__memcpy_async")


def is_fill(row: Instr) -> bool:
    """Fills take a void pointer: the type of an element is the value's."""
    return row.name.removesuffix("_async").endswith(("set", "memset_nram", "write_value"))


def arithmetic(row: Instr) -> str:
    """The C++ expression that does the work, in terms of the operands' names."""
    word = row.name.removeprefix("__bang_")
    names = [o.name for o in parameters(row)]
    if "v = (double)src" in row.meaning:
        mode = word.rsplit("_", 1)[-1].upper() if re.search(r"_(rn|tz|dn|up|oz|rd)$", word) else "TZ"
        if not any(f"double r = {m}" in row.meaning for m in ("r", "t", "f", "c", "v")) and "h = (" not in row.meaning:
            mode = "RN"
        dst = row.operands[0].dtype
        assert isinstance(dst, ScalarType)
        scale = "0"
        if "fix_position" in names:
            scale = "-fix_position" if dst.is_integer else "fix_position"
        elif "src_position" in names:
            scale = "src_position - dst_position"
        if "segnum" in names:
            return f"bang::convert_strided<bang::{mode}>(dst, src, {names[2]}, {scale}, dst_stride, src_stride, segnum)"
        return f"bang::convert<bang::{mode}>(dst, src, {names[2]}, {scale})"
    if word in _POOLS:
        call = f"pool<bang::{_POOLS[word]}>"
    elif word in _EXTREMES:
        call = f"extreme<{' | '.join(f'bang::{p}' for p in _EXTREMES[word].split(' | '))}>"
    elif word.startswith("active_"):
        bare = word.removeprefix("active_")
        call = _ACTIVE.get(bare, bare)
    elif word == "log":
        call = "log2"
    elif re.fullmatch(r"(cycle_)?(and|or|xor|not)", word):
        call = f"{word}_"
    else:
        call = word.replace("_const", "_scalar")
    return f"bang::{call}({', '.join(names)})"


def _text(t: ScalarType | str) -> str:
    return t if isinstance(t, str) else TYPES[t]


def _parameter(row: Instr, o: Operand) -> str:
    kind = "void" if o.memory and (row.name in _VOID or (is_fill(row) and o.name == "dst")) else _text(o.dtype)
    if not o.memory:
        return f"xrt::as<{kind}> {o.name}" if isinstance(o.dtype, str) else f"{kind} {o.name}"
    return f"{'const ' if o.access == 'r' else ''}{kind}* const {o.name} XRT_SIZED"


def _wide(expr: str, row: Instr) -> str:
    """The extent in 64 bits; on request the perceptron's sides change places."""
    if row.name == "__bang_mlp" and expr in ("height", "width"):
        expr = f"XRT_SIDE({expr}, {'width' if expr == 'height' else 'height'})"
    for o in row.operands:
        if not o.memory:
            expr = re.sub(rf"(?<![\w.]){o.name}\b", f"(xrt_u64){o.name}", expr)
    return expr


def _checks(row: Instr, rules: tuple[tuple[str, str], ...]) -> list[str]:
    lines = [f'XRT_RULE({condition}, "{why}")' for condition, why in rules]
    for o in row.operands:
        if o.memory:
            if is_fill(row):
                lines.append(
                    f"XRT_FILLS(dst, ({_wide(o.extent, row)}) * sizeof(T), xrt::{o.memory[0].upper()}, {_fill_pipe(row)})"
                )
                continue
            space = " | ".join(f"xrt::{m.upper()}" for m in o.memory)
            lines.append(
                f"XRT_OPERAND({o.name}, ({_wide(o.extent, row)}) * sizeof({_text(o.dtype)}), {space}, "
                f"{'false' if o.access == 'r' else 'true'}, {o.alignment})"
            )
    if row.overlap != "any" and sum(bool(o.memory) for o in row.operands) > 1:
        lines.append(f"XRT_OVERLAP({0 if row.overlap == 'none' else 1})")
    return lines


def _shape(row: Instr) -> tuple[str, ...]:
    """Everything of the function but its name, types and arithmetic."""
    fill = is_fill(row)
    params = [_parameter(row, o) if not (fill and o.name == "value") else "V value" for o in parameters(row)]
    head = f"NAME({', '.join([*params, 'XRT_HERE'])})"
    return (head, *(["typedef xrt::fill_of<V> T;"] if fill else []), "XRT_CALL(NAME)", *_checks(row, row.rules))


def _heading(row: Instr) -> str:
    """The template header: which types are allowed."""
    if is_fill(row):
        return "template <class V, typename xrt::fills<V>::type = 0> "
    parts = []
    for name, types in row.types.items():
        words = [_text(t) for t in types] + (["char"] if I8 in types else [])
        parts.append(f"class {name}, xrt::only<{name}, {', '.join(words)}> = 0")
    return f"template <{', '.join(parts)}> " if parts else ""


def _fill_pipe(row: Instr) -> str:
    return "kMove" if row.operands[0].memory[0] in ("nram", "wram") else "kIo"


def _fill(row: Instr) -> str:
    rank2 = "stride" in {o.name for o in row.operands}
    sizes = "stride, segnum" if rank2 else "0, 0"
    pipe = _fill_pipe(row)
    later = "true" if row.name.endswith("_async") else "false"
    return f"xrt::fill<T>(dst, (T)value, elem_count, {sizes}, xrt::{pipe}, {later}, xrt_line.n)"


def _copies() -> list[str]:
    out = [
        "// Copies: the memories of each direction, and their rules.",
        "enum mluMemcpyDirection_t { " + ", ".join(memory.DIRECTIONS) + " };",
        "namespace xrt {",
        "struct Direction { unsigned from, to, pipe; };",
        "static const Direction kDirections[] = {",
    ]
    for d in memory.DIRECTIONS:
        s, t = memory.sides(d)
        out.append(f"    {{{s.upper()}, {t.upper()}, {'kIo' if memory.pipe(d) == 'io' else 'kMove'}}},")
    out += [
        "};",
        "inline void copy_rules(Call& xrt_c, mluMemcpyDirection_t dir, void* dst, const void* src, unsigned size) {",
        "  (void)dst, (void)src;",
        "  switch (dir) {",
    ]
    rows = [r for r in INSTRS if r.name == "__memcpy" and len(r.operands) == 4]
    kept: dict[tuple[str, ...], list[str]] = {}
    for d, row in zip(memory.DIRECTIONS, rows, strict=True):
        kept.setdefault(tuple(f'XRT_RULE({c}, "{w}")' for c, w in row.rules if "dir ==" not in c), []).append(d)
    for checks, directions in kept.items():
        out += [f"    {' '.join(f'case {d}:' for d in directions)}", *(f"      {c}" for c in checks), "      break;"]
    out += ["  }", "}"]
    for rank, count in ((2, 7), (3, 12)):
        row = next(r for r in INSTRS if r.name == "__memcpy" and len(r.operands) == count)
        one = {c for r in rows for c, _ in r.rules}
        names = [o.name for o in row.operands[4:]]
        extra = [f'  XRT_RULE({c}, "{w}")' for c, w in row.rules if c not in one]
        params = ", ".join(f"{_text(o.dtype)} {o.name}" for o in row.operands[4:])
        out += [
            f"inline void copy_rules{rank}(Call& xrt_c, unsigned size, {params}) {{",
            "  " + " ".join(f"(void){n};" for n in ["size", *names]),
            *extra,
            "}",
        ]
    out += ["}  // namespace xrt", '#include "sim_copy.hpp"', ""]
    return out


def generate() -> str:
    """The text of sim_checks.hpp."""
    out = [
        "// Generated by simgen.py from the instr tables: which operands an intrinsic takes, and what it checks.",
        "#pragma once",
        "#pragma GCC system_header",
        *_copies(),
    ]
    shapes: dict[tuple[str, ...], int] = {}
    uses: list[str] = []
    for row in INSTRS:
        if is_copy(row) or not row.meaning:
            continue
        shape = _shape(row)
        k = shapes.setdefault(shape, len(shapes))
        result = result_of(row)
        kind = _text(result.dtype) if result else "void"
        work = _fill(row) if is_fill(row) else arithmetic(row)
        guard = ""
        if row.arch:
            least = min(int(a.split("_")[1]) for a in row.arch)
            guard = f"XRT_SINCE({least}) "
        uses.append(
            f"{_heading(row)}{guard}XRT_INLINE {kind} XRT_SHAPE{k}({row.name}, {'return ' if result else ''}{work})"
        )
    for shape, k in shapes.items():
        body = " \\\n  ".join(shape[1:])
        out.append(f"#define XRT_SHAPE{k}(NAME, ...) {shape[0]} {{ \\\n  {body} \\\n  __VA_ARGS__; }}")
    return "\n".join([*out, "", *uses, ""])


if __name__ == "__main__":
    TARGET.write_text(generate())
