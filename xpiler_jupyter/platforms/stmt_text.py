"""Statements of the C family as text."""

from __future__ import annotations

import math

from ..errors import UnsupportedError
from ..ir.elements import element_of, is_element_loop
from ..ir.nodes import (
    Alloc,
    AnyStmt,
    Barrier,
    Binary,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    If,
    InstrCall,
    Let,
    Load,
    Param,
    Return,
    Store,
    While,
)
from ..ir.types import ScalarType
from ..ir.visit import fresh_name, stmts_of, walk
from .base import Memory, Platform
from .expr_text import PRECEDENCE, ExprText
from .instr_text import declares, instr_text, mentions
from .literals import never_negative

INDENT = "  "
_COMPOUND = ("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>")


class StmtText(ExprText):
    """Prints statements; one instance prints one kernel."""

    def __init__(self, platform: Platform, params: tuple[Param, ...]) -> None:
        super().__init__(platform)
        self.thread: tuple[str, int] | None = None  # the flat index of a thread as text, and how many there are
        self.taken: set[str] = set()
        self.dynamic: set[str] = set()  # arrays declared together, by these lines, where the first of them stands
        self.dynamic_lines: list[str] = []
        self.globals: list[str] = []  # lines to stand before the kernel
        self.of_warp: set[str] = set()  # those of them that a warp holds together
        self.declared: dict[str, tuple[str, int]] = {}  # values that only instrs touch: their type, and its rank
        for p in params:
            if p.pointer:
                self.types[p.name] = p.dtype

    def block(self, b: Block, depth: int) -> list[str]:
        """The lines of a block, without braces."""
        out: list[str] = []
        waiting: dict[str, Alloc] = {}  # values declared where an instr first gives them one
        stmts = stmts_of(b)
        k = 0
        while k < len(stmts):
            s = stmts[k]
            after = stmts[k + 1] if k + 1 < len(stmts) else None
            counted = self._counted_while(stmts[k : k + 3], stmts[k + 3 :])
            if counted is not None:
                out += self._while_as_for(*counted, depth)
                k += 3
                continue
            if isinstance(s, Alloc) and not s.shape and isinstance(after, Store) and self._initialises(s, after):
                self.types[s.name] = s.dtype
                out += self._comments(s, depth) + self._comments(after, depth)
                out.append(f"{INDENT * depth}{self.type(s.dtype)} {s.name} = {self.expr(after.value, s.dtype)};")
                k += 2
                continue
            if isinstance(s, Alloc) and self._declared_later(s, stmts[k + 1 :]):
                self.types[s.name] = s.dtype
                waiting[s.name] = s
            elif isinstance(s, InstrCall) and (first := [n for n in waiting if declares(s, n, self.p)]):
                comments = self._comments(waiting.pop(first[0]), depth)
                word = self.declared[first[0]][0] if first[0] in self.declared else self.type(self.types[first[0]])
                out += [*comments, *self._comments(s, depth), f"{INDENT * depth}{word} {instr_text(s, self)}"]
            else:
                out += self.stmt(s, depth)
            k += 1
        return out

    def _declared_later(self, a: Alloc, rest: tuple[AnyStmt, ...]) -> bool:
        """Is the first to touch the single value `a` an instr that gives it one? Then it is declared there."""
        if not self.p.instrs or a.zeroed or self.declared.get(a.name, ("", 0))[1] != len(a.shape):
            return False
        first = next((s for s in rest if any(mentions(n, a.name) for n in walk(s))), None)
        return first is not None and declares(first, a.name, self.p)

    def _counted_while(self, head: tuple[AnyStmt, ...], rest: tuple[AnyStmt, ...]) -> tuple[Alloc, Store, While, Store] | None:
        """`x = a; while (x ...) { ...; x = step; }` with x dead afterwards: what C writes as a for loop."""
        if len(head) < 3:
            return None
        a, init, loop = head
        if not (isinstance(a, Alloc) and not a.shape and isinstance(init, Store) and isinstance(loop, While)):
            return None
        body = stmts_of(loop.body)
        if not (self._initialises(a, init) and body and isinstance(body[-1], Store)) or loop.comments or init.comments:
            return None
        step = body[-1]
        reads_x = any(isinstance(n, Load) and n.buffer == a.name for n in walk(loop.cond))
        others = [n for s in (*body[:-1], *rest) for n in walk(s)]
        jumps = any(isinstance(n, Continue) for n in others)
        elsewhere = any(isinstance(n, Load | Store) and n.buffer == a.name for s in rest for n in walk(s))
        written = any(isinstance(n, Store) and n.buffer == a.name for s in body[:-1] for n in walk(s))
        if step.buffer != a.name or not reads_x or jumps or elsewhere or written:
            return None
        return a, init, loop, step

    def _while_as_for(self, a: Alloc, init: Store, loop: While, step: Store, depth: int) -> list[str]:
        pad = INDENT * depth
        self.types[a.name] = a.dtype
        start = f"{self.type(a.dtype)} {a.name} = {self.expr(init.value, a.dtype)}"
        head = f"{pad}for ({start}; {self.cond(loop.cond)}; {self._store(step)}) {{"
        body = Block(stmts_of(loop.body)[:-1])
        return [*self._comments(a, depth), head, *self.block(body, depth + 1), pad + "}"]

    def _initialises(self, a: Alloc, s: Store) -> bool:
        reads = any(isinstance(n, Load) and n.buffer == a.name for n in walk(s.value))
        return a.memory == "local" and s.buffer == a.name and s.dtype == a.dtype and not reads

    def _comments(self, s: AnyStmt, depth: int) -> list[str]:
        return [f"{INDENT * depth}// {line.strip()}" for c in getattr(s, "comments", ()) for line in c.splitlines()]

    def stmt(self, s: AnyStmt, depth: int) -> list[str]:
        pad = INDENT * depth
        out = self._comments(s, depth)
        if isinstance(s, Block):
            return out + self.block(s, depth)
        if isinstance(s, For):
            return out + self._for(s, depth)
        if isinstance(s, If):
            return out + self._if(s, depth, pad)
        if isinstance(s, While):
            return [*out, f"{pad}while ({self.cond(s.cond)}) {{", *self.block(s.body, depth + 1), pad + "}"]
        if isinstance(s, Let):
            value = self.expr(s.value, s.dtype)
            if never_negative(s.value, self.nonneg):
                self.nonneg.add(s.name)
            return [*out, f"{pad}{self.type(s.dtype)} {s.name} = {value};"]
        if isinstance(s, Alloc) and s.name in self.dynamic:
            self.types[s.name] = s.dtype
            lines, self.dynamic_lines = self.dynamic_lines, []
            return [*out, *(pad + line for line in lines)]
        if isinstance(s, Alloc):
            return [*out, pad + self.declaration(s)]
        if isinstance(s, Store):
            return [*out, f"{pad}{self._store(s)};"]
        if isinstance(s, Barrier):
            if s.scope not in self.p.barriers:
                raise UnsupportedError.at(s, f"{self.p.title} has no barrier of a {s.scope}")
            return [*out, pad + self.p.barriers[s.scope]]
        if isinstance(s, Return | Break | Continue):
            return [*out, pad + {Return: "return;", Break: "break;", Continue: "continue;"}[type(s)]]
        if isinstance(s, InstrCall):
            return [*out, pad + instr_text(s, self)]
        raise TypeError(f"not a statement: {s!r}")

    def declaration(self, a: Alloc) -> str:
        """`float tile[16][16];` with the words of its memory."""
        self.types[a.name] = a.dtype
        memory = self.p.memory(a.memory)
        if memory is None:
            raise UnsupportedError.at(a, f"{self.p.title} has no {a.memory} memory for {a.name!r}")
        declared, rank = self.declared.get(a.name, ("", 0))
        if memory.scope == "warp" and not declared:
            raise UnsupportedError.at(a, f"nothing says what kind of {a.memory} {a.name!r} is")
        if declared:
            outer = "".join(f"[{self.expr(d)}]" for d in a.shape[:len(a.shape) - rank])
            return f"{declared} {a.name}{outer}{' = {0}' if a.zeroed else ''};"
        count = math.prod(int(d.value) if isinstance(d, Const) else 1 for d in a.shape)
        if memory.capacity is not None and count * a.dtype.bytes > memory.capacity:
            return self._spilled(a, count, memory)
        word = memory.qualifier + " " if memory.qualifier else ""
        dims = "".join(f"[{self.expr(d)}]" for d in a.shape)
        start = "" if not a.zeroed else (" = {0}" if a.shape else " = 0")
        return f"{word}{self.type(a.dtype)} {a.name}{dims}{start};"

    def place(self, buffer: str, indices: tuple[Expr, ...], dtype: ScalarType) -> str:
        if buffer not in self.of_warp:
            return super().place(buffer, indices, dtype)
        outer = "".join(f"[{self.expr(i)}]" for i in indices[:len(indices) - self.declared[buffer][1]])
        if self.declared[buffer][0] in self.p.definitions:  # a vector of our own
            return f"{buffer}{outer}[{element_of(indices)}]"
        return f"{buffer}{outer}.x[{element_of(indices)}]"

    def _spilled(self, a: Alloc, count: int, memory: Memory) -> str:
        """A private array that no thread can hold: a row for each thread in global memory, when the launch says how
        many threads there are. Raises UnsupportedError otherwise."""
        word = self.p.memory("global")
        if memory.scope != "thread" or self.thread is None or len(a.shape) != 1 or word is None or a.zeroed:
            raise UnsupportedError.at(a, f"{a.name!r} takes {count * a.dtype.bytes} bytes of {a.memory} memory, but a "
                                         f"{memory.scope} of {self.p.title} has {memory.capacity}")
        index, total = self.thread
        rows = fresh_name(f"{a.name}_rows", self.taken)
        self.globals += [f"// {a.name} is too large for one thread's own memory: a row for each thread instead.",
                         f"{word.qualifier} {self.type(a.dtype)} {rows}[{total}][{count}];"]
        return f"{self.type(a.dtype)}* {a.name} = {rows}[{index}];"

    def _for(self, s: For, depth: int) -> list[str]:
        if s.kind == "parallel":
            return self.block(s.body, depth)
        if is_element_loop(s, self.declared):
            x = next(n for n in walk(s.body) if isinstance(n, Load | Store) and element_of(n.indices) == s.var)
            limit = self.place(x.buffer, x.indices, x.dtype).rsplit(".x[", 1)[0] + ".num_elements"
            if self.declared[x.buffer][0] in self.p.definitions and isinstance(s.hi, Const):
                limit = str(int(s.hi.value) // self.p.lane_width)
            head = f"{INDENT * depth}for (int {s.var} = 0; {s.var} < {limit}; {s.var}++) {{"
            return [head, *self.block(s.body, depth + 1), INDENT * depth + "}"]
        pad = INDENT * depth
        t = self.type(s.dtype)
        lo, hi = self.expr(s.lo, s.dtype), self._compare_text(s)
        step = f"{s.var}++" if isinstance(s.step, Const) and s.step.value == 1 else f"{s.var} += {self.expr(s.step)}"
        if never_negative(s.lo, self.nonneg):
            self.nonneg.add(s.var)
        unroll = [pad + "#pragma unroll"] if s.kind == "unrolled" else []
        if s.kind == "threads":
            if self.p.loop_axis is None:
                raise UnsupportedError.at(s, f"{self.p.title} has no threads that share the iterations of a loop")
            unroll = [pad + self.p.loop_axis.pragma]
        head = f"{pad}for ({t} {s.var} = {lo}; {hi}; {step}) {{"
        return [*unroll, head, *self.block(s.body, depth + 1), pad + "}"]

    def _compare_text(self, s: For) -> str:
        hi = self.expr(s.hi, s.dtype)
        simple = not isinstance(s.hi, Binary) or PRECEDENCE[s.hi.op] > PRECEDENCE["<"]
        return f"{s.var} < {hi}" if simple and "?" not in hi else f"{s.var} < ({hi})"

    def _if(self, s: If, depth: int, pad: str) -> list[str]:
        out = [f"{pad}if ({self.cond(s.cond)}) {{", *self.block(s.then, depth + 1)]
        rest = s.orelse
        while rest is not None:
            inner = stmts_of(rest)
            if len(inner) == 1 and isinstance(inner[0], If) and not inner[0].comments:
                nested = inner[0]
                out += [f"{pad}}} else if ({self.cond(nested.cond)}) {{", *self.block(nested.then, depth + 1)]
                rest = nested.orelse
            else:
                out += [pad + "} else {", *self.block(rest, depth + 1)]
                rest = None
        return [*out, pad + "}"]

    def _store(self, s: Store) -> str:
        place = self.place(s.buffer, s.indices, s.dtype)
        step = self._compound(s)
        if step is not None:
            op, operand = step
            return f"{place} {op}= {operand}"
        return f"{place} = {self.expr(s.value, s.dtype)}"

    def _compound(self, s: Store) -> tuple[str, str] | None:
        """`x = x op e` as (op, text of e), when C's `x op= e` means the same."""
        value: Expr = s.value
        if isinstance(value, Cast) and value.implicit:
            value = value.x
        if not isinstance(value, Binary) or value.op not in _COMPOUND:
            return None
        left = value.a.x if isinstance(value.a, Cast) and value.a.implicit else value.a
        if not (isinstance(left, Load) and left.buffer == s.buffer and left.indices == s.indices and left.dtype == s.dtype):
            return None
        if value.op in ("<<", ">>"):
            return value.op, self.expr(value.b)
        _, right = self._operands(left, value.b, value.dtype)
        return value.op, self.expr(right)


