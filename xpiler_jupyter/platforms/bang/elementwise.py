"""Arithmetic, element by element: with a vector, with a scalar, with a segment that repeats."""

from __future__ import annotations

from typing import Any

from ...ir.types import BF16, F32, I8, I16, I32, U8, U16, U32
from ..instr import Instr
from .rows import (
    FLOATS,
    IEEE,
    NEW_BF16,
    SIGNED,
    UNSIGNED,
    VECTOR,
    WIDE_FLOATS,
    WRAPS,
    arch_of,
    binary,
    buf,
    cycle,
    loop,
    out,
    positive,
    renamed,
    scalar,
    section,
    unary,
    with_scalar,
)

_NOTE = f"{IEEE} {WRAPS}"
_WORDS = {"add": ("+", "Adds", "to"), "sub": ("-", "Subtracts", "from"), "mul": ("*", "Multiplies", "by")}


def _basic() -> list[Instr]:
    rows = []
    places = {
        "add": ("3.28.2", "3.28.3", "4.1", "3.28.9"),
        "sub": ("3.28.46", "3.28.47", "4.49", "3.28.15"),
        "mul": ("3.28.25", "3.28.26", "4.43", "3.28.12"),
    }
    for word, (op, does, _) in _WORDS.items():
        vector, one, const, seg = places[word]
        expr = f"$a {op} $b"
        types = (*VECTOR, U8) if word == "sub" else VECTOR
        rows.append(
            binary(
                f"__bang_{word}", expr, f"{does} two vectors element by element.", vector, types=types, assumption=_NOTE
            )
        )
        row = with_scalar(
            f"__bang_{word}_scalar",
            expr,
            f"{does} every element and one scalar (src {op} value).",
            one,
            assumption=_NOTE,
        )
        rows += [row, renamed(row, f"__bang_{word}_const", const, types=FLOATS)]
        rows.append(
            cycle(
                f"__bang_cycle_{word}",
                expr,
                f"{does} a vector and a shorter one that repeats (src {op} seg).",
                seg,
                assumption=_NOTE,
            )
        )
    return rows


def _division() -> list[Instr]:
    types = (*WIDE_FLOATS, I16, I32, U16, U32)
    ints = (I16, I32, U16, U32)
    note = f"{IEEE} Integer quotients truncate. The guide excludes mtp_372."
    by_vector = [
        binary(
            "__bang_div",
            "$a / $b",
            "Divides two vectors element by element.",
            "3.29.2",
            types=types,
            since=592,
            assumption=note,
        ),
        binary(
            "__bang_rem",
            "$a % $b",
            "Remainder of two integer vectors element by element.",
            "3.29.6",
            types=ints,
            since=592,
            assumption="The sign of the result is the dividend's, as in C.",
        ),
    ]
    by_scalar = []
    for row, op in zip(by_vector, "/%", strict=True):
        operands = (out("dst", "elem_count"), buf("src0", "elem_count"), scalar("src1", "T"), scalar("elem_count"))
        by_scalar.append(
            Instr(
                row.name,
                row.doc.replace("two vectors", "a vector by a scalar").replace(
                    "two integer vectors", "an integer vector and a scalar"
                ),
                operands,
                loop("elem_count", f"dst[i] = src0[i] {op} src1;"),
                row.types,
                row.rules,
                arch=row.arch,
                source=row.source,
                assumption=row.assumption,
            )
        )
    scratch = (
        out("dst", "elem_count"),
        buf("src0", "elem_count"),
        buf("src1", "elem_count"),
        out("src_addition", "elem_count"),
        scalar("elem_count"),
    )
    old = Instr(
        "__bang_div",
        "Divides two vectors; deprecated form with a scratch vector.",
        scratch,
        loop("elem_count", "dst[i] = src0[i] / src1[i];"),
        {"T": FLOATS},
        (
            *positive("elem_count"),
            ("elem_count * sizeof(T) % 128 == 0", "elem_count * sizeof(type) must be divisible by 128"),
        ),
        "none",
        False,
        source=section("4.17"),
        assumption=f"{IEEE} The scratch vector keeps its contents here; on the device they are lost.",
    )
    return [*by_vector, *by_scalar, old]


def _saturating() -> list[Instr]:
    limits = {I8: "127", I16: "32767", I32: "2147483647", U8: "255", U16: "65535", U32: "4294967295"}
    low = {I8: "-128", I16: "-32768", I32: "(-2147483647 - 1)"}
    places = {"add": ("3.28.5", "3.28.6", "3.28.11"), "sub": ("3.28.48", "3.28.49", "3.28.16")}
    rows = []
    for word, (vector, one, seg) in places.items():
        op = _WORDS[word][0]
        for t in (*SIGNED, *UNSIGNED):
            wide = f"((int64_t)$a {op} (int64_t)$b)"
            expr = f"{wide} < {low.get(t, '0')} ? {low.get(t, '0')} : {wide} > {limits[t]} ? {limits[t]} : {wide}"
            kind: dict[str, Any] = {"types": (t,), "since": 592, "assumption": "The guide excludes mtp_372."}
            what = "Adds" if word == "add" else "Subtracts"
            rows.append(binary(f"__bang_{word}s", expr, f"{what} two vectors with saturation.", vector, **kind))
            rows.append(
                cycle(
                    f"__bang_cycle_{word}s", expr, f"{what} a vector and a repeating one with saturation.", seg, **kind
                )
            )
            if t in SIGNED:
                rows.append(
                    with_scalar(f"__bang_{word}s_scalar", expr, f"{what} a scalar with saturation.", one, **kind)
                )
    return rows


def _single() -> list[Instr]:
    note: dict[str, Any] = {"assumption": IEEE, "exact": False}
    rows = [
        unary(
            "__bang_abs",
            "$ < 0 ? -$ : $",
            "Absolute value of integers.",
            "3.28.1",
            types=SIGNED,
            since=322,
            assumption="The smallest integer stays itself.",
        ),
        unary("__bang_abs", "(T)fabsf((float)$)", "Absolute value.", "3.28.1", types=WIDE_FLOATS, since=322),
        unary("__bang_neg", "-$", "The negated value.", "3.28.32", types=SIGNED, since=592, assumption=WRAPS),
        unary("__bang_square", "$ * $", "The square of each element.", "3.28.43", types=WIDE_FLOATS, assumption=IEEE),
        unary("__bang_floor", "floorf($)", "Rounds down.", "3.28.19", types=(F32,), since=322, overlap="none"),
        unary(
            "__bang_round",
            "roundf($)",
            "Rounds to nearest, halves away from zero.",
            "3.28.39",
            types=(F32,),
            since=322,
            overlap="none",
        ),
        unary(
            "__bang_nearbyint",
            "rintf($)",
            "Rounds to nearest, halves to even.",
            "3.28.31",
            types=(F32,),
            since=322,
            overlap="none",
        ),
        unary(
            "__bang_relu",
            "$ > 0 ? $ : 0",
            "The larger of the element and zero.",
            "3.12.22",
            types=VECTOR,
            since=322,
            assumption="NaN gives 0.",
        ),
    ]
    for name, expr, doc, at in (
        ("recip", "1.0f / (float)$", "The reciprocal.", "3.29.5"),
        ("sqrt", "sqrtf((float)$)", "The square root.", "3.29.9"),
        ("rsqrt", "1.0f / sqrtf((float)$)", "The reciprocal of the square root.", "3.29.7"),
        ("sin", "sinf((float)$)", "The sine.", "3.29.8"),
        ("cos", "cosf((float)$)", "The cosine.", "3.29.1"),
        ("log", "log2f((float)$)", "The logarithm to base 2.", "3.29.3"),
        ("pow2", "exp2f((float)$)", "Two to the power of the element.", "3.29.4"),
    ):
        rows.append(unary(f"__bang_{name}", f"(T)({expr})", doc, at, types=(BF16, F32), since=322, **note))
    rows.append(
        unary(
            "__bang_sigmoid",
            "(T)(1.0f / (1.0f + expf(-(float)$)))",
            "1 / (1 + exp(-x)).",
            "not listed",
            since=322,
            exact=False,
            assumption="Not in the guide; used by public kernels as the logistic function.",
        )
    )
    return [*rows, *_limited(), *_shifts(), *_widening()]


def _limited() -> list[Instr]:
    operands = (out("dst", "elem_count"), buf("src", "elem_count"), scalar("elem_count"), scalar("nvalue", "T"))
    rules = (*positive("elem_count"), ("nvalue > 0", "nvalue must be greater than zero"), NEW_BF16)
    body = loop("elem_count", "dst[i] = src[i] < 0 ? (T)0 : src[i] > nvalue ? nvalue : src[i];")
    return [
        Instr(
            "__bang_relun",
            "Clamps each element to 0 .. nvalue.",
            operands,
            body,
            {"T": VECTOR},
            rules,
            arch=arch_of(322),
            source=section("3.12.23"),
            assumption="NaN stays NaN.",
        )
    ]


def _shifts() -> list[Instr]:
    operands = (out("dst", "elem_count"), buf("src", "elem_count"), scalar("shift_bits"), scalar("elem_count"))
    rules = (
        *positive("elem_count"),
        ("shift_bits < 8 * sizeof(T)", "a shift by the width of the type or more is not defined"),
    )
    rows = []
    for name, doc, types, expr, at in (
        ("sll", "Shifts left.", SIGNED, "(T)((uint32_t)src[i] << shift_bits)", "3.28.42"),
        ("sra", "Shifts right, copying the sign.", SIGNED, "src[i] >> shift_bits", "3.28.44"),
        ("srl", "Shifts right, filling with zeros.", UNSIGNED, "src[i] >> shift_bits", "3.28.45"),
    ):
        rows.append(
            Instr(
                f"__bang_{name}",
                doc,
                operands,
                loop("elem_count", f"dst[i] = {expr};"),
                {"T": types},
                rules,
                arch=arch_of(322),
                source=section(at),
                assumption="Shifts by the type's width or more are refused.",
            )
        )
    return rows


def _widening() -> list[Instr]:
    rows = []
    for narrow, wide in ((U8, U16), (U16, U32), (I8, I16), (I16, I32)):
        operands = (
            out("dst", "elem_count", wide),
            buf("src0", "elem_count", narrow),
            buf("src1", "elem_count", narrow),
            scalar("elem_count"),
        )
        rows.append(
            Instr(
                "__bang_muls",
                "Products of two integer vectors in twice the width.",
                operands,
                loop("elem_count", f"dst[i] = ({_C[wide]})src0[i] * ({_C[wide]})src1[i];"),
                rules=positive("elem_count"),
                overlap="none",
                arch=arch_of(322),
                source=section("3.28.29"),
                assumption="Refused when dst overlaps a source: the widths differ.",
            )
        )
        one = (out("dst", "elem_count", wide), buf("src", "elem_count", narrow), scalar("elem_count"))
        rows.append(
            Instr(
                "__bang_square",
                "Squares of integers in twice the width.",
                one,
                loop("elem_count", f"dst[i] = ({_C[wide]})src[i] * ({_C[wide]})src[i];"),
                rules=positive("elem_count"),
                overlap="none",
                arch=arch_of(322),
                source=section("3.28.43"),
                assumption="Refused when dst overlaps the source: the widths differ.",
            )
        )
    return rows


_C = {U16: "uint16_t", U32: "uint32_t", I16: "int16_t", I32: "int32_t"}

INSTRS: tuple[Instr, ...] = (*_basic(), *_division(), *_saturating(), *_single())
