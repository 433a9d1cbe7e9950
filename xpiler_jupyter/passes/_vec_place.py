"""Where the values between the calls of a sequence are held: arrays reused when their value is no longer needed, the
destination itself where nothing else reads it, a register for each value."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..ir.build import integer
from ..ir.nodes import Alloc, AnyStmt, Expr, InstrCall, Load, Ref
from ..ir.types import ScalarType
from ..ir.visit import fresh_name
from ..platforms.base import Platform
from ._vec_body import Place
from ._vec_emit import Sequence, Slot, Step


@dataclass(eq=False, slots=True)
class _Array:
    name: str
    dtype: ScalarType
    memory: str
    elements: int
    busy: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Placed:
    """The statements of the sequence, and the arrays to declare where the thread's own begin."""

    stmts: list[AnyStmt]
    arrays: list[Alloc]


def placed(seq: Sequence, elements: int | None, taken: set[str], platform: Platform) -> Placed:
    """Names for all slots. `elements`: how many an array for all iterations needs (None: no such array can be)."""
    return _Placer(seq, elements, taken, platform).run()


class _Placer:
    def __init__(self, seq: Sequence, elements: int | None, taken: set[str], platform: Platform) -> None:
        self.seq, self.elements, self.taken, self.platform = seq, elements, taken, platform
        self.arrays: list[_Array] = []
        self.uses: dict[Slot, list[int]] = {}
        for k, s in enumerate(seq.steps):
            if isinstance(s, Step):
                for a in s.args:
                    if isinstance(a, Slot):
                        self.uses.setdefault(a, []).append(k)
        self.at: dict[Slot, Place | str] = {}
        self.taken_places: list[tuple[Place, int, int]] = []

    def run(self) -> Placed:
        stmts: list[AnyStmt] = []
        fixed: list[Alloc] = []
        for k, s in enumerate(self.seq.steps):
            if not isinstance(s, Step):
                stmts.append(s)
                continue
            dst = s.args[s.dst]
            if isinstance(dst, Slot):
                own = self._own(dst)
                if own is not None and self.platform.memory(own.memory) is not None and own.memory not in ("local", "register"):
                    fixed.append(own)
                elif own is not None:
                    stmts.append(own)
                else:
                    self.at[dst] = self._array(dst, k)
            stmts.append(InstrCall(s.pattern.row.name, tuple(self._arg(a, s, n) for n, a in enumerate(s.args))))
        made = [Alloc(a.name, a.dtype, (integer(a.elements),), a.memory) for a in self.arrays]
        return Placed(stmts, [*fixed, *made])

    def _own(self, slot: Slot) -> Alloc | None:
        """The declaration of a value that shares its place with no other: a scalar, a register, a few elements."""
        if slot.rank and slot.elements is None:
            return None
        slot.name = slot.name or fresh_name(slot.hint, self.taken)
        self.at[slot] = slot.name
        shape: tuple[Expr, ...] = (integer(slot.elements),) if slot.rank and slot.elements is not None else ()
        return Alloc(slot.name, slot.dtype, shape, slot.memory)

    def _array(self, slot: Slot, k: int) -> Place | str:
        first, last = k, self.uses[slot][-1]
        place = self._destination(slot, first, last)
        if place is not None:
            return place
        assert self.elements is not None
        for a in self.arrays:
            if a.dtype == slot.dtype and a.memory == slot.memory and all(self._apart(b, (first, last)) for b in a.busy):
                a.busy.append((first, last))
                return a.name
        new = _Array(fresh_name(slot.hint, self.taken), slot.dtype, slot.memory, self.elements, [(first, last)])
        self.arrays.append(new)
        return new.name

    def _apart(self, one: tuple[int, int], two: tuple[int, int]) -> bool:
        """Is the array free in time? The last call of one value may write the next where it may write what it reads."""
        (_, end), (start, _) = sorted((one, two))
        return end < start or (end == start and self._in_place(end))

    def _in_place(self, k: int) -> bool:
        s = self.seq.steps[k]
        return isinstance(s, Step) and s.pattern.row.overlap != "none"

    def _destination(self, slot: Slot, first: int, last: int) -> Place | None:
        """The place that a later call writes, when the value can stay there until then."""
        for k in range(last, len(self.seq.steps)):
            s = self.seq.steps[k]
            dst = s.args[s.dst] if isinstance(s, Step) else None
            if isinstance(dst, Place) and (dst.memory, dst.dtype) == (slot.memory, slot.dtype):
                return dst if self._free(dst, first, last, k) else None
        return None

    def _free(self, place: Place, first: int, last: int, end: int) -> bool:
        if last == end and not self._in_place(end):
            return False
        for k in range(first, end + 1):
            s = self.seq.steps[k]
            if not isinstance(s, Step):
                continue
            for n, a in enumerate(s.args):
                if not isinstance(a, Place) or a.buffer != place.buffer:
                    continue
                if k == end and n == s.dst:
                    continue
                if n == s.dst or k > first or k == end or a.key != place.key or not self._in_place(k):
                    return False
        if any(p.buffer == place.buffer and not self._apart((a, b), (first, last)) for p, a, b in self.taken_places):
            return False
        self.taken_places.append((place, first, last))
        return True

    def _arg(self, a: Slot | Place | Expr, s: Step, n: int) -> Expr:
        if isinstance(a, Place):
            return Ref(a.buffer, a.indices, a.dtype)
        if not isinstance(a, Slot):
            return a
        at = self.at[a]
        if isinstance(at, Place):
            return Ref(at.buffer, at.indices, at.dtype)
        if a.rank:
            return Ref(at, (integer(0),), a.dtype)
        return Ref(at, (), a.dtype) if n == s.dst else Load(at, (), a.dtype)


