"""How HIP writes what lanes do together: a wave of 64, a half of it as 32 lanes of their own, or a wave of 32.

The functions take no mask: the lanes that come are those that take part. What HIP has no function for, the votes of half
a wave and the reductions, are functions of ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..instr import Instr
from ..warp import REDUCTIONS, Spelling, rows, tree

_SHUFFLES = {
    "shfl": "{d} = __shfl({v}, {at}, {width})",
    "shfl_up": "{d} = __shfl_up({v}, {delta}, {width})",
    "shfl_down": "{d} = __shfl_down({v}, {delta}, {width})",
    "shfl_xor": "{d} = __shfl_xor({v}, {bits}, {width})",
}
_VOTES = {
    "ballot": "{d} = __ballot({p})",
    "any": "{d} = __any({p})",
    "all": "{d} = __all({p})",
    "activemask": "{d} = __ballot(1)",
}
_ALSO: Mapping[str, tuple[str, ...]] = {
    **{k: (t.replace("(", "_sync({mask}, "),)
       for k, t in {**_SHUFFLES, **_VOTES}.items() if k != "activemask"},
    "activemask": ("{d} = __activemask()",),
    "match_any": ("{d} = __match_any({v})", "{d} = __match_any_sync({mask}, {v})"),
    **{f"reduce_{op}": (f"{{d}} = __reduce_{op}_sync({{mask}}, {{v}})",) for op in REDUCTIONS},
}


def _ours(lanes: int) -> dict[str, str]:
    """What is a function of ours for any group of lanes."""
    return {"match_any": f"{{d}} = match_any_{lanes}({{v}})",
            **{f"reduce_{op}": f"{{d}} = lanes_{op}_{lanes}({{v}})" for op in REDUCTIONS}}


def _halves() -> dict[str, str]:
    """The votes of 32 lanes of a wave of 64."""
    return {k: f"{{d}} = {k}_32({t.split('(')[1]}" for k, t in _VOTES.items() if k in ("ballot", "any", "all")} | {
        "activemask": "{d} = active_32()"}


def instrs(wave: int) -> tuple[Instr, ...]:
    """The rows of a wave of 64 or of 32 lanes."""
    if wave == 32:
        calls = {**_SHUFFLES, **_VOTES, **_ours(32)}
        return tuple(rows(Spelling(32, calls, _ALSO, width=32)))
    whole = Spelling(64, {**_SHUFFLES, **_VOTES, **_ours(64)}, _ALSO, width=64)
    halves = {**_SHUFFLES, **_halves(), **_ours(32)}
    also = {k: t for k, t in _ALSO.items() if k in _SHUFFLES}
    return (*rows(whole), *rows(Spelling(32, halves, also)))


def definitions(wave: int) -> dict[str, str]:
    """Our own functions, by name."""
    out = {
        "sync_wave": "__device__ void sync_wave() {\n"
                     "  __builtin_amdgcn_fence(__ATOMIC_RELEASE, \"wavefront\");\n"
                     "  __builtin_amdgcn_wave_barrier();\n"
                     "  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, \"wavefront\");\n}",
    }
    out |= {} if wave == 32 else {
        "ballot_32": "__device__ unsigned int ballot_32(int p) {\n"
                     "  return (unsigned int)(__ballot(p) >> (__lane_id() & 32));\n}",
        "any_32": "__device__ int any_32(int p) {\n  return ballot_32(p) != 0;\n}",
        "all_32": "__device__ int all_32(int p) {\n  return ballot_32(!p) == 0;\n}",
        "active_32": "__device__ unsigned int active_32() {\n  return ballot_32(1);\n}",
    }
    for lanes in (32,) if wave == 32 else (32, 64):
        here, whole = ("__ballot(1)", f"{(1 << lanes) - 1:#x}{'ull' if lanes == 64 else 'u'}")
        if wave == 64 and lanes == 32:
            here = "active_32()"
        width = ", 32" if wave == 64 and lanes == 32 else ""
        word, one = ("unsigned long long", "1ull") if lanes == 64 else ("unsigned int", "1u")
        out[f"match_any_{lanes}"] = (
            f"template <class T> __device__ {word} match_any_{lanes}(T v) {{\n"
            f"  {word} here = {here}, same = 0;\n"
            f"  for (int l = 0; l < {lanes}; l++) {{\n"
            f"    bool alike = __shfl(v, l{width}) == v;\n"
            f"    if (here >> l & 1 && alike) same |= {one} << l;\n"
            "  }\n  return same;\n}")
        for op in REDUCTIONS:
            name = f"lanes_{op}_{lanes}"
            out[name] = tree(name, op, "T v", f"here == {whole}", f"__shfl_xor(v, d{width})", here, f"__shfl(v, l{width})",
                             lanes)
    return out
