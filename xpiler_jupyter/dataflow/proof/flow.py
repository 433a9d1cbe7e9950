"""Exact dataflow of a program: which instance wrote what a read finds, who writes an element last, and which instances of
an update `x = x op e` have gone into a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import islpy as isl

from ..order import pair_space
from ..sets import DIM, Map, Set, isl_val
from .model import D, Get, Program, Read, Statement, Unknown

COPIES = 6  # copies in a row that are looked through

Time = tuple[Any, ...]


@dataclass(slots=True)
class Sources:
    """What a read finds: `produced` per statement (instances of the reader to instances of the writer), the rest is what
    the buffer held before, `given` (instances of the reader to elements)."""

    produced: list[tuple[Statement, Map]] = field(default_factory=list)
    given: Map | None = None


@dataclass(slots=True)
class Group:
    """Updates of one buffer by one operator. Per member: what the buffer held before the first of them."""

    op: str
    members: list[Statement]
    starts: dict[str, Sources] = field(default_factory=dict)
    rounds: dict[str, tuple[Map | None, Sources]] = field(default_factory=dict)


class Flow:
    """Answers about one program, each worked out once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._reads: dict[int, Sources] = {}
        self._groups: dict[tuple[str, str], Group] = {}
        self._writers: dict[str, list[Statement]] = {}
        for s in program.statements:
            if s.buffer:
                self._writers.setdefault(s.buffer, []).append(s)
        self._done: set[str] = set()

    def sources(self, s: Statement, read: Read) -> Sources:
        """What this read of the statement finds."""
        if read.source is not None:
            first = Map.from_domain_and_range(s.domain, read.source.domain)
            for k in range(read.depth):
                first = first.equate(DIM.in_, k, DIM.out, k)
            return Sources([(read.source, first)], None)
        if read.buffer not in self._done:
            self._done.add(read.buffer)
            sinks = [(t, r) for t in self.program.statements for r in t.reads if r.buffer == read.buffer and r.source is None]
            found = _flow([(t.domain, t.time, r.element) for t, r in sinks], self._writers.get(read.buffer, []))
            for (_, r), got in zip(sinks, found, strict=True):
                self._reads[id(r)] = got
        return self._reads[id(read)]

    def last(self, slot: str) -> list[tuple[Statement, Map]]:
        """Elements of an output buffer -> the instance that writes each last, by statement."""
        left: list[tuple[Statement, Map]] = []
        names = [p.name for p in self.program.places.values() if p.slot == slot]
        writers = [s for n in names for s in self._writers.get(n, [])]
        for s in reversed(writers):
            assert s.element is not None
            mine = s.element.reverse()
            keep = mine.subtract(mine.apply_range(_not_later(s, s, strict=True)))
            for t in writers:
                if t is not s:
                    assert t.element is not None
                    beaten = t.element.reverse().apply_range(_not_later(s, t, strict=True))  # element -> s earlier than t
                    keep = keep.subtract(beaten)
            if not keep.is_empty():
                left.append((s, keep.coalesce()))
        return left

    def group(self, s: Statement) -> Group:
        """The updates that `s` belongs to."""
        assert s.update is not None
        key = s.buffer, s.update[0]
        if key not in self._groups:
            writers = self._writers[s.buffer]
            members = [t for t in writers if t.update is not None and t.update[0] == s.update[0]]
            found = _flow([(t.domain, t.time, t.element) for t in members], [t for t in writers if t not in members])
            self._groups[key] = Group(s.update[0], members, {t.name: f for t, f in zip(members, found, strict=True)})
        return self._groups[key]

    def rounds(self, s: Statement) -> tuple[Map | None, Sources]:
        """A sum that is put away and taken up again goes on: instances of `s` -> those that ended each earlier round, and
        itself (None: there are no rounds), and what the buffer held before the first round."""
        group = self.group(s)
        if s.name not in group.rounds:
            group.rounds[s.name] = self._rounds(s, group)
        return group.rounds[s.name]

    def _rounds(self, s: Statement, group: Group) -> tuple[Map | None, Sources]:
        plain = group.starts[s.name]
        back: Map | None = None
        other = Sources([], plain.given)
        todo = [(w, m, 0) for w, m in plain.produced]
        while todo:
            w, m, depth = todo.pop()
            if w is s:
                back = _plus(back, m)
            elif depth < COPIES and isinstance(w.tree, Get) and w.update is None:
                found = self.sources(w, w.reads[w.tree.read])
                todo += [(v, m.apply_range(n), depth + 1) for v, n in found.produced]
                if found.given is not None:
                    return None, plain
            elif not m.is_empty():
                other.produced.append((w, m))
        if back is None or back.is_empty():
            return None, plain
        closure = back.transitive_closure()
        closure, exact = closure if isinstance(closure, tuple) else (closure, False)
        if not exact:
            return None, plain
        return closure.union(s.domain.identity()).coalesce(), other

    def terms(self, s: Statement) -> list[tuple[Statement, Map]]:
        """Instances of `s` -> the instances of its group whose contributions are in the value that it writes."""
        group, out = self.group(s), []
        mine = group.starts[s.name]
        for t in group.members:
            other = group.starts[t.name]
            same = _same_element(s, t).intersect(_not_later(t, s))
            alike: Map | None = None
            for w, m in mine.produced:
                for v, n in other.produced:
                    if v is w:
                        alike = _plus(alike, m.apply_range(n.reverse()))
            if mine.given is not None and other.given is not None:
                alike = _plus(alike, mine.given.apply_range(other.given.reverse()))
            if alike is None:
                continue
            got = same.intersect(alike)
            if not got.is_empty():
                out.append((t, got.coalesce()))
        return out


def _plus(a: Map | None, b: Map) -> Map:
    return b if a is None else a.union(b)


def _same_element(a: Statement, b: Statement) -> Map:
    assert a.element is not None and b.element is not None
    return a.element.apply_range(b.element.reverse())


def _not_later(q: Statement, p: Statement, strict: bool = False) -> Map:
    """{ p -> q : q runs before p, or is p itself unless `strict` }"""
    space = pair_space(p.dims, q.dims)
    out, same = Map.empty(space), Map.universe(space)
    for a, b in zip(p.time, q.time, strict=False):
        if isinstance(a, D) and isinstance(b, D):
            out = out.union(same.order_gt(DIM.in_, a.k, DIM.out, b.k))
            same = same.equate(DIM.in_, a.k, DIM.out, b.k)
        elif isinstance(a, D) or isinstance(b, D):
            raise Unknown("two statements are not comparable in time", p.node)
        elif a != b:
            return out.union(same) if b < a else out
    return out if strict else out.union(same)


def _flow(sinks: Sequence[tuple[Set, Time, Map | None]], writers: Iterable[Statement]) -> list[Sources]:
    """For each sink, the writer that it sees. A sink at the time of a statement comes before that statement's write."""
    writers = list(writers)
    out = [Sources() for _ in sinks]
    if not writers:
        for (_, _, element), got in zip(sinks, out, strict=True):
            got.given = element
        return out
    times = [t for _, t, _ in sinks] + [w.time for w in writers]
    width = max(len(t) for t in times)
    keep = [k for k in range(width) if len({t[k] if k < len(t) else 0 for t in times}) > 1
            or any(k < len(t) and isinstance(t[k], D) for t in times)]
    read: Any = None
    write: Any = None
    schedule: Any = None
    for k, (domain, time, element) in enumerate(sinks):
        assert element is not None
        name = f"R{k}"
        read = _add(read, element.set_tuple_name(DIM.in_, name).set_tuple_name(DIM.out, "X"))
        schedule = _add(schedule, _schedule(domain, time, keep, 0).set_tuple_name(DIM.in_, name))
    by_name = {}
    for w in writers:
        assert w.element is not None
        by_name[w.name] = w
        write = _add(write, w.element.set_tuple_name(DIM.in_, w.name).set_tuple_name(DIM.out, "X"))
        schedule = _add(schedule, _schedule(w.domain, w.time, keep, 1).set_tuple_name(DIM.in_, w.name))
    flow = isl.UnionAccessInfo.from_sink(read).set_must_source(write).set_schedule_map(schedule).compute_flow()
    for m in _maps(flow.get_must_dependence()):
        source, sink = m.get_tuple_name(DIM.in_), m.get_tuple_name(DIM.out)
        plain = m.reverse().reset_tuple_id(DIM.in_).reset_tuple_id(DIM.out)
        out[int(sink[1:])].produced.append((by_name[source], plain.coalesce()))
    for m in _maps(flow.get_must_no_source()):
        got = out[int(m.get_tuple_name(DIM.in_)[1:])]
        plain = m.reset_tuple_id(DIM.in_).reset_tuple_id(DIM.out)
        got.given = plain if got.given is None else got.given.union(plain)
    return out


def _add(union: Any, m: Map) -> Any:
    u = isl.UnionMap.from_map(m)
    return u if union is None else union.union(u)


def _schedule(domain: Set, time: Time, keep: Sequence[int], after: int) -> Map:
    n = int(domain.dim(DIM.set))
    m = Map.universe(pair_space(n, len(keep) + 1))
    for place, k in enumerate(keep):
        entry = time[k] if k < len(time) else 0
        m = m.equate(DIM.in_, entry.k, DIM.out, place) if isinstance(entry, D) else m.fix_val(DIM.out, place, isl_val(entry))
    return m.fix_val(DIM.out, len(keep), isl_val(after)).intersect_domain(domain)


def _maps(union: Any) -> list[Map]:
    found: list[Map] = []
    union.foreach_map(found.append)
    return found
