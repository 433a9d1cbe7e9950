"""Lanes rearranged: interleaving, permutations by constant or by index, parts taken out and put in, reinterpretation."""

from __future__ import annotations

from ...ir.types import F32, F64, I8, I16, I32, I64, ScalarType
from ..instr import Instr, Operand
from .rows import IMM8, SIGNED, UNSIGNED, WIDTHS, bw_or_vl, dst, f_or_vl, lanes, pre, reg, regs, row, scalar, wide
from .tables import mask_of

_KINDS: dict[str, ScalarType] = {"ps": F32, "pd": F64, "epi8": I8, "epi16": I16, "epi32": I32, "epi64": I64}
_CAT = "Swizzle"


def _arch(w: int, s: str, old: str = "sse2") -> str:
    if s in ("ps", "pd"):
        return "avx512f" if w == 512 else "avx" if w == 256 else "sse" if s == "ps" else "sse2"
    return wide(w, int(s[3:]), old)


def _within() -> list[Instr]:
    """What works inside each 128 bits."""
    made = []
    for w in WIDTHS:
        for s, t in _KINDS.items():
            n, per = w // t.bits, 128 // t.bits
            for word, start in (("unpacklo", 0), ("unpackhi", per // 2)):
                doc = f"Interleaves the {'lower' if start == 0 else 'upper'} halves of each 128 bits of a and b."
                made += lanes(f"{pre(w)}{word}_{s}", doc, t, n, "(i & 1) == 0 ? a[h] : b[h]", regs("ab", t, n), _CAT,
                              _arch(w, s), (bw_or_vl(w) if t.bits < 32 else "avx512f") if w == 512 else "",
                              before=f"int h = i / {per} * {per} + i % {per} / 2 + {start};")
        n = w // 32
        for name, t, arch in ((f"shuffle_epi{32}", I32, wide(w, 32)), ("permute_ps", F32, "avx512f" if w == 512 else "avx")):
            made += lanes(pre(w) + name, "Picks, in each 128 bits, lane imm[2j+1:2j] for lane j.", t, n,
                          "a[i / 4 * 4 + (imm >> 2 * (i % 4) & 3)]", (reg("a", t, n), scalar("imm")), _CAT, arch,
                          rules=(IMM8,))
        made += lanes(f"{pre(w)}shuffle_ps", "In each 128 bits two lanes of a, then two of b, picked by imm.", F32, n,
                      "i % 4 < 2 ? a[h] : b[h]", (*regs("ab", F32, n), scalar("imm")), _CAT, _arch(w, "ps"), rules=(IMM8,),
                      before="int h = i / 4 * 4 + (imm >> 2 * (i % 4) & 3);")
        made += lanes(f"{pre(w)}shuffle_pd", "In each 128 bits a lane of a, then one of b, picked by a bit of imm.", F64,
                      w // 64, "(i & 1) == 0 ? a[h] : b[h]", (*regs("ab", F64, w // 64), scalar("imm")), _CAT,
                      _arch(w, "pd"), rules=((f"imm >= 0 && imm < {1 << w // 64}", "imm has one bit per lane"),),
                      before="int h = i / 2 * 2 + (imm >> i & 1);")
        for word, start in (("shufflelo", 0), ("shufflehi", 4)):
            made += lanes(f"{pre(w)}{word}_epi16", f"Picks among the {'lower' if start == 0 else 'upper'} four of each eight "
                          "lanes by imm; the others stay.", I16, w // 16,
                          f"i % 8 / 4 == {start // 4} ? a[i / 8 * 8 + {start} + (imm >> 2 * (i % 4) & 3)] : a[i]",
                          (reg("a", I16, w // 16), scalar("imm")), _CAT, wide(w, 16), rules=(IMM8,))
        n = w // 8
        made += lanes(f"{pre(w)}shuffle_epi8", "In each 128 bits, byte b[3:0] of a, or zero where b is negative.", I8, n,
                      "b[i] < 0 ? 0 : a[i / 16 * 16 + (b[i] & 15)]", regs("ab", I8, n), _CAT, wide(w, 8, "ssse3"),
                      "avx512bw" if w == 512 else "")
        made += lanes(f"{pre(w)}alignr_epi8", "In each 128 bits, a above b shifted right by imm bytes.", I8, n,
                      "h < 16 ? b[i / 16 * 16 + h] : h < 32 ? a[i / 16 * 16 + h - 16] : 0", (*regs("ab", I8, n), scalar("imm")),
                      "Miscellaneous", wide(w, 8, "ssse3"), rules=(IMM8,), before="int h = i % 16 + imm;")
        for word, to in (("bslli", "h - imm"), ("bsrli", "h + imm")):
            names = [f"{pre(w)}{word}_{'si128' if w == 128 else 'epi128'}"]
            names += [f"{pre(w)}{word[1:]}_si{w}"] if w < 512 else []
            for name in names:
                made += lanes(name, f"Shifts each 128 bits {'left' if word == 'bslli' else 'right'} by bytes.", I8, n,
                              f"imm > 15 || {to} < 0 || {to} > 15 ? 0 : a[i / 16 * 16 + {to}]",
                              (reg("a", I8, n), scalar("imm")), "Shift", wide(w, 8), rules=(IMM8,),
                              before="int h = i % 16;")
        for word, at in (("movehdup", "i | 1"), ("moveldup", "i & ~1")):
            made += lanes(f"{pre(w)}{word}_ps", f"Doubles the {'odd' if '|' in at else 'even'} lanes.", F32, w // 32,
                          f"a[{at}]", (reg("a", F32, w // 32),), "Move", "sse3" if w == 128 else _arch(w, "ps"))
    made += lanes("_mm_movehl_ps", "Upper half of b, then upper half of a.", F32, 4, "i < 2 ? b[i + 2] : a[i]",
                  regs("ab", F32, 4), "Move", "sse")
    made += lanes("_mm_movelh_ps", "Lower half of a, then lower half of b.", F32, 4, "i < 2 ? a[i] : b[i - 2]",
                  regs("ab", F32, 4), "Move", "sse")
    return made


def _across() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for s, t in _KINDS.items():
            n, u = w // t.bits, SIGNED[t.bits]
            if s == "epi8" or (w == 128 and s != "epi16"):
                continue
            arch = bw_or_vl(w) if t.bits < 32 else f_or_vl(w)
            made += lanes(f"{pre(w)}permutexvar_{s}", "Lane idx of a.", t, n, f"a[idx[i] & {n - 1}]",
                          (reg("idx", u, n), reg("a", t, n)), _CAT, arch, arch if w == 512 else "")
        for s, t in _KINDS.items():
            if s == "epi8":
                continue
            n, u = w // t.bits, SIGNED[t.bits]
            arch = bw_or_vl(w) if t.bits < 32 else f_or_vl(w)
            ops = (reg("a", t, n), reg("idx", u, n), reg("b", t, n))
            made += lanes(f"{pre(w)}permutex2var_{s}", "Lane idx of a followed by b.", t, n,
                          f"(idx[i] & {n}) != 0 ? b[idx[i] & {n - 1}] : a[idx[i] & {n - 1}]", ops, _CAT, arch)
            if t.bits < 32:
                continue
            k = mask_of(n)
            packed = f"int at = 0;\nfor (int i = 0; i < {n}; i++)\n  if ((k >> i & 1) != 0) {{\n    "
            keep = f"  for (int i = 0; i < {n}; i++)\n  dst[i] = 0;\n".lstrip()
            made.append(row(f"{pre(w)}maskz_compress_{s}", "The lanes whose bit is set, next to each other, then zeros.",
                            (dst(t, n), scalar("k", k), reg("a", t, n)), keep + packed + "dst[at] = a[i];\n    at++;\n  }",
                            "Miscellaneous", f_or_vl(w), overlap="none"))
            made.append(row(f"{pre(w)}maskz_expand_{s}", "Consecutive lanes spread to where the bit is set, zero elsewhere.",
                            (dst(t, n), scalar("k", k), reg("a", t, n)),
                            packed + "dst[i] = a[at];\n    at++;\n  } else\n    dst[i] = 0;", "Miscellaneous", f_or_vl(w),
                            overlap="none"))
        for bits in (32, 64):
            t, n = SIGNED[bits], w // bits
            made += lanes(f"{pre(w)}alignr_epi{bits}", "a above b shifted right by imm lanes.", t, n,
                          f"h < {n} ? b[h] : a[h - {n}]", (*regs("ab", t, n), scalar("imm")), "Miscellaneous", f_or_vl(w),
                          rules=((f"imm >= 0 && imm < {n}", "the shift stays within one register"),),
                          before="int h = i + imm;")
        if w == 128:
            continue
        for s, t in (("f32x4", F32), ("i32x4", I32), ("f64x2", F64), ("i64x2", I64)):
            n, per, sel = w // t.bits, 128 // t.bits, 2 if w == 512 else 1
            parts = w // 128
            made += lanes(f"{pre(w)}shuffle_{s}", "Whole 128-bit parts: the lower half from a, the upper from b, picked by "
                          "imm.", t, n, f"i / {per} < {parts // 2} ? a[h] : b[h]", (*regs("ab", t, n), scalar("imm")), _CAT,
                          f_or_vl(w), rules=(IMM8,) if w == 512 else (("imm >= 0 && imm < 4", "imm has one bit per part"),),
                          before=f"int h = (imm >> {sel} * (i / {per}) & {parts - 1}) * {per} + i % {per};")
        for name, t, arch in ((f"permute{'x' if w == 512 else '4x64'}_epi64", I64, "avx512f" if w == 512 else "avx2"),
                              (f"permute{'x' if w == 512 else '4x64'}_pd", F64, "avx512f" if w == 512 else "avx2")):
            made += lanes(pre(w) + name, "Picks, in each 256 bits, lane imm[2j+1:2j] for lane j.", t, w // 64,
                          "a[i / 4 * 4 + (imm >> 2 * (i % 4) & 3)]", (reg("a", t, w // 64), scalar("imm")), _CAT, arch,
                          rules=(IMM8,))
    for s, t in (("ps", F32), ("epi32", I32)):
        made += lanes(f"_mm256_permutevar8x32_{s}", "Lane idx of a.", t, 8, "a[idx[i] & 7]",
                      (reg("a", t, 8), reg("idx", I32, 8)), _CAT, "avx2")
    for name, t, arch in (("_mm256_permute2f128_ps", F32, "avx"), ("_mm256_permute2x128_si256", I32, "avx2")):
        made += lanes(name, "Each half is one of the four halves of a and b, or zero, by four bits of imm.", t, 8,
                      "(c & 8) != 0 ? 0 : (c & 2) != 0 ? b[(c & 1) * 4 + i % 4] : a[(c & 1) * 4 + i % 4]",
                      (*regs("ab", t, 8), scalar("imm")), _CAT, arch, rules=(IMM8,),
                      before="int c = imm >> 4 * (i / 4) & 15;")
    return made


def _parts() -> list[Instr]:
    made = []
    parts: list[tuple[int, int, str, str, ScalarType, str]] = [
        (256, 128, "f128_ps", "f128_ps", F32, "avx"), (256, 128, "f128_pd", "f128_pd", F64, "avx"),
        (256, 128, "i128_si256", "i128_si256", I32, "avx2"), (256, 128, "f128_si256", "f128_si256", I32, "avx"),
        (256, 128, "f32x4_ps", "f32x4", F32, "avx512vl"), (256, 128, "i32x4_epi32", "i32x4", I32, "avx512vl"),
        (512, 128, "f32x4_ps", "f32x4", F32, "avx512f"), (512, 128, "i32x4_epi32", "i32x4", I32, "avx512f"),
        (512, 256, "f64x4_pd", "f64x4", F64, "avx512f"), (512, 256, "i64x4_epi64", "i64x4", I64, "avx512f"),
        (512, 256, "f32x8_ps", "f32x8", F32, "avx512dq"), (512, 256, "i32x8_epi32", "i32x8", I32, "avx512dq"),
        (512, 128, "f64x2_pd", "f64x2", F64, "avx512dq"), (512, 128, "i64x2_epi64", "i64x2", I64, "avx512dq"),
    ]
    for w, part, taken, put, t, arch in parts:
        n, m = w // t.bits, part // t.bits
        rule = ((f"imm >= 0 && imm < {w // part}", "imm names one of the parts"),)
        made += lanes(f"{pre(w)}extract{taken}", f"Part imm of a, {part} bits.", t, m, f"a[imm * {m} + i]",
                      (reg("a", t, n), scalar("imm")), "Miscellaneous", arch, rules=rule)
        made += lanes(f"{pre(w)}insert{put}", f"a with part imm, {part} bits, replaced by b.", t, n,
                      f"i / {m} == imm ? b[i % {m}] : a[i]", (reg("a", t, n), reg("b", t, m), scalar("imm")), "Miscellaneous",
                      arch, rules=rule)
    for w in WIDTHS[:2]:
        for bits in (8, 16, 32, 64):
            n, t = w // bits, SIGNED[bits]
            arch = "avx" if w == 256 else "sse2" if bits == 16 else "sse41"
            rule = ((f"imm >= 0 && imm < {n}", "imm names a lane"),)
            out, u = (I64, I64) if bits == 64 else (I32, UNSIGNED[bits] if bits < 32 else I32)
            made.append(row(f"{pre(w)}extract_epi{bits}", "Lane imm as a scalar" + (", zero-extended." if bits < 32 else "."),
                            (dst(out), reg("a", u, n), scalar("imm")), "dst[0] = a[imm];", _CAT,
                            "avx2" if w == 256 and bits < 32 else arch, rule))
            made += lanes(f"{pre(w)}insert_epi{bits}", "a with lane imm replaced by a scalar.", t, n, "i == imm ? b : a[i]",
                          (reg("a", t, n), scalar("b", I64 if bits == 64 else I32), scalar("imm")), _CAT, arch,
                          rules=rule)
    return made


def _casts() -> list[Instr]:
    made = []
    words = ("ps", "pd", "si")
    for w in WIDTHS:
        arch = "avx512f" if w == 512 else "avx" if w == 256 else "sse2"
        named = {x: f"si{w}" if x == "si" else x for x in words}
        for a in words:
            for b in words:
                if a != b:
                    made += lanes(f"{pre(w)}cast{named[a]}_{named[b]}", "The same bits as another type.", I32, w // 32, "a[i]",
                                  (reg("a", I32, w // 32),), "Cast", arch)
        for v in (x for x in WIDTHS if x < w):
            for x in words:
                small, big = f"{x}{v}", f"{x}{w}"
                ops: tuple[Operand, ...] = (reg("a", I32, w // 32),)
                made += lanes(f"{pre(w)}cast{big}_{small}", f"The lower {v} bits.", I32, v // 32, "a[i]", ops, "Cast",
                              arch)
                ops = (reg("a", I32, v // 32),)
                for word, more in (("cast", " They are undefined on the device."), ("zext", "")):
                    made += lanes(f"{pre(w)}{word}{small}_{big}", "A wider register; the upper bits are zero.", I32, w // 32,
                                  f"i < {v // 32} ? a[i] : 0", ops, "Cast", arch, assumption=more.strip())
    return made


INSTRS: tuple[Instr, ...] = (*_within(), *_across(), *_parts(), *_casts())
