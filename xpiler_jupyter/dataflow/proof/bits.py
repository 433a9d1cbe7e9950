"""Masks: bit j of a word that was put together bit by bit is what was put there."""

from __future__ import annotations

from ..sets import DIM, Set, isl_val
from .values import App, Bag, Num, Part, Place, Value, constant, moved

_WIDTHS = {f"{k}{b}": b for k in "iu" for b in (8, 16, 32, 64)}


def tested_bit(v: Value, domain: Set) -> Value | None:
    """The condition behind `(word >> j) & 1` (or `word & (1 << j)`), when `word` is an "or" of conditions shifted to
    their places; None when it is something else."""
    v, _ = _plain(v)
    if not isinstance(v, Bag) or not v.op.startswith("&") or len(v.parts) != 2 or any(p.extra for p in v.parts):
        return None
    for a, b in ((v.parts[0].value, v.parts[1].value), (v.parts[1].value, v.parts[0].value)):
        a, _ = _plain(a)
        b, _ = _plain(b)
        if isinstance(b, Num) and b.value == 1 and isinstance(a, App) and a.op.startswith(">>"):
            return _bit(a.args[0], a.args[1], domain)
        if isinstance(b, Num) and b.value == 1 and isinstance(a, Bag):
            return _bit(a, Num(0), domain)
        if isinstance(b, App) and b.op.startswith("<<") and b.args[0] == Num(1):
            return _bit(a, b.args[1], domain)
    return None


def _plain(v: Value) -> tuple[Value, int]:
    """The value without conversions between integers, and the bits that are sure to be kept."""
    width = 64
    while isinstance(v, App) and v.op.startswith("to "):
        _, to, _, came = v.op.split()
        if to not in _WIDTHS or came not in _WIDTHS:
            break
        width = min(width, _WIDTHS[to])
        v = v.args[0]
    return v, width


def _bit(word: Value, at: Value, domain: Set) -> Value | None:
    word, width = _plain(word)
    if not isinstance(word, Bag) or not word.op.startswith("|") or len(word.parts) != 1 or word.parts[0].extra != 1:
        return None
    part: Part = word.parts[0]
    value, inner = _plain(part.value)
    width = min(width, inner)
    if not isinstance(value, App) or not value.op.startswith("<<") or not isinstance(value.args[1], Place):
        return None
    index = part.index.intersect_domain(domain)
    last = value.args[1].at.intersect_domain(index.wrap().flatten())
    own = index.range_map().flatten_domain()
    if not last.is_equal(own):
        return None
    if not index.range().is_subset(_below(index.range(), width)):
        return None
    condition = truth(value.args[0])
    if condition is None:
        return None
    if isinstance(at, Place):
        place = at.at.intersect_domain(domain)
    elif isinstance(at, Num):
        place = constant(domain, int(at.value))
    else:
        return None
    if not place.is_subset(index):
        return None
    return moved(condition, domain.identity().flat_range_product(place))


def _below(like: Set, width: int) -> Set:
    s = Set.universe(like.get_space())
    return s.lower_bound_val(DIM.set, 0, isl_val(0)).upper_bound_val(DIM.set, 0, isl_val(width - 1))


def truth(v: Value) -> Value | None:
    """The condition of a value that is 1 where it holds and else 0."""
    v, _ = _plain(v)
    if isinstance(v, App) and v.op == "select" and v.args[1] == Num(1) and v.args[2] == Num(0):
        return v.args[0]
    if isinstance(v, App) and v.op.startswith("to ") and v.op.endswith("from bool"):
        return v.args[0]
    return None
