"""How CUDA writes what a warp's 32 lanes do together. The float reductions, which cooperative groups have and the plain
functions lack, are functions of ours."""

from __future__ import annotations

from ...ir.types import F32, F64
from ..instr import Instr
from ..warp import REDUCTIONS, Spelling, rows, tree

_CALLS = {
    "shfl": "{d} = __shfl_sync({mask}, {v}, {at}, {width})",
    "shfl_up": "{d} = __shfl_up_sync({mask}, {v}, {delta}, {width})",
    "shfl_down": "{d} = __shfl_down_sync({mask}, {v}, {delta}, {width})",
    "shfl_xor": "{d} = __shfl_xor_sync({mask}, {v}, {bits}, {width})",
    "ballot": "{d} = __ballot_sync({mask}, {p})",
    "any": "{d} = __any_sync({mask}, {p})",
    "all": "{d} = __all_sync({mask}, {p})",
    "activemask": "{d} = __activemask()",
    "match_any": "{d} = __match_any_sync({mask}, {v})",
    **{f"reduce_{op}": f"{{d}} = __reduce_{op}_sync({{mask}}, {{v}})" for op in REDUCTIONS},
}
# As CUDA wrote them before its version 9: all lanes that come take part.
_ALSO = {
    "shfl": ("{d} = __shfl({v}, {at}, {width})",),
    "shfl_up": ("{d} = __shfl_up({v}, {delta}, {width})",),
    "shfl_down": ("{d} = __shfl_down({v}, {delta}, {width})",),
    "shfl_xor": ("{d} = __shfl_xor({v}, {bits}, {width})",),
    "ballot": ("{d} = __ballot({p})",),
    "any": ("{d} = __any({p})",),
    "all": ("{d} = __all({p})",),
}
_OURS = {(f"reduce_{op}", t): f"{{d}} = lanes_{op}({{mask}}, {{v}})" for op in ("add", "min", "max") for t in (F32, F64)}

INSTRS: tuple[Instr, ...] = tuple(rows(Spelling(32, _CALLS, _ALSO, width=32, per_type=_OURS)))
DEFINITIONS: dict[str, str] = {
    f"lanes_{op}": tree(f"lanes_{op}", op, "unsigned mask, T v", "mask == 0xffffffffu",
                        "__shfl_xor_sync(mask, v, d)", "mask", "__shfl_sync(mask, v, l)", 32)
    for op in ("add", "min", "max")
}
