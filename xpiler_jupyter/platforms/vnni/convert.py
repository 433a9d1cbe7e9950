"""Conversions between lane types: widening, narrowing (cut off or saturating), integer and floating point, scalars."""

from __future__ import annotations

from ...ir.types import F16, F32, F64, I32, I64, U32, ScalarType
from ..instr import Instr
from .rows import NAN, SIGNED, UNSIGNED, WIDTHS, C, bw_or_vl, clamp, dst, f_or_vl, lanes, pre, reg, row, scalar

_CAT = "Convert"
_RANGE = {  # target -> condition that v, already an integer in floating point, fits; what stands for all others
    I32: ("v >= -2147483648.0 && v < 2147483648.0", "-2147483647 - 1"),
    U32: ("v > -1.0 && v < 4294967296.0", "4294967295u"),
}


def _widening() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for small in (8, 16, 32):
            for big in (16, 32, 64):
                if big <= small:
                    continue
                for letter, kinds in (("epi", SIGNED), ("epu", UNSIGNED)):
                    a, t, n = kinds[small], SIGNED[big], w // big
                    held = max(n, 128 // small)
                    arch = ("avx512bw" if big == 16 else "avx512f") if w == 512 else "avx2" if w == 256 else "sse41"
                    masks = ("avx512bw" if big == 16 else "avx512f") if w == 512 else ""
                    made += lanes(f"{pre(w)}cvt{letter}{small}_epi{big}",
                                  f"Widens {'signed' if letter == 'epi' else 'unsigned'} lanes.", t, n, "a[i]",
                                  (reg("a", a, held),), _CAT, arch, masks)
    return made


def _narrowing() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for big, small in ((16, 8), (32, 8), (32, 16), (64, 8), (64, 16), (64, 32)):
            n = w // big
            held = max(n, 128 // small)
            arch = bw_or_vl(w) if big == 16 else f_or_vl(w)
            for word, a, t in (("cvt", SIGNED[big], SIGNED[small]), ("cvts", SIGNED[big], SIGNED[small]),
                               ("cvtus", UNSIGNED[big], UNSIGNED[small])):
                kept = {"cvt": "Keeps the low bits of each lane.", "cvts": "Narrows signed lanes, saturating.",
                        "cvtus": "Narrows unsigned lanes, saturating."}[word]
                value = "a[i]" if word == "cvt" else f"({clamp('a[i]', t)})"
                value = f"({C[t]}){value}"
                zero = " Lanes above are zero." if held > n else ""
                made += lanes(f"{pre(w)}{word}epi{big}_epi{small}", kept + zero, t, held,
                              value if held == n else f"i < {n} ? {value} : 0", (reg("a", a, n),), _CAT, arch)
        for big, small in ((16, 8), (32, 16)):
            for word, t in (("packs", SIGNED[small]), ("packus", UNSIGNED[small])):
                n, per = w // small, 128 // small
                a = SIGNED[big]
                arch = "avx512bw" if w == 512 else "avx2" if w == 256 else "sse41" if (word, big) == ("packus", 32) else "sse2"
                made += lanes(f"{pre(w)}{word}_epi{big}",
                              "Narrows signed lanes with saturation, per 128 bits the lanes of a, then those of b.", t, n,
                              clamp("v", t), (reg("a", a, n // 2), reg("b", a, n // 2)), "Miscellaneous", arch,
                              before=f"{C[a]} v = i % {per} < {per // 2} ? a[i / {per} * {per // 2} + i % {per // 2}] : "
                              f"b[i / {per} * {per // 2} + i % {per // 2}];")
    return made


def _to_integer(f: ScalarType, t: ScalarType, rounding: str) -> tuple[str, str]:
    """The declaration of v and the value."""
    fits, other = _RANGE[t]
    return f"double v = {rounding}((double)a[i]);", f"{fits} ? ({C[t]})v : ({other})"


def _numbers() -> list[Instr]:
    made = []
    for w in WIDTHS:
        n, half = w // 32, w // 64
        vl, old = f_or_vl(w), "avx512f" if w == 512 else "avx" if w == 256 else "sse2"
        masks = vl if w == 512 else ""
        made += lanes(f"{pre(w)}cvtepi32_ps", "Rounds to nearest even.", F32, n, "(float)a[i]", (reg("a", I32, n),), _CAT, old,
                      masks)
        made += lanes(f"{pre(w)}cvtepi32_pd", "Exact.", F64, half, "(double)a[i]", (reg("a", I32, max(half, 4)),), _CAT, old,
                      masks)
        made += lanes(f"{pre(w)}cvtps_pd", "Exact.", F64, half, "(double)a[i]", (reg("a", F32, max(half, 4)),), _CAT, old,
                      masks, assumption=NAN)
        held = max(half, 4)
        made += lanes(f"{pre(w)}cvtpd_ps", "Rounds to nearest even." + (" Lanes above are zero." if held > half else ""), F32,
                      held, "(float)a[i]" if held == half else f"i < {half} ? (float)a[i] : 0", (reg("a", F64, half),), _CAT,
                      old, assumption=NAN)
        made += lanes(f"{pre(w)}cvtepu32_ps", "Rounds to nearest even.", F32, n, "(float)a[i]", (reg("a", U32, n),), _CAT, vl,
                      masks)
        for t, letter in ((I32, "epi32"), (U32, "epu32")):
            for word, rounding, how in (("cvt", "rint", "to nearest even"), ("cvtt", "trunc", "towards zero")):
                other = "the least integer" if t == I32 else "all ones"
                doc = f"Rounds {how}; NaN and values out of range give {other}."
                before, value = _to_integer(F32, t, rounding)
                arch = old if t == I32 else vl
                made += lanes(f"{pre(w)}{word}ps_{letter}", doc, t, n, value, (reg("a", F32, n),), _CAT, arch, masks,
                              before=before)
                before, value = _to_integer(F64, t, rounding)
                made += lanes(f"{pre(w)}{word}pd_{letter}", doc, t, held,
                              value if held == half else f"i < {half} ? ({value}) : 0", (reg("a", F64, half),), _CAT, arch,
                              before=before if held == half else before.replace("a[i]", f"a[i % {half}]"))
        made += lanes(f"{pre(w)}cvtph_ps", "Exact.", F32, n, "(float)a[i]", (reg("a", F16, max(n, 8)),), _CAT,
                      "avx512f" if w == 512 else "f16c", assumption=NAN)
        held = max(n, 8)
        rule = ("imm == 0 || imm == 8 || imm == 4", "rounding to nearest even is described, the other modes are not")
        made += lanes(f"{pre(w)}cvtps_ph", "Rounds to half precision, to nearest even.", F16, held,
                      "(_Float16)a[i]" if held == n else f"i < {n} ? (_Float16)a[i] : (_Float16)0",
                      (reg("a", F32, n), scalar("imm")), _CAT, "avx512f" if w == 512 else "f16c", rules=(rule,),
                      assumption=NAN)
    return made


def _scalars() -> list[Instr]:
    made = []
    for w in WIDTHS:
        arch = "avx512f" if w == 512 else "avx" if w == 256 else "sse2"
        for name, t in ((f"{pre(w)}cvtss_f32", F32), (f"{pre(w)}cvtsd_f64", F64), (f"{pre(w)}cvtsi{w}_si32", I32)):
            made.append(row(name, "Lane 0 as a scalar.", (dst(t), reg("a", t, w // t.bits)), "dst[0] = a[0];", _CAT, arch))
    made.append(row("_mm_cvtsi128_si64", "Lane 0 as a scalar.", (dst(I64), reg("a", I64, 2)), "dst[0] = a[0];", _CAT, "sse2"))
    for name, t, n in (("_mm_cvtsi32_si128", I32, 4), ("_mm_cvtsi64_si128", I64, 2)):
        made += lanes(name, "A scalar in lane 0, zeros above.", t, n, "i == 0 ? a : 0", (scalar("a", t),), _CAT, "sse2")
    for word, rounding in (("cvt", "rint"), ("cvtt", "trunc")):
        fits, other = _RANGE[I32]
        for s, f, n in (("ss", F32, 4), ("sd", F64, 2)):
            made.append(row(f"_mm_{word}{s}_si32", "Lane 0 as an integer; NaN and values out of range give the least one.",
                            (dst(I32), reg("a", f, n)),
                            f"double v = {rounding}((double)a[0]);\ndst[0] = {fits} ? (int)v : ({other});", _CAT,
                            "sse" if s == "ss" else "sse2"))
    made += lanes("_mm_cvtsi32_ss", "An integer in lane 0, the other lanes of a above.", F32, 4, "i == 0 ? (float)b : a[i]",
                  (reg("a", F32, 4), scalar("b")), _CAT, "sse")
    made += lanes("_mm_cvtsi32_sd", "An integer in lane 0, the other lane of a above.", F64, 2, "i == 0 ? (double)b : a[i]",
                  (reg("a", F64, 2), scalar("b")), _CAT, "sse2")
    made.append(row("_cvtss_sh", "Rounds one float to half precision, as bits; to nearest even.",
                    (dst(F16), scalar("a", F32), scalar("imm")), "dst[0] = (_Float16)a;", _CAT, "f16c",
                    (("imm == 0", "rounding to nearest even is described"),), assumption=NAN))
    made.append(row("_cvtsh_ss", "One half-precision number as a float.", (dst(F32), scalar("a", F16)), "dst[0] = (float)a;",
                    _CAT, "f16c", assumption=NAN))
    return made


INSTRS: tuple[Instr, ...] = (*_widening(), *_narrowing(), *_numbers(), *_scalars())
