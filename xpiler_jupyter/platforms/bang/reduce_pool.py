"""Sums, extremes and counts of a vector, selection by a mask, and pooling over windows (height, width, channel)."""

from __future__ import annotations

from ...ir.types import BF16, F16, F32, U8, U16, U32
from ..instr import Instr, Operand
from .rows import (
    FLOATS,
    NEW_BF16,
    WIDE_FLOATS,
    aligned,
    arch_of,
    buf,
    loop,
    out,
    positive,
    scalar,
    section,
    whole,
)

_COUNT = (*positive("elem_count"), NEW_BF16, *aligned("src"), whole("elem_count"))
_VECTOR = (buf("src", "elem_count"), scalar("elem_count"))
_ORDER = "Sums run in ascending order in float and are rounded to the type once; the device may add in another order."


def result(dtype: object = "T") -> Operand:
    """The value that the call returns: an operand named like the statement that gives it."""
    return Operand("return", dtype, access="w")  # type: ignore[arg-type]


def _values() -> list[Instr]:
    rows = [
        Instr(
            "__bang_sum",
            "Returns the sum of a vector.",
            (*_VECTOR, result()),
            "float sum = 0.0f;\n" + loop("elem_count", "sum += (float)src[i];") + "\nreturn (T)sum;",
            {"T": WIDE_FLOATS},
            (*positive("elem_count"), NEW_BF16),
            exact=False,
            arch=arch_of(592),
            source=section("3.28.50"),
            assumption=_ORDER,
        ),
        Instr(
            "__bang_count",
            "Returns how many elements are not zero.",
            (*_VECTOR, result(U32)),
            "unsigned int count = 0;\n" + loop("elem_count", "count += src[i] != 0;") + "\nreturn count;",
            {"T": WIDE_FLOATS},
            _COUNT,
            source=section("3.28.7"),
            assumption="NaN counts.",
        ),
        Instr(
            "__bang_findfirst1",
            "Returns the index of the first element that is not zero, else 0xffffffff.",
            (*_VECTOR, result(U32)),
            "unsigned int found = 4294967295u;\n"
            + loop("elem_count", "if (src[i] != 0 && found == 4294967295u)\n    found = i;")
            + "\nreturn found;",
            {"T": WIDE_FLOATS},
            _COUNT,
            source=section("3.28.17"),
            assumption="NaN counts as not zero.",
        ),
        Instr(
            "__bang_findlast1",
            "Returns the index of the last element that is not zero, else 0xffffffff.",
            (*_VECTOR, result(U32)),
            "unsigned int found = 4294967295u;\n"
            + loop("elem_count", "if (src[i] != 0)\n    found = i;")
            + "\nreturn found;",
            {"T": WIDE_FLOATS},
            _COUNT,
            source=section("3.28.18"),
            assumption="NaN counts as not zero.",
        ),
    ]
    old = (*positive("elem_count"), *aligned("dst", "src"), whole("elem_count"))
    for row, at in ((rows[1], "4.12"), (rows[2], "4.20"), (rows[3], "4.21")):
        body, value = row.meaning.rsplit("\nreturn ", 1)
        rows.append(
            Instr(
                row.name,
                row.doc.replace("Returns", "Stores") + " Deprecated form.",
                (out("dst", "1", U32), *_VECTOR),
                f"{body}\ndst[0] = {value}",
                {"T": FLOATS},
                old,
                "any",
                source=section(at),
                assumption=f"{row.assumption} On mtp_2xx 124 bytes after it become zero.",
            )
        )
    return rows


def _reduce_sum() -> Instr:
    body = (
        "for (unsigned int k = 0; k < elem_count / (128 / sizeof(T)); k++) {\n"
        "  float sum = 0.0f;\n"
        "  for (unsigned int i = 0; i < 128 / sizeof(T); i++)\n"
        "    sum += (float)src[k * (128 / sizeof(T)) + i];\n"
        "  dst[k * (128 / sizeof(T))] = (T)sum;\n}"
    )
    return Instr(
        "__bang_reduce_sum",
        "Sums every 128 bytes into the first element of the same 128 bytes of dst.",
        (out("dst", "elem_count"), *_VECTOR),
        body,
        {"T": WIDE_FLOATS},
        (
            *positive("elem_count"),
            NEW_BF16,
            ("elem_count * sizeof(T) % 128 == 0", "elem_count * sizeof(type) must be divisible by 128"),
        ),
        exact=False,
        source=section("3.28.36"),
        assumption=f"{_ORDER} The other elements stay as they were (mtp_2xx zeroes them).",
    )


_INDEX = {
    F32: ("((unsigned int *)dst)[1] = best;", "2"),
    F16: (
        "((unsigned short *)dst)[1] = (unsigned short)(best & 65535u);\n"
        "((unsigned short *)dst)[2] = (unsigned short)(best >> 16);",
        "3",
    ),
}


def _extreme(
    name: str, op: str, at: str, dtype: object, *, nan: bool = False, old: bool = False, absolute: bool = False
) -> Instr:
    """The value, then its index as an unsigned int right behind it."""
    store, extent = _INDEX[F32 if dtype is F32 else F16]
    c = "float" if dtype is F32 else "half" if dtype is F16 else "bfloat16_t"
    value = f"({c})fabsf((float)src[i])" if absolute else "src[i]"
    first = value.replace("[i]", "[0]")
    pick = f"v != v && m == m || m == m && v {op} m" if nan else f"m != m && v == v || v {op} m"
    body = (
        f"{c} m = {first};\nunsigned int best = 0;\n"
        f"for (unsigned int i = 1; i < elem_count; i++) {{\n  {c} v = {value};\n  if ({pick}) {{\n"
        f"    m = v;\n    best = i;\n  }}\n}}\ndst[0] = m;\n{store}"
    )
    extra = (
        "\n".join(f"((unsigned short *)dst)[{k}] = 0;" for k in (3, 4))
        if dtype is not F32
        else "((unsigned int *)dst)[2] = 0;"
    )
    if absolute:
        body, extent = f"{body}\n{extra}", "5" if dtype is not F32 else "3"
    word = "largest" if op == ">" else "smallest"
    what = "absolute value" if absolute else "element"
    rules = (
        (*positive("elem_count"), *aligned("dst", "src"), whole("elem_count", dtype=c))
        if old
        else positive("elem_count")
    )
    since = 200 if old else 592 if nan or dtype is BF16 else 322
    return Instr(
        name,
        f"The {word} {what} and, right behind it, the index of its first place as an unsigned int.",
        (out("dst", extent, dtype), buf("src", "elem_count", dtype), scalar("elem_count")),  # type: ignore[arg-type]
        body,
        {},
        rules,
        "none" if old else "any",
        arch=arch_of(since),
        source=section(at),
        assumption="The first NaN wins."
        if nan
        else "NaNs are passed over; index 0 and NaN when there is nothing else.",
    )


def _extremes() -> list[Instr]:
    rows = []
    for word, op, at, nan_at, old_at, abs_at in (
        ("max", ">", "3.24.1", "3.24.59", "4.39", "4.18"),
        ("min", "<", "3.24.2", "3.24.60", "4.42", "4.19"),
    ):
        for t in WIDE_FLOATS:
            rows.append(_extreme(f"__bang_arg{word}", op, at, t))
            rows.append(_extreme(f"__bang_nan_arg{word}", op, nan_at, t, nan=True))
            rows.append(_extreme(f"__bang_fabs{word}", op, abs_at, t, absolute=True))
            if t in FLOATS:
                rows.append(_extreme(f"__bang_{word}", op, old_at, t, old=True))
    return rows


def _selection() -> list[Instr]:
    operands = (out("dst", "elem_count"), buf("src", "elem_count"), buf("index", "elem_count"), scalar("elem_count"))
    rules = (*positive("elem_count"), NEW_BF16, *aligned("dst", "src", "index"), whole("elem_count"))
    body = "unsigned int k = 0;\n" + loop("elem_count", "if (index[i] != 0)\n    dst[k++] = src[i];")
    note = "What is behind the selected elements stays as it was."
    select = (
        "unsigned int k = 0;\n"
        + loop("elem_count", "if (index[i] != 0)\n    dst[128 / sizeof(T) + k++] = src[i];")
        + "\nHEAD\nfor (unsigned int i = FIRST; i < 128 / sizeof(T); i++)\n  dst[i] = (T)0;"
    )
    heads = {
        F32: ("((unsigned int *)dst)[0] = k;", "1"),
        F16: (
            "((unsigned short *)dst)[0] = (unsigned short)(k & 65535u);\n"
            "((unsigned short *)dst)[1] = (unsigned short)(k >> 16);",
            "2",
        ),
    }
    mask = (
        out("dst", "size", U8, access="rw"),
        buf("src", "size", U8),
        buf("mask", "(size + 7) / 8", U8),
        scalar("size"),
    )
    return [
        Instr(
            "__bang_filter",
            "Packs the elements whose index element is not zero; returns how many.",
            (*operands, result(U32)),
            f"{body}\nreturn k;",
            {"T": WIDE_FLOATS},
            rules,
            source=section("3.27.1"),
            assumption=note,
        ),
        Instr(
            "__bang_collect",
            "Packs the elements whose mask element is not zero.",
            tuple(buf("mask", o.extent) if o.name == "index" else o for o in operands),
            body.replace("index[", "mask["),
            {"T": FLOATS},
            tuple((c.replace("index", "mask"), w.replace("index", "mask")) for c, w in rules if (c, w) != NEW_BF16),
            source=section("4.10"),
            assumption=note,
        ),
        *(
            Instr(
                "__bang_select",
                "Count of the selected elements in the first 128 bytes, then the elements.",
                (out("dst", "elem_count + 128 / sizeof(T)"), *operands[1:]),
                select.replace("HEAD", head).replace("FIRST", first),
                {"T": (t,)},
                (
                    *positive("elem_count"),
                    ("elem_count * sizeof(T) % 128 == 0", "elem_count * sizeof(type) must be a multiple of 128 bytes"),
                    *aligned("dst", "src", "index", since=10000),
                ),
                "none",
                source=section("4.45"),
                assumption=f"{note} Refused when dst overlaps a source: the result begins 128 bytes later.",
            )
            for t, (head, first) in heads.items()
        ),
        Instr(
            "__bang_maskmove",
            "Copies the bytes whose bit of the mask is 1.",
            mask,
            loop("size", "if (mask[i / 8] >> (i % 8) & 1)\n    dst[i] = src[i];"),
            {},
            (
                *positive("size"),
                ("size % (__BANG_ARCH__ < 300 ? 1024 : 8) == 0", "size must be divisible by 8 (1024 on mtp_2xx)"),
                *aligned("dst", "src", "mask"),
            ),
            source=section("3.27.3"),
            assumption="Bit i % 8 of mask byte i / 8 belongs to byte i.",
        ),
    ]


_OH, _OW = "((height - kernel_height) / stride_height + 1)", "((width - kernel_width) / stride_width + 1)"
_AT = "src[((oh * stride_height + kh) * width + ow * stride_width + kw) * channel + c]"
_POOLS = {  # name -> (start, step, end, extra assumption, section)
    "sumpool": ("float v = 0.0f;", f"v += (float){_AT};", "(T)v", _ORDER, "3.12.31"),
    "avgpool": (
        "float v = 0.0f;",
        f"v += (float){_AT};",
        "(T)(v / (float)(kernel_height * kernel_width))",
        _ORDER,
        "4.2",
    ),
    "maxpool": (
        "T v = src[(oh * stride_height * width + ow * stride_width) * channel + c];",
        f"v = v != v || {_AT} > v ? {_AT} : v;",
        "v",
        "NaNs are passed over unless a window has nothing else.",
        "3.12.8 and 4.41",
    ),
    "minpool": (
        "T v = src[(oh * stride_height * width + ow * stride_width) * channel + c];",
        f"v = v != v || {_AT} < v ? {_AT} : v;",
        "v",
        "NaNs are passed over unless a window has nothing else.",
        "3.12.12",
    ),
}


def _windows(start: str, step: str, end: str) -> str:
    return (
        f"for (unsigned int oh = 0; oh < {_OH}; oh++)\n  for (unsigned int ow = 0; ow < {_OW}; ow++)\n"
        f"    for (unsigned int c = 0; c < channel; c++) {{\n      {start}\n"
        "      for (unsigned int kh = 0; kh < kernel_height; kh++)\n"
        "        for (unsigned int kw = 0; kw < kernel_width; kw++)\n"
        f"          {step}\n      dst[(oh * {_OW} + ow) * channel + c] = {end};\n    }}"
    )


_SIZES = ("channel", "height", "width", "kernel_height", "kernel_width")


def _pool(
    name: str,
    doc: str,
    at: str,
    body: str,
    strides: bool,
    assumption: str,
    dst: object = "T",
    types: dict[str, tuple[object, ...]] | None = None,
    exact: bool = False,
    src: object = "T",
) -> Instr:
    """Operands in the guide's order: the stride of the width comes before the one of the height."""
    names = (*_SIZES, *(("stride_width", "stride_height") if strides else ()))
    extent = f"{_OH} * {_OW} * channel"
    if not strides:
        body, extent = (
            t.replace("stride_height", "kernel_height").replace("stride_width", "kernel_width") for t in (body, extent)
        )
    dtype = "T" if src == "T" else ("float" if src is F32 else "half" if src is F16 else "bfloat16_t")
    rules = (
        *positive(*names),
        ("kernel_height <= height && kernel_width <= width", "the window must fit into the input"),
        ("kernel_height * kernel_width <= 65536", "a window has at most 65536 elements"),
        *((NEW_BF16,) if src == "T" else ()),
        *aligned("dst", "src"),
        whole("channel", dtype=dtype),
    )
    return Instr(
        name,
        doc,
        (
            out("dst", extent, dst),  # type: ignore[arg-type]
            buf("src", "height * width * channel", src),  # type: ignore[arg-type]
            *(scalar(n) for n in names),
        ),
        body,
        types if types is not None else {"T": WIDE_FLOATS},  # type: ignore[arg-type]
        rules,
        "none",
        exact,
        arch=arch_of(592 if src is BF16 else 200),
        source=section(at),
        assumption=f"{assumption} Windows that do not fit are dropped. "
        "The window must fit at least once: the guide does not say what else would happen.",
    )


def _pools() -> list[Instr]:
    rows = []
    for name, (start, step, end, note, at) in _POOLS.items():
        doc = {"sumpool": "Sum", "avgpool": "Mean", "maxpool": "Largest element", "minpool": "Smallest element"}[name]
        for strides in (True, False):
            how = "." if strides else "; strides equal the window."
            rows.append(
                _pool(
                    f"__bang_{name}",
                    f"{doc} of every window{how}",
                    at,
                    _windows(start, step, end),
                    strides,
                    note,
                    exact=name[:3] in ("max", "min"),
                )
            )
    for word, op, at in (("max", ">", "3.12.10"), ("min", "<", "3.12.13")):
        for t, index in ((F16, U16), (BF16, U16), (F32, U32)):
            c = {F16: "half", BF16: "bfloat16_t", F32: "float"}[t]
            start = (
                f"{c} v = src[(oh * stride_height * width + ow * stride_width) * channel + c];\n"
                "      unsigned int best = 0;"
            )
            step = (
                f"if (v != v && {_AT} == {_AT} || {_AT} {op} v) {{\n            v = {_AT};\n"
                "            best = kh * kernel_width + kw;\n          }"
            )
            end = "(unsigned short)best" if index is U16 else "best"
            for strides in (True, False):
                rows.append(
                    _pool(
                        f"__bang_{word}pool_index",
                        f"Place in the window of the {'largest' if word == 'max' else 'smallest'} element.",
                        at,
                        _windows(start, step, end),
                        strides,
                        "The place is row * kernel_width + column, the first of several.",
                        index,
                        {},
                        True,
                        t,
                    )
                )
    return rows


INSTRS: tuple[Instr, ...] = (*_values(), _reduce_sum(), *_extremes(), *_selection(), *_pools())
