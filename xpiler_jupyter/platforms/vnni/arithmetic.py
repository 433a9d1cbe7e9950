"""Floating point, lane by lane: arithmetic, fused multiply-add, extremes, rounding, comparison, bit logic."""

from __future__ import annotations

from ...ir.types import F32, F64, I32, I64, ScalarType
from ..instr import Instr
from .rows import NAN, PS, WIDTHS, dst, f_or_vl, lanes, pre, reg, regs, row, scalar, split
from .tables import mask_of

_BASIC = {
    "add": ("a[i] + b[i]", "Adds."),
    "sub": ("a[i] - b[i]", "Subtracts b from a."),
    "mul": ("a[i] * b[i]", "Multiplies."),
    "div": ("a[i] / b[i]", "Divides a by b."),
    "max": ("a[i] > b[i] ? a[i] : b[i]", "The larger; b when either is NaN or both are zero."),
    "min": ("a[i] < b[i] ? a[i] : b[i]", "The smaller; b when either is NaN or both are zero."),
}
_FUSED = {
    "fmadd": ("a[i], b[i], c[i]", "a * b + c, rounded once."),
    "fmsub": ("a[i], b[i], -c[i]", "a * b - c, rounded once."),
    "fnmadd": ("-a[i], b[i], c[i]", "c - a * b, rounded once."),
    "fnmsub": ("-a[i], b[i], -c[i]", "-(a * b) - c, rounded once."),
    "fmaddsub": ("a[i], b[i], (i & 1) != 0 ? c[i] : -c[i]", "a * b - c in even lanes, a * b + c in odd, rounded once."),
}
# Predicate constant, its name in mask intrinsics, its meaning; quiet and signalling forms give the same result.
PREDICATES = {
    0: ("eq", "a[i] == b[i]"), 1: ("lt", "a[i] < b[i]"), 2: ("le", "a[i] <= b[i]"),
    3: ("unord", "a[i] != a[i] || b[i] != b[i]"), 4: ("neq", "a[i] != b[i]"), 5: ("nlt", "!(a[i] < b[i])"),
    6: ("nle", "!(a[i] <= b[i])"), 7: ("ord", "a[i] == a[i] && b[i] == b[i]"),
}
# The other eight have no intrinsic of their own: "eq" and the like may be unordered too, "ge" and "gt" may not.
_FURTHER = ("!(a[i] < b[i] || a[i] > b[i])", "!(a[i] >= b[i])", "!(a[i] > b[i])", "false", "a[i] < b[i] || a[i] > b[i]",
            "a[i] >= b[i]", "a[i] > b[i]", "true")


def _old(width: int, suffix: str) -> str:
    return "avx512f" if width == 512 else "avx" if width == 256 else "sse" if suffix == "ps" else "sse2"


def _suffix(t: ScalarType) -> str:
    return "f" if t == F32 else ""


def _arithmetic() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for s, t in PS.items():
            n, arch, vl = w // t.bits, _old(w, s), f_or_vl(w)
            for word, (expr, doc) in _BASIC.items():
                note = "" if word in ("min", "max") else NAN
                made += lanes(f"{pre(w)}{word}_{s}", doc, t, n, expr, regs("ab", t, n), "Arithmetic", arch, vl,
                              assumption=note)
            made += lanes(f"{pre(w)}sqrt_{s}", "Square root, correctly rounded.", t, n, f"sqrt{_suffix(t)}(a[i])",
                          regs("a", t, n), "Elementary math functions", arch, vl, assumption=NAN)
            if w == 512:
                made += lanes(f"{pre(w)}abs_{s}", "Clears the sign bit.", t, n, f"fabs{_suffix(t)}(a[i])",
                              regs("a", t, n), "Arithmetic", arch)[:1]
            for word, expr, doc in (
                ("rcp14", "1 / a[i]", "Reciprocal with a relative error below 2^-14."),
                ("rsqrt14", f"1 / sqrt{_suffix(t)}(a[i])", "Reciprocal square root with a relative error below 2^-14."),
            ):
                made += lanes(f"{pre(w)}{word}_{s}", doc, t, n, expr, regs("a", t, n), "Elementary math functions", vl,
                              vl if w == 512 else "", exact=False,
                              assumption="Computed in full precision, whatever the processor: its table is not "
                              "described bit by bit. Subnormal inputs count as they are.")
    return made


def _fused() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for s, t in PS.items():
            n, k = w // t.bits, scalar("k", mask_of(w // t.bits))
            for word, (args, doc) in _FUSED.items():
                expr, name = f"fma{_suffix(t)}({args})", f"{pre(w)}{word}_{s}"
                a, b, c = regs("abc", t, n)
                arch = "avx512f" if w == 512 else "fma"
                made += lanes(name, doc, t, n, expr, (a, b, c), "Arithmetic", arch, assumption=NAN)
                head, tail = split(name)
                for form, ops, other, more in (
                    ("mask", (a, k, b, c), "a[i]", "Other lanes keep a."),
                    ("mask3", (a, b, c, k), "c[i]", "Other lanes keep c."),
                    ("maskz", (k, a, b, c), "0", "Other lanes become zero."),
                ):
                    made += lanes(f"{head}{form}_{tail}", f"{doc} {more}", t, n,
                                  f"(k >> i & 1) != 0 ? {expr} : {other}", ops, "Arithmetic", f_or_vl(w),
                                  assumption=NAN)
    return made


def _rounding() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for s, t in PS.items():
            n, f, a = w // t.bits, _suffix(t), regs("a", t, w // t.bits)
            old = "avx512f" if w == 512 else "avx" if w == 256 else "sse41"
            for word in ("floor", "ceil"):
                made += lanes(f"{pre(w)}{word}_{s}", f"Rounds {'down' if word == 'floor' else 'up'} to an integer.", t,
                              n, f"{word}{f}(a[i])", a, "Special math functions", old, assumption=NAN)
            to = (f"(imm & 4) != 0 || (imm & 3) == 0 ? rint{f}(a[i]) : (imm & 3) == 1 ? floor{f}(a[i]) : "
                  f"(imm & 3) == 2 ? ceil{f}(a[i]) : trunc{f}(a[i])")
            doc = "Rounds to an integer: imm 0 or 4 nearest even, 1 down, 2 up, 3 towards zero; 8 quietly."
            rule = ("imm >= 0 && imm <= 15", "only rounding to integers is described, not to binary fractions")
            name = f"{pre(w)}{'roundscale' if w == 512 else 'round'}_{s}"
            made += lanes(name, doc, t, n, to, (*a, scalar("imm")), "Special math functions", old,
                          "avx512f" if w == 512 else "", (rule,), assumption=NAN)
            special = ("a[i] != a[i] && b[i] == b[i] && b[i] * 0 != 0 ? (b[i] > 0 ? b[i] : 0) : a[i] != a[i] || b[i] != b[i] ? "
                       "a[i] + b[i] : b[i] * 0 != 0 ? (b[i] > 0 ? a[i] * b[i] : a[i] / -b[i]) : ")
            bound = 400 if t == F32 else 2100  # beyond, every number has become zero or infinity
            power = "(float)((double)a[i] * exp2(power))" if t == F32 else \
                "a[i] * exp2(first) * exp2(power - last - first) * exp2(last)"
            # Steps of at most 2^1000, each of which is a double, and the one that may leave the normal numbers last.
            last = "" if t == F32 else " double last = fmax(fmin(power, 1000.0), -1000.0), " \
                "first = fmax(fmin(power - last, 1000.0), -1000.0);"
            made += lanes(f"{pre(w)}scalef_{s}", "a times two to the power floor(b), rounded once; NaN with an infinite b "
                          "gives infinity or zero.", t, n, special + power, regs("ab", t, n), "Miscellaneous", f_or_vl(w),
                          assumption=f"{NAN} A signalling NaN counts as a quiet one: the processor keeps it a NaN even "
                          "when b is infinite.",
                          before=f"double power = fmax(fmin(floor((double)b[i]), {bound}.0), -{bound}.0);{last}")
    return made


def _compare() -> list[Instr]:
    made = []
    tests = [e for _, e in PREDICATES.values()] + list(_FURTHER)
    text = " : ".join([*(f"(imm & 15) == {p} ? ({e})" for p, e in enumerate(tests[:-1])), f"({tests[-1]})"])
    rule = ("imm >= 0 && imm <= 31", "there are 32 predicates")
    for w in WIDTHS:
        for s, t in PS.items():
            n, k = w // t.bits, mask_of(w // t.bits)
            loop = "int r = 0;\nfor (int i = 0; i < {n}; i++)\n  r |= (({e}) ? 1 : 0) << i;\ndst[0] = {r};"
            ab = regs("ab", t, n)
            made.append(row(f"{pre(w)}cmp_{s}_mask", "Compares by the predicate imm into one bit per lane.",
                            (dst(k), *ab, scalar("imm")), loop.format(n=n, e=text, r="r"), "Compare", f_or_vl(w),
                            (rule,)))
            made.append(row(f"{pre(w)}mask_cmp_{s}_mask",
                            "Compares by the predicate imm into one bit per lane, clear where the mask is clear.",
                            (dst(k), scalar("k", k), *ab, scalar("imm")), loop.format(n=n, e=text, r="r & k"), "Compare",
                            f_or_vl(w), (rule,)))
            if w == 512:
                for word, expr in PREDICATES.values():
                    made.append(row(f"{pre(w)}cmp{word}_{s}_mask", f"One bit per lane: {word}.", (dst(k), *ab),
                                    loop.format(n=n, e=expr, r="r"), "Compare", "avx512f"))
    return made


def _bits() -> list[Instr]:
    made = []
    for w in WIDTHS:
        for s, t in PS.items():
            bits = I32 if t == F32 else I64
            n = w // t.bits
            arch = "avx512dq" if w == 512 else _old(w, s)
            for word, expr in (("and", "a[i] & b[i]"), ("or", "a[i] | b[i]"), ("xor", "a[i] ^ b[i]"),
                               ("andnot", "~a[i] & b[i]")):
                made += lanes(f"{pre(w)}{word}_{s}", f"Bitwise {word} of the lanes' bit patterns.", bits, n, expr,
                              regs("ab", bits, n), "Logical", arch)
            ab, k = regs("ab", t, n), scalar("k", mask_of(n))
            made += lanes(f"{pre(w)}mask_blend_{s}", "b where the mask bit is set, else a.", t, n,
                          "(k >> i & 1) != 0 ? b[i] : a[i]", (k, *ab), "Miscellaneous", f_or_vl(w))
            if w < 512:
                made += lanes(f"{pre(w)}blendv_{s}", "b where the mask lane's sign bit is set, else a.", t, n,
                              f"copysign{_suffix(t)}(1, mask[i]) < 0 ? b[i] : a[i]", (*ab, reg("mask", t, n)), "Swizzle",
                              "avx" if w == 256 else "sse41")
                made += lanes(f"{pre(w)}blend_{s}", "b where the constant's bit is set, else a.", t, n,
                              "(imm >> i & 1) != 0 ? b[i] : a[i]", (*ab, scalar("imm")), "Swizzle",
                              "avx" if w == 256 else "sse41",
                              rules=((f"imm >= 0 && imm < {1 << n}", "imm has one bit per lane"),))
                made.append(row(f"{pre(w)}movemask_{s}", "The sign bits of the lanes.", (dst(I32), reg("a", t, n)),
                                f"int r = 0;\nfor (int i = 0; i < {n}; i++)\n  r |= (copysign{_suffix(t)}(1, a[i]) < 0 "
                                "? 1 : 0) << i;\ndst[0] = r;", "Miscellaneous", _old(w, s)))
                per = 128 // t.bits
                made += lanes(f"{pre(w)}hadd_{s}", "Adds neighbours, of a then of b, within 128 bits.", t, n,
                              f"i % {per} < {per // 2} ? a[h] + a[h + 1] : b[h] + b[h + 1]", ab, "Arithmetic",
                              "avx" if w == 256 else "sse3", assumption=NAN,
                              before=f"int h = i / {per} * {per} + i % {per // 2} * 2;")
    return made


def _first_lane() -> list[Instr]:
    """The _ss and _sd forms: lane 0 is computed, the others come from a."""
    made = []
    for s, t, old in (("ss", F32, "sse"), ("sd", F64, "sse2")):
        n = 128 // t.bits
        for word, (expr, doc) in _BASIC.items():
            made += lanes(f"_mm_{word}_{s}", f"{doc} Only lane 0; the others come from a.", t, n,
                          f"i == 0 ? ({expr}) : a[i]", regs("ab", t, n), "Arithmetic", old, assumption=NAN)
        for word, (args, doc) in list(_FUSED.items())[:4]:
            made += lanes(f"_mm_{word}_{s}", f"{doc} Only lane 0; the others come from a.", t, n,
                          f"i == 0 ? fma{_suffix(t)}({args}) : a[i]", regs("abc", t, n), "Arithmetic", "fma",
                          assumption=NAN)
    made += lanes("_mm_sqrt_ss", "Square root of lane 0; the others come from a.", F32, 4,
                  "i == 0 ? sqrtf(a[i]) : a[i]", regs("a", F32, 4), "Elementary math functions", "sse",
                  assumption=NAN)
    return made


INSTRS: tuple[Instr, ...] = (*_arithmetic(), *_fused(), *_rounding(), *_compare(), *_bits(), *_first_lane())
