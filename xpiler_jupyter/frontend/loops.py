"""Loops: counting ones become `For`, all others `While`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from ..errors import UnsupportedError
from ..ir import build
from ..ir.nodes import Block, Break, Const, Expr, For, ForKind, If, Let, Load, Unary, Var, While
from ..ir.types import BOOL, ScalarType, common_type
from ..ir.visit import buffers_written, walk
from ..platforms.literals import never_negative
from .context import LoopContext
from .inline import Inliner
from .refusals import short
from .symbols import Place, Ptr, Unset, Value
from .tree import field, strip_parens
from .usage import Info

_FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}


def shared_loop(pragma: str) -> bool:
    """Does `omp ...` have threads share the iterations of the loop below, each iteration as it stands? `simd` alone
    changes nothing; clauses that make variables private, or fold them, speak of a loop that is not independent as it
    stands: one thread runs it here, in order, which means the same."""
    words = set(re.findall(r"[a-z_]+", pragma.partition("omp")[2]))
    return {"parallel", "for"} <= words and not words & {"private", "lastprivate", "reduction", "linear", "ordered",
                                                         "copyprivate", "if"}


@dataclass(slots=True)
class _Counter:
    """A `for` that counts: its variable, first value, bound and step, and the other things its head does. The condition
    compares the variable plus `ahead`, if that is given: `i + 16 <= n`."""

    name: str
    dtype: ScalarType
    start: Node
    op: str
    bound: Node
    step: Node | None  # None: one
    down: bool
    other_updates: list[Node]
    info: Info
    ahead: Node | None = None


class Loops(Inliner):
    """Lowers for, while and do."""

    # -- while and do --------------------------------------------------------------------------------------------------

    def _stmt_while_statement(self, node: Node) -> None:
        self._while(node, self.child(node, "condition"), self.child(node, "body"), [])

    def _while(self, node: Node, condition: Node | None, body: Node, updates: list[Node]) -> None:
        """`while (condition) { body; updates }`. A condition that needs statements is tested inside."""
        mine, self.pending = self.pending, []
        state = self.snapshot()
        with self.block() as before:
            cond: Expr = self.condition(condition) if condition is not None else Const(True, BOOL)
        simple = not before
        if not simple:
            self.restore(state)
        with self.block() as stmts:
            if not simple and condition is not None:
                self._leave_unless(self.condition(condition), node)
            self.loops.append(LoopContext(on_continue=lambda: self._updates(updates)))
            self.statement(body)
            self.loops.pop()
            self.end_of_block(body)
            self._updates(updates)
        self.pending = mine + self.pending
        self.emit(While(cond if simple else Const(True, BOOL), Block(tuple(stmts))), node)

    def _leave_unless(self, cond: Expr, node: Node) -> None:
        if not (isinstance(cond, Const) and cond.value):
            self.emit(If(Unary("!", cond, BOOL), Block((Break(),))), node)

    def _updates(self, updates: list[Node]) -> None:
        for u in updates:
            self.effect(u)

    def _stmt_do_statement(self, node: Node) -> None:
        condition, body = self.child(node, "condition"), self.child(node, "body")
        inner = strip_parens(condition)
        if inner.type in ("number_literal", "false") and self.text(inner) in ("0", "false"):
            if any(n.type in ("break_statement", "continue_statement") for n in _same_loop(body)):
                raise self.unsupported(node, "break or continue inside do { } while (0) is not supported")
            self.statement(body)
            return
        mine, self.pending = self.pending, []
        with self.block() as stmts:
            self.loops.append(LoopContext(on_continue=lambda: self._leave_unless(self.condition(inner), node)))
            self.statement(body)
            self.loops.pop()
            self.end_of_block(body)
            self._leave_unless(self.condition(inner), node)
        self.pending = mine + self.pending
        self.emit(While(Const(True, BOOL), Block(tuple(stmts))), node)

    # -- for -----------------------------------------------------------------------------------------------------------

    def _stmt_for_statement(self, node: Node) -> None:
        kind = self._kind(node)
        if self.element_loop(node):
            return
        with self.scope():
            counter = self._counter(node)
            if counter is not None:
                state = self.snapshot()
                if self._counting(node, counter, kind):
                    return
                self.restore(state)
            self._as_while(node)

    def _stmt_for_range_loop(self, node: Node) -> None:
        """`for (float& x : a)` over an array of known length."""
        right, d = self.child(node, "right"), self.child(node, "declarator")
        over = self.operand(right)
        length = over.shape[len(over.prefix)] if isinstance(over, Ptr) and over.shape and over.layout == "rows" else None
        if not isinstance(over, Ptr) or length is None or over.rest:
            raise self.unsupported(node, f"a loop over {short(self.text(right))} is not supported",
                                   "Only arrays of known length have ranges here.")
        kind, base = self._kind(node), self.types.specifier(node)
        declared = self.types.declarator(d, base)
        if declared.name is None:
            raise self.unsupported(d, "this kind of loop variable is not supported")
        mine, self.pending = self.pending, []
        with self.block() as stmts:
            name, var = self.text(declared.name), self.fresh("k")
            element = Place(over.buffer, over.indices(Var(var)), over.dtype)
            changes = self.usage.of(declared.name).changes
            if declared.type.reference and (changes or not declared.type.const):
                self.define(name, element)
            else:
                value = self.load(element) if declared.type.base is None else \
                    build.convert(self.load(element), declared.type.base)
                self.define(name, self.cell(name, value.dtype, value, node) if changes else self.let(name, value, node))
            self.loops.append(LoopContext())
            body = self.child(node, "body")
            self.statement(body)
            self.loops.pop()
            self.end_of_block(body)
        self.pending = mine + self.pending
        self.emit(For(var, build.integer(0), build.integer(length), build.integer(1), Block(tuple(stmts)), kind), node)

    def _kind(self, node: Node) -> ForKind:
        kind: ForKind = "serial"
        for text in self.take_pragmas(self.tree.origin(node)[0]):
            words = text.replace("(", " ").replace(")", " ").split()
            if words[:1] == ["unroll"] or words[:2] == ["GCC", "unroll"] or words[:3] == ["clang", "loop", "unroll"]:
                kind = "serial" if words[-1] == "1" or words[-1].endswith("disable") else "unrolled"
            elif words[:1] == ["omp"] and self.platform.loop_axis is not None:
                kind = "threads" if shared_loop(text) else kind
            elif words[:1] != ["nounroll"]:
                self.pending.append(f"#pragma {text}")
        return kind

    def _as_while(self, node: Node) -> None:
        init, cond, update = field(node, "initializer"), field(node, "condition"), field(node, "update")
        if init is not None and init.type == "declaration":
            self.declaration(init)
        else:
            for e in _commas(init):
                self._init_assignment(e)
        self._while(node, cond, self.child(node, "body"), _commas(update))

    def _init_assignment(self, e: Node) -> None:
        """`i = 0` in a loop's head; a name that only counts loops gets its buffer here."""
        left = field(e, "left")
        symbol = self.find(self.text(left)) if left is not None and left.type == "identifier" else None
        if e.type == "assignment_expression" and isinstance(symbol, Unset) and symbol.loop and left is not None:
            value = build.convert(self.expr(self.child(e, "right")), symbol.dtype)
            self.define(self.text(left), self.cell(self.text(left), symbol.dtype, value, e))
        else:
            self.effect(e)

    def _counter(self, node: Node) -> _Counter | None:
        """The counting loop that the head states, or None."""
        init, cond, update = field(node, "initializer"), field(node, "condition"), field(node, "update")
        if cond is None or init is None or update is None:
            return None
        cond = strip_parens(cond)
        op = self.tree.operator(cond) if cond.type == "binary_expression" else ""
        if op not in _FLIP:
            return None
        left, right = strip_parens(self.child(cond, "left")), strip_parens(self.child(cond, "right"))
        for v, bound, way in ((left, right, op), (right, left, _FLIP[op])):
            ahead: Node | None = None
            if v.type == "binary_expression" and self.tree.operator(v) == "+":
                ahead, v = strip_parens(self.child(v, "right")), strip_parens(self.child(v, "left"))
            if v.type != "identifier" or (ahead is not None and ahead.type not in ("number_literal", "identifier")):
                continue
            got = self._started(init, v)
            if got is None:
                continue
            start, dtype, info = got
            if dtype.is_float or dtype == BOOL or info.address:
                return None
            mine: list[Node] = []
            others: list[Node] = []
            for u in _commas(update):
                (mine if any(u.id == w.id for w in info.writes) else others).append(u)
            writes = [w for w in info.writes if node.start_byte <= w.start_byte < node.end_byte and w.id not in
                      {e.id for e in _commas(init)}]
            if len(mine) != 1 or len(writes) != 1:
                return None
            stride = self._stride(mine[0], self.text(v))
            if stride is None:
                return None
            return _Counter(self.text(v), dtype, start, way, bound, stride[0], stride[1], others, info,
                            ahead)
        return None

    def _started(self, init: Node, v: Node) -> tuple[Node, ScalarType, Info] | None:
        """First value, type and facts of the variable that the head sets, if it is one that lives in the loop only."""
        name = self.text(v)
        if init.type == "declaration":
            base = self.types.specifier(init)
            for d in init.children_by_field_name("declarator"):
                got = self.types.declarator(d, base)
                if got.name is not None and self.text(got.name) == name:
                    t = got.type
                    if got.init is None or t.base is None or t.pointers or t.dims or t.reference:
                        return None
                    return got.init, t.base, self.usage.of(got.name)
            return None
        symbol = self.find(name)
        for e in _commas(init):
            left = field(e, "left")
            if e.type == "assignment_expression" and left is not None and self.text(left) == name \
                    and isinstance(symbol, Unset) and symbol.loop:
                info = next((i for i in self.usage.info.values() if any(w.id == e.id for w in i.writes)), None)
                return (self.child(e, "right"), symbol.dtype, info) if info is not None else None
        return None

    def _stride(self, u: Node, name: str) -> tuple[Node | None, bool] | None:
        """The step of an update of `name` (None: one) and whether it counts down."""
        if u.type == "update_expression":
            return None, self.tree.operator(u) == "--"
        op, right = self.tree.operator(u), strip_parens(self.child(u, "right"))
        if op in ("+=", "-="):
            return right, op == "-="
        if op == "=" and right.type == "binary_expression" and self.tree.operator(right) in ("+", "-"):
            a, b = strip_parens(self.child(right, "left")), strip_parens(self.child(right, "right"))
            minus = self.tree.operator(right) == "-"
            if a.type == "identifier" and self.text(a) == name:
                return b, minus
            if b.type == "identifier" and self.text(b) == name and not minus:
                return a, False
        return None

    def _counting(self, node: Node, c: _Counter, kind: ForKind) -> bool:
        """Emit the loop as a `For`; False when it turns out not to count."""
        lo = build.convert(self.expr(c.start), c.dtype)
        self._other_declarators(node, c)
        try:
            with self.unhoisted():
                bound = self.expr(c.bound)
                step: Expr = build.integer(1) if c.step is None else self.expr(c.step)
        except UnsupportedError:
            return False  # evaluated every time round; if it cannot be lowered at all, the other form says so
        if c.ahead is not None:
            gap = self.folded(self.expr(c.ahead))
            if not isinstance(gap, Const) or bound.dtype.kind != "int" or c.dtype.kind != "int" or gap.dtype.kind != "int":
                return False  # an unsigned bound may be smaller than the gap: then the difference is no bound
            bound = build.sub(bound, gap)
        if isinstance(step, Const) and not step.dtype.is_float and int(step.value) < 0:
            step, c.down = Const(-int(step.value), step.dtype), not c.down
        if not step.dtype.is_integer or (isinstance(step, Const) and int(step.value) == 0):
            return False
        step = build.convert(step, c.dtype)
        names = {n.name for e in (bound, step) for n in walk(e) if isinstance(n, Var)}
        reads = {n.buffer for e in (bound, step) for n in walk(e) if isinstance(n, Load)}
        mine, self.pending = self.pending, []
        if c.down:
            lo = self.stable(c.name + "_from", lo, node)  # the real value is computed from it in every round
        hi = self._upper(lo, bound, step, c) if not c.down else None
        count = self._trips(lo, bound, step, c) if c.down else None
        if hi is None and count is None:
            return False
        with self.block() as stmts:
            var = self.fresh(c.name if not c.down else c.name + "_up")
            if count is not None:
                name = self.fresh(c.name)
                gone = build.mul(Var(var, c.dtype), step)
                self.emit(Let(name, c.dtype, build.sub(lo, gone)), node)
                self.define(c.name, Value(Var(name, c.dtype)))
            else:
                self.define(c.name, Value(Var(var, c.dtype)))
            self.loops.append(LoopContext(on_continue=lambda: self._updates(c.other_updates)))
            body = self.child(node, "body")
            self.statement(body)
            self.loops.pop()
            self.end_of_block(body)
            self._updates(c.other_updates)
        block = Block(tuple(stmts))
        if reads & buffers_written(block) or (c.name in names and c.name == var):
            return False
        self.pending = mine + self.pending
        top = hi if hi is not None else count
        assert top is not None
        first, by = (lo, step) if count is None else (Const(0, c.dtype), Const(1, c.dtype))
        self.emit(For(var, first, top, by, block, kind, None, c.dtype), node)
        return True

    def _other_declarators(self, node: Node, c: _Counter) -> None:
        """What else the head sets goes in front of the loop."""
        init = self.child(node, "initializer")
        if init.type == "declaration":
            self.declare(init, skip=c.name)
        else:
            for e in _commas(init):
                left = field(e, "left")
                if left is None or self.text(left) != c.name:
                    self._init_assignment(e)

    def declare(self, node: Node, skip: str | None = None) -> None:
        raise NotImplementedError

    def end_of_block(self, node: Node) -> None:
        raise NotImplementedError

    # -- bounds --------------------------------------------------------------------------------------------------------

    def _comparable(self, lo: Expr, bound: Expr, t: ScalarType) -> Expr | None:
        """The bound in the variable's type, when comparing there means the same as C's comparison; else None."""
        if not bound.dtype.is_integer:
            return None
        if isinstance(bound, Const):
            converted = build.convert(bound, t)
            return converted if isinstance(converted, Const) else None
        if t.bits < 32:
            return None
        axes = {a.name for a in self.platform.axes}
        if common_type(t, bound.dtype) == t or bound.dtype.kind == t.kind or never_negative(lo, axes):
            # A bound beyond the variable's type would make it overflow: such a program has no meaning anyway.
            return build.convert(bound, t)
        return None

    def _upper(self, lo: Expr, bound: Expr, step: Expr, c: _Counter) -> Expr | None:
        hi = self._comparable(lo, bound, c.dtype)
        if hi is None or c.op in (">", ">="):
            return None
        if c.op == "!=":
            parts = [int(e.value) for e in (lo, hi, step) if isinstance(e, Const)]
            if len(parts) != 3 or parts[1] < parts[0] or (parts[1] - parts[0]) % parts[2]:
                return None
        if c.op == "<=":
            if isinstance(hi, Const) and int(hi.value) >= (1 << hi.dtype.bits - 1) - 1:
                return None
            hi = build.add(hi, Const(1, c.dtype))
            return build.convert(hi, c.dtype)
        return hi

    def _trips(self, lo: Expr, bound: Expr, step: Expr, c: _Counter) -> Expr | None:
        """How often a loop that counts down runs. Signed only: an unsigned variable may wrap."""
        end = self._comparable(lo, bound, c.dtype) if c.dtype.kind == "int" else None
        if end is None or c.op not in (">", ">=") or c.dtype.bits < 32:
            return None
        span = build.sub(lo, end)
        one = isinstance(step, Const) and int(step.value) == 1
        if c.op == ">=":
            return build.add(span, Const(1, c.dtype)) if one else build.div(build.add(span, step), step)
        return span if one else build.div(build.add(span, build.sub(step, Const(1, c.dtype))), step)


def _commas(node: Node | None) -> list[Node]:
    """The parts of a comma expression; none for an absent one."""
    if node is None:
        return []
    node = strip_parens(node)
    if node.type == "comma_expression":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        return _commas(left) + _commas(right)
    return [node]


def _same_loop(node: Node) -> list[Node]:
    """Nodes below that are not inside a loop or switch of their own."""
    out = [node]
    for c in node.named_children:
        if c.type not in ("for_statement", "while_statement", "do_statement", "switch_statement"):
            out += _same_loop(c)
    return out
