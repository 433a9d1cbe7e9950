"""Registers from scalars, and from lane 0 of another register."""

from __future__ import annotations

from ...ir.types import F32, F64, I8, I16, I32, I64, ScalarType
from ..instr import Instr
from .rows import INTEGERS, WIDTHS, dst, f_or_vl, lanes, loop, masked_arch, pre, reg, row, scalar
from .tables import mask_of

_KINDS: dict[str, ScalarType] = {"ps": F32, "pd": F64, "epi8": I8, "epi16": I16, "epi32": I32, "epi64": I64}


def _rows() -> list[Instr]:
    made = []
    for w in WIDTHS:
        old = "avx512f" if w == 512 else "avx" if w == 256 else "sse2"
        for word, more in (("setzero", ""), ("undefined", " The value is undefined on the device; zero here.")):
            for s, t in (("ps", F32), ("pd", F64)):
                made += lanes(f"{pre(w)}{word}_{s}", f"All bits zero.{more}", t, w // t.bits, "0", (), "Set", old)
            names = ["epi32"] if (word, w) == ("undefined", 512) else [f"si{w}", *(["epi32"] if w == 512 else [])]
            made += [row(f"{pre(w)}{word}_{s}", f"All bits zero.{more}", (dst("T", f"{w // 8} / sizeof(T)"),),
                         loop(f"{w // 8} / sizeof(T)", "dst[i] = 0;"), "Set", old, types=INTEGERS) for s in names]
        if w == 512:
            made += lanes("_mm512_setzero", "All bits zero.", F32, 16, "0", (), "Set", old)
        for s, t in _KINDS.items():
            n = w // t.bits
            x = f"{s}x" if s == "epi64" and w < 512 else s
            made += lanes(f"{pre(w)}set1_{x}", "One scalar in every lane.", t, n, "x", (scalar("x", t),), "Set", old)
            if s.startswith("epi"):
                arch, k = masked_arch(w, t.bits), scalar("k", mask_of(n))
                made += lanes(f"{pre(w)}mask_set1_{s}", "One scalar in the lanes whose bit is set, src elsewhere.", t, n,
                              "(k >> i & 1) != 0 ? x : src[i]", (reg("src", t, n), k, scalar("x", t)), "Set",
                              arch)
                made += lanes(f"{pre(w)}maskz_set1_{s}", "One scalar in the lanes whose bit is set, zero elsewhere.", t, n,
                              "(k >> i & 1) != 0 ? x : 0", (k, scalar("x", t)), "Set", arch)
            for word in ("set", "setr"):
                if w == 512 and t.bits < 32 and word == "setr":
                    continue
                names = [f"e{i}" for i in range(n)]
                order = names[::-1] if word == "set" else names
                name = f"{pre(w)}{word}_{s}"
                if s == "epi64" and w < 512:
                    if word == "setr" and w == 128:
                        continue
                    name += "x"
                made.append(row(name, f"One scalar per lane, lane {'0 last' if word == 'set' else '0 first'}.",
                                (dst(t, n), *(scalar(e, t) for e in order)),
                                "\n".join(f"dst[{i}] = e{i};" for i in range(n)), "Set", old))
    made += lanes("_mm_set_ss", "A scalar in lane 0, zeros above.", F32, 4, "i == 0 ? x : 0", (scalar("x", F32),), "Set", "sse")
    made += lanes("_mm_set_sd", "A scalar in lane 0, zero above.", F64, 2, "i == 0 ? x : 0", (scalar("x", F64),), "Set", "sse2")
    return made


def _broadcast() -> list[Instr]:
    """Lane 0, or the lowest 128 or 256 bits, repeated."""
    made = []
    words: tuple[tuple[str, ScalarType], ...] = (
        ("broadcastss_ps", F32), ("broadcastsd_pd", F64), ("broadcastb_epi8", I8), ("broadcastw_epi16", I16),
        ("broadcastd_epi32", I32), ("broadcastq_epi64", I64),
    )
    for w in WIDTHS:
        for word, t in words:
            if (w, word) == (128, "broadcastsd_pd"):
                continue
            arch = masked_arch(w, t.bits) if w == 512 else "avx2"
            made += lanes(pre(w) + word, "Lane 0 of a in every lane.", t, w // t.bits, "a[0]", (reg("a", t, 128 // t.bits),),
                          "Swizzle", arch, arch if w == 512 else "")
        if w > 128:
            for kind, t in (("f32x4", F32), ("i32x4", I32)):
                made += lanes(f"{pre(w)}broadcast_{kind}", "The 128 bits of a, repeated.", t, w // 32, "a[i % 4]",
                              (reg("a", t, 4),), "Swizzle", f_or_vl(w))
    for kind, t in (("f64x4", F64), ("i64x4", I64)):
        made += lanes(f"_mm512_broadcast_{kind}", "The 256 bits of a, repeated.", t, 8, "a[i % 4]", (reg("a", t, 4),),
                      "Swizzle", "avx512f")
    made += lanes("_mm256_broadcastsi128_si256", "The 128 bits of a, repeated.", I32, 8, "a[i % 4]", (reg("a", I32, 4),),
                  "Swizzle", "avx2")
    return made


INSTRS: tuple[Instr, ...] = (*_rows(), *_broadcast())
