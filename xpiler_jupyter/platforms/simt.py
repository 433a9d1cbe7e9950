"""What the two SIMT platforms share: axes, memories, barriers, names of functions. Each platform's own file says the rest."""

from __future__ import annotations

from ..ir.bit_casts import BIT_CASTS
from ..ir.types import BF16, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from .base import C_TYPES, Axis, Memory

AXES = (
    Axis("blockIdx.x", "grid", "gridDim.x", 2**31 - 1, "x"),
    Axis("blockIdx.y", "grid", "gridDim.y", 65535, "y"),
    Axis("blockIdx.z", "grid", "gridDim.z", 65535, "z"),
    Axis("threadIdx.x", "block", "blockDim.x", 1024, "x"),
    Axis("threadIdx.y", "block", "blockDim.y", 1024, "y"),
    Axis("threadIdx.z", "block", "blockDim.z", 64, "z"),
)
BARRIERS = {"block": "__syncthreads();"}
# A thread's number in its block, which no built-in has: lanes of a warp follow each other in it.
DERIVED = {"threadRank": "(threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x"}
VOTES = {"__syncthreads_count": "count", "__syncthreads_and": "and", "__syncthreads_or": "or"}
_ELEMENTS = {"char": I8, "uchar": U8, "short": I16, "ushort": U16, "int": I32, "uint": U32, "long": I64, "ulong": U64,
             "longlong": I64, "ulonglong": U64, "float": F32, "double": F64}
# Vectors with fields x, y, z, w, and those of half precision, which have x and y.
SHORT_VECTORS: dict[str, tuple[ScalarType, int]] = {
    **{f"{word}{n}": (t, n) for word, t in _ELEMENTS.items() for n in (1, 2, 3, 4)},
    "half2": (F16, 2), "__half2": (F16, 2),
    "__nv_bfloat162": (BF16, 2), "nv_bfloat162": (BF16, 2), "__hip_bfloat162": (BF16, 2),
}


def types(bfloat: str) -> dict[ScalarType, str]:
    """Words for the scalar types; only that for bfloat16 differs."""
    return {**C_TYPES, F16: "half", BF16: bfloat}


def functions() -> dict[tuple[str, ScalarType], str]:
    """Device spellings that C's naming rule does not give."""
    table: dict[tuple[str, ScalarType], str] = {
        ("max", F32): "fmaxf", ("min", F32): "fminf", ("max", F64): "fmax", ("min", F64): "fmin",
        ("abs", F32): "fabsf", ("abs", F64): "fabs", ("abs", I32): "abs", ("abs", I64): "llabs",
    }
    for t in (I32, U32, I64, U64):
        table["max", t], table["min", t] = "max", "min"
    table |= {(name, target): name for name, (_, target) in BIT_CASTS.items()}
    fast = "__expf __logf __log2f __log10f __sinf __cosf __tanf __powf __fdividef __exp10f __saturatef"
    for name in fast.split():
        table[name, F32] = name
    table |= {(name, I32): f"__{name}" for name in ("popc", "popcll", "ffs", "ffsll", "clz", "clzll")}
    return table


def memories(shared_bytes: int, local_bytes: int | None = None) -> tuple[Memory, ...]:
    return (Memory("local", "", "thread", local_bytes), Memory("shared", "__shared__", "block", shared_bytes),
            Memory("global", "__device__", "grid", None))
