"""How the rows of BANG's instr tables are made: the operands, rules and assumptions that whole families share.

Facts come from the BANG C guide 4.5.1 (the version that CNCC 4.x documents); its section number is each row's source.
Rules are C conditions over the operands; they may also ask `sizeof(T)` and `__BANG_ARCH__` (290, 372, 592), and the
address of a buffer as `(uintptr_t)dst`.
"""

from __future__ import annotations

from dataclasses import replace

from ...ir.types import BF16, F16, F32, I8, I16, I32, U8, U16, U32, ScalarType
from ..instr import Instr, Operand

NRAM, WRAM = ("nram",), ("wram",)
FLOATS = (F16, F32)
WIDE_FLOATS = (F16, BF16, F32)
SIGNED = (I8, I16, I32)
UNSIGNED = (U8, U16, U32)
VECTOR = (*WIDE_FLOATS, *SIGNED)
EVERY = (*WIDE_FLOATS, *SIGNED, *UNSIGNED)

Rule = tuple[str, str]

# The types as C expressions: an integer type truncates one half to zero; 257 needs more bits than bfloat16 has.
NEW_INTS: Rule = ("__BANG_ARCH__ >= 300 || (T)0.5f != 0", "integer elements need mtp_3xx or newer")
NEW_BF16: Rule = (
    "__BANG_ARCH__ >= 500 || (T)0.5f == 0 || (float)(T)257.0f == 257.0f",
    "bfloat16_t needs mtp_5xx or newer",
)

IEEE = (
    "Rounds to nearest even and keeps subnormals, infinities and NaNs as IEEE 754 says; the guide lets some "
    "architectures saturate instead of giving an infinity or a NaN."
)
WRAPS = "Integer results wrap around."
EXACT_TABLE = (
    "Computed to the type's precision over the whole range; the device reads a table, with the errors and the "
    "range that the guide gives."
)
NAN_UNORDERED = "A comparison with NaN is false (and != is true), as in C."


def section(number: str) -> str:
    """The source line of a row."""
    return f"BANG C guide 4.5.1, {number}"


def positive(*names: str) -> tuple[Rule, ...]:
    return tuple((f"{n} > 0", f"{n} must be greater than zero") for n in names)


def aligned(*names: str, since: int = 300, to: int = 64) -> tuple[Rule, ...]:
    """Addresses aligned on architectures older than `since`."""
    return tuple(
        (
            f"__BANG_ARCH__ >= {since} || (uintptr_t){n} % {to} == 0",
            f"the address of {n} must be {to}-byte aligned on mtp_2xx",
        )
        for n in names
    )


def whole(count: str, to: int = 128, dtype: str = "T") -> Rule:
    """Sizes in whole lines of the vector unit on mtp_2xx."""
    return (
        f"__BANG_ARCH__ >= 300 || {count} * sizeof({dtype}) % {to} == 0",
        f"{count} * sizeof(type) must be divisible by {to} on mtp_2xx",
    )


def counted(count: str, to: int) -> Rule:
    return f"__BANG_ARCH__ >= 300 || {count} % {to} == 0", f"{count} must be divisible by {to} on mtp_2xx"


def out(
    name: str,
    extent: str,
    dtype: ScalarType | str = "T",
    memory: tuple[str, ...] = NRAM,
    access: str = "w",
    alignment: int = 1,
) -> Operand:
    return Operand(name, dtype, memory, access, alignment, extent)


def buf(
    name: str, extent: str, dtype: ScalarType | str = "T", memory: tuple[str, ...] = NRAM, alignment: int = 1
) -> Operand:
    return Operand(name, dtype, memory, "r", alignment, extent)


def scalar(name: str, dtype: ScalarType | str = U32) -> Operand:
    return Operand(name, dtype)


def loop(count: str, body: str, index: str = "i") -> str:
    return f"for (unsigned int {index} = 0; {index} < {count}; {index}++)\n  {body}"


def _types(types: tuple[ScalarType, ...], old: bool) -> tuple[Rule, ...]:
    """What older architectures cannot do with these element types."""
    rules: list[Rule] = []
    if old and any(t.is_integer for t in types) and any(t.is_float for t in types):
        rules.append(NEW_INTS)
    if BF16 in types:
        rules.append(NEW_BF16)
    return tuple(rules)


def arch_of(since: int) -> tuple[str, ...]:
    """Architectures that have what exists since `since`."""
    known = {290: "mtp_290", 372: "mtp_372", 592: "mtp_592"}
    return () if since <= 290 else tuple(name for arch, name in known.items() if arch >= since)


def unary(
    name: str,
    expr: str,
    doc: str,
    at: str,
    *,
    types: tuple[ScalarType, ...] = FLOATS,
    since: int = 200,
    overlap: str = "same",
    exact: bool = True,
    assumption: str = "",
    strict: bool = True,
) -> Instr:
    """dst[i] = expr over x. `strict`: the line and address rules of mtp_2xx."""
    old = since < 300
    rules = (
        *positive("elem_count"),
        *_types(types, old),
        *((*aligned("dst", "src"), whole("elem_count")) if old and strict else ()),
    )
    body = loop("elem_count", f"dst[i] = {expr.replace('$', 'src[i]')};")
    return Instr(
        name,
        doc,
        (out("dst", "elem_count"), buf("src", "elem_count"), scalar("elem_count")),
        body,
        {"T": types},
        rules,
        overlap,
        exact,
        arch=arch_of(since),
        source=section(at),
        assumption=assumption,
    )


def binary(
    name: str,
    expr: str,
    doc: str,
    at: str,
    *,
    types: tuple[ScalarType, ...] = VECTOR,
    since: int = 200,
    assumption: str = "",
    exact: bool = True,
) -> Instr:
    """dst[i] = expr over a and b."""
    old = since < 300
    rules = (
        *positive("elem_count"),
        *_types(types, old),
        *((*aligned("dst", "src0", "src1"), whole("elem_count")) if old else ()),
    )
    body = loop("elem_count", f"dst[i] = {_put(expr, 'src0[i]', 'src1[i]')};")
    operands = (out("dst", "elem_count"), buf("src0", "elem_count"), buf("src1", "elem_count"), scalar("elem_count"))
    return Instr(
        name,
        doc,
        operands,
        body,
        {"T": types},
        rules,
        "same",
        exact,
        arch=arch_of(since),
        source=section(at),
        assumption=assumption,
    )


def with_scalar(
    name: str,
    expr: str,
    doc: str,
    at: str,
    *,
    types: tuple[ScalarType, ...] = VECTOR,
    since: int = 200,
    assumption: str = "",
    exact: bool = True,
) -> Instr:
    """dst[i] = expr over a = src[i] and b = value."""
    old = since < 300
    rules = (
        *positive("elem_count"),
        *_types(types, old),
        *((*aligned("dst", "src"), whole("elem_count")) if old else ()),
    )
    body = loop("elem_count", f"dst[i] = {_put(expr, 'src[i]', 'value')};")
    operands = (out("dst", "elem_count"), buf("src", "elem_count"), scalar("value", "T"), scalar("elem_count"))
    return Instr(
        name,
        doc,
        operands,
        body,
        {"T": types},
        rules,
        "same",
        exact,
        arch=arch_of(since),
        source=section(at),
        assumption=assumption,
    )


def cycle(
    name: str,
    expr: str,
    doc: str,
    at: str,
    *,
    types: tuple[ScalarType, ...] = VECTOR,
    since: int = 200,
    assumption: str = "",
    exact: bool = True,
) -> Instr:
    """dst[i] = expr over a = src[i] and b = seg[i % seg_elem_count]: the second operand is broadcast."""
    old = since < 300
    rules = (
        *positive("src_elem_count", "seg_elem_count"),
        (
            "seg_elem_count > 0 && src_elem_count % seg_elem_count == 0",
            "src_elem_count must be divisible by seg_elem_count",
        ),
        *_types(types, old),
        *((*aligned("dst", "src", "seg"), whole("src_elem_count"), whole("seg_elem_count")) if old else ()),
    )
    body = (
        "for (unsigned int k = 0; k < src_elem_count / seg_elem_count; k++)\n"
        "  for (unsigned int i = 0; i < seg_elem_count; i++)\n"
        f"    dst[k * seg_elem_count + i] = {_put(expr, 'src[k * seg_elem_count + i]', 'seg[i]')};"
    )
    operands = (
        out("dst", "src_elem_count"),
        buf("src", "src_elem_count"),
        buf("seg", "seg_elem_count"),
        scalar("src_elem_count"),
        scalar("seg_elem_count"),
    )
    return Instr(
        name,
        doc,
        operands,
        body,
        {"T": types},
        rules,
        "same",
        exact,
        arch=arch_of(since),
        source=section(at),
        assumption=assumption,
    )


def _put(expr: str, a: str, b: str) -> str:
    return expr.replace("$a", a).replace("$b", b)


def renamed(row: Instr, name: str, at: str, *, types: tuple[ScalarType, ...] | None = None) -> Instr:
    """A deprecated name of the same thing, with fewer types."""
    rules = tuple(r for r in row.rules if types is None or r not in (NEW_INTS, NEW_BF16))
    return replace(
        row,
        name=name,
        source=section(at),
        types={"T": types} if types else row.types,
        rules=rules,
        doc=f"{row.doc} Deprecated name of {row.name}.",
    )
