"""Dot products of four 8-bit or two 16-bit pairs into each 32-bit lane."""

from __future__ import annotations

from ...ir.types import I8, I16, I32, U8, ScalarType
from ..instr import Instr, Operand
from .rows import WIDTHS, WRAPS, clamp, dst, pre, reg, row, scalar
from .tables import mask_of

_CATEGORY = "Arithmetic, vector neural network"
_KINDS: dict[str, tuple[int, ScalarType, ScalarType, str]] = {
    "dpbusd": (4, U8, I8, "unsigned bytes of a with signed bytes of b"),
    "dpwssd": (2, I16, I16, "signed 16-bit pairs of a and b"),
}


def _meaning(lanes: int, group: int, saturates: bool, choice: str) -> str:
    """`choice` wraps the value when a mask selects."""
    total = "int64_t" if saturates else "int"
    value = clamp("sum", I32) if saturates else "sum"
    return (
        f"for (int i = 0; i < {lanes}; i++) {{\n"
        f"  {total} sum = src[i];\n"
        f"  for (int j = 0; j < {group}; j++)\n"
        f"    sum += (int)a[{group} * i + j] * (int)b[{group} * i + j];\n"
        f"  dst[i] = {choice.format(value)};\n"
        "}"
    )


def _rows() -> list[Instr]:
    made = []
    for width in WIDTHS:
        n = width // 32
        arch = "avx512vnni" if width == 512 else "avx512vnni_vl"
        for word, (group, left, right, what) in _KINDS.items():
            for saturates in (False, True):
                tail = f"{word}{'s' if saturates else ''}_epi32"
                doc = (f"Multiplies {what}, and adds each group of {group} products to the 32-bit lane of src"
                       f"{', saturating once at the end' if saturates else ''}.")
                note = "The sum is exact; only the result saturates." if saturates else WRAPS
                src, k = reg("src", I32, n), scalar("k", mask_of(n))
                pair = (reg("a", left, group * n), reg("b", right, group * n))
                forms: list[tuple[str, tuple[Operand, ...], str, str]] = [
                    ("", (src, *pair), "{}", ""),
                    ("mask_", (src, k, *pair), "(k >> i & 1) != 0 ? ({}) : src[i]", " Other lanes keep src."),
                    ("maskz_", (k, src, *pair), "(k >> i & 1) != 0 ? ({}) : 0", " Other lanes become zero."),
                ]
                for prefix, operands, choice, more in forms:
                    made.append(
                        row(f"{pre(width)}{prefix}{tail}", doc + more, (dst(I32, n), *operands),
                            _meaning(n, group, saturates, choice), _CATEGORY, arch, assumption=note)
                    )
    return made


INSTRS: tuple[Instr, ...] = tuple(_rows())
