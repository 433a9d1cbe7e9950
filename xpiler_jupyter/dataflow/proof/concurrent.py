"""Which instances of a kernel's accesses may run at the same time, and which are ordered by barriers.

Two instances of one thread run in program order. Two of different threads of a block are ordered when all threads that a
barrier brings together come to it after the one and before the other. Those of different blocks are never ordered.

That all threads come to a barrier is the question of `barriers.py`; here it is taken as answered. A thread that has
returned holds up no barrier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

from ...ir.nodes import Alloc, Barrier, Break, Continue, For, If, Kernel, Node, Return, While
from ...ir.visit import stmts_of, walk
from .. import poly as P
from ..order import common_depth, pair_space
from ..relations import Access, Passing, Relations
from ..rounds import constant_value
from ..sets import DIM, Map, Set, affine
from ..uniform import Uniformity
from .machine import Machine, Places

At = Access | Passing


class Threads:
    """The threads of one kernel: its axes, its barriers, and the order these make."""

    def __init__(self, kernel: Kernel, rel: Relations, machine: Machine) -> None:
        self.rel, self.machine = rel, machine
        self.places = Places(kernel.body)
        self.extents = {n.var: n.hi for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel"}
        self.fences = [p for p in rel.passings if isinstance(p.node, Barrier) and p.node.scope not in machine.pauses]

    def axes(self, path: tuple[int, ...], level: str) -> list[int]:
        """Positions of the axis loops of this level among the loops of a path."""
        out = []
        for k, i in enumerate(path):
            node = self.rel.loops[i].node
            if isinstance(node, For) and node.kind == "parallel" and self.machine.levels.get(node.axis or "") == level:
                out.append(k)
        return out

    def shared_loops(self, path: tuple[int, ...]) -> list[int]:
        """Positions of the loops whose iterations the threads of a processor share."""
        nodes = [self.rel.loops[i].node for i in path]
        return [k for k, n in enumerate(nodes) if isinstance(n, For) and n.kind == "threads"]

    def axis(self, path: tuple[int, ...], k: int) -> str:
        return self.rel.loops[path[k]].name

    def uniform(self, axes: Collection[str]) -> Uniformity:
        """What is the same for threads that differ along these axes."""
        body = self.rel.kernel.body
        while inner := [s for s in stmts_of(body) if isinstance(s, For) and s.kind == "parallel"]:
            body = inner[0].body
        elsewhere = {n.name for n in walk(body) if isinstance(n, Alloc) and n.memory != "local"}
        return Uniformity(body, axes, elsewhere)

    # -- program order ---------------------------------------------------------------------------------------------------

    def earlier(self, a: At, b: At, free: bool) -> Map:
        """{ x -> y : x comes before y in the text's order, in the same block }; in the same thread, unless `free`."""
        out, same = Map.empty(pair_space(a.depth, b.depth)), Map.universe(pair_space(a.depth, b.depth))
        loose = set(self.axes(a.path, "block")) if free else set()
        for k in range(common_depth(a.path, b.path)):
            node = self.rel.loops[a.path[k]].node
            if k in loose:
                continue
            if not (isinstance(node, For) and node.kind == "parallel"):
                out = out.union(same.order_lt(DIM.in_, k, DIM.out, k))
            same = same.equate(DIM.in_, k, DIM.out, k)
        return out.union(same) if a.order < b.order else out

    # -- barriers --------------------------------------------------------------------------------------------------------

    def unordered(self, a: At, b: At, pairs: Map) -> Map:
        """Those of the pairs x -> y for which no barrier brings both threads together after x and before y."""
        for f in self._worth(a, b):
            if pairs.is_empty():
                break
            for got in self._through(f, a, b):
                pairs = pairs.subtract(got)
        return pairs

    def ordered(self, a: At, b: At) -> Iterator[Map]:
        """{ x -> y : a barrier that brings both threads together lies after x and before y }, in parts."""
        for f in self._worth(a, b):
            yield from self._through(f, a, b)

    def _worth(self, a: At, b: At) -> Iterator[Passing]:
        """The barriers to look at: between two statements, one that parts all threads says what all the others say."""
        wall = next((f for f in self.walls if a.order < f.order < b.order), None)
        if wall is not None and self._once(a, b):
            yield wall
            return
        yield from self.fences

    def parted(self, a: At, b: At) -> bool:
        """Is each thread's `a` before or after every other thread's `b`, within a block?"""
        first, last = sorted((a.order, b.order))
        return self._once(a, b) and any(first < f.order < last for f in self.walls)

    def _once(self, a: At, b: At) -> bool:
        """No loop around both but those over threads?"""
        return common_depth(a.path, b.path) == len(self.axes(a.path, "grid")) + len(self.axes(a.path, "block"))

    @cached_property
    def walls(self) -> list[Passing]:
        """Barriers of all threads of every block, outside of all loops."""
        found = [f for f in self.fences if f.exact and isinstance(f.node, Barrier) and f.node.scope == "block"
                 and f.depth == len(self.axes(f.path, "grid")) + len(self.axes(f.path, "block"))]
        blocks = [self._blocks(a) for a in self.rel.accesses if len(a.path) >= len(self.extents)]
        return [f for f in found if all(b.is_subset(self._blocks(f)) for b in blocks)] if found else []

    def _blocks(self, a: At) -> Set:
        """The blocks that come to a statement."""
        keep = self.axes(a.path, "grid")
        out = a.domain
        for k in reversed(range(a.depth)):
            if k not in keep:
                out = out.project_out(DIM.set, k, 1)
        return out

    def _through(self, f: Passing, a: At, b: At) -> Iterator[Map]:
        scope = f.node.scope if isinstance(f.node, Barrier) else ""
        if not self._between(f, a, b):
            return
        if scope == "warp":
            meet = self.same_warp(f, f)
            if meet is None:
                return
            before = self.earlier(a, f, False).intersect_range(f.domain)
            after = self.earlier(f, b, False).intersect_domain(f.domain)
            one = before.apply_range(meet.intersect(self._same_but(f, set(self.axes(f.path, "block")))))
        else:
            one = self.earlier(a, f, True).intersect_range(f.domain)
            after = self.earlier(f, b, True).intersect_domain(f.domain)
        for left, right in self._sure(f, a, b, one, after):
            got = left.apply_range(right)
            if not got.is_empty():
                yield self._meeting(got, a, b, scope) if scope in self.machine.meets else got

    def _between(self, f: Passing, a: At, b: At) -> bool:
        """May the barrier come after `a` and before `b`: in the text, or by a loop around both?"""
        def may(x: At, y: At) -> bool:
            common = x.path[:common_depth(x.path, y.path)]
            nodes = [self.rel.loops[i].node for i in common]
            return x.order < y.order or any(not (isinstance(n, For) and n.kind == "parallel") for n in nodes)

        return may(a, f) and may(f, b)

    def _meeting(self, pairs: Map, a: At, b: At, scope: str) -> Map:
        """Those that a barrier of this scope brings together: the threads that differ along its axes only."""
        for k in self.axes(a.path, "block"):
            if self.axis(a.path, k) not in self.machine.meets[scope]:
                pairs = pairs.equate(DIM.in_, k, DIM.out, k)
        return pairs

    def _same_but(self, f: At, loose: set[int]) -> Map:
        same = Map.universe(pair_space(f.depth, f.depth))
        for k in range(f.depth):
            if k not in loose:
                same = same.equate(DIM.in_, k, DIM.out, k)
        return same

    def _sure(self, f: Passing, a: At, b: At, one: Map, after: Map) -> Iterator[tuple[Map, Map]]:
        """The parts of x -> f and f -> y for which it is sure that the barrier is passed at all: always when its conditions
        are known. Else when y stands under the same ones, in the same iteration (or a later round of their loop): that y
        runs says that f did. Or when x does, and nothing leaves in between."""
        if f.exact:
            yield one, after
            return
        own = self._conditions(f)
        leaves = {type(n) for o in own for n in walk(o) if isinstance(n, Break | Continue | Return)}
        leaves |= {Return} if any(isinstance(p.node, Return) for p in self.rel.passings) else set()
        if (said := self.implied(f, b, after)) is not None:
            yield one, said
        if not leaves and self._under(own, a):
            same = self._outside(f, own) + (1 if own and not isinstance(own[-1], If) else 0)
            yield self._tied(one, f, same), after

    def implied(self, a: At, b: At, pairs: Map, one: bool = True) -> Map | None:
        """Those of the pairs x -> y (x before y, in `one` thread or with a barrier between them) for which it is sure that x
        runs when y does; None where that is not known. A thread that comes to a barrier in a round of a loop has run its
        part of that round, so for loops it does not matter whose round it is."""
        if a.exact:
            return pairs
        own = self._conditions(a)
        if not one and any(isinstance(n, If) for n in own):
            return None
        skips = any(isinstance(n, Continue) for o in own for n in walk(o))
        if skips or not all(self._from_start(n) for n in own) or not self._under(own, b):
            return None
        return self._tied(pairs, a, self._outside(a, own))

    def _conditions(self, at: At) -> list[Node]:
        """The branches of unknown conditions and the loops of unknown length around a statement, outermost first."""
        loops = {id(lp.node) for lp in self.rel.loops if lp.exits or not lp.certain}
        return [n for n in self.places.around.get(id(_stmt(at)), ())
                if isinstance(n, While) or id(n) in loops or id(n) in self.rel.unclear]

    def _from_start(self, n: Node) -> bool:
        """Is the first round of a loop known, so that a later one says that all earlier ones were run?"""
        if not isinstance(n, For):
            return True
        lows = [lp.lo for lp in self.rel.loops if lp.node is n]
        return constant_value(n.step) is not None and all(
            lo is not None and all(isinstance(x, int | str) for m in lo for x in m) for lo in lows)

    def _outside(self, at: At, own: list[Node]) -> int:
        """Loops around the innermost of these."""
        around = self.places.around.get(id(_stmt(at)), ())
        return sum(isinstance(n, For | While) for n in around[:around.index(own[-1])]) if own else 0

    def _under(self, own: list[Node], at: At) -> bool:
        around = {id(n) for n in self.places.around.get(id(_stmt(at)), ())}
        return all(id(n) in around for n in own)

    def _tied(self, pairs: Map, f: At, count: int) -> Map:
        """Those in the same iteration of the outermost `count` loops, the threads of a block apart."""
        loose = self.axes(f.path, "block")
        for k in range(count):
            pairs = pairs if k in loose else pairs.equate(DIM.in_, k, DIM.out, k)
        return pairs

    # -- warps -----------------------------------------------------------------------------------------------------------

    def same_warp(self, a: At, b: At) -> Map | None:
        """{ x -> y : of one warp }; None where the number of a thread is not known."""
        one, two = self._warp(a), self._warp(b)
        return None if one is None or two is None else one.apply_range(two.reverse())

    def _warp(self, a: At) -> Map | None:
        """Instances to the number of their warp."""
        if self.machine.lanes <= 1:
            return None
        number, stride = P.Poly(), 1
        by_name = {self.axis(a.path, k): k for k in self.axes(a.path, "block")}
        for name, level in self.machine.levels.items():  # in the platform's order: the one that runs fastest first
            if level != "block" or name not in by_name:
                continue
            number = P.add(number, P.atom(by_name[name]), stride)
            size = constant_value(self.extents[name])
            if size is None:
                return None
            stride *= size
        warp = P.atom(("fdiv", P.freeze(number), P.freeze(P.const(self.machine.lanes))))
        return Map.from_pw_aff(affine(warp, a.domain)).intersect_domain(a.domain)


def _stmt(at: At) -> Node:
    return at.stmt if isinstance(at, Access) else at.node
