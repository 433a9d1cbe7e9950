"""What the lanes of a warp do together, as rows that the SIMT platforms share: shuffles, votes, reductions.

A row is for a group of 32 or of 64 lanes: how many is part of its name, so that a kernel keeps its meaning on a machine
with wider warps. What it means is said once; how it is written is each platform's own (`Spelling`). Operand `active` stands
in no text: which lanes came here. The mask of a text names just these, else the text has no meaning, so no meaning reads it.

Source: CUDA C++ Programming Guide, "Warp Shuffle Functions", "Warp Vote Functions", "Warp Match Functions", "Warp Reduce
Functions"; HIP programming guide, "Warp cross-lane functions".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..ir.types import BF16, BOOL, F16, F32, F64, I32, I64, U32, U64, ScalarType
from .instr import Instr, Operand

SOURCE = 'CUDA C++ Programming Guide, "Warp Shuffle Functions" and those that follow'
SHUFFLED = (I32, U32, F32, I64, U64, F64, F16, BF16)
_MATCHED = (I32, U32, F32, I64, U64, F64)
# What each lane gets, l its number, of the values v.
_SHUFFLES: dict[str, tuple[str, str]] = {
    "shfl": ("Each lane gets the value of a lane that it names, in its part of the warp.",
             "v[l / width * width + (at[l] & (width - 1))]"),
    "shfl_up": ("Each lane gets the value of the lane `delta` below it; the lowest keep their own.",
                "v[l % width < delta ? l : l - delta]"),
    "shfl_down": ("Each lane gets the value of the lane `delta` above it; the highest keep their own.",
                  "v[l % width + delta < width ? l + delta : l]"),
    "shfl_xor": ("Each lane gets the value of the lane whose number differs in the bits of `bits`.",
                 "v[(l ^ bits) / width > l / width ? l : l ^ bits]"),
}
# How the values of all lanes become one, and what it starts from, per type.
_SMALLEST = {I32: "(-2147483647 - 1)", U32: "0u", F32: "-INFINITY", F64: "-(double)INFINITY"}
_LARGEST = {I32: "2147483647", U32: "4294967295u", F32: "INFINITY", F64: "(double)INFINITY"}
_ZERO = {I32: "0", U32: "0u", F32: "0.0f", F64: "0.0"}
REDUCTIONS: dict[str, tuple[str, Mapping[ScalarType, str], str]] = {
    "add": ("The sum of all lanes' values.", _ZERO, "d[0] + v[l]"),
    "min": ("The smallest of all lanes' values.", _LARGEST, "{min}(d[0], v[l])"),
    "max": ("The largest of all lanes' values.", _SMALLEST, "{max}(d[0], v[l])"),
    "and": ("The bits that all lanes' values have.", {I32: "-1", U32: "4294967295u"}, "d[0] & v[l]"),
    "or": ("The bits that some lane's value has.", {I32: "0", U32: "0u"}, "d[0] | v[l]"),
    "xor": ("The bits that an odd number of lanes' values have.", {I32: "0", U32: "0u"}, "d[0] ^ v[l]"),
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a platform writes the rows of one group of lanes.

    Attributes:
        lanes: of the group.
        calls: kind ("shfl_down", "ballot", "reduce_add") -> its call; a kind that is missing has no row.
        also: kind -> other calls that mean the same.
        width: the width that a shuffle may leave unsaid; 0: it must be said.
        per_type: (kind, type) -> its call, where it differs from that of other types.
    """

    lanes: int
    calls: Mapping[str, str]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    width: int = 0
    per_type: Mapping[tuple[str, ScalarType], str] = field(default_factory=dict)


def rows(s: Spelling) -> Iterator[Instr]:
    """All rows of a group of lanes on a platform."""
    for kind in s.calls:
        if kind in _SHUFFLES:
            yield from (_shuffle(s, kind, t) for t in SHUFFLED)
        elif kind.startswith("reduce_"):
            yield from (_reduce(s, kind, t) for t in REDUCTIONS[kind[7:]][1])
        elif kind == "match_any":
            yield from (_match(s, t) for t in _MATCHED)
        else:
            yield _vote(s, kind)


def _mask_type(s: Spelling) -> ScalarType:
    return U64 if s.lanes == 64 else U32


def _tail(s: Spelling) -> tuple[Operand, Operand]:
    """The operands that a text need not have: the lanes that it names, and those that came."""
    word = _mask_type(s)
    return (Operand("mask", word, default=str((1 << word.bits) - 1)), Operand("active", BOOL, per_lane=True, default="1"))


def _row(s: Spelling, kind: str, t: ScalarType | None, doc: str, operands: tuple[Operand, ...], meaning: str,
         exact: bool = True) -> Instr:
    name = f"{kind}.{s.lanes}" + (f".{t}" if t is not None else "")
    call = s.per_type.get((kind, t), s.calls[kind]) if t is not None else s.calls[kind]
    return Instr(name, doc, (*operands, *_tail(s)), meaning, overlap="none", exact=exact, lanes=s.lanes, source=SOURCE,
                 template=call, also=tuple(s.also.get(kind, ())))


def _shuffle(s: Spelling, kind: str, t: ScalarType) -> Instr:
    doc, value = _SHUFFLES[kind]
    by = {"shfl": Operand("at", I32, per_lane=True), "shfl_xor": Operand("bits", I32)}.get(kind) or Operand("delta", I32)
    widths = (s.lanes,) if s.lanes == 64 else (1, 2, 4, 8, 16, 32)
    width = Operand("width", I32, default=str(s.width) if s.width else "", values=widths)
    operands = (Operand("d", t, access="w", per_lane=True), Operand("v", t, per_lane=True, selects=True), by, width)
    return _row(s, kind, t, doc, operands, f"for (int l = 0; l < {s.lanes}; l++)\n  if (active[l])\n    d[l] = {value};")


def _one(dtype: ScalarType) -> Operand:
    """A result that is the same for all lanes."""
    return Operand("d", dtype, ("local",), "w", extent="1")


def _vote(s: Spelling, kind: str) -> Instr:
    word, one = _mask_type(s), "1ull" if s.lanes == 64 else "1u"
    here = f"for (int l = 0; l < {s.lanes}; l++)\n  if (active[l]"
    p = Operand("p", I32, per_lane=True)
    if kind == "activemask":
        return _row(s, kind, None, "Which lanes came here: bit l says it of lane l.", (_one(word),),
                    f"d[0] = 0;\n{here})\n    d[0] |= {one} << l;")
    if kind == "ballot":
        return _row(s, kind, None, "For which lanes a condition holds: bit l says it of lane l.", (_one(word), p),
                    f"d[0] = 0;\n{here} && p[l] != 0)\n    d[0] |= {one} << l;")
    some = kind == "any"
    return _row(s, kind, None, f"Does the condition hold for {'some lane' if some else 'all lanes'}?", (_one(I32), p),
                f"d[0] = {0 if some else 1};\n{here} && p[l] {'!=' if some else '=='} 0)\n    d[0] = {1 if some else 0};")


def _match(s: Spelling, t: ScalarType) -> Instr:
    word, one = _mask_type(s), "1ull" if s.lanes == 64 else "1u"
    zero = "0ull" if s.lanes == 64 else "0u"
    c_type = "uint64_t" if s.lanes == 64 else "unsigned int"
    operands = (Operand("d", word, access="w", per_lane=True), Operand("v", t, per_lane=True, selects=True))
    return _row(s, "match_any", t, "Each lane gets the set of lanes with its own value.", operands,
                f"for (int l = 0; l < {s.lanes}; l++)\n  if (active[l]) {{\n    {c_type} same = {zero};\n"
                f"    for (int k = 0; k < {s.lanes}; k++)\n      if (active[k] && v[k] == v[l])\n        same |= {one} << k;\n"
                "    d[l] = same;\n  }")


def _reduce(s: Spelling, kind: str, t: ScalarType) -> Instr:
    doc, starts, step = REDUCTIONS[kind[7:]]
    names = {"min": "fminf", "max": "fmaxf"} if t == F32 else {"min": "fmin", "max": "fmax"} if t == F64 else \
        {"min": "std::min", "max": "std::max"}
    operands = (_one(t), Operand("v", t, per_lane=True, selects=True))
    return _row(s, kind, t, doc, operands, f"d[0] = {starts[t]};\nfor (int l = 0; l < {s.lanes}; l++)\n  if (active[l])\n"
                f"    d[0] = {step.format(**names)};", exact=not t.is_float)


_STEPS = {"add": "a + b", "min": "b < a ? b : a", "max": "b > a ? b : a", "and": "a & b", "or": "a | b", "xor": "a ^ b"}


def tree(name: str, op: str, params: str, whole: str, partner: str, here: str, lane: str, lanes: int) -> str:
    """A function of ours that reduces the values `v` of the lanes that call it.

    Args:
        params: of the function.
        whole: condition on `here` (or a parameter): all lanes came, so that a butterfly of shuffles gives the result.
        partner: the value of the lane that differs in bit d; lane: that of lane l.
        here: the set of lanes that came.
    """
    word = "unsigned long long" if lanes == 64 else "unsigned int"
    step = f"  auto both = [](T a, T b) {{ return (T)({_STEPS[op]}); }};\n"
    own = "" if here == "mask" else f"  {word} here = {here};\n"
    came = "mask" if here == "mask" else "here"
    return (f"template <class T> __device__ T {name}({params}) {{\n{own}{step}"
            f"  if ({whole}) {{\n"
            f"    for (int d = {lanes // 2}; d > 0; d /= 2) v = both(v, {partner});\n    return v;\n  }}\n"
            f"  T all = v;  // lanes are missing: one after the other\n  bool first = true;\n"
            f"  for (int l = 0; l < {lanes}; l++) {{\n    T next = {lane};\n"
            f"    if (!({came} >> l & 1)) continue;\n    all = first ? next : both(all, next);\n    first = false;\n  }}\n"
            f"  return all;\n}}")
