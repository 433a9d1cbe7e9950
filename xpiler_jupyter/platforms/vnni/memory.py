"""Loads and stores: whole, aligned, masked, by index, packed."""

from __future__ import annotations

from ...ir.types import F16, F32, F64, I32, I64, ScalarType
from ..instr import Instr
from .rows import (
    ANY,
    FLOAT,
    SIGNED,
    WIDTHS,
    dst,
    f_or_vl,
    loop,
    masked_arch,
    mem,
    pre,
    reg,
    row,
    scalar,
    wide,
)
from .tables import mask_of

_ALL: dict[str, tuple[ScalarType, ...]] = {"T": (*ANY, F16)}


def _whole() -> list[Instr]:
    made = []
    for w in WIDTHS:
        size, arch = w // 8, "avx512f" if w == 512 else "avx" if w == 256 else "sse2"
        n = f"{size} / sizeof(T)"
        loads = [("loadu", 1), ("load", size), *([("lddqu", 1)] if w < 512 else [("stream_load", size)])]
        for word, align in loads:
            where = "from any address" if align == 1 else f"from a {size}-byte aligned address"
            made.append(row(f"{pre(w)}{word}_si{w}", f"Reads {size} bytes {where}.",
                            (dst("T", n), mem("p", "T", n, "r", align)),
                            loop(n, "dst[i] = p[i];"), "Load", "sse3" if word == "lddqu" and w == 128 else arch,
                            types=_ALL))
        for word, align in (("storeu", 1), ("store", size), ("stream", size)):
            where = "to any address" if align == 1 else f"to a {size}-byte aligned address"
            more = ", past the caches" if word == "stream" else ""
            made.append(row(f"{pre(w)}{word}_si{w}", f"Writes {size} bytes {where}{more}.",
                            (mem("p", "T", n, "w", align), reg("a", "T", n)), loop(n, "p[i] = a[i];"), "Store", arch,
                            types=_ALL))
        for t in (F32, F64, *SIGNED.values()):
            suffix, count = ({F32: "ps", F64: "pd"}.get(t) or f"epi{t.bits}"), w // t.bits
            old = arch if t in FLOAT.values() else masked_arch(w, t.bits)
            if suffix == "ps" and w == 128:
                old = "sse"
            for align in (1, size):
                if align > 1 and t.bits < 32:
                    continue
                made.append(row(f"{pre(w)}load{'u' if align == 1 else ''}_{suffix}", f"Reads {count} lanes.",
                                (dst(t, count), mem("p", t, count, "r", align)), loop(count, "dst[i] = p[i];"), "Load",
                                old))
                made.append(row(f"{pre(w)}store{'u' if align == 1 else ''}_{suffix}", f"Writes {count} lanes.",
                                (mem("p", t, count, "w", align), reg("a", t, count)), loop(count, "p[i] = a[i];"), "Store",
                                old))
            if t in FLOAT.values():
                made.append(row(f"{pre(w)}stream_{suffix}", f"Writes {count} lanes, past the caches.",
                                (mem("p", t, count, "w", size), reg("a", t, count)), loop(count, "p[i] = a[i];"), "Store",
                                old))
    return made


def _masked() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for t in (F32, F64, *SIGNED.values()):
            s, n = ({F32: "ps", F64: "pd"}.get(t) or f"epi{t.bits}"), w // t.bits
            k, arch = scalar("k", mask_of(n)), masked_arch(w, t.bits)
            if_set = "(k >> i & 1) != 0"
            for u, align in (("u", 1), ("", w // 8)):
                if align > 1 and t.bits < 32:
                    continue
                p = mem("p", t, n, "r", align)
                made.append(row(f"{pre(w)}mask_load{u}_{s}", "Reads the lanes whose bit is set, never touching the others; "
                                "those come from src.", (dst(t, n), reg("src", t, n), k, p),
                                loop(n, f"dst[i] = {if_set} ? p[i] : src[i];"), "Load", arch))
                made.append(row(f"{pre(w)}maskz_load{u}_{s}", "Reads the lanes whose bit is set, never touching the "
                                "others; those become zero.", (dst(t, n), k, p), loop(n, f"dst[i] = {if_set} ? p[i] : 0;"),
                                "Load", arch))
                made.append(row(f"{pre(w)}mask_store{u}_{s}", "Writes the lanes whose bit is set, never touching the "
                                "others.", (mem("p", t, n, "w", align), k, reg("a", t, n)),
                                loop(n, f"if ({if_set})\n    p[i] = a[i];"), "Store", arch))
            if t.bits < 32:
                continue
            packed = (f"int at = 0;\nfor (int i = 0; i < {n}; i++)\n  if ({if_set}) {{\n    ", "\n    at++;\n  }")
            rest = " else\n    dst[i] = {};"
            made.append(row(f"{pre(w)}mask_compressstoreu_{s}", "Writes the lanes whose bit is set, next to each other.",
                            (mem("p", t, n, "w"), k, reg("a", t, n)), packed[0] + "p[at] = a[i];" + packed[1], "Store",
                            arch))
            for form, ops, other in (("mask", (reg("src", t, n), k), "src[i]"), ("maskz", (k,), "0")):
                made.append(row(f"{pre(w)}{form}_expandloadu_{s}", "Reads consecutive elements into the lanes whose bit is "
                                "set.", (dst(t, n), *ops, mem("p", t, n)),
                                packed[0] + "dst[i] = p[at];" + packed[1] + rest.format(other), "Load", arch))
            if w < 512:
                m, word = reg("m", SIGNED[t.bits], n), "avx2" if s.startswith("epi") else "avx"
                made.append(row(f"{pre(w)}maskload_{s}", "Reads the lanes whose m is negative, zero elsewhere.",
                                (dst(t, n), mem("p", t, n), m), loop(n, "dst[i] = m[i] < 0 ? p[i] : 0;"), "Load",
                                word))
                made.append(row(f"{pre(w)}maskstore_{s}", "Writes the lanes whose m is negative.",
                                (mem("p", t, n, "w"), m, reg("a", t, n)), loop(n, "if (m[i] < 0)\n    p[i] = a[i];"),
                                "Store", word))
    return made


def _indexed() -> list[Instr]:
    """By 32-bit index; the scale is a constant number of bytes, whole elements here."""
    made = []
    for w in WIDTHS:
        for t in (F32, F64, I32, I64):
            s, n, size = ({F32: "ps", F64: "pd"}.get(t) or f"epi{t.bits}"), w // t.bits, t.bytes
            rule = ((f"scale == {size}", "the scale is the element's size"),)
            held = n if t.bits == 32 else max(n, 4)  # the index register
            idx, base, k = reg("idx", I32, held), mem("base", t, ""), scalar("k", mask_of(n))
            at = f"base[idx[i] * scale / {size}]"
            note = "idx and scale as a product in bytes; the sum with the address never overflows."
            call = (idx, base) if w == 512 else (base, idx)
            made.append(row(f"{pre(w)}i32gather_{s}", "Reads one element per index.", (dst(t, n), *call, scalar("scale")),
                            loop(n, f"dst[i] = {at};"), "Load", "avx512f" if w == 512 else "avx2", rule,
                            assumption=note))
            masked = "mask_i32gather" if w == 512 else "mmask_i32gather"
            made.append(row(f"{pre(w)}{masked}_{s}", "Reads one element per index where the bit is set, else src.",
                            (dst(t, n), reg("src", t, n), k, idx, base, scalar("scale")),
                            loop(n, f"dst[i] = (k >> i & 1) != 0 ? {at} : src[i];"), "Load", f_or_vl(w), rule,
                            assumption=note))
            out = mem("base", t, "", "w")
            made.append(row(f"{pre(w)}i32scatter_{s}", "Writes one element per index, lane 0 first.",
                            (out, idx, reg("a", t, n), scalar("scale")), loop(n, f"{at} = a[i];"), "Store", f_or_vl(w),
                            rule, assumption=note))
            made.append(row(f"{pre(w)}mask_i32scatter_{s}", "Writes one element per index where the bit is set, lane 0 "
                            "first.", (out, k, idx, reg("a", t, n), scalar("scale")),
                            loop(n, f"if ((k >> i & 1) != 0)\n    {at} = a[i];"), "Store", f_or_vl(w), rule,
                            assumption=note))
    return made


def _part() -> list[Instr]:
    made = []
    for s, t, old in (("ss", F32, "sse"), ("sd", F64, "sse2")):
        n = 128 // t.bits
        made.append(row(f"_mm_load_{s}", "Reads lane 0; the others become zero.", (dst(t, n), mem("p", t, 1)),
                        loop(n, "dst[i] = i == 0 ? p[0] : 0;"), "Load", old))
        made.append(row(f"_mm_store_{s}", "Writes lane 0.", (mem("p", t, 1, "w"), reg("a", t, n)), "p[0] = a[0];", "Store",
                        old))
    for w, s, t, arch in ((128, "ss", F32, "avx"), (256, "ss", F32, "avx"), (256, "sd", F64, "avx")):
        n = w // t.bits
        made.append(row(f"{pre(w)}broadcast_{s}", "Reads one element into every lane.", (dst(t, n), mem("p", t, 1)),
                        loop(n, "dst[i] = p[0];"), "Load", arch))
    half = "8 / sizeof(T)"
    made.append(row("_mm_loadl_epi64", "Reads 8 bytes; the upper half becomes zero.",
                    (dst("T", "16 / sizeof(T)"), mem("p", "T", half)),
                    f"for (int i = 0; i < 16 / sizeof(T); i++)\n  dst[i] = i < {half} ? p[i] : 0;", "Load", "sse2",
                    types=_ALL))
    for name in ("_mm_storel_epi64", "_mm_storeu_si64"):
        made.append(row(name, "Writes the lower 8 bytes.", (mem("p", "T", half, "w"), reg("a", "T", "16 / sizeof(T)")),
                        loop(half, "p[i] = a[i];"), "Store", wide(128, 32), types=_ALL))
    for bits in (32, 64):
        types: dict[str, tuple[ScalarType, ...]] = {"T": tuple(t for t in ANY if t.bits <= bits)}
        made.append(row(f"_mm_loadu_si{bits}", f"Reads {bits // 8} bytes; the rest becomes zero.",
                        (dst("T", "16 / sizeof(T)"), mem("p", "T", f"{bits // 8} / sizeof(T)")),
                        f"for (int i = 0; i < 16 / sizeof(T); i++)\n  dst[i] = i < {bits // 8} / sizeof(T) ? p[i] : 0;",
                        "Load", "sse2", types=types))
    return made


INSTRS: tuple[Instr, ...] = (*_whole(), *_masked(), *_indexed(), *_part())
