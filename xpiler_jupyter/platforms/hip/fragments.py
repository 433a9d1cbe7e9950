"""MFMA as a wave sees it: whole matrices in registers, moved by small helper functions that we write out with the kernel.

The builtin is the same as in `mfma`; a matrix of the wave is a type of its own, so that the text says which registers
hold which matrix. `definitions` are the types and helpers; each stands before a kernel that uses it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...ir.types import BF16, F16, F32, F64, I8, I32, ScalarType
from ..instr import Instr, Operand
from .mfma import LANES, SHAPES, SOURCE, Shape, product, vector

MEMORY = "fragment"
_WORDS = {F16: "half", BF16: "__hip_bfloat16", F32: "float", F64: "double", I8: "int8_t", I32: "int"}
_LAYOUTS = ("row", "col")


def _shapes() -> Iterator[Shape]:
    """One block: several at once are no matrix product. What only the newest machines have stays out."""
    return (s for s in SHAPES if s.blocks == 1 and "gfx90a" in s.arch)


def _declared(s: Shape, use: str) -> str:
    return f"mfma_{use}_{s.tag}"


def _fragment(name: str, s: Shape, use: str, access: str = "r") -> Operand:
    dims = {"a": (s.m, s.k), "b": (s.k, s.m), "c": (s.m, s.m)}[use]
    return Operand(name, s.acc if use == "c" else s.dtype, (MEMORY,), access, shape=dims, declared=_declared(s, use))


def _memory(dtype: ScalarType, access: str, dims: tuple[int, ...], layout: str) -> Operand:
    lines, width = dims if layout == "row" else dims[::-1]
    return Operand("p", dtype, ("global", "shared"), access, extent=f"{lines - 1} * ld + {width}")


def _each(dims: tuple[int, ...], body: str) -> str:
    return f"for (int i = 0; i < {dims[0]}; i++)\n  for (int j = 0; j < {dims[1]}; j++)\n    {body}"


def _row(name: str, doc: str, operands: tuple[Operand, ...], meaning: str, s: Shape, template: str = "",
         exact: bool = True) -> Instr:
    return Instr(name, doc, operands, meaning, exact=exact, lanes=LANES, arch=s.arch, source=SOURCE, template=template)


def rows() -> Iterator[Instr]:
    """Fill, load, multiply and store, per shape and layout."""
    for s in _shapes():
        f = _fragment("f", s, "c", "w")
        yield _row(f"mfma_fill_c_{s.tag}", "Sets every element of a wave's accumulator to one value.",
                   (f, Operand("v", s.acc)), _each(f.shape, "f[i][j] = v;"), s)
        for use in ("a", "b", "c"):
            f = _fragment("f", s, use, "w")
            assert isinstance(f.dtype, ScalarType)
            for layout in _LAYOUTS:
                at = "i * ld + j" if layout == "row" else "j * ld + i"
                yield _row(f"mfma_load_{use}_{s.tag}_{layout}",
                           "Loads a wave's matrix from memory whose lines are ld elements apart.",
                           (f, _memory(f.dtype, "r", f.shape, layout), Operand("ld", I32)),
                           _each(f.shape, f"f[i][j] = p[{at}];"), s)
        f = _fragment("f", s, "c")
        for layout in _LAYOUTS:
            at = "i * ld + j" if layout == "row" else "j * ld + i"
            yield _row(f"mfma_store_c_{s.tag}_{layout}", "Stores a wave's accumulator to memory with lines ld elements apart.",
                       (_memory(s.acc, "w", f.shape, layout), f, Operand("ld", I32)), _each(f.shape, f"p[{at}] = f[i][j];"), s)
        operands = (_fragment("d", s, "c", "w"), _fragment("a", s, "a"), _fragment("b", s, "b"), _fragment("c", s, "c"))
        yield _row(f"mfma_mma_{s.tag}", "A wave multiplies two matrices and adds a third: d = a * b + c.", operands,
                   product(s, "a[i][kk]", "b[kk][j]", "d[i][j]", "c[i][j]", False), s,
                   f"{{d}} = __builtin_amdgcn_mfma_{s.builtin}({{a}}, {{b}}, {{c}}, 0, 0, 0)", not s.acc.is_float)


# -- what the words stand for ------------------------------------------------------------------------------------------


def definitions() -> dict[str, str]:
    """The types and helper functions of `rows`, by the word that asks for them."""
    out: dict[str, str] = {}
    for s in _shapes():
        registers = vector(s.acc, s.registers)
        for use in ("a", "b"):
            out[_declared(s, use)] = f"typedef {vector(*s.held)} {_declared(s, use)};"
        out[_declared(s, "c")] = f"typedef {registers} {_declared(s, 'c')};"
        name = f"mfma_fill_c_{s.tag}"
        out[name] = (f"__device__ void {name}({_declared(s, 'c')}& f, {_WORDS[s.acc]} v) {{\n"
                     f"  for (int r = 0; r < {s.registers}; r++) f[r] = v;\n}}")
        for layout in _LAYOUTS:
            for use in ("a", "b"):
                name = f"mfma_load_{use}_{s.tag}_{layout}"
                out[name] = _function(name, f"{_declared(s, use)}& f, const {_WORDS[s.dtype]}* p, int ld",
                                      _load(s, (use == "a") == (layout == "row")))
            name, at = f"mfma_load_c_{s.tag}_{layout}", _accumulator_at(s, layout)
            out[name] = _function(name, f"{_declared(s, 'c')}& f, const {_WORDS[s.acc]}* p, int ld",
                                  f"for (int r = 0; r < {s.registers}; r++) f[r] = p[{at}];")
            name = f"mfma_store_c_{s.tag}_{layout}"
            out[name] = _function(name, f"{_WORDS[s.acc]}* p, const {_declared(s, 'c')}& f, int ld",
                                  f"for (int r = 0; r < {s.registers}; r++) p[{at}] = f[r];")
    return out


def _function(name: str, params: str, body: str) -> str:
    lines = "\n".join("  " + line for line in body.splitlines())
    return f"__device__ void {name}({params}) {{\n  int lane = __lane_id();\n{lines}\n}}"


def _load(s: Shape, lane_is_line: bool) -> str:
    """A lane's elements: depth runs along the memory's lines, or across them."""
    depth = f"lane / {s.m}" + (f" * {s.parts} + r" if s.parts > 1 else "")
    at = f"lane % {s.m} * ld + {depth}" if lane_is_line else f"({depth}) * ld + lane % {s.m}"
    if s.parts == 1:
        return f"f = p[{at}];"
    if s.held[0] == s.dtype:
        return f"for (int r = 0; r < {s.parts}; r++) f[r] = p[{at}];"
    if s.held[1]:
        return f"for (int r = 0; r < {s.parts}; r++) f[r] = *(const short*)&p[{at}];"
    return (f"unsigned int v = 0;\nfor (int r = 0; r < {s.parts}; r++) v |= (unsigned int)(uint8_t)p[{at}] << 8 * r;\n"
            "f = (int)v;")


def _accumulator_at(s: Shape, layout: str) -> str:
    if s.acc == F64:
        row = f"4 * r + lane / {s.m}"
    else:
        row = (f"r / 4 * {256 // s.m} + " if s.registers > 4 else "") + f"lane / {s.m} * 4 + r" + (
            " % 4" if s.registers > 4 else "")
    return f"({row}) * ld + lane % {s.m}" if layout == "row" else f"lane % {s.m} * ld + {row}"
