"""One thread's text with barriers as loops over all threads, one nest per barrier interval.

A loop or branch around a barrier is the same for all threads of a block (checked) and moves outside the thread loops.
What lives across a barrier is kept: pure `Let`s are stated again where they are used, uniform values become values of
the block, everything else gets one element per thread.

The same is done once more for the lanes of a warp (`_waves`), where they meet between two barriers of the block. There a
branch around a meeting may be taken by some lanes only: it becomes a guard of what each lane does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from ..dataflow.uniform import Uniformity
from ..errors import IllegalPassError
from ..ir.build import conjunction, integer
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Barrier,
    Block,
    Break,
    Const,
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
from ..platforms.instr import Operand
from ._returns import returns, without_returns
from ._survival import Survival, names
from ._trips import evened

Refuse = Callable[[str, Node | None], IllegalPassError]


def barriers(node: Node) -> bool:
    """Do threads meet here: at a barrier, or to exchange values in an instr of a warp?"""
    return any(isinstance(n, Barrier | InstrCall) for n in walk(node))


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


class Meeting(Protocol):
    """What an instr that takes values of several threads does for all of them."""

    def operands(self, call: InstrCall) -> tuple[Operand, ...]: ...

    def unread(self, call: InstrCall, o: Operand) -> bool: ...

    def guarded(self, call: InstrCall) -> bool: ...

    def one_for_all(self, call: InstrCall) -> tuple[str, ...]: ...

    def of(self, call: InstrCall, guard: Expr | None, per_lane: set[str]) -> tuple[AnyStmt, ...]: ...


class Splitter(Survival):
    """Turns the body of one thread into statements of a block, or that of a lane into statements of a warp.

    Args:
        threads: the block axis loops with their serial names and extents, outermost first.
        body: what one thread does, axes already under their serial names, every name declared once.
        written: buffers that the kernel writes.
        taken: names in use; new ones are added.
        meeting: what an instr that takes values of several threads does.
        scope: who meets: the threads of a "block", or the lanes of a "warp".
        warps: how a block's threads do what lies between two of its barriers, where lanes meet.
    """

    def __init__(self, threads: tuple[For, ...], body: Block, written: set[str], taken: set[str],
                 refuse: Refuse, meeting: Meeting | None = None, scope: str = "block",
                 warps: Callable[[Block], tuple[AnyStmt, ...]] | None = None) -> None:
        self.threads, self.taken, self.refuse, self.written = threads, taken, refuse, written
        self.meeting, self.warps = meeting, warps
        self.who, self.lanes = ("lanes of a warp", True) if scope == "warp" else ("threads of a block", False)
        self.body = body
        self.uniform = Uniformity(body, [t.var for t in threads], alike=meeting.one_for_all if meeting is not None else None)
        self.buffers: dict[str, Alloc] = {}  # expanded by the threads
        self.lets: dict[str, Alloc] = {}
        self.lifted: set[str] = set()  # scalars and `Let`s of the block
        self.hoisted: set[str] = set()  # those of them that may be computed at any time
        self.pure: dict[str, Let] = {}  # `Let`s that are stated again where they are used, in order
        self.per_thread: list[If] = []  # branches around barriers that only say which threads have not returned
        self.guards: list[Expr] = []
        self.known: dict[str, Expr] = {}  # what names that never change stand for

    def run(self) -> tuple[AnyStmt, ...]:
        return tuple(self.sequence(stmts_of(self.body), in_loop=False, tail=True))

    # -- lists of statements that contain a barrier --------------------------------------------------------------------

    def sequence(self, stmts: tuple[Any, ...], in_loop: bool, tail: bool) -> list[AnyStmt]:
        """`in_loop`: a loop with barriers is around; `tail`: nothing follows, so a return only ends this list."""
        stmts = self._even_loops(self._open_branches(self._open_returns(stmts, tail)))
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
        if isinstance(s, Break | Continue) or self.stops(s):
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
        if not self.stops(s):
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
        last = max((k for k, s in enumerate(stmts) if self.stops(s)), default=-1)
        for k, s in enumerate(stmts):
            if k > last:
                rest = without_returns(Block(stmts[k:]), self.taken) if tail else Block(stmts[k:])
                if returns(rest):
                    raise self.refuse("a thread may return inside a loop or branch with barriers", s)
                return (*stmts[:k], *stmts_of(rest))
            if not returns(s) or (k == last and k == len(stmts) - 1 and tail and isinstance(s, If)):
                continue
            if not tail or not isinstance(s, If) or self.stops(s) or s.orelse is not None:
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

    def _open_branches(self, stmts: tuple[Any, ...]) -> tuple[Any, ...]:
        """A branch around a meeting that not all lanes take: a guard of each lane, and of its other side likewise."""
        if not self.lanes:
            return stmts
        out: list[Any] = []
        for s in stmts:
            if not isinstance(s, If) or not self.stops(s) or self.uniform.expr(s.cond) or any(s is g for g in self.per_thread):
                out.append(s)
                continue
            name = fresh_name("active", self.taken)
            self.uniform.names.add(name)
            out.append(Let(name, BOOL, s.cond))
            cond = Var(name, BOOL)
            sides = [If(cond, s.then)] + ([If(negate(cond), s.orelse)] if s.orelse is not None else [])
            for side in sides:
                self.per_thread.append(side)
                out.append(side)
        return tuple(out)

    def _even_loops(self, stmts: tuple[Any, ...]) -> tuple[Any, ...]:
        """Loops around barriers that threads begin at indices of their own, as loops of the block."""
        out: list[Any] = []
        for s in stmts:
            if isinstance(s, Let) and self._pure(s.value):
                self.known[s.name] = s.value
            even = None
            if isinstance(s, For) and self.stops(s) and self._pure(s.hi):
                even = evened(s, self.uniform.expr, {t.var for t in self.threads}, self.known, self.taken)
            if even is not None:
                self.per_thread.append(even[1])
            out.append(s if even is None else even[0])
        return tuple(out)

    # -- control around barriers ---------------------------------------------------------------------------------------

    def _control(self, s: If | For | While, in_loop: bool, tail: bool) -> AnyStmt:
        exprs = (s.lo, s.hi, s.step) if isinstance(s, For) else (s.cond,)
        what = "loop" if isinstance(s, For | While) else "branch"
        if not all(self.uniform.expr(e) for e in exprs):
            where = "lanes exchange values" if self.lanes else "a barrier stands"
            raise self.refuse(f"{where} inside a {what} that not all {self.who} are shown to take alike", s)
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
        """The exchange of values between lanes, on arrays with an element for each."""
        assert self.meeting is not None
        if self.guards and not self.meeting.guarded(s):
            raise self.refuse("some threads may not come here, and it needs all of them", s)
        at = tuple(Var(t.var, t.dtype) for t in self.threads)
        args: list[Expr] = []
        for o, a in zip(self.meeting.operands(s), s.args, strict=True):
            if o.per_lane:
                args.append(self._of_lane(a, at))
            elif self.meeting.unread(s, o):
                args.append(Const(0, a.dtype))
            elif not all(self.uniform.expr(e) for e in (a.indices if isinstance(a, Ref) else (a,))):
                raise self.refuse(f"which values {s.instr} takes is not shown to be the same for all {self.who}", s)
            elif isinstance(a, Ref) and a.buffer in self.buffers:
                args.append(self._of_lane(a, at))  # the value of each lane that came
            else:
                args.append(dataclasses.replace(a, indices=tuple(map(self._uniform, a.indices))) if isinstance(a, Ref)
                            else self._uniform(a))
        guard = conjunction([self._of_lane(g, at) for g in self.guards])
        return list(self.meeting.of(dataclasses.replace(s, args=tuple(args)), guard, set(self.buffers)))

    def _of_lane(self, e: Any, at: tuple[Expr, ...]) -> Any:
        """What a thread's expression is at the indices `at`, outside its loops: its `Let`s put in."""
        for let in reversed(self.pure.values()):
            if let.name in names(e):
                e = _put(e, let)
        return _PerThread(self.buffers, self.lets, at).visit(e)

    def _leave(self, s: If) -> AnyStmt:
        """`if (c) break;` of a loop with barriers: one decision for the block."""
        only = all(isinstance(x, Break | Continue) for b in (s.then, s.orelse) if b is not None for x in stmts_of(b))
        if not only or not self.uniform.expr(s.cond):
            raise self.refuse(f"not all {self.who} are shown to leave this loop with barriers together", s)
        return dataclasses.replace(s, cond=self._uniform(s.cond))

    def _uniform(self, e: Expr) -> Expr:
        """A uniform expression at block level: its `Let`s put in, values kept per thread read from thread 0."""
        for let in reversed(self.pure.values()):
            if let.name in names(e):
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
        needed = set().union(*(names(s) for s in group), *(names(g) for g in self.guards))
        again: list[Let] = []
        for let in reversed(self.pure.values()):
            if let.name in needed:
                again.insert(0, let)
                needed |= names(let.value)
        guard = conjunction(self.guards)
        stmts: tuple[AnyStmt, ...] = tuple(group)
        if guard is not None:
            first = names(guard)
            for let in reversed(again):
                if let.name in first:
                    first |= names(let.value)
            front = tuple(let for let in again if let.name in first)
            stmts = (*front, If(guard, Block((*(x for x in again if x.name not in first), *stmts))))
        else:
            stmts = (*again, *stmts)
        at = tuple(Var(t.var, t.dtype) for t in self.threads)
        body: Block = _PerThread(self.buffers, self.lets, at).visit(Block(stmts))
        if self.warps is not None and any(isinstance(n, Barrier | InstrCall) for n in walk(body)):
            return list(self.warps(body))
        for t in reversed(self.threads):
            body = Block((dataclasses.replace(t, body=body),))
        return list(body.stmts)


def _put(e: Expr, let: Let) -> Expr:
    class Put(Rewriter):
        def visit_Var(self, node: Var) -> Expr:
            return let.value if node.name == let.name else node

    out: Expr = Put().visit(e)
    return out
