"""What every platform that is C/C++ on a CPU shares: spellings of math functions, and the headers that words need."""

from __future__ import annotations

from collections.abc import Mapping

from ..ir.bit_casts import BIT_CASTS
from ..ir.types import F32, F64, I32, I64, U32, U64, ScalarType

HEADERS: dict[str, tuple[str, ...]] = {
    "cmath": (
        "f(", "exp(", "sqrt(", "pow(", "tanh(", "log(", "floor(", "fabs(", "erf(", "sin(", "cos(", "INFINITY", "NAN"),
    "algorithm": ("std::max", "std::min"),
    "cstdlib": ("std::abs", "malloc("),
    "cstring": ("memcpy(", "memset("),
    "cstdint": ("int8_t", "int16_t", "int64_t"),
}


def functions() -> dict[tuple[str, ScalarType], str]:
    """Text per (canonical function, type)."""
    table: dict[tuple[str, ScalarType], str] = {
        ("max", F32): "fmaxf", ("min", F32): "fminf", ("max", F64): "fmax", ("min", F64): "fmin",
        ("abs", F32): "fabsf", ("abs", F64): "fabs", ("abs", I32): "std::abs", ("abs", I64): "std::abs",
        ("rsqrt", F32): "1.0f / sqrtf({0})", ("rsqrt", F64): "1.0 / sqrt({0})",
        # Fast variants of the GPU platforms: plain C has only the accurate function.
        ("__expf", F32): "expf", ("__logf", F32): "logf", ("__log2f", F32): "log2f", ("__log10f", F32): "log10f",
        ("__sinf", F32): "sinf", ("__cosf", F32): "cosf", ("__tanf", F32): "tanf", ("__powf", F32): "powf",
        ("__exp10f", F32): "powf(10.0f, {0})", ("__fdividef", F32): "{0} / {1}",
        ("__saturatef", F32): "fminf(fmaxf({0}, 0.0f), 1.0f)",
    }
    table |= {(name, target): name.removeprefix("__") for name, (_, target) in BIT_CASTS.items()}
    for t in (I32, U32, I64, U64):
        table["max", t], table["min", t] = "std::max", "std::min"
    table |= {("popc", I32): "__builtin_popcount", ("popcll", I32): "__builtin_popcountll",
              ("ffs", I32): "__builtin_ffs", ("ffsll", I32): "__builtin_ffsll",
              ("clz", I32): "{0} ? __builtin_clz({0}) : 32", ("clzll", I32): "{0} ? __builtin_clzll({0}) : 64"}
    return table


def definitions(words: Mapping[ScalarType, str], qualifier: str = "static inline") -> dict[str, str]:
    """Functions of ours that see the bits of a number as another type, by their names."""
    out = {}
    for name, (source, target) in BIT_CASTS.items():
        word = name.removeprefix("__")
        out[word] = (f"{qualifier} {words[target]} {word}({words[source]} x) "
                     f"{{ union {{ {words[source]} from; {words[target]} to; }} bits = {{x}}; return bits.to; }}")
    return out
