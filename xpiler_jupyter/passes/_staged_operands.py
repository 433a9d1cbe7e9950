"""Arrays that an intrinsic wants in a memory that only copies and intrinsics reach: the loop reads them there, filled in
front of it.

    transpose(Bt, B, ...);                                    transpose(Bt, B, ...);
    for (m) for (n) for (k) C += A[m][k] * Bt[n][k];    ->    __memcpy(Bt_wram, Bt, ...);
                                                              for (m) for (n) for (k) C += A[m][k] * Bt_wram[n][k];

Scalar code cannot read such a memory, so this is no step of its own: `tensorize` does it together with the loop.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from ..ir.build import integer
from ..ir.nodes import Alloc, Cast, Const, Expr, For, InstrCall, Kernel, Load, Ref, Store
from ..ir.visit import Rewriter, all_names, fresh_name, walk
from ..platforms.base import Memory, Platform
from ._room import place_alloc
from .base import replace_node

Refuse = Callable[..., Exception]


def staged_operands(kernel: Kernel, loop: For, stage: dict[str, str], platform: Platform, refuse: Refuse) -> Kernel:
    """The kernel in which `loop` (the very object) reads each array of `stage` in the memory named for it.

    Raises:
        IllegalPassError: no such array or memory, it is written in the loop, no copy leads there, or it has no room.
    """
    for name, word in stage.items():
        array = next((n for n in walk(kernel.body) if isinstance(n, Alloc) and n.name == name and n.shape), None)
        memory = platform.memory(word)
        if array is None:
            raise refuse(f"there is no array {name} to stage", loop)
        if memory is None or memory.scope != "thread":
            raise refuse(f"{platform.title} has no {word} memory of a thread", loop)
        if any(isinstance(n, Store | Ref) and n.buffer == name for n in walk(loop)):
            raise refuse(f"{name} is written or an operand in loop {loop.var}", loop)
        kernel, loop = _moved(kernel, loop, array, memory, platform, refuse)
    return kernel


def _moved(kernel: Kernel, loop: For, array: Alloc, memory: Memory, platform: Platform,
           refuse: Refuse) -> tuple[Kernel, For]:
    stem = re.sub(rf"_{array.memory}(_\d+)?$", "", array.name)
    new = dataclasses.replace(array, name=fresh_name(f"{stem}_{memory.name}", all_names(kernel)), memory=memory.name)
    turned = _Renamed(array.name, new.name).visit(loop)
    fill = _only_fill(kernel, loop, array, memory, platform)
    if fill is not None:
        old, call = fill
        args = tuple(Ref(new.name, a.indices, a.dtype) if isinstance(a, Ref) and a.buffer == array.name else a
                     for a in call.args)
        kernel = replace_node(replace_node(kernel, loop, turned), old, dataclasses.replace(call, args=args))
        kernel = replace_node(kernel, array, ())
    else:
        copy = _whole_copy(array, new, platform, refuse)
        kernel = replace_node(kernel, loop, turned)
        made = [n for n in walk(kernel.body) if isinstance(n, InstrCall)
                and any(isinstance(a, Ref) and a.buffer == array.name for a in n.args)]
        where = made[0] if len(made) == 1 else turned  # once, where the array is made, rather than at each use
        both = (where, copy) if where is not turned else (copy, turned)
        kernel = replace_node(kernel, where, both)
    return place_alloc(refuse, kernel, platform, new, memory, None), turned


def _only_fill(kernel: Kernel, loop: For, array: Alloc, memory: Memory,
               platform: Platform) -> tuple[InstrCall, InstrCall] | None:
    """The copy that fills the array, and the one that fills one in the other memory; None where more than a copy and the
    loop touches the array, or nothing copies straight there."""
    inside = {id(n) for n in walk(loop)}
    touched = [n for n in walk(kernel.body) if isinstance(n, Load | Store | Ref) and n.buffer == array.name
               and id(n) not in inside]
    calls = [n for n in walk(kernel.body) if isinstance(n, InstrCall) and any(a is t for a in n.args for t in touched)]
    if len(touched) != 1 or len(calls) != 1 or calls[0].args[0] is not touched[0]:
        return None
    call = calls[0]
    for (source, to), rows in platform.copies.items():
        straight = platform.copies.get((source, memory.name))
        if to != array.memory or straight is None or not call.instr.startswith(f"{rows.plain}."):
            continue
        row = platform.instr(straight.plain + call.instr.removeprefix(rows.plain))
        if row is None:
            continue
        size = next(a for a, o in zip(call.args, row.operands, strict=True) if o.name == "size")
        value = _number(size)
        if value is not None and value % straight.granule == 0:
            return call, dataclasses.replace(call, instr=row.name)
    return None


def _whole_copy(array: Alloc, new: Alloc, platform: Platform, refuse: Refuse) -> InstrCall:
    rows = platform.copies.get((array.memory, new.memory))
    row = platform.instr(f"{rows.plain}.{array.dtype}") if rows is not None else None
    size = array.dtype.bytes
    for d in array.shape:
        assert isinstance(d, Const)
        size *= int(d.value)
    if rows is None or row is None or size % rows.granule:
        raise refuse(f"no copy takes all of {array.name} to {new.memory}", array)
    at = tuple(integer(0) for _ in array.shape)
    values: dict[str, Expr] = {"dst": Ref(new.name, at, array.dtype), "src": Ref(array.name, at, array.dtype),
                               "size": integer(size)}
    args = []
    for o in row.operands:
        value = values[o.name]
        typed = isinstance(value, Ref) or isinstance(o.dtype, str) or value.dtype == o.dtype
        args.append(value if typed or isinstance(o.dtype, str) else Cast(value, o.dtype, implicit=True))
    return InstrCall(row.name, tuple(args))


def _number(e: Expr) -> int | None:
    while isinstance(e, Cast):
        e = e.x
    return int(e.value) if isinstance(e, Const) else None


class _Renamed(Rewriter):
    """Loads of one array as loads of another."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Load(self, n: Load) -> Any:
        return dataclasses.replace(n, buffer=self.new) if n.buffer == self.old else n
