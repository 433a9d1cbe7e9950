"""Movement that changes the layout: transpose, rotate, mirror, pad, reorder axes."""

from __future__ import annotations

from ..instr import Instr
from .rows import EVERY, NEW_BF16, aligned, arch_of, buf, out, positive, scalar, section

_HW = "for (unsigned int h = 0; h < height; h++)\n  for (unsigned int w = 0; w < width; w++)\n    "


def _matrix(name: str, doc: str, at: str, body: str, lines: tuple[int, int]) -> Instr:
    rules = (
        *positive("height", "width"),
        NEW_BF16,
        *aligned("dst", "src"),
        *(
            (
                f"__BANG_ARCH__ >= 300 || {n} * sizeof(T) % {to} == 0",
                f"{n} * sizeof(type) must be divisible by {to} on mtp_2xx",
            )
            for n, to in zip(("height", "width"), lines, strict=True)
        ),
    )
    return Instr(
        name,
        doc,
        (out("dst", "height * width"), buf("src", "height * width"), scalar("height"), scalar("width")),
        _HW + body,
        {"T": EVERY},
        rules,
        "none",
        source=section(at),
    )


def _pads() -> list[Instr]:
    body = (
        "for (unsigned int h = 0; h < height + pad_top + pad_bottom; h++)\n"
        "  for (unsigned int w = 0; w < width + pad_left + pad_right; w++)\n"
        "    for (unsigned int c = 0; c < channel; c++)\n"
        "      dst[(h * (width + pad_left + pad_right) + w) * channel + c] =\n"
        "          h < pad_top || h >= pad_top + height || w < pad_left || w >= pad_left + width\n"
        "              ? PAD : src[((h - pad_top) * width + (w - pad_left)) * channel + c];"
    )
    sides = tuple(scalar(n) for n in ("channel", "height", "width", "pad_top", "pad_bottom", "pad_left", "pad_right"))
    extent = "(height + pad_top + pad_bottom) * (width + pad_left + pad_right) * channel"
    operands = (out("dst", extent), buf("src", "height * width * channel"), *sides)
    rules = (
        *positive("channel", "height", "width"),
        ("height != 1 || pad_left == 0 && pad_right == 0", "a single row cannot be padded at its sides"),
        NEW_BF16,
        *aligned("dst", "src"),
    )
    return [
        Instr(
            "__bang_pad",
            "Puts zeros around a (height, width, channel) tensor.",
            operands,
            body.replace("PAD", "(T)0"),
            {"T": EVERY},
            rules,
            "none",
            source=section("3.27.5"),
        ),
        Instr(
            "__bang_pad",
            "Puts a value around a (height, width, channel) tensor.",
            (*operands, scalar("pad_value", "T")),
            body.replace("PAD", "pad_value"),
            {"T": EVERY},
            rules,
            "none",
            arch=arch_of(592),
            source=section("3.27.5"),
        ),
    ]


def _axes() -> list[Instr]:
    operands = (out("dst", "n * h * w * c"), buf("src", "n * h * w * c"), *(scalar(x) for x in "nhwc"))
    nest = "".join(
        f"{'  ' * k}for (unsigned int {x} = 0; {x} < {y}; {x}++)\n"
        for k, (x, y) in enumerate((("i", "n"), ("j", "h"), ("k", "w"), ("l", "c")))
    )
    nhwc, nchw = "((i * h + j) * w + k) * c + l", "((i * c + l) * h + j) * w + k"
    rules = (
        *positive(*"nhwc"),
        NEW_BF16,
        ("h * w * sizeof(T) % 64 == 0", "h * w * sizeof(type) must be divisible by 64"),
        ("c * sizeof(T) % 64 == 0", "c * sizeof(type) must be divisible by 64"),
        *aligned("dst", "src"),
    )
    packed = (
        *positive(*"nhwc"),
        NEW_BF16,
        ("n % 64 == 0", "n must be divisible by 64"),
        (
            "h * w * c * sizeof(T) % (__BANG_ARCH__ < 300 ? 128 : 32) == 0",
            "h * w * c * sizeof(type) must be divisible by 32 (128 on mtp_2xx)",
        ),
        *aligned("dst", "src"),
    )
    return [
        Instr(
            "__bang_reshape_nchw2nhwc",
            "Reorders (n, c, h, w) to (n, h, w, c).",
            operands,
            f"{nest}        dst[{nhwc}] = src[{nchw}];",
            {"T": EVERY},
            rules,
            "none",
            source=section("3.12.25"),
        ),
        Instr(
            "__bang_reshape_nhwc2nchw",
            "Reorders (n, h, w, c) to (n, c, h, w).",
            operands,
            f"{nest}        dst[{nchw}] = src[{nhwc}];",
            {"T": EVERY},
            rules,
            "none",
            source=section("3.12.26"),
        ),
        Instr(
            "__bang_reshape_filter",
            "Brings a filter (n, h, w, c) into the order that WRAM's 64 banks want.",
            operands,
            f"{nest}        dst[{nhwc}] = src[{nhwc}];",
            {"T": EVERY},
            packed,
            "none",
            source=section("3.12.24"),
            assumption="The guide does not give the order of the banks. Here it is the order of the source, so that a "
            "filter with and without this call means the same.",
        ),
    ]


INSTRS: tuple[Instr, ...] = (
    _matrix(
        "__bang_transpose",
        "Transposes a matrix of height rows.",
        "3.27.16",
        "dst[w * height + h] = src[h * width + w];",
        (64, 64),
    ),
    _matrix(
        "__bang_rotate90",
        "Rotates a matrix by 90 degrees clockwise.",
        "3.27.8",
        "dst[w * height + (height - 1 - h)] = src[h * width + w];",
        (128, 128),
    ),
    _matrix(
        "__bang_rotate180",
        "Rotates a matrix by 180 degrees.",
        "3.27.6",
        "dst[(height - 1 - h) * width + (width - 1 - w)] = src[h * width + w];",
        (128, 128),
    ),
    _matrix(
        "__bang_rotate270",
        "Rotates a matrix by 270 degrees clockwise.",
        "3.27.7",
        "dst[(width - 1 - w) * height + h] = src[h * width + w];",
        (128, 128),
    ),
    _matrix(
        "__bang_mirror",
        "Flips a matrix left to right.",
        "3.27.4",
        "dst[h * width + (width - 1 - w)] = src[h * width + w];",
        (64, 128),
    ),
    *_pads(),
    *_axes(),
)
