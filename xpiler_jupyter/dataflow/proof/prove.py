"""Two programs, equal or not: every element of every output, traced back to the inputs on both sides."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...ir.nodes import Node
from ..sets import Map, Set, TooHard, bounded
from .algebra import DBL_MAX, FLT_MAX, Rules
from .coordinates import agree
from .expand import Expander, value_domain
from .match import Different, Matcher
from .model import Program, Unknown
from .rounding import WORDS, written_alike
from .values import App, Bag, In, State, Value, identity

BUDGET = 60_000_000  # isl operations: some seconds


@dataclass(frozen=True, slots=True)
class Proof:
    """`equal`: shown; if not, `reason` says what stopped it (`output` the buffer it happened in). `reordered`: terms of
    floating-point sums come in another order, or were regrouped; `finite`: 0 * x = 0 was used; `words`: further rules
    that hold for real numbers only; `given`: buffers whose contents before the call are in a result; `node`: where it
    stopped, in program number `side`."""

    equal: bool
    reason: str = ""
    output: str = ""
    reordered: bool = False
    finite: bool = False
    words: tuple[str, ...] = ()
    compared: int = 0
    notes: tuple[str, ...] = field(default=())
    given: frozenset[str] = frozenset()
    node: Node | None = None
    side: int = 0


def prove(a: Program, b: Program, budget: int = BUDGET) -> Proof:
    """Do the programs leave the same values in every parameter buffer, whatever the buffers held? Never raises for what
    the programs do; an answer that is not `equal` says why, and does not mean that they differ."""
    rules, slot = Rules(DBL_MAX if "f64" in a.floats | b.floats else FLT_MAX), ""
    matcher = Matcher(rules)
    given: set[str] = set()
    compared = 0
    try:
        with bounded(budget):
            agree(a, b)
            ea, eb = Expander(a, rules), Expander(b, rules)
            written = {s for p in (a, b) for s in _outputs(p)}
            for slot in sorted(written):
                compared += _output(ea, eb, slot, matcher, given)
    except Different as e:
        return Proof(False, str(e), slot)
    except Unknown as e:
        return Proof(False, str(e), slot, node=e.node, side=int(any(s.node is e.node for s in b.statements)))
    except TooHard:
        return Proof(False, "the integer sets of these kernels are too hard to decide in time", slot)
    words = rules.words | a.words | b.words
    if "f64" in a.floats ^ b.floats:
        words.add("one computes in double where the other computes in float")
    if not written_alike(a, b):
        words.add(WORDS)
    return Proof(True, "", "", matcher.reordered or a.fused != b.fused, rules.finite, tuple(sorted(words)), compared,
                 given=frozenset(given))


def _outputs(p: Program) -> set[str]:
    slots = {n: place.slot for n, place in p.places.items() if place.slot is not None}
    return {slot for s in p.statements if (slot := slots.get(s.buffer)) is not None}


def _output(ea: Expander, eb: Expander, slot: str, matcher: Matcher, given: set[str]) -> int:
    """Compares one buffer; how many pairs of cases. Adds to `given` what the values are made of."""
    mine, other = ea.flow.last(slot), eb.flow.last(slot)
    seen: Set | None = None
    compared = 0
    for s, m in mine:
        instances = m.range()
        to_element = m.reverse()
        seen = m.domain() if seen is None else seen.union(m.domain())
        left = ea.instance(s, identity(instances))
        rest = instances
        right = []
        for t, k in other:
            at = to_element.apply_range(k)
            if not at.is_empty():
                right += eb.instance(t, at)
                rest = rest.subtract(at.domain())
        if not rest.is_empty():
            right.append((rest, In(slot, to_element.intersect_domain(rest))))
        if not (instances.is_subset(value_domain(left, instances)) and instances.is_subset(value_domain(right, instances))):
            raise Unknown("not every case of a value is known", s.node)
        for _, v in (*left, *right):
            _inputs(v, given, set())
        for where, x in left:
            for there, y in right:
                both = where.intersect(there)
                if not both.is_empty():
                    matcher.equal(x, y, both)
                    compared += 1
    for t, k in other:
        only = k if seen is None else k.subtract_domain(seen)
        if not only.is_empty():
            kept: Map = only.reverse()
            for where, y in eb.instance(t, identity(only.range())):
                _inputs(y, given, set())
                given.add(slot)
                matcher.equal(In(slot, kept.intersect_domain(where)), y, where)
                compared += 1
    return compared


def _inputs(v: Value, found: set[str], seen: set[int]) -> None:
    """The buffers whose contents before the call are in a value."""
    if isinstance(v, In):
        found.add(v.slot)
    elif isinstance(v, State):
        assert isinstance(v.owner, Expander)
        if id(v.statement) not in seen:
            seen.add(id(v.statement))
            for _, x in v.owner.afresh(v.statement, identity(v.statement.domain)):
                _inputs(x, found, seen)
    elif isinstance(v, App):
        if v.op.startswith("gather "):
            found.add(v.op.split(" ", 1)[1])
        for x in v.args:
            _inputs(x, found, seen)
    elif isinstance(v, Bag):
        for p in v.parts:
            _inputs(p.value, found, seen)
