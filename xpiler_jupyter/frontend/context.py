"""The state of lowering one kernel: scopes, names, the statements made so far, comments still to place."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tree_sitter import Node

from ..errors import ParseError, UnsupportedError
from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, Let, Load, Span, Store, Var
from ..ir.types import ScalarType
from ..ir.visit import fresh_name
from .functions import Function
from .symbols import Cell, Got, Operand, Place, Struct, Symbol, Value
from .typenames import CType
from .unit import Unit
from .usage import Usage
from .view import View

# Deeper inlining than this is recursion in disguise.
MAX_INLINE = 40


@dataclass(slots=True)
class LoopContext:
    """An enclosing loop or switch. `on_continue` makes the statements that `continue` must run first; a switch hands
    `continue` through and has its own rules for `break`."""

    on_continue: Callable[[], None] | None = None
    is_switch: bool = False
    break_first: bool = False


@dataclass(slots=True)
class Launched:
    """What the launch says to the body: extents of axes by axis name, and bytes of dynamic shared memory."""

    extents: dict[str, Expr]
    shared_bytes: Expr | None = None


class Context:
    """Base of the lowering classes: each adds one kind of syntax."""

    def __init__(self, unit: Unit, function: Function, launched: Launched | None, reserved: set[str]) -> None:
        self.unit, self.tree, self.platform = unit, unit.tree, unit.platform
        self.types = unit.types.within(self.composed)
        self.types.scopes.append(dict(function.types))
        self.launched = launched
        self.functions: list[Function] = [function]
        self.scopes: list[dict[str, Symbol]] = [{k: Value(v, v) for k, v in function.values.items()}, {}]
        # Names that a new binder must not shadow; printed text flattens plain blocks, so those share one set.
        self.visible: list[set[str]] = [set(reserved) | set(unit.globals) | set(unit.enums)]
        self.out: list[AnyStmt] = []
        self.hoisting = True
        self.prologue: list[AnyStmt] = []
        self.global_scope: dict[str, Symbol] = {}
        self.shared: list[Alloc] = []
        self.register_words: dict[str, str] = {}  # the declared type of each vector register
        self.memories: dict[str, str] = {}  # of buffers declared in the body; the others are parameters
        self.views: list[View] = []  # local arrays seen as elements of another size, and what they were declared as
        self.stored_types: dict[str, ScalarType] = {}
        self.mentioned: set[str] = set()
        self.loops: list[LoopContext] = []
        self.pending: list[str] = []
        comments = unit.tree.prepared.comments
        start = unit.tree.origin(function.node)[0]
        self.comment_at = bisect_left(comments, start, key=lambda c: c.start)
        self.pragma_at = bisect_left(unit.tree.prepared.pragmas, start, key=lambda c: c.start)
        self.statement_names: list[str] = []
        self.this: Struct | None = None  # the struct whose member function is being lowered

    # -- defined by the classes above this one -------------------------------------------------------------------------

    def composed(self, node: Node) -> CType | None:
        raise NotImplementedError

    def value(self, node: Node) -> Got:
        raise NotImplementedError

    def folded(self, e: Expr) -> Expr:
        raise NotImplementedError

    def expr(self, node: Node) -> Expr:
        raise NotImplementedError

    def condition(self, node: Node) -> Expr:
        raise NotImplementedError

    def call(self, node: Node) -> Operand | None:
        raise NotImplementedError

    def statement(self, node: Node) -> None:
        raise NotImplementedError

    def global_symbol(self, name: str, node: Node) -> Symbol | None:
        raise NotImplementedError

    def effect(self, node: Node) -> None:
        raise NotImplementedError

    def declaration(self, node: Node) -> None:
        raise NotImplementedError

    # -- errors and places ---------------------------------------------------------------------------------------------

    def unsupported(self, node: Node, message: str, hint: str | None = None) -> UnsupportedError:
        return self.tree.unsupported(node, message, hint)

    def parse_error(self, node: Node, message: str, hint: str | None = None) -> ParseError:
        return self.tree.parse_error(node, message, hint)

    def text(self, node: Node) -> str:
        return self.tree.text_of(node)

    def span(self, node: Node) -> Span:
        return self.tree.span(node)

    def at(self, e: Expr, node: Node) -> Expr:
        """`e` with the node's place, unless it has one."""
        return replace(e, span=self.span(node)) if e.span is None else e

    def child(self, node: Node, name: str) -> Node:
        """A field that the grammar promises. Raises ParseError when the text lacks it."""
        got = node.child_by_field_name(name)
        if got is None:
            raise self.parse_error(node, f"this {node.type.replace('_', ' ')} lacks its {name}")
        return got

    # -- names ---------------------------------------------------------------------------------------------------------

    @property
    def usage(self) -> Usage:
        return self.unit.usage(self.functions[-1])

    def find(self, name: str) -> Symbol | None:
        return next((s[name] for s in reversed(self.scopes) if name in s), None)

    def define(self, name: str, symbol: Symbol) -> None:
        self.scopes[-1][name] = symbol

    def rebind(self, name: str, symbol: Symbol) -> None:
        """Replace what a visible name stands for."""
        for s in reversed(self.scopes):
            if name in s:
                s[name] = symbol
                return

    def fresh(self, base: str) -> str:
        """A name that shadows nothing, now taken."""
        taken = set().union(*self.visible)
        name = fresh_name(base, taken)
        self.visible[-1].add(name)
        return name

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append({})
        try:
            yield
        finally:
            self.scopes.pop()

    # -- statements ----------------------------------------------------------------------------------------------------

    def emit(self, stmt: AnyStmt, node: Node | None = None) -> None:
        """Add a statement to the current block."""
        if node is not None and stmt.span is None:
            stmt = replace(stmt, span=self.span(node))
        if self.pending and not isinstance(stmt, Block):
            stmt, self.pending = replace(stmt, comments=(*self.pending, *stmt.comments)), []
        self.out.append(stmt)

    @contextmanager
    def block(self) -> Iterator[list[AnyStmt]]:
        """Collect statements into a list of their own; names made inside are free again afterwards."""
        outer, hoisting, self.out, self.hoisting = self.out, self.hoisting, [], True
        self.visible.append(set())
        self.scopes.append({})
        try:
            yield self.out
        finally:
            self.out, self.hoisting = outer, hoisting
            self.visible.pop()
            self.scopes.pop()

    @contextmanager
    def unhoisted(self) -> Iterator[None]:
        """Here an expression is evaluated only sometimes, or again and again: nothing may move in front of it."""
        outer, self.hoisting = self.hoisting, False
        try:
            yield
        finally:
            self.hoisting = outer

    def need_hoisting(self, node: Node, what: str) -> None:
        if not self.hoisting:
            raise self.unsupported(node, f"{what} inside a condition or a ?: is not supported",
                                   "Compute it in a statement before.")

    def let(self, base: str, e: Expr, node: Node) -> Value:
        """Name an expression in front of the current statement."""
        name = self.fresh(base)
        self.emit(Let(name, e.dtype, e), node)
        return self.value_of(name, e)

    def value_of(self, name: str, e: Expr) -> Value:
        return Value(Var(name, e.dtype), e if isinstance(e, Const) else None)

    def cell(self, base: str, dtype: ScalarType, init: Expr | None, node: Node) -> Cell:
        """A new rank-0 buffer, with its first value if there is one."""
        name = self.fresh(base)
        self.emit(Alloc(name, dtype, ()), node)
        if init is not None:
            self.emit(Store(name, (), init, dtype), node)
        return Cell(name, dtype)

    def load(self, place: Cell | Place) -> Load:
        return Load(place.buffer, place.indices if isinstance(place, Place) else (), place.dtype)

    def store(self, place: Cell | Place, value: Expr, node: Node) -> None:
        indices = place.indices if isinstance(place, Place) else ()
        self.emit(Store(place.buffer, indices, value, place.dtype), node)

    # -- going back ----------------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[Any, ...]:
        """Everything that lowering a statement may change, to try another form of it."""
        return (len(self.out), self.comment_at, self.pragma_at, list(self.pending), list(self.shared),
                set(self.mentioned), [dict(s) for s in self.scopes], [set(v) for v in self.visible],
                list(self.prologue), dict(self.global_scope))

    def restore(self, state: tuple[Any, ...]) -> None:
        (count, self.comment_at, self.pragma_at, self.pending, self.shared, self.mentioned, scopes, visible,
         self.prologue, globals_) = state
        del self.out[count:]
        for s, old in zip(self.scopes, scopes, strict=True):
            s.clear()
            s.update(old)
        for v, old in zip(self.visible, visible, strict=True):
            v.clear()
            v.update(old)
        self.global_scope.clear()
        self.global_scope.update(globals_)

    # -- comments ------------------------------------------------------------------------------------------------------

    def take_comments(self, before: int) -> list[str]:
        """Texts of the comments not placed yet that start before an offset of the original text."""
        comments, out = self.tree.prepared.comments, []
        while self.comment_at < len(comments) and comments[self.comment_at].start < before:
            out.append(comments[self.comment_at].text)
            self.comment_at += 1
        return [c for c in out if c]

    def take_same_line(self, after: int) -> list[str]:
        """A comment that follows an offset on the same line."""
        comments = self.tree.prepared.comments
        if self.comment_at < len(comments):
            between = self.tree.source.text[after:comments[self.comment_at].start]
            if comments[self.comment_at].start >= after and not between.strip(" \t;") and "\n" not in between:
                return self.take_comments(comments[self.comment_at].start + 1)
        return []

    def take_pragmas(self, before: int) -> list[str]:
        pragmas, out = self.tree.prepared.pragmas, []
        while self.pragma_at < len(pragmas) and pragmas[self.pragma_at].start < before:
            out.append(pragmas[self.pragma_at].text)
            self.pragma_at += 1
        return out
