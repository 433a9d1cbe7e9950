"""Conversions between element types, with the rounding mode in the name and the scale as a power of two.

Integer sides may be fixed-point: their value is the integer times 2^position. All are computed in double, where every
value of every type and every scaling is exact, and rounded once.
"""

from __future__ import annotations

from ...ir.types import BF16, F16, F32, I8, I16, I32, U8, U16, U32, ScalarType
from ..instr import Instr
from .rows import aligned, arch_of, buf, counted, out, positive, scalar, section

_C = {
    F16: "half",
    BF16: "bfloat16_t",
    F32: "float",
    I8: "int8_t",
    I16: "int16_t",
    I32: "int32_t",
    U8: "uint8_t",
    U16: "uint16_t",
    U32: "uint32_t",
}
_LOW = {I8: "-128", I16: "-32768", I32: "(-2147483647 - 1)", U8: "0", U16: "0", U32: "0"}
_HIGH = {I8: "127", I16: "32767", I32: "2147483647", U8: "255", U16: "65535", U32: "4294967295u"}
MODES = {  # suffix -> the value rounded, and in words
    "rn": ("rint(v)", "to nearest, halves to even"),
    "tz": ("trunc(v)", "towards zero"),
    "dn": ("floor(v)", "down"),
    "up": ("ceil(v)", "up"),
    "oz": ("v < 0 ? floor(v) : ceil(v)", "away from zero"),
    "rd": ("round(v)", "to nearest, halves away from zero"),
}
_SATURATES = "Values out of range saturate; NaN gives 0 (the guide lets it saturate on some architectures)."
# One step towards zero when rounding to nearest went away from it; the last term is for subnormals.
_STEP = {
    F16: "h = (half)((double)h - copysign(fmax(fabs((double)h) * 0.00048828125, 4.470348358154297e-08), v));",
    BF16: "h = (bfloat16_t)((float)h * 0.99609375f);",
    F32: "h = h * 0.99999994f;",
}
_TOP = {F16: "65504.0", BF16: "3.3895313892515355e38", F32: "3.4028234663852886e38"}
_POSITION = ("fix_position >= -127 && fix_position <= 127", "fix_position must be in [-127, 127]")


def _to_integer(t: ScalarType, mode: str) -> str:
    low, high = _LOW[t], _HIGH[t]
    return (
        f"double r = {MODES[mode][0]};\n"
        f"  dst[AT] = r != r ? 0 : r < (double){low} ? {low} : r > (double){high} ? {high} : ({_C[t]})r;"
    )


def _to_float(t: ScalarType, mode: str) -> str:
    if mode == "rn":
        return f"dst[AT] = ({_C[t]})v;"
    top = _TOP[t]
    return (
        f"v = v > {top} ? {top} : v < -{top} ? -{top} : v;\n  {_C[t]} h = ({_C[t]})v;\n"
        f"  if (fabs((double)h) > fabs(v))\n    {_STEP[t]}\n  dst[AT] = h;"
    )


def _row(
    name: str,
    at: str,
    dst: ScalarType,
    src: ScalarType,
    mode: str,
    since: int,
    positions: tuple[str, ...],
    multiple: int = 0,
    overlap: str = "any",
    strided: bool = False,
    count: str = "src_count",
) -> Instr:
    """One conversion; `positions` are the scale operands in call order, `multiple` the line rule of mtp_2xx."""
    value = "(double)SRC"
    if positions == ("fix_position",):
        value += f" * exp2({'-' if dst.is_integer else ''}(double)fix_position)"
    elif positions:
        value += " * exp2((double)(src_position - dst_position))"
    store = _to_integer(dst, mode) if dst.is_integer else _to_float(dst, mode)
    body = f"for (unsigned int i = 0; i < {count}; i++) {{\n  double v = {value};\n  {store}\n}}"
    extents = (count, count)
    strides: tuple[str, ...] = ()
    rules = [*positive(count)]
    rules += (
        [_POSITION]
        if positions == ("fix_position",)
        else [(f"{p} >= -127 && {p} <= 127", f"{p} must be in [-127, 127]") for p in positions]
    )
    if since < 300:
        rules += aligned("dst", "src")
        rules += [counted(count, multiple)] if multiple else []
    if strided:
        strides = ("dst_stride", "src_stride", "segnum")
        d, s = f"dst_stride / sizeof({_C[dst]})", f"src_stride / sizeof({_C[src]})"
        inner = body.replace("AT", f"k * ({d}) + i").replace("SRC", f"src[k * ({s}) + i]").replace("\n", "\n  ")
        body = f"for (unsigned int k = 0; k <= segnum; k++) {{\n  {inner}\n}}"
        extents = f"segnum * ({d}) + {count}", f"segnum * ({s}) + {count}"
        rules += [
            (
                f"dst_stride >= {count} * sizeof({_C[dst]}) && dst_stride % sizeof({_C[dst]}) == 0",
                "dst_stride must hold the segment in whole elements",
            ),
            (
                f"src_stride % sizeof({_C[src]}) == 0 && "
                f"(src_stride == 0 || src_stride >= {count} * sizeof({_C[src]}))",
                "src_stride must be 0 or hold the segment in whole elements",
            ),
        ]
    else:
        body = body.replace("AT", "i").replace("SRC", "src[i]")
    how = (
        f", rounding {MODES[mode][1]}"
        if dst.bits < src.bits or (dst.is_integer and src.is_float) or (not src.is_float and not dst.is_integer)
        else ""
    )
    operands = (
        out("dst", extents[0], dst),
        buf("src", extents[1], src),
        scalar(count),
        *(scalar(p, I32) for p in positions),
        *(scalar(x) for x in strides),
    )
    return Instr(
        name,
        f"Converts {src} to {dst}{how}{' with strides in bytes' if strided else ''}.",
        operands,
        body,
        {},
        tuple(rules),
        "none" if overlap == "none" or strided else "any" if dst.bits <= src.bits else "none",
        arch=arch_of(since),
        source=section(at),
        assumption=_SATURATES
        if dst.is_integer
        else "Too large numbers saturate at the largest finite one."
        if mode == "tz" and dst.bits <= src.bits
        else "",
    )


def _to_integers() -> list[Instr]:
    rows: list[Instr] = []
    fix = ("fix_position",)
    for src, word, plain in ((F32, "float", "3.30"), (F16, "half", "3.30"), (BF16, "bfloat16", "3.30")):
        targets = [(I8, "int8", fix), (I16, "int16", fix), (I32, "int32", fix), (U8, "uchar", ())]
        targets += [(U8, "uint8", fix), (U16, "uint16", fix), (U32, "uint32", fix)] if src is F32 else []
        targets += [(I16, "short", ())] if src is F16 else []
        for dst, name, positions in targets:
            newer = src is BF16 or dst.kind == "uint" or dst is I32
            for mode in MODES:
                since = 592 if src is BF16 else 322 if newer or mode == "rn" else 200
                count = (
                    "count"
                    if (not positions and name == "uchar" and src is F32) or src is BF16 or (src is F16 and dst is I32)
                    else "src_count"
                )
                rows.append(
                    _row(
                        f"__bang_{word}2{name}_{mode}",
                        plain,
                        dst,
                        src,
                        mode,
                        since,
                        positions,
                        128 if dst.bits == 8 else 64,
                        count=count,
                    )
                )
                if (dst is I8 and src is F16) or name == "short":
                    rows.append(
                        _row(
                            f"__bang_{word}2{name}_{mode}",
                            plain,
                            dst,
                            src,
                            mode,
                            since,
                            positions,
                            128 if dst.bits == 8 else 64,
                            strided=True,
                        )
                    )
            if dst is I32 or src is BF16 or (name == "uchar" and src is F32):
                rows.append(
                    _row(
                        f"__bang_{word}2{name}",
                        plain,
                        dst,
                        src,
                        "tz",
                        592 if src is BF16 else 322,
                        positions,
                        count="src_count" if src is F32 and dst is I32 else "count",
                    )
                )
            if src is F32 and dst is I32:
                rows += [
                    _row(f"__bang_float2int_{mode}", "4.23 to 4.29", dst, src, mode, 322, positions) for mode in MODES
                ]
    return rows


def _to_floats() -> list[Instr]:
    rows: list[Instr] = []
    fix = ("fix_position",)
    for src, word, positions, since, multiple in (
        (I8, "int8", fix, 200, 128),
        (I16, "int16", fix, 200, 64),
        (I32, "int32", fix, 322, 0),
        (U8, "uchar", (), 200, 128),
        (I16, "short", (), 200, 64),
        (U8, "uint8", fix, 322, 0),
        (U16, "uint16", fix, 322, 0),
        (U32, "uint32", fix, 322, 0),
    ):
        for dst, name in ((F32, "float"), (F16, "half")):
            if (word.startswith("uint") and dst is F16) or (word == "short" and dst is F32):
                continue
            first = 322 if word == "uchar" and dst is F32 else since
            count = "count" if (word == "uchar" and dst is F32) or (src is I32 and dst is F16) else "src_count"
            rows.append(_row(f"__bang_{word}2{name}", "3.30", dst, src, "tz", first, positions, multiple, count=count))
            if src in (I32,) or (src is I16 and dst is F16 and word == "int16"):
                for mode in ("rn", "tz"):
                    rows.append(
                        _row(
                            f"__bang_{word}2{name}_{mode}",
                            "3.30",
                            dst,
                            src,
                            mode,
                            322 if mode == "rn" else since,
                            positions,
                            multiple,
                            count=count,
                        )
                    )
            if dst is F16 and src.bits <= 16 and word != "int16":
                rows.append(
                    _row(f"__bang_{word}2{name}", "3.30", dst, src, "tz", since, positions, multiple, strided=True)
                )
    rows.append(_row("__bang_int2float", "4.34", F32, I32, "tz", 322, fix))
    for strided in (False, True):
        rows += [
            _row("__bang_half2float", "3.30.140", F32, F16, "rn", 200, (), 64, "none", strided),
            _row("__bang_float2half_rn", "3.30.61", F16, F32, "rn", 322, (), strided=strided),
            _row("__bang_float2half_tz", "3.30.63", F16, F32, "tz", 200, (), 64, strided=strided),
        ]
    rows += [
        _row("__bang_bfloat162float", "3.30.1", F32, BF16, "rn", 322, (), overlap="none"),
        _row("__bang_float2bfloat16_rn", "3.30.54", BF16, F32, "rn", 322, ()),
        _row("__bang_float2bfloat16_tz", "3.30.55", BF16, F32, "tz", 322, ()),
    ]
    for mode, suffix in (("tz", ""), ("tz", "_tz"), ("rn", "_rn")):
        rows += [
            _row(f"__bang_half2bfloat16{suffix}", "3.30.132", BF16, F16, mode, 592, (), count="count"),
            _row(f"__bang_bfloat162half{suffix}", "3.30.2", F16, BF16, mode, 592, (), count="count"),
        ]
    return rows


def _between() -> list[Instr]:
    both = ("dst_position", "src_position")
    names = {I8: ("int8", "char"), I16: ("int16", "short"), I32: ("int32", "int")}
    places = {
        (I8, I16): ("3.30.344", "4.9"),
        (I8, I32): ("3.30.345", "4.8"),
        (I16, I8): ("3.30.210", "4.47"),
        (I16, I32): ("3.30.202", "4.48"),
        (I32, I8): ("3.30.259", "4.33"),
        (I32, I16): ("3.30.251", "4.35"),
    }
    return [
        _row(
            f"__bang_{names[s][k]}2{names[d][k]}",
            at[k],
            d,
            s,
            "tz",
            322,
            both,
            overlap="none" if d.bits > s.bits else "any",
        )
        for (s, d), at in places.items()
        for k in (0, 1)
    ]


INSTRS: tuple[Instr, ...] = (*_to_integers(), *_to_floats(), *_between())
