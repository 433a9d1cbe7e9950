"""Matrix product, multilayer perceptron and convolution: the filter lies in WRAM."""

from __future__ import annotations

from ...ir.types import BF16, F16, F32, I8, I16, I32
from ..instr import Instr
from .rows import NEW_BF16, WRAM, aligned, arch_of, buf, out, positive, scalar, section

FLOAT_TYPES = (F16, BF16, F32)
LAYOUT = (
    "The operand in WRAM lies as the guide names it, {}, without the reordering into 64 banks that the device wants "
    "(__bang_reshape_filter keeps the order here). Sums run in ascending order in float; the device may add in "
    "another order."
)
_COLUMNS = LAYOUT.format("column-major: element (k, n) at n * K + k")
_ROWS = LAYOUT.format("row-major: height is the number of outputs, width the number of inputs")
_OHWI = LAYOUT.format("(channel_output, kernel_height, kernel_width, channel_input)")
_FIX = " The integer sum is exact in 64 bits, then scaled by 2^fix_position and rounded once to dst's type."
_INTS = ((I8, I8), (I16, I8), (I16, I16), (I8, I16))
_SHIFT = scalar("fix_position", I32)
_RANGE = ("fix_position >= -127 && fix_position <= 127", "fix_position must be in [-127, 127]")


def _lines(count: str, dtype: str) -> tuple[str, str]:
    return (
        f"{count} * sizeof({dtype}) % 64 == 0",
        f"{count} * sizeof(type) of the operand in WRAM must be a multiple of 64 bytes",
    )


def _c(t: object) -> str:
    return {I8: "int8_t", I16: "int16_t"}[t]  # type: ignore[index]


def _store(exact_int: bool, target: str, more: str = "") -> str:
    if exact_int:
        return f"{target} = (D)((float)sum * exp2f((float)fix_position){more});"
    return f"{target} = sum;"


def _matmul() -> list[Instr]:
    rows: list[Instr] = []
    sizes = tuple(scalar(n) for n in "MKN")

    def body(store: str, acc: str, cast: str) -> str:
        return (
            "for (unsigned int m = 0; m < M; m++)\n  for (unsigned int n = 0; n < N; n++) {\n"
            f"    {acc} sum = 0;\n    for (unsigned int k = 0; k < K; k++)\n"
            f"      sum += ({cast})src0[m * K + k] * ({cast})src1[n * K + k];\n    {store}\n  }}"
        )

    rows.append(
        Instr(
            "__bang_matmul",
            "dst (M x N) = src0 (M x K) times src1 (K x N).",
            (out("dst", "M * N", F32), buf("src0", "M * K"), buf("src1", "K * N", memory=WRAM, alignment=32), *sizes),
            body(_store(False, "dst[m * N + n]"), "float", "float"),
            {"T": FLOAT_TYPES},
            (*positive(*"MKN"), NEW_BF16, _lines("K", "T")),
            "none",
            False,
            arch=arch_of(372),
            source=section("3.20.1"),
            assumption=_COLUMNS,
        )
    )
    for a, b in _INTS:
        old = (*aligned("dst", "src0"), ("__BANG_ARCH__ >= 300 || N % 64 == 0", "N must be divisible by 64 on mtp_2xx"))
        for extra in (False, True):
            more = " + (float)src2[m * N + n]" if extra else ""
            operands = (
                out("dst", "M * N", "D"),
                buf("src0", "M * K", a),
                buf("src1", "K * N", b, WRAM, 32),
                *((buf("src2", "M * N", "D"),) if extra else ()),
                *sizes,
                _SHIFT,
            )
            rows.append(
                Instr(
                    "__bang_matmul",
                    f"Integer matrix product scaled by 2^fix_position{', plus src2' * extra}.",
                    operands,
                    body(_store(True, "dst[m * N + n]", more), "int64_t", "int64_t"),
                    {"D": (F16, F32)},
                    (*positive(*"MKN"), _RANGE, _lines("K", _c(b)), *old),
                    "none",
                    False,
                    arch=arch_of(372 if b.bits > a.bits else 200),
                    source=section("3.20.1"),
                    assumption=_COLUMNS + _FIX,
                )
            )
    return rows


def _mlp() -> list[Instr]:
    rows: list[Instr] = []
    sizes = (scalar("height", I32), scalar("width", I32))

    def body(store: str, acc: str, cast: str) -> str:
        return (
            "for (int h = 0; h < height; h++) {\n"
            f"  {acc} sum = 0;\n  for (int w = 0; w < width; w++)\n"
            f"    sum += ({cast})src[w] * ({cast})filter[h * width + w];\n  {store}\n}}"
        )

    rows.append(
        Instr(
            "__bang_mlp",
            "dst (height) = filter (height x width) times src (width).",
            (
                out("dst", "height", F32),
                buf("src", "width"),
                buf("filter", "height * width", memory=WRAM, alignment=32),
                *sizes,
            ),
            body(_store(False, "dst[h]"), "float", "float"),
            {"T": FLOAT_TYPES},
            (*positive("height", "width"), NEW_BF16, _lines("width", "T")),
            "none",
            False,
            arch=arch_of(372),
            source=section("3.12.15"),
            assumption=_ROWS,
        )
    )
    for a, b in _INTS:
        old = (
            *aligned("dst", "src"),
            ("__BANG_ARCH__ >= 300 || height % 64 == 0", "height must be divisible by 64 on mtp_2xx"),
        )
        for extra in (False, True):
            more = " + (float)bias[h]" if extra else ""
            operands = (
                out("dst", "height", "D"),
                buf("src", "width", a),
                *((buf("bias", "height", "D"),) if extra else ()),
                buf("filter", "height * width", b, WRAM, 32),
                *sizes,
                _SHIFT,
            )
            rows.append(
                Instr(
                    "__bang_mlp",
                    f"Integer matrix times vector scaled by 2^fix_position{', plus bias' * extra}.",
                    operands,
                    body(_store(True, "dst[h]", more), "int64_t", "int64_t"),
                    {"D": (F16, F32)},
                    (*positive("height", "width"), _RANGE, _lines("width", _c(b)), *old),
                    "none",
                    False,
                    arch=arch_of(372 if b.bits > a.bits else 200),
                    source=section("3.12.15"),
                    assumption=_ROWS + _FIX,
                )
            )
    return rows


_OH, _OW = "((height - kernel_height) / stride_height + 1)", "((width - kernel_width) / stride_width + 1)"


def _conv() -> list[Instr]:
    names = (
        "channel_input",
        "height",
        "width",
        "kernel_height",
        "kernel_width",
        "stride_width",
        "stride_height",
        "channel_output",
    )
    sizes = tuple(scalar(n) for n in names)
    rules = (
        *positive(*names),
        ("kernel_height <= height && kernel_width <= width", "the filter must fit into the input"),
        ("stride_width <= 1023 && stride_height <= 1023", "strides must be in [1, 1023]"),
    )
    image, filt = "height * width * channel_input", "channel_output * kernel_height * kernel_width * channel_input"
    result = f"{_OH} * {_OW} * channel_output"

    def body(store: str, acc: str, cast: str) -> str:
        return (
            f"for (unsigned int oh = 0; oh < {_OH}; oh++)\n  for (unsigned int ow = 0; ow < {_OW}; ow++)\n"
            f"    for (unsigned int co = 0; co < channel_output; co++) {{\n      {acc} sum = 0;\n"
            "      for (unsigned int kh = 0; kh < kernel_height; kh++)\n"
            "        for (unsigned int kw = 0; kw < kernel_width; kw++)\n"
            "          for (unsigned int ci = 0; ci < channel_input; ci++)\n"
            f"            sum += ({cast})src[((oh * stride_height + kh) * width + ow * stride_width + kw)"
            " * channel_input + ci] *\n"
            f"                   ({cast})kernel[((co * kernel_height + kh) * kernel_width + kw) * channel_input + ci];\n"
            f"      {store}\n    }}"
        )

    at = f"dst[(oh * {_OW} + ow) * channel_output + co]"
    rows = [
        Instr(
            "__bang_conv",
            "Convolution of one (height, width, channel) image; no padding.",
            (out("dst", result, F32), buf("src", image), buf("kernel", filt, memory=WRAM, alignment=32), *sizes),
            body(_store(False, at), "float", "float"),
            {"T": FLOAT_TYPES},
            (*rules, NEW_BF16, _lines("channel_input", "T")),
            "none",
            False,
            arch=arch_of(372),
            source=section("3.12.3"),
            assumption=_OHWI,
        )
    ]
    for a, b in _INTS:
        old = (
            *aligned("dst", "src"),
            ("__BANG_ARCH__ >= 300 || channel_output % 64 == 0", "channel_output must be divisible by 64 on mtp_2xx"),
        )
        for extra in (False, True):
            more = " + (float)bias[co]" if extra else ""
            operands = (
                out("dst", result, "D"),
                buf("src", image, a),
                buf("kernel", filt, b, WRAM, 32),
                *((buf("bias", "channel_output", "D"),) if extra else ()),
                *sizes,
                _SHIFT,
            )
            rows.append(
                Instr(
                    "__bang_conv",
                    f"Integer convolution scaled by 2^fix_position{', plus bias' * extra}.",
                    operands,
                    body(_store(True, at, more), "int64_t", "int64_t"),
                    {"D": (F16, F32)},
                    (*rules, _RANGE, _lines("channel_input", _c(b)), *old),
                    "none",
                    False,
                    arch=arch_of(372 if b.bits > a.bits else 200),
                    source=section("3.12.3"),
                    assumption=_OHWI + _FIX,
                )
            )
    return rows


INSTRS: tuple[Instr, ...] = (*_matmul(), *_mlp(), *_conv())
