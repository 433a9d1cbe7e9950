"""Comparisons to 0 or 1, larger and smaller of two, and logic; each with a vector, a scalar, or a repeating segment."""

from __future__ import annotations

from typing import Any

from ...ir.types import I8, I16, I32
from ..instr import Instr
from .rows import (
    EVERY,
    FLOATS,
    NAN_UNORDERED,
    VECTOR,
    WIDE_FLOATS,
    aligned,
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
    whole,
    with_scalar,
)

_COMPARE = {  # word -> operator, plural verb, sections (vector, scalar, cycle), types
    "eq": ("==", "equal", ("3.24.21", "3.24.23", "3.24.3"), VECTOR),
    "ne": ("!=", "differ", ("3.24.65", "3.24.67", "3.24.19"), VECTOR),
    "lt": ("<", "less", ("3.24.45", "3.24.47", "3.24.11"), EVERY),
    "le": ("<=", "less or equal", ("3.24.39", "3.24.41", "3.24.9"), WIDE_FLOATS),
    "gt": (">", "greater", ("3.24.33", "3.24.35", "3.24.7"), WIDE_FLOATS),
    "ge": (">=", "greater or equal", ("3.24.27", "3.24.29", "3.24.5"), EVERY),
}
_UNORDERED = {
    "eq": ("3.24.24", "3.24.26", "3.24.4"),
    "ne": ("3.24.68", "3.24.70", "3.24.20"),
    "lt": ("3.24.48", "3.24.50", "3.24.12"),
    "le": ("3.24.42", "3.24.44", "3.24.10"),
    "gt": ("3.24.36", "3.24.38", "3.24.8"),
    "ge": ("3.24.30", "3.24.32", "3.24.6"),
}


def _comparisons() -> list[Instr]:
    rows: list[Instr] = []
    for word, (op, says, (vector, one, seg), types) in _COMPARE.items():
        doc = f"1 where the elements are {says}, else 0." if word != "ne" else "1 where the elements differ, else 0."
        expr = f"$a {op} $b ? (T)1 : (T)0"
        rows.append(binary(f"__bang_{word}", expr, doc, vector, types=types, assumption=NAN_UNORDERED))
        by_scalar = with_scalar(
            f"__bang_{word}_scalar",
            expr,
            doc,
            one,
            types=types,
            since=200 if word == "ge" else 322,
            assumption=NAN_UNORDERED,
        )
        rows.append(by_scalar)
        rows.append(cycle(f"__bang_cycle_{word}", expr, doc, seg, types=types, assumption=NAN_UNORDERED))
        if word == "ge":
            rows.append(renamed(by_scalar, "__bang_ge_const", "4.30", types=FLOATS))
        vector, one, seg = _UNORDERED[word]
        expr = f"$a != $a || $b != $b || $a {op} $b ? (T)1 : (T)0"
        doc = doc.replace("1 where", "1 where one is NaN or")
        rows.append(binary(f"__bang_{word}u", expr, doc, vector, types=WIDE_FLOATS, since=592))
        rows.append(with_scalar(f"__bang_{word}u_scalar", expr, doc, one, types=WIDE_FLOATS, since=592))
        rows.append(cycle(f"__bang_cycle_{word}u", expr, doc, seg, types=WIDE_FLOATS, since=592))
    return rows


def _extremes() -> list[Instr]:
    rows: list[Instr] = []
    note = "When either is NaN, the element of the first operand is the result. Zeros of both signs count as equal."
    for word, op, long, at in (
        (
            "max",
            ">",
            "maximum",
            ("3.24.52", "3.24.51", "3.24.13", "3.24.53", "3.24.54", "3.24.14", "3.24.61", "3.24.62", "3.24.17"),
        ),
        (
            "min",
            "<",
            "minimum",
            ("3.24.56", "3.24.55", "3.24.15", "3.24.57", "3.24.58", "3.24.16", "3.24.63", "3.24.64", "3.24.18"),
        ),
    ):
        larger = "larger" if word == "max" else "smaller"
        doc = f"The {larger} of two elements; the first one when one is NaN."
        expr = f"$b {op} $a ? $b : $a"
        rows += [
            binary(f"__bang_{word}equal", expr, doc, at[0], types=EVERY, assumption=note),
            with_scalar(f"__bang_{word}eq_scalar", expr, doc, at[1], types=EVERY, since=322, assumption=note),
            cycle(f"__bang_cycle_{word}equal", expr, doc, at[2], types=EVERY, assumption=note),
        ]
        for prefix, places, doc, expr, note2 in (
            (
                "",
                at[3:6],
                f"The {larger} of two elements; the number when one is NaN.",
                f"$a != $a ? $b : $b {op} $a ? $b : $a",
                "NaN only when both are NaN.",
            ),
            (
                "nan_",
                at[6:9],
                f"The {larger} of two elements; NaN when one is NaN.",
                f"$a != $a ? $a : $b != $b ? $b : $b {op} $a ? $b : $a",
                "Zeros of both signs count as equal.",
            ),
        ):
            kind: dict[str, Any] = {"types": WIDE_FLOATS, "since": 592, "assumption": note2}
            rows += [
                binary(f"__bang_{prefix}{long}", expr, doc, places[0], **kind),
                with_scalar(f"__bang_{prefix}{long}_scalar", expr, doc, places[1], **kind),
                cycle(f"__bang_cycle_{prefix}{long}", expr, doc, places[2], **kind),
            ]
    return rows


def _logic() -> list[Instr]:
    rows: list[Instr] = []
    note = "NaN counts as not zero."
    for word, expr, places in (
        ("and", "$a != 0 && $b != 0", ("3.26.1", "3.26.2", "3.26.3")),
        ("or", "$a != 0 || $b != 0", ("3.26.7", "3.26.8", "3.26.4")),
        ("xor", "($a != 0) != ($b != 0)", ("3.26.9", "3.26.10", "3.26.5")),
    ):
        doc = f"Logical {word}: 1 or 0 of the elements' type."
        full = f"{expr} ? (T)1 : (T)0"
        rows += [
            binary(f"__bang_{word}", full, doc, places[0], assumption=note),
            with_scalar(f"__bang_{word}_scalar", full, doc, places[1], since=322, assumption=note),
            cycle(f"__bang_cycle_{word}", full, doc, places[2], assumption=note),
        ]
    rows.append(
        unary(
            "__bang_not",
            "$ == 0 ? (T)1 : (T)0",
            "Logical not: 1 where the element is zero.",
            "3.26.6",
            types=VECTOR,
            assumption=note,
        )
    )
    return rows


def _bits() -> list[Instr]:
    rows: list[Instr] = []
    types = (I8, I16, I32)
    for word, op, places in (
        ("band", "&", ("3.23.1", "3.23.2", "3.23.8")),
        ("bor", "|", ("3.23.4", "3.23.5", "3.23.9")),
        ("bxor", "^", ("3.23.6", "3.23.7", "3.23.10")),
    ):
        note = "The guide also lists floating-point scalars, whose bits are meant; integers only here."
        doc = f"Bitwise {word[1:]}."
        rows += [
            binary(f"__bang_{word}", f"$a {op} $b", doc, places[0], types=types),
            with_scalar(
                f"__bang_{word}_scalar", f"$a {op} $b", doc, places[1], types=types, since=322, assumption=note
            ),
            cycle(f"__bang_cycle_{word}", f"$a {op} $b", doc, places[2], types=types),
        ]
    operands = (out("dst", "elem_count"), buf("src", "elem_count"), scalar("elem_count"))
    rows.append(
        Instr(
            "__bang_bnot",
            "Bitwise not.",
            operands,
            loop("elem_count", "dst[i] = ~src[i];"),
            {"T": types},
            (*positive("elem_count"), *aligned("dst", "src"), whole("elem_count")),
            source=section("3.23.3"),
        )
    )
    return rows


INSTRS: tuple[Instr, ...] = (*_comparisons(), *_extremes(), *_logic(), *_bits())
