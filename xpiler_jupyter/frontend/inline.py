"""Helper functions: their bodies take the place of their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, If, Load, Store
from ..ir.types import I32, ScalarType
from ..ir.visit import walk
from .calls import Calls
from .context import MAX_INLINE
from .math_functions import is_trivial
from .symbols import Bundle, Cell, Got, Members, Moving, Place, Pointer, Ptr, Record, Symbol, Value
from .tree import preorder
from .typenames import Declared
from .unit import Function
from .usage import Info


@dataclass(slots=True)
class _Result:
    """Where an inlined body puts its value. `cell` is made when some return is not the last statement."""

    dtype: ScalarType | None
    cell: str | None = None
    record: Members | None = None


class Inliner(Calls):
    """Lowers calls of functions that the text defines."""

    def inline(self, node: Node, name: str) -> Got | None:
        arguments = self.arguments(node)
        f = self._callee(node, name, len(arguments))
        statements = [c for c in f.body.named_children] if f.body is not None else []
        simple = self._returned(statements)
        writes = simple is None and any(n.type in ("assignment_expression", "update_expression", "call_expression")
                                        for s in statements for n in preorder(s))
        if simple is None:
            self.need_hoisting(node, f"calling {name}, which takes several statements,")
        bound = [self._bind(p, a, f, writes) for p, a in zip(f.params, arguments, strict=True)]
        with self._inside(f):
            for key, symbol, late in bound:
                self.define(key, self._as_cell(key, symbol, node) if late else symbol)
            if simple is not None:
                return self._result_of(node, f, simple)
            return self._statements(node, f, statements)

    def _callee(self, node: Node, name: str, count: int) -> Function:
        candidates = [f for f in self.unit.functions[name] if not f.is_kernel]
        fitting = [f for f in candidates if len(f.params) == count or f.failure is not None or f.is_template]
        if any(f.name == name for f in self.functions):
            raise self.unsupported(node, f"{name} calls itself: recursion is not supported")
        if not candidates:
            raise self.unsupported(node, f"calling the kernel {name} is not supported")
        if not fitting:
            raise self.parse_error(node, f"{name} takes {len(candidates[0].params)} arguments, not {count}")
        if len(fitting) > 1:
            raise self.unsupported(node, f"several functions are called {name}: overloads are not supported",
                                   "Give them different names.")
        f = fitting[0]
        if f.is_template:
            raise self.unsupported(node, f"calling the template {name} is not supported yet")
        if f.failure is not None:
            raise f.failure
        if len(self.functions) > MAX_INLINE:
            raise self.unsupported(node, f"calls are nested too deeply at {name}")
        return f

    # -- arguments -----------------------------------------------------------------------------------------------------

    def _bind(self, p: Declared, a: Node, f: Function, writes: bool) -> tuple[str, Symbol, bool]:
        """Name and meaning of one parameter; the flag says that the body changes it, so it needs a buffer."""
        if p.name is None:
            self.value(a)
            return "", Value(Const(0, I32)), False
        key, info = self.text(p.name), self.unit.usage(f).of(p.name)
        if p.type.pointers or p.type.dims or p.type.row:
            ptr = self.pointer(a)
            dims = p.type.row or p.type.dims[1:]
            if p.type.base is not None and (p.type.base != ptr.dtype or p.type.record != ptr.record or dims):
                ptr = self._seen_as(a, ptr, p, dims)
            if info.changes:
                cell = self.cell(key + "_offset", I32, build.convert(ptr.offset, I32), a)
                return key, Moving(_at_zero(ptr), cell.buffer, I32, ptr.dtype), False
            return key, Pointer(self.stable_pointer(key, ptr, a)), False
        if p.type.base is None:
            raise self.unsupported(a, f"the parameter {key} of {f.name} has no type")
        if p.type.record is not None:
            return key, self._bind_record(p, a, info, p.type.record), False
        if p.type.reference and not p.type.const:
            place = self.place(a)
            if place.dtype != p.type.base:
                raise self.parse_error(a, f"{f.name} refers to a {p.type.base}, this is a {place.dtype}")
            return key, self.stable_place(key, place, a), False
        e = build.convert(self.expr(a), p.type.base)
        if info.changes:
            self.need_hoisting(a, f"calling {f.name}, which changes its parameter {key},")
            return key, Value(e), True
        again = len(info.reads) > 1 and not is_trivial(e)
        moves = writes and any(isinstance(n, Load) for n in walk(e))
        if self.hoisting and (again or moves):
            return key, self.let(key, e, a), False
        return key, Value(e, e if isinstance(e, Const) else None), False

    def _bind_record(self, p: Declared, a: Node, info: Info, record: Record) -> Symbol:
        """A record parameter: the place itself, or a copy where the body changes it or memory may change below it."""
        key = self.text(p.name) if p.name is not None else ""
        if p.type.reference and not p.type.const:
            symbol = self.find(self.text(a))
            if isinstance(symbol, Members):
                return symbol
            return Members(record, tuple(self.stable_place(key, x, a) for x in self.record_places(a)))
        value = self.record_value(a, record)
        if info.changes:
            self.need_hoisting(a, f"a call that changes its parameter {key}")
            return self.record_variable(key, record, value, a, True, info.pointed)
        held = self.held_record(key, value, a)
        return Members(record, tuple(Value(e, e if isinstance(e, Const) else None) for e in held.values))

    def _as_cell(self, key: str, symbol: Symbol, node: Node) -> Symbol:
        assert isinstance(symbol, Value)
        return self.cell(key, symbol.expr.dtype, symbol.expr, node)

    def _seen_as(self, a: Node, ptr: Ptr, p: Declared, dims: tuple[Node | None, ...]) -> Ptr:
        if dims:
            sizes = tuple(self.constant(d, "an array dimension", a) for d in dims)
            if sizes == ptr.rest and ptr.dtype == p.type.base:
                return ptr
            raise self.unsupported(a, "passing an array with other dimensions is not supported")
        return self.retype(a, ptr, p.type)

    def stable_pointer(self, name: str, ptr: Ptr, node: Node) -> Ptr:
        """`ptr` as it is now: what its offset reads from memory is named."""
        if any(isinstance(n, Load) for n in walk(ptr.offset)) and self.hoisting:
            offset = self.let(name + "_offset", ptr.offset, node).expr
            ptr = _with_offset(ptr, offset)
        if any(isinstance(n, Load) for e in ptr.prefix for n in walk(e)) and self.hoisting:
            ptr = _with_prefix(ptr, tuple(self.stable(name + "_index", e, node) for e in ptr.prefix))
        return ptr

    def stable_place(self, name: str, place: Place | Cell, node: Node) -> Place | Cell:
        if isinstance(place, Cell):
            return place
        return Place(place.buffer, tuple(self.stable(name + "_index", e, node) for e in place.indices), place.dtype)

    def stable(self, name: str, e: Expr, node: Node) -> Expr:
        if not any(isinstance(n, Load) for n in walk(e)):
            return e
        self.need_hoisting(node, "an index read from memory")
        return self.let(name, e, node).expr

    # -- bodies --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _inside(self, f: Function) -> Iterator[None]:
        """Scopes, comments and loops of the callee; names of the caller stay taken."""
        prepared = self.tree.prepared
        saved = (self.scopes, self.loops, self.comment_at, self.pragma_at)
        self.scopes, self.loops = [{}], []
        self.functions.append(f)
        start = self.tree.origin(f.body)[0] if f.body is not None else 0
        self.comment_at = next((k for k, c in enumerate(prepared.comments) if c.start >= start), len(prepared.comments))
        self.pragma_at = next((k for k, c in enumerate(prepared.pragmas) if c.start >= start), len(prepared.pragmas))
        try:
            yield
        finally:
            self.functions.pop()
            self.scopes, self.loops, self.comment_at, self.pragma_at = saved

    def _returned(self, statements: list[Node]) -> list[Node] | None:
        """The statements, if they are nothing but returns under ifs: such a body is one expression."""
        def pure(nodes: list[Node]) -> bool:
            if not nodes:
                return False
            for k, s in enumerate(nodes):
                if s.type == "return_statement":
                    return k == len(nodes) - 1 and len(s.named_children) == 1
                if s.type != "if_statement" or not pure(_branch(s, "consequence")):
                    return False
                other = _branch(s, "alternative")
                if other:
                    return k == len(nodes) - 1 and pure(other)
            return False
        return statements if pure(statements) else None

    def _result_of(self, node: Node, f: Function, statements: list[Node]) -> Got:
        """The value of a body of returns: nested ?:."""
        s = statements[0]
        if s.type == "return_statement":
            if f.result.record is not None and not f.result.pointers:
                return self.record_value(s.named_children[0], f.result.record)
            got = self.value(s.named_children[0])
            if f.result.base is None or f.result.pointers or isinstance(got, Ptr):
                if isinstance(got, Ptr) and f.result.pointers == 1:
                    return got
                raise self.unsupported(node, f"the result of {f.name} is not supported")
            if isinstance(got, Bundle):
                raise self.parse_error(s, f"this return does not fit the type of {f.name}")
            return build.convert(got, f.result.base)
        cond = self.condition(self.child(s, "condition"))
        with self.unhoisted():
            a = self._result_of(node, f, _branch(s, "consequence"))
            b = self._result_of(node, f, _branch(s, "alternative") or statements[1:])
        if isinstance(a, Bundle) and isinstance(b, Bundle):
            return replace(a, values=tuple(self.select(cond, x, y) for x, y in zip(a.values, b.values, strict=True)))
        if isinstance(a, Ptr | Bundle) or isinstance(b, Ptr | Bundle):
            raise self.unsupported(node, f"{f.name} returns one of several pointers")
        return self.select(cond, a, b)

    def _statements(self, node: Node, f: Function, statements: list[Node]) -> Got | None:
        if f.result.pointers:
            raise self.unsupported(node, f"{f.name}, which computes a pointer in several statements, is not supported")
        returns = [n for s in statements for n in preorder(s) if n.type == "return_statement"]
        result = _Result(f.result.base)
        last = statements[-1] if statements else None
        if (len(returns) == 1 and last is not None and returns[0].id == last.id) or not returns:
            tail = last if returns else None
            for s in statements[:-1] if tail is not None else statements:
                self.statement(s)
            if tail is None or not tail.named_children:
                if result.dtype is not None:
                    raise self.parse_error(f.node, f"{f.name} ends without a return")
                return None
            if result.dtype is None:
                raise self.parse_error(tail, f"{f.name} returns a value but is void")
            if f.result.record is not None:
                return self.held_record(f.name, self.record_value(tail.named_children[0], f.result.record), node)
            return self._settled(f, build.convert(self.expr(tail.named_children[0]), result.dtype), node)
        if f.result.record is not None:
            result.record = self.record_variable(f.name + "_result", f.result.record, None, node, True, False)
            self._tail(f, statements, result)
            return self.read(result.record, node)
        if result.dtype is not None:
            result.cell = self.fresh(f.name + "_result")
            self.emit(Alloc(result.cell, result.dtype, ()), node)
        self._tail(f, statements, result)
        return Load(result.cell, (), result.dtype) if result.cell is not None and result.dtype is not None else None

    def _settled(self, f: Function, e: Expr, node: Node) -> Expr:
        """A result that later statements cannot change: reads of shared or outer memory are named now."""
        outer = any(isinstance(n, Load) and (n.indices or n.buffer not in set().union(*self.visible)) for n in walk(e))
        return self.let(f.name + "_result", e, node).expr if outer else e

    def _tail(self, f: Function, statements: list[Node], result: _Result) -> None:
        """Statements in tail position: what follows an `if` that returns goes into its other branch."""
        for k, s in enumerate(statements):
            if s.type == "return_statement":
                if s.named_children and result.record is not None:
                    places = tuple(x for x in result.record.fields if isinstance(x, Cell | Place))
                    self.store_record(places, self.record_value(s.named_children[0], result.record.record), s)
                    return
                if s.named_children and result.cell is not None and result.dtype is not None:
                    value = build.convert(self.expr(s.named_children[0]), result.dtype)
                    self.emit(Store(result.cell, (), value, result.dtype), s)
                elif s.named_children or result.cell is not None:
                    raise self.parse_error(s, f"this return does not fit the type of {f.name}")
                return
            if not _returns(s):
                self.statement(s)
                continue
            rest = statements[k + 1:]
            if s.type == "compound_statement":
                self._tail(f, [*s.named_children, *rest], result)
                return
            if s.type == "switch_statement":
                self._switch_tail(f, s, rest, result)
                return
            if s.type != "if_statement":
                raise self.unsupported(s, f"{f.name} returns from inside a loop", "Let it leave the loop first.")
            then, other = _branch(s, "consequence"), _branch(s, "alternative")
            cond = self.condition(self.child(s, "condition"))
            with self.block() as yes:
                self._tail(f, then if _always_returns(then) else [*then, *rest], result)
            with self.block() as no:
                self._tail(f, other if _always_returns(other) else [*other, *rest], result)
            self.emit(If(cond, _block(yes), _block(no) if no else None), s)
            return


    def _switch_tail(self, f: Function, s: Node, rest: list[Node], result: _Result) -> None:
        """A switch that returns, and what follows it: that is reached by the cases that only break."""
        if rest:
            others = [c for c in self.child(s, "body").named_children if not _case_returns(c)]
            covered = any(c.type == "case_statement" and c.child_by_field_name("value") is None
                          for c in self.child(s, "body").named_children)
            if not covered and all(len(c.named_children) <= 1 for c in others):
                # Without a default the rest is one: every case returns.
                self.switch(s, lambda statements: self._tail(f, statements, result), lambda: self._tail(f, rest, result))
                return
            raise self.unsupported(s, f"{f.name} goes on behind a switch in which some cases return",
                                   "Let every case return, or none.")
        self.switch(s, lambda statements: self._tail(f, statements, result))

    def switch(self, node: Node, lower: Callable[[list[Node]], None], otherwise: Callable[[], None] | None = None) -> None:
        raise NotImplementedError


def _case_returns(case: Node) -> bool:
    label = case.child_by_field_name("value")
    return _always_returns([c for c in case.named_children if label is None or c.id != label.id])


def _block(stmts: list[AnyStmt]) -> Block:
    return Block(tuple(stmts))


def _branch(node: Node, name: str) -> list[Node]:
    """The statements of one branch of an if."""
    got = node.child_by_field_name(name)
    if got is not None and got.type == "else_clause":
        got = next((c for c in got.named_children), None)
    if got is None:
        return []
    return list(got.named_children) if got.type == "compound_statement" else [got]


def _returns(node: Node) -> bool:
    return any(n.type == "return_statement" for n in preorder(node))


def _always_returns(statements: list[Node]) -> bool:
    if not statements:
        return False
    s = statements[-1]
    if s.type == "return_statement":
        return True
    if s.type == "compound_statement":
        return _always_returns(list(s.named_children))
    return s.type == "if_statement" and _always_returns(_branch(s, "consequence")) and \
        _always_returns(_branch(s, "alternative"))


def _at_zero(ptr: Ptr) -> Ptr:
    return _with_offset(ptr, build.integer(0))


def _with_offset(ptr: Ptr, offset: Expr) -> Ptr:
    return replace(ptr, offset=offset)


def _with_prefix(ptr: Ptr, prefix: tuple[Expr, ...]) -> Ptr:
    return replace(ptr, prefix=prefix)
