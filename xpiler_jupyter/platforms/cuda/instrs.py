"""Tensor-core instrs: the WMMA functions, one row per shape, element type and layout. A warp runs them together.

Source: CUDA C++ Programming Guide, "Warp Matrix Functions". Which lane holds which element is left open there, so a
fragment is an array of the warp.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from ...ir.types import BF16, F16, F32, F64, I8, I32, U8, ScalarType
from .. import simt
from ..base import C_TYPES
from ..instr import Instr, Operand
from . import warp

TYPES = simt.types("__nv_bfloat16")
_GUIDE = 'CUDA C++ Programming Guide, "Warp Matrix Functions"'
_NS = "nvcuda::wmma::"
_LAYOUTS = ("row", "col")
_WIDE = ((16, 16, 16), (32, 8, 16), (8, 32, 16))
# Word of the factors' type, its element type, accumulator types, shapes (m, n, k).
_KINDS: tuple[tuple[str, ScalarType, tuple[ScalarType, ...], tuple[tuple[int, int, int], ...]], ...] = (
    (TYPES[F16], F16, (F32, F16), _WIDE),
    (TYPES[BF16], BF16, (F32,), _WIDE),
    (_NS + "precision::tf32", F32, (F32,), ((16, 16, 8),)),
    (TYPES[I8], I8, (I32,), _WIDE),
    (TYPES[U8], U8, (I32,), _WIDE),
    (TYPES[F64], F64, (F64,), ((8, 8, 4),)),
)
_LANES = 32
_TF32 = "The factors are taken as they are; hardware may drop their low 13 bits, as the guide asks of the program itself."


def _fragment(name: str, use: str, word: str, dtype: ScalarType, shape: tuple[int, int, int], layout: str = "",
              access: str = "r") -> Operand:
    m, n, k = shape
    dims = {"matrix_a": (m, k), "matrix_b": (k, n), "accumulator": (m, n)}[use]
    tail = f", {_NS}{layout}_major" if layout else ""
    declared = f"{_NS}fragment<{_NS}{use}, {m}, {n}, {k}, {word}{tail}>"
    return Operand(name, dtype, ("fragment",), access, shape=dims, declared=declared)


def _memory(dtype: ScalarType, access: str, dims: tuple[int, ...], layout: str) -> Operand:
    lines, width = dims if layout == "row" else dims[::-1]
    return Operand("p", dtype, ("global", "shared"), access, 32, f"{lines - 1} * ld + {width}")


def _at(layout: str) -> str:
    return "i * ld + j" if layout == "row" else "j * ld + i"


def _each(dims: tuple[int, ...], body: str) -> str:
    return f"for (int i = 0; i < {dims[0]}; i++)\n  for (int j = 0; j < {dims[1]}; j++)\n    {body}"


def _row(name: str, doc: str, operands: tuple[Operand, ...], meaning: str, call: str, exact: bool = True,
         assumption: str = "", needs: str = "") -> Instr:
    return Instr(name, doc, operands, meaning, overlap="same", exact=exact, lanes=_LANES, needs=needs, source=_GUIDE,
                 assumption=assumption, template=_NS + call)


def _moves(tag: str, f: Operand, layouts: tuple[str, ...], load_tail: bool) -> Iterator[Instr]:
    """Fill and load of one type of fragment."""
    assert isinstance(f.dtype, ScalarType)
    yield _row(f"wmma_fill_{tag}", "Sets every element of a fragment to one value.", (f, Operand("v", f.dtype)),
               _each(f.shape, "f[i][j] = v;"), "fill_fragment({f}, {v})")
    for layout in layouts:
        name = f"wmma_load_{tag}" + (f"_{layout}" if load_tail else "")
        last = f", {_NS}mem_{layout}_major" if load_tail else ""
        yield _row(name, "Loads a fragment from a matrix in memory whose lines are ld elements apart.",
                   (f, _memory(f.dtype, "r", f.shape, layout), Operand("ld", I32)),
                   _each(f.shape, f"f[i][j] = p[{_at(layout)}];"), f"load_matrix_sync({{f}}, {{p}}, {{ld}}{last})")


def _factors(word: str, dtype: ScalarType, shape: tuple[int, int, int], tag: str) -> Iterator[Instr]:
    for use, letter in (("matrix_a", "a"), ("matrix_b", "b")):
        for layout in _LAYOUTS:
            f = _fragment("f", use, word, dtype, shape, layout, "w")
            yield from _moves(f"{letter}_{tag}_{layout}", f, (layout,), False)


def _accumulator(dtype: ScalarType, shape: tuple[int, int, int], tag: str) -> Iterator[Instr]:
    word = TYPES[dtype]
    yield from _moves(f"c_{tag}", _fragment("f", "accumulator", word, dtype, shape, access="w"), _LAYOUTS, True)
    f = _fragment("f", "accumulator", word, dtype, shape)
    for layout in _LAYOUTS:
        yield _row(f"wmma_store_{tag}_{layout}", "Stores an accumulator to a matrix in memory with lines ld elements apart.",
                   (_memory(dtype, "w", f.shape, layout), f, Operand("ld", I32)),
                   _each(f.shape, f"p[{_at(layout)}] = f[i][j];"),
                   f"store_matrix_sync({{p}}, {{f}}, {{ld}}, {_NS}mem_{layout}_major)")


def _mma(word: str, dtype: ScalarType, acc: ScalarType, shape: tuple[int, int, int], tag: str) -> Iterator[Instr]:
    """`d = a * b + c`: products in the accumulator's width (float for half), added in ascending k to c."""
    wide = F32 if acc == F16 else acc
    c_type, tf32 = C_TYPES[wide], "tf32" in word
    m, n, k = shape
    cast = "" if dtype == wide else f"({c_type})"
    meaning = (f"for (int i = 0; i < {m}; i++)\n  for (int j = 0; j < {n}; j++) {{\n    {c_type} sum = c[i][j];\n"
               f"    for (int kk = 0; kk < {k}; kk++)\n      sum += {cast}a[i][kk] * {cast}b[kk][j];\n"
               "    d[i][j] = sum;\n  }")
    for la, lb in product(_LAYOUTS, _LAYOUTS):
        operands = (_fragment("d", "accumulator", TYPES[acc], acc, shape, access="w"),
                    _fragment("a", "matrix_a", word, dtype, shape, la), _fragment("b", "matrix_b", word, dtype, shape, lb),
                    _fragment("c", "accumulator", TYPES[acc], acc, shape))
        yield _row(f"wmma_mma_{tag}_{acc.name}_{la}_{lb}", "Multiplies two fragments and adds a third: d = a * b + c.",
                   operands, meaning, "mma_sync({d}, {a}, {b}, {c})", not acc.is_float, _TF32 if tf32 else "",
                   "tf32" if tf32 else "")


def _all() -> Iterator[Instr]:
    accumulators: set[tuple[str, ScalarType]] = set()
    for word, dtype, accs, shapes in _KINDS:
        for shape in shapes:
            size = "m{}n{}k{}".format(*shape)
            tag = f"{'tf32' if 'tf32' in word else dtype.name}_{size}"
            yield from _factors(word, dtype, shape, tag)
            for acc in accs:
                yield from _mma(word, dtype, acc, shape, tag)
                if (size, acc) not in accumulators:
                    accumulators.add((size, acc))
                    yield from _accumulator(acc, shape, f"{acc.name}_{size}")


INSTRS: tuple[Instr, ...] = (*_all(), *warp.INSTRS)
