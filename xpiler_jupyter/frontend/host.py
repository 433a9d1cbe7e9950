"""Host code, read symbolically: what it allocates, copies and launches, over the parameters of the host function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tree_sitter import Node

from ..errors import XpilerError
from ..ir import build
from ..ir.nodes import Binary, Cast, Expr
from ..ir.simplify import negate
from ..ir.types import BOOL
from .functions import Function
from .host_facts import DeviceBuffer
from .host_helpers import HostHelpers
from .host_values import CHANGES, ones
from .symbols import Value
from .tree import field as child
from .tree import preorder, strip_parens
from .unit import Unit

_DECLARATORS = frozenset(("pointer_declarator", "array_declarator", "parenthesized_declarator", "identifier",
                          "function_declarator", "reference_declarator"))
_LEAVES = ("return_statement", "throw_statement")
_ENDS = ("exit", "abort", "_exit", "std::exit", "std::abort", "std::terminate", "quick_exit")


class HostReader(HostHelpers):
    """Walks one host function in order. What hides under conditions and loops is read too, but keeps the function from
    being a plain wrapper (`oddity`)."""

    def __init__(self, unit: Unit, f: Function) -> None:
        super().__init__(unit, f)
        for s in f.body.named_children if f.body is not None else ():
            self.walk(s)

    # -- statements ----------------------------------------------------------------------------------------------------

    def walk(self, node: Node) -> None:
        kind = node.type
        if kind in ("compound_statement", "catch_clause", "else_clause"):
            for c in node.named_children:
                self.walk(c)
        elif kind == "declaration":
            self._declared(node)
        elif kind in ("expression_statement", "return_statement"):
            for c in node.named_children:
                self._expression(c)
        elif kind == "if_statement":
            self._if(node)
        elif kind == "do_statement" and self.text(strip_parens(self.child(node, "condition"))) in ("0", "false"):
            self.walk(self.child(node, "body"))
        elif kind in ("for_statement", "while_statement", "do_statement", "for_range_loop"):
            self._loop(node)
        elif kind in ("try_statement", "switch_statement", "case_statement", "labeled_statement"):
            for c in node.named_children:
                with self._under("a condition", None):
                    self.walk(c)
        else:
            self.calls_in(node)

    @contextmanager
    def _under(self, where: str, guard: Expr | None) -> Iterator[None]:
        outer, self.inside = self.inside, self.inside or where
        if where == "a condition":
            self.guards.append(guard)
        try:
            yield
        finally:
            self.inside = outer
            if where == "a condition":
                self.guards.pop()

    def _loop(self, node: Node) -> None:
        """Once through the body, for any time that it runs: what changes in it is what it is then."""
        with self.scope(), self._under("a loop", None):
            start = child(node, "initializer")
            if start is not None:
                (self.walk if start.type == "declaration" else self._expression)(start)
            changed = self.changed_in(node)
            self._lose(node, changed, "a loop")
            for part in ("condition", "body"):
                inner = child(node, part)
                if inner is not None:
                    self.walk(inner)
        self._lose(node, changed, "a loop")

    def _lose(self, node: Node, names: set[str], where: str) -> None:
        """After code that may run any number of times: what it may have changed is not known."""
        for name in sorted(names):
            if name in self.dims:
                self.dims.pop(name)
                self.unknown[name] = self.unsupported(node, f"the host code changes {name} under {where}")
            elif isinstance(self.find(name), Value):
                self.leave_open(name)

    def _if(self, node: Node) -> None:
        condition = self.child(node, "condition")
        then, other = self.child(node, "consequence"), child(node, "alternative")
        self.calls_in(condition)
        known = self.decided(condition)
        if known is not None and not (known and self._leaves(then)):
            chosen = then if known else other
            if chosen is not None:
                self.walk(chosen)
            return
        guard = self.guard(condition)
        if self._leaves(then):
            if guard is not None and other is None and known is None:
                self.contract(_negated(guard))
            if other is not None:
                self.walk(other)
            return
        for branch, said in ((then, guard), (other, _negated(guard) if guard is not None else None)):
            if branch is not None:
                with self._under("a condition", said), self.scope():
                    self.walk(branch)
        self._lose(node, self.changed_in(node), "a condition")

    def _leaves(self, node: Node) -> bool:
        """The branch ends the function, and launches nothing on its way."""
        if any(n.type == "kernel_call_syntax" for n in preorder(node)):
            return False
        last = node.named_children[-1] if node.type == "compound_statement" and node.named_children else node
        if last.type in _LEAVES or any(c.type in _LEAVES for c in last.named_children):
            return True
        return any(n.type == "call_expression" and self.called(n) in _ENDS for n in preorder(last))

    # -- declarations --------------------------------------------------------------------------------------------------

    def _declared(self, node: Node) -> None:
        type_node = child(node, "type")
        type_name = self.text(type_node) if type_node is not None else ""
        dim = self.api.dim if self.api is not None else "dim3"
        if self._structs_declared(node):
            return
        for d in node.children_by_field_name("declarator"):
            value = child(d, "value") if d.type == "init_declarator" else None
            at: Node | None = d
            pointer = array = False
            while at is not None and at.type != "identifier":
                pointer, array = pointer or at.type == "pointer_declarator", array or at.type == "array_declarator"
                at = child(at, "declarator") or next((c for c in at.named_children if c.type in _DECLARATORS), None)
            if at is None:
                continue
            name = self.text(at)
            if self.job(value) is not None:
                self._named_job(name, value)
            elif type_name == dim:
                self._dim_declared(name, value, d)
            elif pointer:
                name = self.own_name(name)
                self.forget(name)
                self._pointer_declared(name, value, d)
            elif array:
                self.forget(name)
                self.locals.add(name)
            elif "vector" in type_name and "<" in type_name and "<<" not in type_name:
                self._container_declared(name, d)
            else:
                if value is not None:
                    self.calls_in(value)
                self.scalar_declared(node, d, name, value)

    def _structs_declared(self, node: Node) -> bool:
        """`Params p = {a, n};`, a struct of the text; False for any other declaration."""
        try:
            base = self.types.specifier(node)
            if base.struct is None:
                return False
            declared = [self.types.declarator(d, base) for d in node.children_by_field_name("declarator")]
        except XpilerError:
            return False
        if any(d.type.pointers or d.type.dims or d.type.reference or d.name is None for d in declared):
            return False
        for d in declared:
            assert d.name is not None
            name = self.text(d.name)
            self.forget(name)
            if d.init is not None:
                self.calls_in(d.init)
            try:
                self.structs[name] = self.given_struct(base.struct, d.init)
                self.struct_types[name] = base.struct
            except XpilerError as e:  # one with members that no kernel has: who asks for it is told
                self.unknown[name] = e
        return True

    def _dim_declared(self, name: str, value: Node | None, d: Node) -> None:
        self.forget(name)
        try:
            parts = self.constructed(d)
            if d.type == "function_declarator" and parts is None:
                dim = self.api.dim if self.api is not None else "dim3"
                raise self.unsupported(d, "this reads like the declaration of a function", f"Write {dim} name{{...}}.")
            self.dims[name] = self.dim3_of(parts, d) if parts is not None else \
                self.dim3(value, d) if value is not None else ones()
        except XpilerError as e:
            self.unknown[name] = e

    def _container_declared(self, name: str, d: Node) -> None:
        """`std::vector<float> x(n)`: host memory of a known length."""
        self.forget(name)
        self.locals.add(name)
        parts = self.constructed(d)
        if parts:
            try:
                self.counts[name] = self.size(parts[0])
            except XpilerError:
                return  # filled from something else: its length is asked for when it matters

    def _named_job(self, name: str, value: Node | None) -> None:
        job = self.job(value)
        if job is not None:
            self.forget(name)
            self.jobs[name] = job

    def _pointer_declared(self, name: str, value: Node | None, d: Node) -> None:
        if value is None or value.type in ("null", "number_literal") or self.text(value) in ("NULL", "{}"):
            self.buffers[name] = DeviceBuffer(name, d)
            return
        self.calls_in(value)
        self.locals.add(name)
        if value.type == "identifier" and self.text(value) in self.parameters:
            self.odd(self.unsupported(d, f"the host code gives {self.text(value)} a second name"))

    # -- expressions ---------------------------------------------------------------------------------------------------

    def _expression(self, node: Node) -> None:
        node = strip_parens(node)
        if node.type == "comma_expression":
            self._expression(self.child(node, "left"))
            self._expression(self.child(node, "right"))
        elif node.type == "assignment_expression":
            self._assigned(node)
        elif node.type in CHANGES:
            self.changed(node, "an update")
        else:
            self.calls_in(node)

    def _assigned(self, node: Node) -> None:
        left, right = strip_parens(self.child(node, "left")), self.child(node, "right")
        op, name = self.tree.operator(node), self.text(left)
        base = self.text(self.child(left, "argument")) if left.type == "field_expression" else name
        if base in self.structs and left.type == "field_expression":
            known = self.argument_of(right) if op == "=" else None
            self.structs[base][self.text(self.child(left, "field"))] = known
            return
        if base in self.dims and op == "=":
            try:
                if left.type == "field_expression":
                    self.dims[base][self.text(self.child(left, "field"))] = self.size(right)
                else:
                    self.dims[base] = self.dim3(right, node)
            except XpilerError as e:
                self.forget(base)
                self.unknown[base] = e
            return
        if op == "=" and self.job(right) is not None:
            self._named_job(name, right)
            return
        self.calls_in(right)
        if op == "=" and left.type == "identifier" and self.find(name) is None and self.assigned_data(name, right, node):
            return
        if left.type == "identifier" and (isinstance(self.find(name), Value) or name in self.unknown):
            self.assigned_scalar(node, name, op, right)
        elif name in self.buffers and op == "=":
            self.buffers.pop(name)
            self.locals.add(name)
        else:
            self.changed(node, "the host code's own work")



def _negated(e: Expr) -> Expr:
    """The opposite, as a person would say it."""
    while isinstance(e, Cast) and e.dtype == BOOL:
        e = e.x
    if isinstance(e, Binary) and e.op in ("||", "&&"):
        return build.binary("&&" if e.op == "||" else "||", _negated(e.a), _negated(e.b))
    return build.binary("==", e, build.integer(0)) if e.dtype != BOOL else negate(e)
