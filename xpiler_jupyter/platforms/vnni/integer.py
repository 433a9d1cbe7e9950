"""Integer lanes: arithmetic that wraps or saturates, products, shifts, logic."""

from __future__ import annotations

from ...ir.types import I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from ..instr import Instr, Operand
from .rows import (
    IMM8,
    INTEGERS,
    SIGNED,
    UNSIGNED,
    WIDTHS,
    WRAPS,
    C,
    clamp,
    dst,
    f_or_vl,
    lanes,
    loop,
    masked_arch,
    pre,
    reg,
    regs,
    row,
    scalar,
    wide,
)

_LETTERS = {"epi": SIGNED, "epu": UNSIGNED}


def _basic() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for bits, t in SIGNED.items():
            n, vl = w // bits, masked_arch(w, bits)
            for word, op in (("add", "+"), ("sub", "-")):
                made += lanes(f"{pre(w)}{word}_epi{bits}", "Adds." if op == "+" else "Subtracts b from a.", t, n,
                              f"a[i] {op} b[i]", regs("ab", t, n), "Arithmetic", wide(w, bits), vl,
                              assumption=WRAPS)
            old = "ssse3"
            made += lanes(f"{pre(w)}abs_epi{bits}", "Absolute value; the least value stays.", t, n,
                          "a[i] < 0 ? -a[i] : a[i]", regs("a", t, n), "Arithmetic",
                          vl if bits == 64 else wide(w, bits, old), vl if w == 512 else "",
                          assumption=WRAPS)
            for letter, kinds in _LETTERS.items():
                u = kinds[bits]
                old = "sse2" if u in (I16, U8) else "sse41"
                for word, op in (("max", ">"), ("min", "<")):
                    made += lanes(f"{pre(w)}{word}_{letter}{bits}", f"The {'larger' if op == '>' else 'smaller'}.", u, n,
                                  f"a[i] {op} b[i] ? a[i] : b[i]", regs("ab", u, n), "Arithmetic",
                                  vl if bits == 64 else wide(w, bits, old), vl if w == 512 else "")
                if bits > 16:
                    continue
                for word, op in (("adds", "+"), ("subs", "-")):
                    made += lanes(f"{pre(w)}{word}_{letter}{bits}",
                                  f"{'Adds' if op == '+' else 'Subtracts b from a'}, saturating.", u, n,
                                  clamp("v", u), regs("ab", u, n), "Arithmetic", wide(w, bits),
                                  vl if w == 512 else "", before=f"int v = a[i] {op} b[i];")
    return made


def _products() -> list[Instr]:
    made: list[Instr] = []
    for w in WIDTHS:
        n8, n16, n32, n64 = w // 8, w // 16, w // 32, w // 64

        def add(name: str, doc: str, t: ScalarType, n: int, expr: str, ops: tuple[Operand, ...], old: str = "sse2",
                before: str = "", note: str = "", w: int = w, made: list[Instr] = made) -> None:
            bits = 8 if name.startswith(("maddubs", "sad", "avg")) else t.bits if name[-2:] != "32" else 32
            bits = 16 if name.startswith("madd_") else bits
            masks = masked_arch(w, bits) if w == 512 and name != "sad_epu8" else ""
            made.extend(lanes(pre(w) + name, doc, t, n, expr, ops, "Arithmetic", wide(w, bits, old), masks,
                              before=before, assumption=note))

        add("mullo_epi16", "Low half of the product.", I16, n16, "a[i] * b[i]", regs("ab", I16, n16), note=WRAPS)
        add("mullo_epi32", "Low half of the product.", I32, n32, "a[i] * b[i]", regs("ab", I32, n32), "sse41", note=WRAPS)
        add("mulhi_epi16", "High half of the signed product.", I16, n16, "a[i] * b[i] >> 16", regs("ab", I16, n16))
        add("mulhi_epu16", "High half of the unsigned product.", U16, n16, "(uint32_t)a[i] * b[i] >> 16",
            regs("ab", U16, n16))
        add("mulhrs_epi16", "Product shifted down by 15 bits, halves up.", I16, n16, "(a[i] * b[i] + 16384) >> 15",
            regs("ab", I16, n16), "ssse3")
        add("mul_epi32", "Signed 64-bit product of the even 32-bit lanes.", I64, n64,
            "(int64_t)a[2 * i] * b[2 * i]", regs("ab", I32, n32), "sse41")
        add("mul_epu32", "Unsigned 64-bit product of the even 32-bit lanes.", U64, n64,
            "(uint64_t)a[2 * i] * b[2 * i]", regs("ab", U32, n32))
        add("madd_epi16", "Sums each pair of 16-bit products into 32 bits.", I32, n32,
            "a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1]", regs("ab", I16, n16), note=WRAPS)
        add("maddubs_epi16", "Sums each pair of products of unsigned bytes of a and signed bytes of b, saturating.", I16,
            n16, clamp("v", I16), (reg("a", U8, n8), reg("b", I8, n8)), "ssse3",
            "int v = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];")
        add("sad_epu8", "Sums the absolute differences of eight bytes into each 64-bit lane.", U64, n64, "sum",
            regs("ab", U8, n8), before="int sum = 0;\n  for (int j = 8 * i; j < 8 * i + 8; j++)\n    "
            "sum += a[j] > b[j] ? a[j] - b[j] : b[j] - a[j];")
        for bits in (8, 16):
            u = UNSIGNED[bits]
            add(f"avg_epu{bits}", "Mean, halves up.", u, w // bits, "(a[i] + b[i] + 1) >> 1", regs("ab", u, w // bits))
        if w == 512:
            made += lanes("_mm512_mullo_epi64", "Low half of the product.", I64, n64, "a[i] * b[i]", regs("ab", I64, n64),
                          "Arithmetic", "avx512dq", assumption=WRAPS)
            continue
        for bits, t in ((16, I16), (32, I32)):
            per = 128 // bits
            made += lanes(f"{pre(w)}hadd_epi{bits}", "Adds neighbours, of a then of b, within 128 bits.", t, w // bits,
                          f"i % {per} < {per // 2} ? a[h] + a[h + 1] : b[h] + b[h + 1]", regs("ab", t, w // bits),
                          "Arithmetic", wide(w, bits, "ssse3"), assumption=WRAPS,
                          before=f"int h = i / {per} * {per} + i % {per // 2} * 2;")
        for bits, t in ((8, I8), (16, I16), (32, I32)):
            made += lanes(f"{pre(w)}sign_epi{bits}", "a, its negative or zero, by the sign of b.", t, w // bits,
                          "b[i] < 0 ? -a[i] : b[i] == 0 ? 0 : a[i]", regs("ab", t, w // bits), "Arithmetic",
                          wide(w, bits, "ssse3"), assumption=WRAPS)
    return made


def _shifts() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for bits in (16, 32, 64):
            t, u, n, vl = SIGNED[bits], UNSIGNED[bits], w // bits, masked_arch(w, bits)
            masks = vl if w == 512 else ""
            right = vl if bits == 64 else wide(w, bits)  # 64-bit arithmetic shifts came with AVX-512
            made += lanes(f"{pre(w)}slli_epi{bits}", "Shifts left by a constant; zero when it exceeds the lane.", u, n,
                          f"imm < {bits} ? ({C[u]})a[i] << imm : 0", (reg("a", u, n), scalar("imm")), "Shift",
                          wide(w, bits), masks, (IMM8,))
            made += lanes(f"{pre(w)}srli_epi{bits}", "Shifts right by a constant, zeros in; zero when it exceeds the lane.",
                          u, n, f"imm < {bits} ? a[i] >> imm : 0", (reg("a", u, n), scalar("imm")), "Shift",
                          wide(w, bits), masks, (IMM8,))
            made += lanes(f"{pre(w)}srai_epi{bits}", "Shifts right by a constant, sign bits in.", t, n,
                          f"imm < {bits} ? a[i] >> imm : a[i] >> {bits - 1}", (reg("a", t, n), scalar("imm")), "Shift",
                          right, masks, (IMM8,))
            arch = vl if bits == 16 else wide(w, bits, "avx2")
            made += lanes(f"{pre(w)}sllv_epi{bits}", "Shifts left, a count per lane; zero when it exceeds the lane.", u, n,
                          f"b[i] < {bits} ? ({C[u]})a[i] << b[i] : 0", regs("ab", u, n), "Shift", arch, masks)
            made += lanes(f"{pre(w)}srlv_epi{bits}", "Shifts right, a count per lane, zeros in.", u, n,
                          f"b[i] < {bits} ? a[i] >> b[i] : 0", regs("ab", u, n), "Shift", arch, masks)
            made += lanes(f"{pre(w)}srav_epi{bits}", "Shifts right, a count per lane, sign bits in.", t, n,
                          f"b[i] < {bits} ? a[i] >> b[i] : a[i] >> {bits - 1}", (reg("a", t, n), reg("b", u, n)), "Shift",
                          vl if bits != 32 else arch, masks)
        for bits in (32, 64):
            u, n = UNSIGNED[bits], w // bits
            for word, one, two in (("rol", "<<", ">>"), ("ror", ">>", "<<")):
                made += lanes(f"{pre(w)}{word}_epi{bits}", f"Rotates {'left' if one == '<<' else 'right'} by a constant.",
                              u, n, f"a[i] {one} (imm & {bits - 1}) | a[i] {two} ({bits} - (imm & {bits - 1}) & "
                              f"{bits - 1})", (reg("a", u, n), scalar("imm")), "Shift", f_or_vl(w),
                              rules=(IMM8,))
    return made


def _logic() -> list[Instr]:
    made = []
    words = (("and", "a[i] & b[i]"), ("or", "a[i] | b[i]"), ("xor", "a[i] ^ b[i]"), ("andnot", "~a[i] & b[i]"))
    for w in WIDTHS:
        for word, expr in words:
            count = f"{w // 8} / sizeof(T)"
            operands = (dst("T", count), reg("a", "T", count), reg("b", "T", count))
            made.append(row(f"{pre(w)}{word}_si{w}", f"Bitwise {word}.", operands,
                            loop(count, f"dst[i] = {expr};"), "Logical", wide(w, 32), types=INTEGERS))
            for bits in (32, 64):
                t = SIGNED[bits]
                made += lanes(f"{pre(w)}{word}_epi{bits}", f"Bitwise {word}.", t, w // bits, expr,
                              regs("ab", t, w // bits), "Logical", f_or_vl(w), f_or_vl(w) if w == 512 else "")
        for bits in (32, 64):
            u = UNSIGNED[bits]
            n = w // bits
            made += lanes(f"{pre(w)}ternarylogic_epi{bits}", "Any function of three bits: imm is its truth table, "
                          "indexed by a, b, c from the high bit down.", u, n, "v", (*regs("abc", u, n), scalar("imm")),
                          "Logical", f_or_vl(w), rules=(IMM8,),
                          before=f"{C[u]} v = 0;\n  for (int j = 0; j < {bits}; j++)\n    v |= ({C[u]})(imm >> ((a[i] >> "
                          "j & 1) << 2 | (b[i] >> j & 1) << 1 | (c[i] >> j & 1)) & 1) << j;")
    return made


INSTRS: tuple[Instr, ...] = (*_basic(), *_products(), *_shifts(), *_logic())
