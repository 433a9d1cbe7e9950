"""Integer comparisons, selections by mask, and masks themselves."""

from __future__ import annotations

from ...ir.types import I8, I32, U8, U16, U32, U64
from ..instr import Instr
from .rows import SIGNED, UNSIGNED, WIDTHS, bw_or_vl, dst, lanes, masked_arch, pre, reg, regs, row, scalar, wide
from .tables import mask_of

_WORDS = {"eq": "==", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "neq": "!="}


def _bits(n: int, test: str, word: str, choice: str = "r") -> str:
    kind = "uint64_t" if n > 31 else "int"
    return (f"{kind} r = 0;\nfor (int i = 0; i < {n}; i++)\n  r |= ({kind})(({test}) ? 1 : 0) << i;\n"
            f"dst[0] = {choice};")


def _to_masks() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for bits in SIGNED:
            n, arch = w // bits, masked_arch(w, bits)
            m = mask_of(n)
            for letter, kinds in (("epi", SIGNED), ("epu", UNSIGNED)):
                t = kinds[bits]
                for word, op in _WORDS.items():
                    name, doc = f"cmp{word}_{letter}{bits}_mask", f"One bit per lane: a {op} b."
                    test = _bits(n, f"a[i] {op} b[i]", word)
                    made.append(row(pre(w) + name, doc, (dst(m), *regs("ab", t, n)), test, "Compare", arch))
                    if w == 512:
                        made.append(row(f"{pre(w)}mask_{name}", f"{doc} Clear where the mask is clear.",
                                        (dst(m), scalar("k", m), *regs("ab", t, n)),
                                        _bits(n, f"a[i] {op} b[i]", word, "r & k"), "Compare", arch))
            t = SIGNED[bits]
            made.append(row(f"{pre(w)}test_epi{bits}_mask", "One bit per lane: a & b is not zero.",
                            (dst(m), *regs("ab", t, n)), _bits(n, "(a[i] & b[i]) != 0", "test"), "Logical",
                            arch))
            made.append(row(f"{pre(w)}movepi{bits}_mask", "The sign bits of the lanes.", (dst(m), reg("a", t, n)),
                            _bits(n, "a[i] < 0", "sign"), "Miscellaneous",
                            bw_or_vl(w) if bits < 32 else "avx512dq"))
            made += lanes(f"{pre(w)}movm_epi{bits}", "All ones where the mask bit is set, else zero.", t, n,
                          "(k >> i & 1) != 0 ? -1 : 0", (scalar("k", m),), "Miscellaneous",
                          bw_or_vl(w) if bits < 32 else "avx512dq")
            made += lanes(f"{pre(w)}mask_blend_epi{bits}", "b where the mask bit is set, else a.", t, n,
                          "(k >> i & 1) != 0 ? b[i] : a[i]", (scalar("k", m), *regs("ab", t, n)), "Miscellaneous",
                          arch)
            made += lanes(f"{pre(w)}mask_mov_epi{bits}", "a where the mask bit is set, else src.", t, n,
                          "(k >> i & 1) != 0 ? a[i] : src[i]", (reg("src", t, n), scalar("k", m), reg("a", t, n)),
                          "Move", arch)
            made += lanes(f"{pre(w)}maskz_mov_epi{bits}", "a where the mask bit is set, else zero.", t, n,
                          "(k >> i & 1) != 0 ? a[i] : 0", (scalar("k", m), reg("a", t, n)), "Move", arch)
    return made


def _to_lanes() -> list[Instr]:
    made = []
    for w in WIDTHS[:2]:
        for bits, t in SIGNED.items():
            n = w // bits
            old = "sse41" if bits == 64 else "sse2"
            for word, op in (("eq", "=="), ("gt", ">"), ("lt", "<")):
                if word == "lt" and (w == 256 or bits == 64):
                    continue
                made += lanes(f"{pre(w)}cmp{word}_epi{bits}", f"All ones where a {op} b, else zero.", t, n,
                              f"a[i] {op} b[i] ? -1 : 0", regs("ab", t, n), "Compare",
                              "avx2" if bits == 64 and word == "gt" else wide(w, bits, old))
        n = w // 8
        made += lanes(f"{pre(w)}blendv_epi8", "b where the mask lane's sign bit is set, else a.", I8, n,
                      "mask[i] < 0 ? b[i] : a[i]", (*regs("ab", I8, n), reg("mask", I8, n)), "Swizzle",
                      wide(w, 8, "sse41"))
        made.append(row(f"{pre(w)}movemask_epi8", "The sign bits of the bytes.", (dst(I32), reg("a", I8, n)),
                        "uint32_t r = 0;\n" + f"for (int i = 0; i < {n}; i++)\n  r |= (uint32_t)(a[i] < 0 ? 1 : 0) << i;\n"
                        "dst[0] = (int)r;", "Miscellaneous", wide(w, 8)))
        for bits in (16, 32):
            if (w, bits) == (256, 16):
                continue  # its constant repeats per 128 bits
            t, n = SIGNED[bits], w // bits
            made += lanes(f"{pre(w)}blend_epi{bits}", "b where the constant's bit is set, else a.", t, n,
                          "(imm >> i & 1) != 0 ? b[i] : a[i]", (*regs("ab", t, n), scalar("imm")), "Swizzle",
                          "sse41" if bits == 16 else "avx2",
                          rules=((f"imm >= 0 && imm < {1 << n}", "imm has one bit per lane"),))
    return made


def _masks() -> list[Instr]:
    made = []
    two = (("kand", "a & b", "and"), ("kor", "a | b", "or"), ("kxor", "a ^ b", "exclusive or"),
           ("kandn", "~a & b", "b and not a"),
           ("kxnor", "~(a ^ b)", "equivalence"))
    for word, expr, doc in two:
        made.append(row(f"_mm512_{word}", f"Of two 16-bit masks: {doc}.", (dst(U16), scalar("a", U16), scalar("b", U16)),
                        f"dst[0] = {expr};", "Mask", "avx512f"))
        for m in (U8, U16, U32, U64):
            made.append(row(f"_{word}_mask{m.bits}", f"Of two {m.bits}-bit masks: {doc}.",
                            (dst(m), scalar("a", m), scalar("b", m)), f"dst[0] = {expr};", "Mask",
                            {8: "avx512dq", 16: "avx512f"}.get(m.bits, "avx512bw")))
    for m in (U8, U16, U32, U64):
        arch = {8: "avx512dq", 16: "avx512f"}.get(m.bits, "avx512bw")
        made.append(row(f"_knot_mask{m.bits}", "Inverts a mask.", (dst(m), scalar("a", m)), "dst[0] = ~a;", "Mask", arch))
        number = U64 if m == U64 else U32
        made.append(row(f"_cvtmask{m.bits}_u{number.bits}", "A mask as a number.", (dst(number), scalar("a", m)),
                        "dst[0] = a;", "Mask", arch))
        made.append(row(f"_cvtu{number.bits}_mask{m.bits}", "A number as a mask.", (dst(m), scalar("a", number)),
                        "dst[0] = a;", "Mask", arch))
    made.append(row("_mm512_knot", "Inverts a 16-bit mask.", (dst(U16), scalar("a", U16)), "dst[0] = ~a;", "Mask", "avx512f"))
    made.append(row("_mm512_int2mask", "A number as a mask.", (dst(U16), scalar("a", I32)), "dst[0] = a;", "Mask", "avx512f"))
    made.append(row("_mm512_mask2int", "A mask as a number.", (dst(I32), scalar("a", U16)), "dst[0] = a;", "Mask", "avx512f"))
    made.append(row("_mm512_kunpackb", "Joins the low bytes of two masks, a high.",
                    (dst(U16), scalar("a", U16), scalar("b", U16)),
                    "dst[0] = (a & 255) << 8 | (b & 255);", "Mask", "avx512f"))
    return made


INSTRS: tuple[Instr, ...] = (*_to_masks(), *_to_lanes(), *_masks())
