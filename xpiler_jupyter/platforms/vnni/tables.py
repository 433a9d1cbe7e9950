"""What the AVX-512/VNNI platform is, as data: vector types, memories, the parallel axis, spellings.

A vector value is a register: an array of lanes in memory "register" without a type of its own; each instr says what
lanes it reads there (`__m512i` is 64 x i8 to `dpbusd` and 16 x i32 to `add_epi32`). A mask is a scalar, bit i for lane
i. The result is the first operand, `dst`; a scalar result is a `dst` of extent 1. A row's `arch` is one word of
`ARCHS`: the CPU flags that the instruction needs, all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...ir.types import F32, F64, I32, U8, U16, U32, U64, ScalarType
from ..base import C_TYPES, Axis, Memory
from ..instr import Instr, Operand


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector type: its word, its bytes, and the lanes it has when no instr says otherwise."""

    word: str
    bytes: int
    lane: ScalarType

    @property
    def lanes(self) -> int:
        return self.bytes // self.lane.bytes


VECTORS = {
    f"__m{8 * size}{letter}": Vector(f"__m{8 * size}{letter}", size, lane)
    for size in (16, 32, 64)
    for letter, lane in (("", F32), ("d", F64), ("i", I32))
}
MASKS: dict[str, ScalarType] = {"__mmask8": U8, "__mmask16": U16, "__mmask32": U32, "__mmask64": U64}

# What each word of a row's `arch` asks of the CPU, as /proc/cpuinfo spells it.
ARCHS: dict[str, tuple[str, ...]] = {
    "sse": ("sse",),
    "sse2": ("sse2",),
    "sse3": ("pni",),
    "ssse3": ("ssse3",),
    "sse41": ("sse4_1",),
    "avx": ("avx",),
    "avx2": ("avx2",),
    "fma": ("fma",),
    "f16c": ("f16c",),
    "avx512f": ("avx512f",),
    "avx512bw": ("avx512bw",),
    "avx512dq": ("avx512dq",),
    "avx512vl": ("avx512f", "avx512vl"),
    "avx512bw_vl": ("avx512bw", "avx512vl"),
    "avx512vnni": ("avx512_vnni",),
    "avx512vnni_vl": ("avx512_vnni", "avx512vl"),
}
NATIVE_FLAGS = (
    "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vnni", "-mavx2", "-mfma", "-mf16c",
)
NATIVE_CPU = tuple(sorted({word for words in ARCHS.values() for word in words}))

# Independent instances of a loop: `#pragma omp parallel for` in front of it. Its barrier is the end of the loop.
LOOP_AXIS = Axis("thread", "grid", "threads", 2**31 - 1, pragma="#pragma omp parallel for")

MEMORIES = (
    Memory("register", "", "thread", 32 * 64, 64),  # 32 registers of 64 bytes; the compiler spills what is more
    Memory("local", "", "thread", None),
    Memory("global", "", "grid", None),
)

TYPES: dict[ScalarType, str] = {**C_TYPES, U32: "uint32_t"}
HEADERS = {"immintrin.h": ("_mm",), "omp.h": ("omp_",)}
MARKERS = ("_mm512_", "__m512", "_mm256_", "__m256", "_mm_", "__m128", "immintrin.h")
WEAK_MARKERS = ("#pragma omp",)
_PREDICATES = ("EQ_OQ", "LT_OS", "LE_OS", "UNORD_Q", "NEQ_UQ", "NLT_US", "NLE_US", "ORD_Q", "EQ_UQ", "NGE_US", "NGT_US",
               "FALSE_OQ", "NEQ_OQ", "GE_OS", "GT_OS", "TRUE_UQ", "EQ_OS", "LT_OQ", "LE_OQ", "UNORD_S", "NEQ_US", "NLT_UQ",
               "NLE_UQ", "ORD_S", "EQ_US", "NGE_UQ", "NGT_UQ", "FALSE_OS", "NEQ_OS", "GE_OQ", "GT_OQ", "TRUE_US")
# The named constants of <immintrin.h>.
CONSTANTS: dict[str, int] = {
    **{f"_CMP_{word}": k for k, word in enumerate(_PREDICATES)},
    **{f"_MM_CMPINT_{word}": k for k, word in enumerate(("EQ", "LT", "LE", "FALSE", "NE", "NLT", "NLE", "TRUE"))},
    "_MM_FROUND_TO_NEAREST_INT": 0, "_MM_FROUND_TO_NEG_INF": 1, "_MM_FROUND_TO_POS_INF": 2, "_MM_FROUND_TO_ZERO": 3,
    "_MM_FROUND_CUR_DIRECTION": 4, "_MM_FROUND_RAISE_EXC": 0, "_MM_FROUND_NO_EXC": 8, "_MM_FROUND_NINT": 0,
}
SUFFIXES = (".c", ".cpp", ".cc")

_CAST = re.compile(r"_(?:cast|zext)(ps|pd|si|ph)(\d*)_(ps|pd|si)(\d*)$")
_FLOAT_BITS = re.compile(r"_(?:and|or|xor|andnot)_(p[sd])$")
_BYTES = re.compile(r"_(?:load|store|stream|lddqu)\w*_(?:si\d+|epi64)$")  # bits of any lanes, held in an integer vector
_LETTER = {"ps": "", "pd": "d", "si": "i"}


def word_of(row: Instr, operand: Operand, dtype: ScalarType) -> str:
    """How C spells the value that travels: a vector type, a mask's integer or a scalar."""
    if operand.memory != ("register",) or operand.extent == "1":
        return TYPES[dtype]
    size = 8 * lanes_of(operand, dtype) * dtype.bytes
    letter = {F32: "", F64: "d"}.get(dtype, "i")
    if cast := _CAST.search(row.word):
        letter = _LETTER[cast[3] if operand.name == "dst" else cast[1]]
    elif bits := _FLOAT_BITS.search(row.word):
        letter = _LETTER[bits[1]]
    elif _BYTES.search(row.word):
        letter = "i"
    return f"__m{size}{letter}"


def lanes_of(operand: Operand, dtype: ScalarType) -> int:
    """The lanes of a register operand: its extent is a number, or bytes over the lane's size."""
    size, _, per = operand.extent.replace(" ", "").partition("/")
    return int(size) // (dtype.bytes if per == "sizeof(T)" else int(per or 1))


def mask_of(lanes: int) -> ScalarType:
    """The scalar that holds one bit per lane."""
    return U8 if lanes <= 8 else {16: U16, 32: U32, 64: U64}[lanes]
