"""Scalar types of the kernel language and C's rules for mixing them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False, slots=True)
class ScalarType:
    """One machine type: `kind` is "bool", "int", "uint" or "float"; `bits` its width. Equal when the names are."""

    name: str
    kind: str
    bits: int

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_integer(self) -> bool:
        return self.kind in ("int", "uint", "bool")

    @property
    def bytes(self) -> int:
        """Size in memory, in bytes (a bool takes one)."""
        return max(1, self.bits // 8)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ScalarType) and self.name == other.name)

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name


BOOL = ScalarType("bool", "bool", 1)
I8, I16, I32, I64 = (ScalarType(f"i{b}", "int", b) for b in (8, 16, 32, 64))
U8, U16, U32, U64 = (ScalarType(f"u{b}", "uint", b) for b in (8, 16, 32, 64))
F16 = ScalarType("f16", "float", 16)
BF16 = ScalarType("bf16", "float", 16)
F32 = ScalarType("f32", "float", 32)
F64 = ScalarType("f64", "float", 64)

SCALARS: dict[str, ScalarType] = {
    t.name: t for t in (BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F16, BF16, F32, F64)
}


def integer_promotion(t: ScalarType) -> ScalarType:
    """C's integer promotion (C17 6.3.1.1): anything narrower than int becomes int."""
    return I32 if t.is_integer and t.bits < 32 else t


def common_type(a: ScalarType, b: ScalarType) -> ScalarType:
    """The usual arithmetic conversions (C17 6.3.1.8), with f16 and bf16 below f32.

    f16 with f16 stays f16, as on every platform here; f16 with bf16 meets in f32.
    """
    if a.is_float or b.is_float:
        if not a.is_float:
            return b
        if not b.is_float:
            return a
        if a == b:
            return a
        return F32 if a.bits == b.bits else max(a, b, key=lambda t: t.bits)
    a, b = integer_promotion(a), integer_promotion(b)
    if a == b:
        return a
    if a.kind == b.kind:
        return max(a, b, key=lambda t: t.bits)
    unsigned, signed = (a, b) if a.kind == "uint" else (b, a)
    return unsigned if unsigned.bits >= signed.bits else signed
