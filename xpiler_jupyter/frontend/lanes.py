"""A register's bits seen as lanes of another width: what an instr means that reads or writes there.

Little-endian, as the processors are: the first of four bytes is the lowest of the 32-bit lane.
"""

from __future__ import annotations

from ..errors import UnsupportedError, XpilerError
from ..ir import build
from ..ir.nodes import AnyStmt, Binary, Cast, Expr, Let, Load, Node, Store, Var
from ..ir.types import I32, U8, U16, U32, U64, ScalarType
from ..ir.visit import walk

_UNSIGNED = {8: U8, 16: U16, 32: U32, 64: U64}


def seen_as(buffer: str, outer: tuple[Expr, ...], at: Expr, want: ScalarType, stored: ScalarType,
            where: Node) -> Expr:
    """Lane `at` of type `want` of a register whose lanes are `stored`. Raises UnsupportedError for floating point seen
    across lanes of another width."""
    if want.bits == stored.bits:
        if want.is_integer and stored.is_integer:
            return build.convert(Load(buffer, (*outer, at), stored), want)
        return Load(buffer, (*outer, at), want)
    if want.is_float:
        raise _across(buffer, want, stored, where)
    u = _UNSIGNED[stored.bits]

    def part(index: Expr) -> Expr:
        load = Load(buffer, (*outer, index), u if stored.is_float else stored)
        return build.convert(load, u)

    if want.bits < stored.bits:
        per = build.integer(stored.bits // want.bits)
        wide = build.convert(part(build.div(at, per)), _at_least_int(u))
        shift = build.mul(build.mod(at, per), build.integer(want.bits))
        return build.convert(Binary(">>", wide, shift, wide.dtype), want)
    per_wide = want.bits // stored.bits
    big = _UNSIGNED[want.bits]
    total: Expr | None = None
    for k in range(per_wide):
        index = build.add(build.mul(at, build.integer(per_wide)), build.integer(k))
        bits = build.convert(part(index), _at_least_int(big))
        bits = Binary("<<", bits, build.integer(k * stored.bits), bits.dtype) if k else bits
        total = bits if total is None else Binary("|", total, bits, bits.dtype)
    assert total is not None
    return Cast(build.convert(total, big), want) if want != big else build.convert(total, big)


def set_lane(s: Store, buffer: str, outer: tuple[Expr, ...], at: Expr, stored: ScalarType, name: str) -> tuple[AnyStmt, ...]:
    """The store `s` of one lane into a register whose lanes are `stored`; `name` is free for its value. Raises
    UnsupportedError when it would write a part of a lane, or floating point across lanes of another width."""
    want = s.dtype
    if want.bits == stored.bits:
        if want.is_integer and stored.is_integer:
            return (Store(buffer, (*outer, at), build.convert(s.value, stored), stored),)
        return (Store(buffer, (*outer, at), s.value, want),)
    if want.bits < stored.bits or want.is_float or stored.is_float:
        raise _across(buffer, want, stored, s)
    big, per = _at_least_int(_UNSIGNED[want.bits]), want.bits // stored.bits
    out: list[AnyStmt] = [Let(name, big, build.convert(s.value, big))]
    for k in range(per):
        index = build.add(build.mul(at, build.integer(per)), build.integer(k))
        bits: Expr = Var(name, big)
        bits = Binary(">>", bits, build.integer(k * stored.bits), big) if k else bits
        out.append(Store(buffer, (*outer, index), build.convert(bits, stored), stored))
    return tuple(out)


def _at_least_int(u: ScalarType) -> ScalarType:
    return u if u.bits >= 32 else U32


def _across(buffer: str, want: ScalarType, stored: ScalarType, where: Node) -> XpilerError:
    return UnsupportedError.at(where, f"register {buffer} holds {stored} lanes and is used as {want}: not supported here")


def same_lane_only(body: Node, target: str, sources: set[str]) -> bool:
    """May `target` and the `sources` be one register? Only when each lane is read where it is written, once."""
    stores = [n for n in walk(body) if isinstance(n, Store) and n.buffer == target]
    loads = [n for n in walk(body) if isinstance(n, Load) and n.buffer in sources]
    return len(stores) == 1 and all(n.indices == stores[0].indices for n in loads) and stores[0].indices[0].dtype == I32
