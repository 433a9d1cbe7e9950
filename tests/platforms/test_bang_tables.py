"""BANG's instr tables: every meaning is C over its operands, every rule and extent an expression over them."""

from __future__ import annotations

import re
import subprocess
from collections import Counter

import pytest

from xpiler_jupyter.ir.types import BF16
from xpiler_jupyter.platforms.bang import tables
from xpiler_jupyter.platforms.bang.instrs import INSTRS
from xpiler_jupyter.platforms.bang.meanings import PRELUDE, function, parameters, result_of
from xpiler_jupyter.platforms.bang.memory import DIRECTIONS
from xpiler_jupyter.platforms.instr import Instr, choices, dtype_of

compiler = pytest.importorskip("xpiler_jupyter.execute.compiler")

C_WORDS = set(
    [
        "for",
        "unsigned",
        "int",
        "if",
        "return",
        "float",
        "double",
        "long",
        "short",
        "char",
        "const",
        "half",
        "bfloat16_t",
        "sizeof",
        "else",
    ]
) | {
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uintptr_t",
    "T",
    "D",
    "__BANG_ARCH__",
    *DIRECTIONS,
}
FUNCTIONS = set(
    [
        "expf",
        "exp2f",
        "exp2",
        "logf",
        "log2f",
        "sqrtf",
        "sinf",
        "cosf",
        "tanhf",
        "tanh",
        "erf",
        "fabsf",
        "fabs",
        "floorf",
        "roundf",
        "rintf",
        "rint",
        "trunc",
        "floor",
        "ceil",
        "round",
        "fmax",
        "copysign",
    ]
)


def label(row: Instr) -> str:
    return f"{row.name}/{len(row.operands)}"


def words(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", text))


def test_there_are_many_intrinsics_and_the_ones_that_public_kernels_use() -> None:
    names = Counter(row.name for row in INSTRS)
    assert len(names) >= 300
    for name in [
        "__memcpy",
        "__memcpy_async",
        "__bang_add",
        "__bang_mul_const",
        "__bang_div",
        "__bang_active_gelup",
        "__bang_sumpool",
        "__bang_conv",
        "__bang_mlp",
        "__bang_matmul",
        "__bang_transpose",
        "__bang_argmax",
        "__bang_write_zero",
        "__memset_nram",
        "__bang_float2half_rn",
        "__bang_int82float",
        "__bang_count",
        "__bang_cycle_mul",
        "__bang_ge_scalar",
        "__sync_cluster",
    ]:
        assert name in names


@pytest.mark.parametrize("row", INSTRS, ids=label)
def test_a_row_speaks_of_its_operands_only(row: Instr) -> None:
    own = {o.name for o in row.operands}
    assert len(own) == len(row.operands) and row.doc and row.source
    declared = set(re.findall(r"(?:int|float|double|[TD]|half|bfloat16_t|int64_t) (\w+) =", row.meaning))
    used = words(row.meaning)
    assert used <= own | declared | C_WORDS | FUNCTIONS, used - own - declared - C_WORDS - FUNCTIONS
    said = used.union(*(words(c) for c, _ in row.rules), *(words(o.extent) for o in row.operands))
    assert own - {"src_addition", "return"} <= said, own - said
    for text in [c for c, _ in row.rules] + [o.extent for o in row.operands if o.memory]:
        assert text and words(text) <= own | C_WORDS, text
    for o in row.operands:
        assert bool(o.extent) == bool(o.memory)
        assert isinstance(o.dtype, str) <= (o.dtype in row.types)
    assert row.overlap in ("none", "same", "any") and set(row.arch) <= set(tables.ARCHS)


def test_every_meaning_and_rule_compiles() -> None:
    parts = [PRELUDE, "#define __BANG_ARCH__ 592\n"]
    for k, row in enumerate(INSTRS):
        for j, chosen in enumerate(choices(row)):
            parts.append(function(row, chosen, f"meaning_{k}_{j}"))
            types = "".join(f"typedef {tables.TYPES[t]} {n};" for n, t in chosen.items())
            args = ", ".join(
                f"{tables.TYPES[dtype_of(o, chosen)]}{'*' if o.memory else ''} {o.name}" for o in parameters(row)
            )
            checks = [c for c, _ in row.rules] + [f"({o.extent}) > 0" for o in row.operands if o.memory]
            parts.append(
                f"bool rules_{k}_{j}({args}) {{ {types} return {' && '.join(f'({c})' for c in checks) or 'true'}; }}\n"
            )
            assert result_of(row) is None or "return " in row.meaning
    tools = compiler.toolchain()
    header = compiler.RUNTIME / "kernel.h"
    done = subprocess.run(
        [
            *tools.compile,
            "-x",
            "c++",
            "-std=c++17",
            "-nostdinc",
            "-fsyntax-only",
            "-Wall",
            "-Wno-parentheses",
            "-Wno-unused",
            "-Wno-missing-braces",
            "-Wno-logical-op-parentheses",
            "-Wno-tautological-compare",
            "-include",
            str(header),
            "-",
        ],
        input="".join(parts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:3000]
    assert "warning" not in done.stderr, done.stderr[:3000]


def test_types_that_an_architecture_lacks_are_refused_by_rule() -> None:
    for row in INSTRS:
        if row.arch == ("mtp_592",):
            continue
        if any(BF16 in t for t in row.types.values()):
            assert any("bfloat16_t needs" in why for _, why in row.rules), row.name


def test_memories_have_capacities_per_architecture() -> None:
    nram = {a: next(m for m in tables.memories(a) if m.name == "nram").capacity for a in tables.ARCHS}
    assert nram == {"mtp_290": 384 << 10, "mtp_372": 640 << 10, "mtp_592": 384 << 10}
