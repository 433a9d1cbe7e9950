"""Statements: assignments, branches, and the effects inside expressions."""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Block, Break, Const, Continue, Expr, If, Let, Load, Return, Var
from ..ir.types import I32, ScalarType
from .refusals import node_refusal, short
from .switch import Switches
from .symbols import Cell, Got, Moving, Pointer, Ptr, Struct, Symbol, Unset, Value
from .tree import field, preorder, strip_parens

_PLAIN = frozenset(("expression_statement", "declaration", "return_statement", "break_statement", "continue_statement"))
_IGNORED = frozenset(("empty_statement", ";", "comment"))


class Statements(Switches):
    """Lowers statements. Each `_stmt_<node type>` emits what its node means."""

    def statement(self, node: Node) -> None:
        if node.type in _IGNORED:
            return
        if node.type == "compound_statement":
            with self.scope():
                for c in node.named_children:
                    self.statement(c)
            self.end_of_block(node)
            return
        method = getattr(self, "_stmt_" + node.type, None)
        if method is None:
            raise self.unsupported(node, node_refusal(node.type))
        start, end = self.tree.origin(node)
        self.pending += self.take_comments(start)
        body = field(node, "body") or field(node, "consequence")
        if body is not None:
            self.pending += self._header_comments(body)
        if node.type not in ("for_statement",):
            for text in self.take_pragmas(start):
                self.pending.append(f"#pragma {text}")
        mine, self.pending, count, shared = self.pending, [], len(self.out), len(self.shared)
        method(node)
        if node.type.startswith(("for_", "while_", "do_")):
            self.leave_outer(node)
        if node.type in _PLAIN:
            mine += self.take_comments(end) + self.take_same_line(end)
        if len(self.out) > count:
            first = self.out[count]
            if mine and not isinstance(first, Block):
                self.out[count] = replace(first, comments=(*mine, *first.comments))
        elif len(self.shared) > shared:
            self.shared[shared] = replace(self.shared[shared], comments=tuple(mine))
        else:
            self.pending = mine + self.pending

    def _header_comments(self, body: Node) -> list[str]:
        """Comments between a head and its body, and right after the opening brace on the same line."""
        start, _ = self.tree.origin(body)
        out = self.take_comments(start)
        return out + self.take_same_line(start + 1) if body.type == "compound_statement" else out

    def end_of_block(self, node: Node) -> None:
        """Comments that nothing follows any more have no statement to stand at."""
        self.take_comments(self.tree.origin(node)[1])
        self.pending = []

    def branch(self, node: Node | None) -> Block:
        with self.block() as stmts:
            if node is not None:
                self.statement(node)
        return Block(tuple(stmts))

    # -- plain statements ----------------------------------------------------------------------------------------------

    def _stmt_expression_statement(self, node: Node) -> None:
        for c in node.named_children:
            self.effect(c)

    def _stmt_declaration(self, node: Node) -> None:
        self.declaration(node)

    def _stmt_alias_declaration(self, node: Node) -> None:
        self.unit.alias(node, self.types)
        name = field(node, "name")
        if name is not None and not self.types.is_type(self.text(name)):
            raise self.unsupported(node, f"the type {self.text(name)} is not supported yet: it is a vector or composed "
                                   "type")

    def _stmt_using_declaration(self, node: Node) -> None:
        """`using namespace nvcuda;` only shortens names."""
        if "namespace" not in self.text(node).split():
            raise self.unsupported(node, node_refusal(node.type))

    def _stmt_type_definition(self, node: Node) -> None:
        self.types.specifier(node)
        self.unit.alias(node, self.types)

    def _stmt_struct_specifier(self, node: Node) -> None:
        self.local_struct(node)

    def _stmt_static_assert_declaration(self, node: Node) -> None:
        condition, message = self.child(node, "condition"), field(node, "message")
        with self.unhoisted():
            got = self.folded(self.expr(condition))
        if not isinstance(got, Const):
            raise self.unsupported(condition, "this static_assert cannot be decided here")
        if not got.value:
            said = self.text(message).strip('"') if message is not None else short(self.text(condition))
            raise self.parse_error(node, f"a static_assert of the text fails: {said}",
                                   "Choose other template arguments or sizes.")

    def _stmt_attributed_statement(self, node: Node) -> None:
        for c in node.named_children:
            if not c.type.startswith("attribute"):
                self.statement(c)

    def _stmt_return_statement(self, node: Node) -> None:
        if self.leave(node):
            return
        if len(self.functions) > 1:
            raise self.unsupported(node, f"{self.functions[-1].name} returns from inside a loop or switch")
        if node.named_children:
            raise self.unsupported(node, "a kernel that returns a value is not supported",
                                   "Return it through a pointer.")
        self.emit(Return(), node)

    def _stmt_break_statement(self, node: Node) -> None:
        if not self.loops:
            raise self.parse_error(node, "break outside a loop")
        if self.loops[-1].is_switch:
            raise self.unsupported(node, "a break in the middle of a case is not supported",
                                   "Turn the switch into ifs.")
        self.emit(Break(), node)

    def _stmt_continue_statement(self, node: Node) -> None:
        loop = next((c for c in reversed(self.loops) if not c.is_switch), None)
        if loop is None:
            raise self.parse_error(node, "continue outside a loop")
        if loop.on_continue is not None:
            loop.on_continue()
        self.emit(Continue(), node)

    def _stmt_if_statement(self, node: Node) -> None:
        cond = self.condition(self.child(node, "condition"))
        then, other = self.child(node, "consequence"), field(node, "alternative")
        if other is not None and other.type == "else_clause":
            other = next(iter(other.named_children), None)
        if isinstance(cond, Const):
            taken = then if cond.value else other
            if taken is not None:
                self.statement(taken)
            return
        mine, self.pending = self.pending, []
        yes = self.branch(then)
        no = self.branch(other) if other is not None else None
        self.pending = mine + self.pending
        self.emit(If(cond, yes, no if no is None or no.stmts else None), node)

    # -- effects -------------------------------------------------------------------------------------------------------

    def effect(self, node: Node) -> None:
        """An expression for what it does."""
        node = strip_parens(node)
        if node.type == "assignment_expression":
            self.assign(node)
        elif node.type == "update_expression":
            self.update(node)
        elif node.type == "comma_expression":
            self.effect(self.child(node, "left"))
            self.effect(self.child(node, "right"))
        elif node.type == "call_expression":
            self.call(node)
        elif node.type == "cast_expression" and self.text(self.child(node, "type")).strip() == "void":
            inner = strip_parens(self.child(node, "value"))
            if inner.type != "identifier":
                self.effect(inner)
        elif node.type == "conditional_expression":
            raise self.unsupported(node, "?: as a statement is not supported", "Write it as an if.")
        else:
            self.value(node)  # has no effect, but must make sense

    def assign(self, node: Node) -> Expr:
        """`left op right`; the new value of the left side."""
        left, right = strip_parens(self.child(node, "left")), self.child(node, "right")
        if self.unit.has_structs and self._assign_object(node, left, right):
            return Const(0, I32)
        op, inner = self.tree.operator(node), strip_parens(self.child(node, "right"))
        symbol = self.find(self.text(left)) if left.type == "identifier" else None
        if isinstance(symbol, Moving | Pointer) or (isinstance(symbol, Unset) and symbol.pointer):
            self.assign_pointer(node, self.text(left), symbol, op, right)
            return Const(0, I32)
        if self.fragment_assignment(node, left, op, inner):
            return Const(0, I32)
        record = self.record_of(left)
        if record is not None:
            self.assign_record(node, left, op, right, record)
            return Const(0, I32)
        rhs = self.assign(inner) if inner.type == "assignment_expression" else self.expr(right)
        if isinstance(symbol, Unset):
            if symbol.loop or op != "=":
                raise self.unsupported(node, f"{self.text(left)} is changed before it has a value")
            return self._first_value(node, self.text(left), symbol, rhs)
        place = self.place(left)
        if op != "=":
            rhs = self.arithmetic(node, op[:-1], self.load(place), rhs)
        self.store(place, self.at(build.convert(rhs, place.dtype), right), node)
        return self.load(place)

    def _assign_object(self, node: Node, left: Node, right: Node) -> bool:
        """`s = e` and `s += e` of structs; False when the left side is none."""
        target, op = self.object_at(left), self.tree.operator(node)
        if target is None:
            return False
        if not isinstance(target, Struct):
            raise self.unsupported(node, f"assigning to {short(self.text(left))} is not supported")
        if op != "=" and f"operator{op}" not in self.members(target.type).functions and \
                f"operator{op}" not in self.unit.functions:
            raise self.unsupported(node, f"there is no operator{op} for {target.type.name} in the text")
        if op == "=" and "operator=" not in self.members(target.type).functions:
            self.copy_struct(target, self.built(target.type, right, right), node)
        else:
            self.operator_call(node, op, target, self.operand(right))
        return True

    def _first_value(self, node: Node, name: str, symbol: Unset, rhs: Expr) -> Expr:
        e = build.convert(rhs, symbol.dtype)
        ir_name = self.fresh(name)
        self.emit(Let(ir_name, symbol.dtype, e), node)
        self.rebind(name, Value(Var(ir_name, symbol.dtype), e if isinstance(e, Const) else None))
        return Var(ir_name, symbol.dtype)

    def update(self, node: Node) -> None:
        """`x++` and its kin as a statement."""
        target = strip_parens(self.child(node, "argument"))
        op = "+" if self.tree.operator(node) == "++" else "-"
        symbol = self.find(self.text(target)) if target.type == "identifier" else None
        if isinstance(symbol, Moving | Pointer):
            self.assign_pointer(node, self.text(target), symbol, op + "=", None)
            return
        place = self.place(target)
        changed = self.arithmetic(node, op, self.load(place), build.integer(1))
        self.store(place, build.convert(changed, place.dtype), node)

    def assign_pointer(self, node: Node, name: str, symbol: Symbol, op: str, right: Node | None) -> None:
        """`p = e`, `p += n`, `p++` (right None)."""
        if isinstance(symbol, Unset):
            target = self.pointer(right) if right is not None else None
            if op != "=" or target is None:
                raise self.unsupported(node, f"the pointer {name} is moved before it points anywhere")
            self.rebind(name, Pointer(self.stable_pointer(name, self.seen_as(node, target, symbol.dtype), node)))
            return
        if not isinstance(symbol, Moving):
            raise self.unsupported(node, f"moving the pointer {name} here is not supported")
        if op == "=" and right is not None:
            target = self.seen_as(node, self.pointer(right), symbol.element)
            base = symbol.base
            if base is not None and replace(base, offset=target.offset) != target:
                raise self.unsupported(node, f"{name} points into {base.buffer} and later into {target.buffer}: "
                                       "not supported")
            if base is None:
                symbol = replace(symbol, base=replace(target, offset=build.integer(0)))
                self.rebind(name, symbol)
            offset = target.offset
        else:
            if op not in ("+=", "-=") or symbol.base is None:
                raise self.unsupported(node, f"{op} on the pointer {name} is not supported here")
            by = self.expr(right) if right is not None else build.integer(1)
            if not by.dtype.is_integer:
                raise self.parse_error(node, "a pointer moves by integers")
            current = replace(symbol.base, offset=Load(symbol.cell, (), symbol.dtype))
            offset = self.moved(node, current, by if op == "+=" else self.negated(by)).offset
        self.store(Cell(symbol.cell, symbol.dtype), build.convert(offset, symbol.dtype), node)

    def seen_as(self, node: Node, p: Ptr, dtype: ScalarType | None) -> Ptr:
        """A pointer assigned to a variable that points to `dtype` (None: void)."""
        if dtype is not None and p.dtype != dtype:
            raise self.parse_error(node, f"a pointer to {p.dtype} is assigned to a pointer to {dtype}: a cast is "
                                   "missing")
        return p

    # -- effects inside expressions ------------------------------------------------------------------------------------

    def _on_assignment_expression(self, node: Node) -> Expr:
        self._alone(node, self.child(node, "left"))
        return self.assign(node)

    def _on_update_expression(self, node: Node) -> Got:
        target = strip_parens(self.child(node, "argument"))
        self._alone(node, target)
        post = node.children[-1].type in ("++", "--")
        symbol = self.find(self.text(target))
        if isinstance(symbol, Moving) and symbol.base is not None:
            now: Expr = Load(symbol.cell, (), symbol.dtype)
            if post:
                now = self.let(self.text(target) + "_old", now, node).expr
            self.update(node)
            return symbol.base.moved(now)
        place = self.place(target)
        if post:
            old = self.let(self.text(target) + "_old", self.load(place), node).expr
            self.update(node)
            return old
        self.update(node)
        return self.load(place)

    def _on_comma_expression(self, node: Node) -> Got:
        self.need_hoisting(node, "a comma")
        self.effect(self.child(node, "left"))
        return self.value(self.child(node, "right"))

    def _alone(self, node: Node, target: Node) -> None:
        """Refuse an effect whose order against other uses of the same name would matter."""
        self.need_hoisting(node, "changing a variable")
        target = strip_parens(target)
        if target.type != "identifier":
            raise self.unsupported(node, f"changing {short(self.text(target))} inside an expression is not supported",
                                   "Make it a statement of its own.")
        top = node
        while top.parent is not None and not top.parent.type.endswith(("statement", "declaration", "clause")):
            top = top.parent
        name = self.text(target)
        if sum(1 for n in preorder(top) if n.type == "identifier" and self.text(n) == name) > 1:
            raise self.unsupported(node, f"{name} is changed and used in one expression: the order is not clear",
                                   "Make the change a statement of its own.")
