"""Helper functions: their bodies take the place of their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import AnyStmt, Block, Break, Const, If, Load, Store, Unary
from ..ir.types import BOOL
from ..ir.visit import walk
from .context import MAX_INLINE
from .functions import Function
from .parameters import Parameters
from .symbols import Bundle, Cell, Closure, Members, Operand, Place, Ptr, Struct, Structs, Symbol, Value
from .tree import preorder
from .typenames import CType

_LOOPS = frozenset(("for_statement", "while_statement", "do_statement", "for_range_loop"))


@dataclass(slots=True)
class Result:
    """Where an inlined body puts its value. `place` is made when some return is not the last statement, `left` when one
    stands in a loop: it says that the body is over."""

    type: CType
    place: Cell | Struct | Members | None = None
    left: Cell | None = None


class Inliner(Parameters):
    """Lowers calls of functions that the text defines."""

    result: Result | None = None  # of the function being inlined, where its returns are stored

    def inline(self, node: Node, name: str, explicit: Sequence[Node] | None = None,
               scope: tuple[str, ...] = ()) -> Operand | None:
        """A call of the function called `name`, by its template arguments if it is written with some."""
        candidates = [f for f in self.unit.functions[name] if not f.is_kernel]
        if scope:
            candidates = [f for f in candidates if f.scope[-len(scope):] == scope] or candidates
        if not candidates:
            raise self.unsupported(node, f"calling the kernel {name} is not supported")
        args = self.operands(self.arguments(node))
        return self.run(node, self.choose(node, name, candidates, args, explicit), args, None)

    def operands(self, nodes: Sequence[Node]) -> list[Operand | Node]:
        """The values of arguments, in order; a list in braces stays a node."""
        return [a if a.type == "initializer_list" else self.operand(a) for a in nodes]

    def run(self, node: Node, f: Function, args: Sequence[Operand | Node], this: Struct | None,
            closure: Closure | None = None) -> Operand | None:
        """The body of `f` in place of the call at `node`.

        Args:
            args: the arguments' values.
            this: the struct that a member function is called on.
            closure: the lambda whose body it is; it sees the names around it.
        Raises:
            XpilerError: the function calls itself, or something in it is outside the language.
        """
        if any(g.node.id == f.node.id and dict(g.types) == dict(f.types) and dict(g.values) == dict(f.values)
               for g in self.functions):
            raise self.unsupported(node, f"{f.name} calls itself: recursion is not supported")
        if len(self.functions) > MAX_INLINE:
            raise self.unsupported(node, f"calls are nested too deeply at {f.name}")
        if len(args) > len(f.params):
            raise self.parse_error(node, f"{f.name} takes {len(f.params)} arguments, not {len(args)}")
        statements = [c for c in f.body.named_children] if f.body is not None else []
        simple = self._returned(statements)
        writes = simple is None and any(n.type in ("assignment_expression", "update_expression", "call_expression")
                                        for s in statements for n in preorder(s))
        if simple is None and statements:
            self.need_hoisting(node, f"calling {f.name}, which takes several statements,")
        with self.entered(node, f, args, this, closure, writes):
            if simple is not None:
                return self._result_of(node, f, simple)
            return self._statements(node, f, statements)

    @contextmanager
    def entered(self, node: Node, f: Function, args: Sequence[Operand | Node], this: Struct | None,
                closure: Closure | None, writes: bool) -> Iterator[None]:
        """The scope of the body, its parameters bound; `writes`: it may change what an argument reads."""
        nodes = self.arguments(node) if node.type == "call_expression" else []
        with self._inside(f, this, closure):
            for k, p in enumerate(f.params):
                at = nodes[k] if k < len(nodes) and len(nodes) == len(args) else node
                got = args[k] if k < len(args) else self._default(node, f, k)
                key, symbol = self._bind(p, got, at, f, writes)
                if key:
                    self.define(key, symbol)
            self.scopes.append({})
            yield

    def _default(self, node: Node, f: Function, k: int) -> Operand | Node:
        if k not in f.defaults:
            raise self.parse_error(node, f"{f.name} takes {len(f.params)} arguments, not {k}")
        return self.operands([f.defaults[k]])[0]

    # -- bodies --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _inside(self, f: Function, this: Struct | None, closure: Closure | None) -> Iterator[None]:
        """Scopes, comments and loops of the callee; names of the caller stay taken."""
        prepared = self.tree.prepared
        saved = (self.scopes, self.loops, self.comment_at, self.pragma_at, self.this, self.result)
        own: dict[str, Symbol] = {k: Value(v, v) for k, v in f.values.items()}
        self.scopes = [*(closure.scopes if closure is not None else ()), {**own, **(this.members if this else {})}, {}]
        self.loops, self.result = [], None
        self.this = this if closure is None else self.this
        self.functions.append(f)
        start = self.tree.origin(f.body)[0] if f.body is not None else 0
        self.comment_at = next((k for k, c in enumerate(prepared.comments) if c.start >= start), len(prepared.comments))
        self.pragma_at = next((k for k, c in enumerate(prepared.pragmas) if c.start >= start), len(prepared.pragmas))
        try:
            with self.types.inside(f.types):
                if closure is not None:
                    self.types.scopes = [*closure.types, *self.types.scopes]
                yield
        finally:
            self.functions.pop()
            self.scopes, self.loops, self.comment_at, self.pragma_at, self.this, self.result = saved

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

    def _result_of(self, node: Node, f: Function, statements: list[Node]) -> Operand:
        """The value of a body of returns: nested ?:."""
        s = statements[0]
        if s.type == "return_statement":
            return self._returned_value(node, f, s)
        cond = self.condition(self.child(s, "condition"))
        yes, no = _branch(s, "consequence"), _branch(s, "alternative") or statements[1:]
        if isinstance(cond, Const):
            return self._result_of(node, f, yes if cond.value else no)
        with self.unhoisted():
            a, b = self._result_of(node, f, yes), self._result_of(node, f, no)
        return self.either(node, cond, a, b, f"{f.name} returns one of several pointers")

    def _returned_value(self, node: Node, f: Function, s: Node) -> Operand:
        """What `return ...;` gives, in the function's own type."""
        given, t = s.named_children[0], f.result
        if t.struct is not None and given.type == "initializer_list":
            return self.built(t.struct, given, given)
        if t.record is not None and not t.pointers:
            return self.record_value(given, t.record)
        got = self.operand(given)
        if isinstance(got, Struct | Structs | Closure):
            if t.auto or (isinstance(got, Struct | Structs) and t.struct is got.type):
                return got
            raise self.unsupported(node, f"the result of {f.name} is not supported")
        if isinstance(got, Ptr):
            if t.pointers == 1 or t.auto:
                return got
            raise self.unsupported(node, f"the result of {f.name} is not supported")
        if t.struct is not None:
            return self.built(t.struct, given, given)
        if t.auto:
            return got
        if isinstance(got, Bundle):
            raise self.parse_error(s, f"this return does not fit the type of {f.name}")
        if t.base is None or t.pointers:
            raise self.unsupported(node, f"the result of {f.name} is not supported")
        return build.convert(got, t.base)

    def _statements(self, node: Node, f: Function, statements: list[Node]) -> Operand | None:
        returns = [n for s in statements for n in _own(s) if n.type == "return_statement"]
        valued = any(r.named_children for r in returns)
        last = statements[-1] if statements else None
        if (len(returns) == 1 and last is not None and returns[0].id == last.id) or not returns:
            tail = last if returns else None
            for s in statements[:-1] if tail is not None else statements:
                self.statement(s)
            if tail is None or not tail.named_children:
                if _gives(f.result) and not (f.result.auto and not valued):
                    raise self.parse_error(f.node, f"{f.name} ends without a return")
                return None
            if not _gives(f.result):
                raise self.parse_error(tail, f"{f.name} returns a value but is void")
            return self._settled(f, self._returned_value(node, f, tail), node)
        if f.result.pointers:
            raise self.unsupported(node, f"{f.name}, which computes a pointer in several statements, is not supported")
        t = f.result
        if t.auto and valued:
            raise self.unsupported(node, f"{f.name} returns in several places and its type is auto: not supported",
                                   "Write its type.")
        result = Result(t)
        if t.struct is not None:
            result.place = self.storage(t.struct, f.name + "_result", node)
        elif t.record is not None:
            result.place = self.record_variable(f.name + "_result", t.record, None, node, True, False)
        elif t.base is not None:
            result.place = self.cell(f.name + "_result", t.base, None, node)
        self._tail(f, statements, result)
        if isinstance(result.place, Members):
            return self.read(result.place, node)
        return self.load(result.place) if isinstance(result.place, Cell) else result.place

    def _settled(self, f: Function, e: Operand, node: Node) -> Operand:
        """A result that later statements cannot change: reads of shared or outer memory are named now."""
        if isinstance(e, Bundle):
            return self.held_record(f.name, e, node)
        if isinstance(e, Ptr | Struct | Structs | Closure) or f.result.reference:
            return e
        outer = any(isinstance(n, Load) and (n.indices or n.buffer not in set().union(*self.visible)) for n in walk(e))
        return self.let(f.name + "_result", e, node).expr if outer else e

    def _tail(self, f: Function, statements: list[Node], result: Result) -> None:
        """Statements in tail position: what follows an `if` that returns goes into its other branch, what follows a loop
        that returns stands under the question whether it did."""
        for k, s in enumerate(statements):
            if s.type == "return_statement":
                self._keep(f, s, result)
                return
            if not _returns(s):
                self.statement(s)
                continue
            rest = statements[k + 1:]
            if s.type == "compound_statement":
                self._tail(f, [*s.named_children, *rest], result)
                return
            if s.type in _LOOPS:
                left = self.cell(f.name + "_left", BOOL, Const(False, BOOL), s)
                outer, self.result = self.result, replace(result, left=left)
                self.statement(s)
                self.result = outer
                if rest:
                    with self.block() as more:
                        self._tail(f, rest, result)
                    self.emit(If(Unary("!", self.load(left), BOOL), _block(more)), s)
                return
            if s.type == "switch_statement":
                self._switch_tail(f, s, rest, result)
                return
            if s.type != "if_statement":
                raise self.unsupported(s, f"{f.name} returns from inside a {s.type.replace('_', ' ')}")
            then, other = _branch(s, "consequence"), _branch(s, "alternative")
            cond = self.condition(self.child(s, "condition"))
            yes_all = then if _always_returns(then) else [*then, *rest]
            no_all = other if _always_returns(other) else [*other, *rest]
            if isinstance(cond, Const):
                self._tail(f, yes_all if cond.value else no_all, result)
                return
            with self.block() as yes:
                self._tail(f, yes_all, result)
            with self.block() as no:
                self._tail(f, no_all, result)
            self.emit(If(cond, _block(yes), _block(no) if no else None), s)
            return

    def _keep(self, f: Function, s: Node, result: Result) -> None:
        """Stores what a return gives."""
        if bool(s.named_children) != (result.place is not None):
            raise self.parse_error(s, f"this return does not fit the type of {f.name}")
        if result.place is None:
            return
        got = self._returned_value(s, f, s)
        if isinstance(result.place, Struct):
            if isinstance(got, Struct):
                self.copy_struct(result.place, got, s)
        elif isinstance(result.place, Members):
            if isinstance(got, Bundle):
                self.store_record(tuple(x for x in result.place.fields if isinstance(x, Cell | Place)), got, s)
        elif not isinstance(got, Ptr | Bundle | Struct | Structs | Closure):
            self.emit(Store(result.place.buffer, (), got, result.place.dtype), s)

    def leave(self, node: Node) -> bool:
        """`return` inside a loop of an inlined function: keep the value, say so, and leave the loop. False elsewhere."""
        if self.result is None or self.result.left is None or not self.loops:
            return False
        self._keep(self.functions[-1], node, self.result)
        self.store(self.result.left, Const(True, BOOL), node)
        self.emit(Break(), node)
        return True

    def leave_outer(self, node: Node) -> None:
        """Behind a loop in a loop: the outer one ends too if the inner one returned."""
        if self.result is not None and self.result.left is not None and self.loops and _returns(node):
            self.emit(If(self.load(self.result.left), Block((Break(),))), node)

    def _switch_tail(self, f: Function, s: Node, rest: list[Node], result: Result) -> None:
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


def _own(node: Node) -> Iterator[Node]:
    """The nodes below that are not inside a lambda's body."""
    todo = [node]
    while todo:
        n = todo.pop()
        yield n
        todo.extend(c for c in reversed(n.children) if c.type != "lambda_expression")


def _returns(node: Node) -> bool:
    return any(n.type == "return_statement" for n in _own(node))


def _gives(t: CType) -> bool:
    """Is there a value of this type?"""
    return t.base is not None or t.struct is not None or bool(t.pointers) or t.auto


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
