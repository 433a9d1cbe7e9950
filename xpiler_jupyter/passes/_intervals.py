"""One thread's text with barriers as loops over all threads, one nest per barrier interval.

A loop or branch around a barrier is the same for all threads of a block (checked) and moves outside the thread loops.
What lives across a barrier is kept: pure `Let`s are stated again where they are used, uniform values become values of
the block, everything else gets one element per thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ..dataflow.uniform import Uniformity
from ..errors import IllegalPassError
from ..ir.build import conjunction, integer
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Barrier,
    Block,
    Break,
    Continue,
    Expr,
    For,
    If,
    InstrCall,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Store,
    Var,
    While,
)
from ..ir.simplify import leaves_loop, negate
from ..ir.types import BOOL
from ..ir.visit import Rewriter, fresh_name, stmts_of, walk
from ._returns import returns, without_returns

Refuse = Callable[[str, Node | None], IllegalPassError]


def barriers(node: Node) -> bool:
    """Do threads meet here: at a barrier, or to exchange values in an instr of a warp?"""
    return any(isinstance(n, Barrier | InstrCall) for n in walk(node))


def _names(node: Node) -> set[str]:
    """Names of scalars and buffers that are used below."""
    out: set[str] = set()
    for n in walk(node):
        if isinstance(n, Var):
            out.add(n.name)
        elif isinstance(n, Load | Store | Ref):
            out.add(n.buffer)
    return out


def _acts(node: Node) -> bool:
    """Has the statement an effect besides declaring names?"""
    return any(isinstance(n, Store | InstrCall | Return | Break | Continue | While) for n in walk(node))


class _PerThread(Rewriter):
    """Uses of expanded buffers get the thread's indices in front; uses of expanded `Let`s become loads."""

    def __init__(self, buffers: dict[str, Alloc], lets: dict[str, Alloc], at: tuple[Expr, ...]) -> None:
        self.buffers, self.lets, self.at = buffers, lets, at

    def _place(self, node: Any) -> Any:
        return dataclasses.replace(node, indices=(*self.at, *node.indices)) if node.buffer in self.buffers else node

    visit_Load = visit_Store = visit_Ref = _place

    def visit_Var(self, node: Var) -> Expr:
        return Load(node.name, self.at, node.dtype) if node.name in self.lets else node


class Splitter:
    """Turns the body of one thread into statements of a block.

    Args:
        threads: the block axis loops with their serial names and extents, outermost first.
        body: what one thread does, axes already under their serial names, every name declared once.
        written: buffers that the kernel writes.
        taken: names in use; new ones are added.
        meeting: what an instr that takes values of several threads does for the block.
    """

    def __init__(self, threads: tuple[For, ...], body: Block, written: set[str], taken: set[str],
                 refuse: Refuse, meeting: Callable[[InstrCall], tuple[AnyStmt, ...]] | None = None) -> None:
        self.threads, self.taken, self.refuse, self.written = threads, taken, refuse, written
        self.meeting = meeting
        self.body = body
        self.uniform = Uniformity(body, [t.var for t in threads])
        self.buffers: dict[str, Alloc] = {}  # expanded by the threads
        self.lets: dict[str, Alloc] = {}
        self.lifted: set[str] = set()  # scalars and `Let`s of the block
        self.hoisted: set[str] = set()  # those of them that may be computed at any time
        self.pure: dict[str, Let] = {}  # `Let`s that are stated again where they are used, in order
        self.per_thread: list[If] = []  # branches around barriers that only say which threads have not returned
        self.guards: list[Expr] = []

    def run(self) -> tuple[AnyStmt, ...]:
        return tuple(self.sequence(stmts_of(self.body), in_loop=False, tail=True))

    # -- lists of statements that contain a barrier --------------------------------------------------------------------

    def sequence(self, stmts: tuple[Any, ...], in_loop: bool, tail: bool) -> list[AnyStmt]:
        """`in_loop`: a loop with barriers is around; `tail`: nothing follows, so a return only ends this list."""
        stmts = self._open_returns(stmts, tail)
        stmts = self._classify(stmts)
        outer_pure = dict(self.pure)
        out: list[AnyStmt] = []
        group: list[AnyStmt] = []

        def flush() -> None:
            out.extend(self._threads(group))
            group.clear()

        for k, s in enumerate(stmts):
            if isinstance(s, Let) and s.name in self.pure:
                self.pure[s.name] = self.pure.pop(s.name)  # in the order of the text
            elif isinstance(s, Let) and s.name in self.lets:
                out.append(self.lets[s.name])
                self.buffers[s.name] = self.lets[s.name]
                group.append(Store(s.name, (), s.value, s.dtype))
            elif isinstance(s, Alloc) and s.name in self.buffers:
                out.append(self.buffers[s.name])
            elif isinstance(s, Alloc | Let) and s.name in self.hoisted:
                out.append(s)
            elif not self._cuts(s, in_loop):
                group.append(s)
            else:
                flush()
                if not isinstance(s, Barrier):
                    out.extend(self._cut(s, in_loop, tail and k == len(stmts) - 1))
        flush()
        self.pure = outer_pure
        return out

    def _cuts(self, s: Any, in_loop: bool) -> bool:
        """Does the statement stand between thread loops rather than in one?"""
        if isinstance(s, Barrier | InstrCall | Break | Continue) or barriers(s):
            return True
        if isinstance(s, Let):
            return s.name in self.lifted and s.name not in self.hoisted
        if isinstance(s, Store):
            return s.buffer in self.lifted
        return in_loop and isinstance(s, If) and leaves_loop(Block((s,)))

    def _cut(self, s: Any, in_loop: bool, tail: bool) -> list[AnyStmt]:
        if isinstance(s, Break | Continue):
            return [s]
        if isinstance(s, Let | Store):
            return [dataclasses.replace(s, value=self._uniform(s.value))]
        if isinstance(s, InstrCall):
            return self._met(s)
        if not barriers(s):
            return [self._leave(s)]
        if any(s is g for g in self.per_thread):
            self.guards.append(s.cond)
            inner = self.sequence(stmts_of(s.then), in_loop, tail)
            self.guards.pop()
            return inner
        return [self._control(s, in_loop, tail)]

    def _open_returns(self, stmts: tuple[Any, ...], tail: bool) -> tuple[Any, ...]:
        """`if (c) return;` in front of a barrier: a branch around the rest, for the block when all threads agree, else
        for each thread. Behind the last barrier a return is an ordinary guard."""
        last = max((k for k, s in enumerate(stmts) if barriers(s)), default=-1)
        for k, s in enumerate(stmts):
            if k > last:
                rest = without_returns(Block(stmts[k:]), self.taken) if tail else Block(stmts[k:])
                if returns(rest):
                    raise self.refuse("a thread may return inside a loop or branch with barriers", s)
                return (*stmts[:k], *stmts_of(rest))
            if not returns(s) or (k == last and k == len(stmts) - 1 and tail and isinstance(s, If)):
                continue
            if not tail or not isinstance(s, If) or barriers(s) or s.orelse is not None:
                raise self.refuse("a thread may return inside a loop or branch with barriers", s)
            inner = stmts_of(s.then)
            if not isinstance(inner[-1], Return) or any(returns(x) for x in inner[:-1]):
                raise self.refuse("a thread may return on some paths of this branch, and barriers follow", s)
            before = [*stmts[:k], *([If(s.cond, Block(inner[:-1]))] if inner[:-1] else [])]
            go_on: Expr = negate(s.cond)
            rest = Block(stmts[k + 1:])
            if self.uniform.expr(s.cond):
                return (*before, If(go_on, rest))
            if not self._pure(s.cond):
                name = fresh_name("active", self.taken)
                self.uniform.names.add(name)
                before.insert(k, Let(name, BOOL, go_on))
                go_on = Var(name, BOOL)
            guard = If(go_on, rest)
            self.per_thread.append(guard)
            return (*before, guard)
        return stmts

    def _pure(self, e: Node) -> bool:
        """May the expression be evaluated again later? It reads nothing that changes."""
        return not any(isinstance(n, Load | Ref) and (n.buffer in self.written or n.buffer in self.uniform.private)
                       for n in walk(e))

    # -- how names survive barriers ------------------------------------------------------------------------------------

    def _classify(self, stmts: tuple[Any, ...]) -> tuple[Any, ...]:
        """Decides for each name declared in the list how it survives; an array that one later interval alone uses is
        declared there."""
        wanted = self._wanted(stmts)
        size = -1
        while size != len(self.lifted) + len(self.hoisted):  # what is lifted cuts intervals, so look again
            size = len(self.lifted) + len(self.hoisted)
            homes, used = self._segments(stmts)
            crossing: set[str] = set()
            moved: dict[str, int] = {}
            for s in reversed(stmts):
                if not isinstance(s, Alloc | Let):
                    continue
                elsewhere = {k for k in used.get(s.name, set()) if k != homes[s.name]}
                if isinstance(s, Alloc) and len(used.get(s.name, ())) == 1 and min(used[s.name]) >= 0:
                    moved[s.name] = min(used[s.name])
                elif elsewhere or s.name in wanted:
                    crossing.add(s.name)
                    if isinstance(s, Let) and (s.name in wanted or self._pure(s.value)):  # it may be stated again
                        for n in _names(s.value):
                            used.setdefault(n, set()).add(-1)
            for s in stmts:
                if isinstance(s, Let) and s.name in crossing:
                    self._classify_let(s, s.name in wanted)
                elif isinstance(s, Alloc) and s.name in crossing and not s.shape and self.uniform.buffer(s.name) \
                        and self._liftable(s.name, stmts):
                    self.lifted.add(s.name)
                    self.hoisted.add(s.name)
        for s in stmts:
            if isinstance(s, Alloc) and s.name in crossing and s.name not in self.lifted:
                self.buffers[s.name] = self._expanded(s)
        return self._move(stmts, {n: k for n, k in moved.items() if k != homes[n]})

    def _segments(self, stmts: tuple[Any, ...]) -> tuple[dict[str, int], dict[str, set[int]]]:
        """The interval in which each name is declared, and those in which it is used (-1: around or inside control)."""
        homes: dict[str, int] = {}
        used: dict[str, set[int]] = {}
        k = 0
        for s in stmts:
            if isinstance(s, Alloc | Let):
                homes[s.name] = k
            cuts = self._cuts(s, True)
            for n in _names(s):
                used.setdefault(n, set()).add(-1 if cuts else k)
            k += cuts
        for g in self.guards:
            for n in _names(g):
                used.setdefault(n, set()).add(-1)
        return homes, used

    def _wanted(self, stmts: tuple[Any, ...]) -> set[str]:
        """Names that steer barriers, and what those are computed from."""
        wanted: set[str] = set()
        for s in stmts:
            wanted |= self._control_names(s)
        for s in reversed(stmts):
            name = s.name if isinstance(s, Let) else s.buffer if isinstance(s, Store) and not s.indices else None
            if name in wanted:
                wanted |= _names(s.value)
        return wanted

    def _control_names(self, s: Node) -> set[str]:
        out: set[str] = set()
        for n in walk(s):
            if isinstance(n, For | While) and barriers(n):
                for e in (n.lo, n.hi, n.step) if isinstance(n, For) else (n.cond,):
                    out |= _names(e)
            elif isinstance(n, If) and not any(n is g for g in self.per_thread) and (
                    barriers(n) or any(isinstance(x, Break | Continue) for x in walk(n))):
                out |= _names(n.cond)
        return out

    def _classify_let(self, s: Let, wanted: bool) -> None:
        uniform, pure = self.uniform.expr(Var(s.name, s.dtype)), self._pure(s.value)
        if uniform and pure and not any(isinstance(n, Load) for n in walk(s.value)):
            self.lifted.add(s.name)
            self.hoisted.add(s.name)
        elif uniform and (wanted or not pure):
            self.lifted.add(s.name)
        elif pure:
            self.pure[s.name] = s
        else:
            self.lets[s.name] = self._expanded(Alloc(s.name, s.dtype, ()))

    def _expanded(self, s: Alloc) -> Alloc:
        return dataclasses.replace(s, shape=(*(t.hi for t in self.threads), *s.shape))

    def _liftable(self, name: str, stmts: tuple[Any, ...]) -> bool:
        """Is every store to the scalar a statement of a list with barriers, so that the block can do it once?"""
        for s in stmts:
            if isinstance(s, Store) and s.buffer == name:
                continue
            if barriers(s):
                sides = [s.then, s.orelse] if isinstance(s, If) else [s.body] if isinstance(s, For | While) else []
                if all(self._liftable(name, stmts_of(b)) for b in sides if b is not None):
                    continue
                return False
            if any(isinstance(n, Store | Ref) and n.buffer == name for n in walk(s)):
                return False
        return True

    def _move(self, stmts: tuple[Any, ...], moved: dict[str, int]) -> tuple[Any, ...]:
        """The list with the declarations in `moved` at the start of the given interval."""
        if not moved:
            return stmts
        allocs = {s.name: s for s in stmts if isinstance(s, Alloc)}
        out: list[Any] = []
        k = 0
        for s in stmts:
            if isinstance(s, Alloc) and s.name in moved:
                continue
            out.append(s)
            if self._cuts(s, True):
                k += 1
                out.extend(allocs[n] for n, home in moved.items() if home == k)
        return tuple(out)

    # -- control around barriers ---------------------------------------------------------------------------------------

    def _control(self, s: If | For | While, in_loop: bool, tail: bool) -> AnyStmt:
        exprs = (s.lo, s.hi, s.step) if isinstance(s, For) else (s.cond,)
        what = "loop" if isinstance(s, For | While) else "branch"
        if not all(self.uniform.expr(e) for e in exprs):
            raise self.refuse(f"a barrier stands inside a {what} that not all threads of a block are shown to "
                              "take alike", s)
        if isinstance(s, If):
            sides: dict[str, Any] = {n: Block(tuple(self.sequence(stmts_of(b), in_loop, tail)), span=b.span)
                                     for n in ("then", "orelse") if (b := getattr(s, n)) is not None}
            return dataclasses.replace(s, cond=self._uniform(s.cond), **sides)
        body = Block(tuple(self.sequence(stmts_of(s.body), True, False)), span=s.body.span)
        if isinstance(s, While):
            return dataclasses.replace(s, cond=self._uniform(s.cond), body=body)
        lo, hi, step = (self._uniform(e) for e in exprs)
        return dataclasses.replace(s, lo=lo, hi=hi, step=step, body=body)

    def _met(self, s: InstrCall) -> list[AnyStmt]:
        """The exchange of values between threads, on arrays with an element for each."""
        if self.guards:
            raise self.refuse("some threads may have returned before this, and it needs all of them", s)
        for a in s.args:
            for e in a.indices if isinstance(a, Ref) else (a,):
                if not self.uniform.expr(e):
                    raise self.refuse(f"which values {s.instr} takes is not shown to be the same for all threads", s)
        args = tuple(dataclasses.replace(a, indices=tuple(map(self._uniform, a.indices))) if isinstance(a, Ref)
                     else self._uniform(a) for a in s.args)
        assert self.meeting is not None
        return list(self.meeting(dataclasses.replace(s, args=args)))

    def _leave(self, s: If) -> AnyStmt:
        """`if (c) break;` of a loop with barriers: one decision for the block."""
        only = all(isinstance(x, Break | Continue) for b in (s.then, s.orelse) if b is not None for x in stmts_of(b))
        if not only or not self.uniform.expr(s.cond):
            raise self.refuse("not all threads of a block are shown to leave this loop with barriers together", s)
        return dataclasses.replace(s, cond=self._uniform(s.cond))

    def _uniform(self, e: Expr) -> Expr:
        """A uniform expression at block level: its `Let`s put in, values kept per thread read from thread 0."""
        for let in reversed(self.pure.values()):
            if let.name in _names(e):
                e = _put(e, let)
        if self.guards and any(isinstance(n, Load) and n.buffer not in self.lifted for n in walk(e)):
            raise self.refuse("a value that steers barriers is read after some threads may have returned", e)
        zero = tuple(integer(0) for _ in self.threads)
        out: Expr = _PerThread(self.buffers, self.lets, zero).visit(e)
        return out

    # -- one interval --------------------------------------------------------------------------------------------------

    def _threads(self, group: list[AnyStmt]) -> list[AnyStmt]:
        """The loops over all threads around the statements of one interval."""
        if not any(_acts(s) for s in group):
            return []
        needed = set().union(*(_names(s) for s in group), *(_names(g) for g in self.guards))
        again: list[Let] = []
        for let in reversed(self.pure.values()):
            if let.name in needed:
                again.insert(0, let)
                needed |= _names(let.value)
        guard = conjunction(self.guards)
        stmts: tuple[AnyStmt, ...] = tuple(group)
        if guard is not None:
            first = _names(guard)
            for let in reversed(again):
                if let.name in first:
                    first |= _names(let.value)
            front = tuple(let for let in again if let.name in first)
            stmts = (*front, If(guard, Block((*(x for x in again if x.name not in first), *stmts))))
        else:
            stmts = (*again, *stmts)
        at = tuple(Var(t.var, t.dtype) for t in self.threads)
        body: Block = _PerThread(self.buffers, self.lets, at).visit(Block(stmts))
        for t in reversed(self.threads):
            body = Block((dataclasses.replace(t, body=body),))
        return list(body.stmts)


def _put(e: Expr, let: Let) -> Expr:
    class Put(Rewriter):
        def visit_Var(self, node: Var) -> Expr:
            return let.value if node.name == let.name else node

    out: Expr = Put().visit(e)
    return out
