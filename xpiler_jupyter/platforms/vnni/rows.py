"""How the rows of the AVX-512 tables are made: operands, lane loops, and the masked forms that follow from a plain one.

A lane expression speaks of lane `i`. The masked forms keep `src` (mask) or write zero (maskz) where the bit is clear.
Sources are sections of Intel's Intrinsics Guide (its category list), described in our own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...ir.types import F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from ..instr import Instr, Operand
from .tables import mask_of

WIDTHS = (128, 256, 512)
SIGNED: dict[int, ScalarType] = {8: I8, 16: I16, 32: I32, 64: I64}
UNSIGNED: dict[int, ScalarType] = {8: U8, 16: U16, 32: U32, 64: U64}
FLOAT: dict[int, ScalarType] = {32: F32, 64: F64}
PS: dict[str, ScalarType] = {"ps": F32, "pd": F64}
ANY = (I8, U8, I16, U16, I32, U32, I64, U64, F32, F64)
# Of a row whose lanes are bits of any integers: a kernel's call takes the type that its registers have.
INTEGERS: dict[str, tuple[ScalarType, ...]] = {"T": (I32, I8, U8, I16, U16, U32, I64, U64)}
C = {I8: "int8_t", U8: "uint8_t", I16: "int16_t", U16: "uint16_t", I32: "int", U32: "uint32_t", I64: "int64_t",
     U64: "uint64_t", F32: "float", F64: "double"}
LOW = {I8: "-128", I16: "-32768", I32: "-2147483647 - 1", U8: "0", U16: "0", U32: "0"}
HIGH = {I8: "127", I16: "32767", I32: "2147483647", U8: "255", U16: "65535", U32: "4294967295"}

WRAPS = "Integer results wrap around."
NAN = "A NaN result is some NaN: sign and payload are not promised."
IMM8 = ("imm >= 0 && imm <= 255", "imm is an 8-bit constant")

REGISTER = ("register",)
PLACES = ("local", "global")


def pre(width: int) -> str:
    return "_mm_" if width == 128 else f"_mm{width}_"



def f_or_vl(width: int) -> str:
    return "avx512f" if width == 512 else "avx512vl"


def bw_or_vl(width: int) -> str:
    return "avx512bw" if width == 512 else "avx512bw_vl"


def wide(width: int, bits: int, old: str = "sse2") -> str:
    """The feature of an integer instruction that SSE, AVX2 and AVX-512 have alike."""
    if width == 512:
        return "avx512bw" if bits < 32 else "avx512f"
    return "avx2" if width == 256 else old


def masked_arch(width: int, bits: int) -> str:
    return bw_or_vl(width) if bits < 32 else f_or_vl(width)


def reg(name: str, dtype: ScalarType | str, lanes: int | str) -> Operand:
    return Operand(name, dtype, REGISTER, "r", 1, str(lanes))


def dst(dtype: ScalarType | str, lanes: int | str = 1) -> Operand:
    return Operand("dst", dtype, REGISTER, "w", 1, str(lanes))


def mem(name: str, dtype: ScalarType | str, extent: int | str, access: str = "r", alignment: int = 1) -> Operand:
    return Operand(name, dtype, PLACES, access, alignment, str(extent))


def scalar(name: str, dtype: ScalarType = I32) -> Operand:
    return Operand(name, dtype)


def regs(names: str, dtype: ScalarType, lanes: int) -> tuple[Operand, ...]:
    return tuple(reg(n, dtype, lanes) for n in names)


def loop(lanes: int | str, body: str) -> str:
    return f"for (int i = 0; i < {lanes}; i++)\n  {body}"


def guide(category: str) -> str:
    return f"Intel Intrinsics Guide, {category}"


def clamp(value: str, t: ScalarType) -> str:
    """`value` (a wide integer expression without side effects) held within `t`."""
    return f"{value} < ({LOW[t]}) ? ({LOW[t]}) : {value} > {HIGH[t]} ? {HIGH[t]} : {value}"


def _argument(name: str, o: Operand) -> str:
    """An operand in the text of a call. Where 128 or 256 bits of whole numbers are read or written, the headers want a
    pointer to the vector; all other addresses they take as they are."""
    whole = re.search(r"_(?:loadu?|lddqu|storeu?|stream|stream_load)_si(128|256)$", name)
    if whole is None or not o.memory or "register" in o.memory:
        return f"{{{o.name}}}"
    return f"({'const ' if o.access == 'r' else ''}__m{whole[1]}i*)({{{o.name}}})"


def row(
    name: str,
    doc: str,
    operands: Iterable[Operand],
    meaning: str,
    category: str,
    arch: str,
    rules: tuple[tuple[str, str], ...] = (),
    exact: bool = True,
    assumption: str = "",
    types: dict[str, tuple[ScalarType, ...]] | None = None,
    overlap: str = "same",
) -> Instr:
    ops = tuple(operands)
    result = ops[:1] if ops and ops[0].name == "dst" else ()
    call = f"{name}({', '.join(_argument(name, o) for o in ops[len(result):])})"
    return Instr(name, doc, ops, meaning, types or {}, rules, overlap, exact, 1, (arch,),
                 source=guide(category), assumption=assumption, template=("{dst} = " if result else "") + call)


def lanes(
    name: str,
    doc: str,
    out: ScalarType,
    count: int,
    expr: str,
    operands: Iterable[Operand],
    category: str,
    arch: str,
    masks: str = "",
    rules: tuple[tuple[str, str], ...] = (),
    exact: bool = True,
    assumption: str = "",
    before: str = "",
) -> list[Instr]:
    """One row whose lanes are independent, with its masked forms: `masks` is their feature, empty for none.

    `before` declares what the expression uses, once per lane.
    """
    ops = tuple(operands)
    made = []

    def body(value: str) -> str:
        if not before:
            return loop(count, f"dst[i] = {value};")
        return f"for (int i = 0; i < {count}; i++) {{\n  {before}\n  dst[i] = {value};\n}}"

    def add(name: str, doc: str, ops: tuple[Operand, ...], value: str, arch: str) -> None:
        made.append(row(name, doc, (dst(out, count), *ops), body(value), category, arch, rules, exact, assumption))

    add(name, doc, ops, expr, arch)
    if masks:
        head, tail = split(name)
        k = scalar("k", mask_of(count))
        add(f"{head}mask_{tail}", f"{doc} Lanes whose mask bit is clear come from src.",
            (reg("src", out, count), k, *ops), f"(k >> i & 1) != 0 ? ({expr}) : src[i]", masks)
        add(f"{head}maskz_{tail}", f"{doc} Lanes whose mask bit is clear become zero.",
            (k, *ops), f"(k >> i & 1) != 0 ? ({expr}) : 0", masks)
    return made


def split(name: str) -> tuple[str, str]:
    """`_mm512_` and the rest."""
    head, tail = name[1:].split("_", 1)
    return f"_{head}_", tail
