"""The MFMA builtins as one lane sees them: every lane of a wave passes registers of its own and gets some back.

Sources: LLVM, "BuiltinsAMDGPU" (names, operand types) and AMD's matrix instruction calculator (which lane holds what).
With G = 64 / M lanes per column, lane l and register r hold

    A[row l % M][k = P * (l / M) + r]     B[k][column l % M]     D[row 4 * G * (r / 4) + 4 * (l / M) + r % 4][column l % M]

where P is the number of elements that a lane holds. A builtin of several blocks does as many independent products: each
has 64 / blocks lanes of A and B, and M * M / 64 registers of D in every lane. The double one keeps its rows apart: row
4 * r + l / 16.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...ir.types import BF16, F16, F32, F64, I8, I16, I32, I64, ScalarType
from ..base import C_TYPES
from ..instr import Instr, Operand

LANES = 64
SOURCE = "AMD matrix instruction calculator; LLVM, clang's builtins for AMDGPU"
_CDNA1, _CDNA2, _CDNA3 = ("gfx908", "gfx90a", "gfx942"), ("gfx90a", "gfx942"), ("gfx942",)


@dataclass(frozen=True, slots=True)
class Shape:
    """One builtin: an M x M product of depth K, `blocks` times; `held` is what a lane passes for A (a scalar type, and
    how many of them: 0 for no vector), `dtype` what its bits are."""

    builtin: str
    m: int
    k: int
    blocks: int
    dtype: ScalarType
    held: tuple[ScalarType, int]
    acc: ScalarType
    arch: tuple[str, ...] = _CDNA1

    @property
    def parts(self) -> int:
        """Elements of A that a lane holds."""
        return self.m * self.k * self.blocks // LANES

    @property
    def registers(self) -> int:
        """Elements of D that a lane holds."""
        return self.m * self.m * self.blocks // LANES

    @property
    def tag(self) -> str:
        """Name of the shape and type among the rows: f16_m16n16k16."""
        return f"{self.dtype.name}_m{self.m}n{self.m}k{self.k}"


SHAPES: tuple[Shape, ...] = (
    Shape("f32_16x16x4f32", 16, 4, 1, F32, (F32, 0), F32),
    Shape("f32_32x32x2f32", 32, 2, 1, F32, (F32, 0), F32),
    Shape("f32_16x16x1f32", 16, 1, 4, F32, (F32, 0), F32),
    Shape("f32_32x32x1f32", 32, 1, 2, F32, (F32, 0), F32),
    Shape("f32_16x16x16f16", 16, 16, 1, F16, (F16, 4), F32),
    Shape("f32_32x32x8f16", 32, 8, 1, F16, (F16, 4), F32),
    Shape("f32_16x16x4f16", 16, 4, 4, F16, (F16, 4), F32),
    Shape("f32_32x32x4f16", 32, 4, 2, F16, (F16, 4), F32),
    Shape("f32_16x16x16bf16_1k", 16, 16, 1, BF16, (I16, 4), F32, _CDNA2),
    Shape("f32_32x32x8bf16_1k", 32, 8, 1, BF16, (I16, 4), F32, _CDNA2),
    Shape("i32_16x16x16i8", 16, 16, 1, I8, (I32, 0), I32, ("gfx908", "gfx90a")),
    Shape("i32_32x32x8i8", 32, 8, 1, I8, (I32, 0), I32, ("gfx908", "gfx90a")),
    Shape("i32_16x16x32_i8", 16, 32, 1, I8, (I64, 0), I32, _CDNA3),
    Shape("i32_32x32x16_i8", 32, 16, 1, I8, (I64, 0), I32, _CDNA3),
    Shape("f64_16x16x4f64", 16, 4, 1, F64, (F64, 0), F64, _CDNA2),
)

_WORDS = {F16: "half", F32: "float", F64: "double", I16: "short", I32: "int"}
_ELEMENTS = {F16: "_Float16", F32: "float", F64: "double", I16: "short", I32: "int"}


def vector(dtype: ScalarType, count: int) -> str:
    """The type of a register vector: `halfx4`; the scalar's own word when there is one element."""
    return f"{_WORDS[dtype]}x{count}" if count else {I64: "long"}.get(dtype) or _WORDS[dtype]


def vector_types() -> dict[str, str]:
    """The definition of each vector type, by its word."""
    kinds = dict.fromkeys(kind for s in SHAPES for kind in (s.held, (s.acc, s.registers)))
    return {vector(t, n): f"typedef {_ELEMENTS[t]} {vector(t, n)} __attribute__((ext_vector_type({n})));"
            for t, n in kinds if n}


def product(s: Shape, a: str, b: str, d: str, c: str, block: bool) -> str:
    """`d = a * b + c` over rows, columns and depth; the arguments are the places of (b, i, k), (b, k, j) and (b, i, j)."""
    word = C_TYPES[s.acc]
    cast = f"({word})" if s.dtype != s.acc else ""
    inner = (f"for (int i = 0; i < {s.m}; i++)\n  for (int j = 0; j < {s.m}; j++) {{\n    {word} sum = {c};\n"
             f"    for (int kk = 0; kk < {s.k}; kk++)\n      sum += {cast}{a} * {cast}{b};\n    {d} = sum;\n  }}")
    return f"for (int n = 0; n < {s.blocks}; n++)\n" + inner if block else inner


def _part(s: Shape, name: str, lane: str) -> str:
    """The element of a lane's registers for depth kk."""
    at = f"{name}[{lane}]"
    r = f"kk % {s.parts}"
    if s.held[0] == s.dtype:
        return f"{at}[{r}]" if s.held[1] else at
    if s.held[1]:  # the bits of a bfloat16
        return f"((__bf16*){at})[{r}]"
    return f"(int8_t)({at} >> {r} * 8)"


def _meaning(s: Shape) -> str:
    wide = LANES // s.blocks
    base = f"n * {wide} + " if s.blocks > 1 else ""
    depth = "" if s.k == s.parts else f"kk * {s.m} + " if s.parts == 1 else f"kk / {s.parts} * {s.m} + "
    groups = LANES // s.m
    if s.acc == F64:
        place = "[i % 4 * 16 + j][i / 4]"
    else:
        register = " + ".join(x for x in (f"n * {s.registers // s.blocks}" if s.blocks > 1 else "",
                                          f"i / {4 * groups} * 4" if s.m > 4 * groups else "", "i % 4") if x)
        place = f"[i / 4 % {groups} * {s.m} + j][{register}]"
    return product(s, _part(s, "a", f"{base}{depth}i"), _part(s, "b", f"{base}{depth}j"), "d" + place, "c" + place,
                   s.blocks > 1)


def _operand(name: str, dtype: ScalarType, count: int, access: str = "r") -> Operand:
    if not count:
        return Operand(name, dtype, access=access, per_lane=True)
    return Operand(name, dtype, ("local",), access, shape=(count,), declared=vector(dtype, count), per_lane=True)


def rows() -> Iterator[Instr]:
    """The builtins, operands lane by lane."""
    for s in SHAPES:
        operands = (_operand("d", s.acc, s.registers, "w"), _operand("a", *s.held), _operand("b", *s.held),
                    _operand("c", s.acc, s.registers))
        times = f" {s.blocks} times, independently" if s.blocks > 1 else ""
        yield Instr(f"mfma_{s.builtin}", f"A wave multiplies matrices that its lanes hold in registers and adds a third: "
                    f"{s.m}x{s.m}, depth {s.k}{times}.", operands, _meaning(s), overlap="same", exact=not s.acc.is_float,
                    lanes=LANES, arch=s.arch, source=SOURCE,
                    assumption="The controls that broadcast or negate (the last three operands) are 0.",
                    template=f"{{d}} = __builtin_amdgcn_mfma_{s.builtin}({{a}}, {{b}}, {{c}}, 0, 0, 0)")
