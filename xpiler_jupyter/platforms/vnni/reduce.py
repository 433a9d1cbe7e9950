"""A register to one scalar. Sums and products fold the upper half onto the lower until one lane is left."""

from __future__ import annotations

from ...ir.types import F32, F64, I32, I64, U32, U64, ScalarType
from ..instr import Instr
from .rows import C, dst, reg, row, scalar
from .tables import mask_of

_KINDS: dict[str, ScalarType] = {"ps": F32, "pd": F64, "epi32": I32, "epi64": I64, "epu32": U32, "epu64": U64}
_OPS = {
    "add": "r[i] + r[i + h]",
    "mul": "r[i] * r[i + h]",
    "max": "r[i] > r[i + h] ? r[i] : r[i + h]",
    "min": "r[i] < r[i + h] ? r[i] : r[i + h]",
    "and": "r[i] & r[i + h]",
    "or": "r[i] | r[i + h]",
}
_LEAST = {I32: "-2147483647 - 1", I64: "-9223372036854775807 - 1", U32: "0", U64: "0", F32: "-INFINITY", F64: "-INFINITY"}
_MOST = {I32: "2147483647", I64: "9223372036854775807", U32: "4294967295u", U64: "18446744073709551615ull", F32: "INFINITY",
         F64: "INFINITY"}


def _neutral(word: str, t: ScalarType) -> str:
    """What a lane counts as that the mask leaves out."""
    return {"add": "0", "mul": "1", "max": _LEAST[t], "min": _MOST[t], "and": "-1", "or": "0"}[word]


def _rows() -> list[Instr]:
    made = []
    for s, t in _KINDS.items():
        for word, step in _OPS.items():
            if (t.is_float and word in ("and", "or")) or (t in (U32, U64) and word not in ("max", "min")):
                continue
            n = 512 // t.bits
            body = (
                f"{C[t]} r[{n}];\nfor (int i = 0; i < {n}; i++)\n  r[i] = {{}};\n"
                f"for (int h = {n // 2}; h > 0; h /= 2)\n  for (int i = 0; i < h; i++)\n    r[i] = {step};\n"
                "dst[0] = r[0];"
            )
            exact = not t.is_float
            note = (
                "The order is the compilers' usual one; the guide promises none." if word in ("add", "mul") and t.is_float
                else "With a NaN, or zeros of both signs, which one comes out is not promised." if t.is_float else ""
            )
            made.append(row(f"_mm512_reduce_{word}_{s}", f"Folds all lanes by {word}.", (dst(t), reg("a", t, n)),
                            body.format("a[i]"), "Miscellaneous", "avx512f", exact=exact, assumption=note))
            made.append(row(f"_mm512_mask_reduce_{word}_{s}", f"Folds the lanes whose bit is set by {word}.",
                            (dst(t), scalar("k", mask_of(n)), reg("a", t, n)),
                            body.format(f"(k >> i & 1) != 0 ? a[i] : ({_neutral(word, t)})"), "Miscellaneous", "avx512f",
                            exact=exact, assumption=note))
    return made


INSTRS: tuple[Instr, ...] = tuple(_rows())
