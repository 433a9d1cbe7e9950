"""Values that only instrs touch. The platform's table says all there is to know; calls are in `overloads`."""

from __future__ import annotations

import re

from tree_sitter import Node

from ..ir import build
from ..ir.elements import element_indices, is_element_loop, only_elements
from ..ir.nodes import (
    Alloc,
    Barrier,
    Block,
    Break,
    Continue,
    Expr,
    For,
    InstrCall,
    Load,
    Return,
    Store,
    Var,
    While,
)
from ..ir.visit import walk
from ..platforms.instr import Operand
from .overloads import Overloads, plain
from .refusals import short, type_refusal
from .symbols import Fragment, Value
from .tree import field, strip_parens


class InstrCalls(Overloads):
    """Lowers declarations of fragments and loops over their elements."""

    element_loop_of: tuple[Var, str] | None = None  # the loop over elements around: its variable, its type of fragment

    # -- declarations --------------------------------------------------------------------------------------------------

    def fragments(self, node: Node) -> bool:
        """Lowers a declaration of fragments; False when it declares something else."""
        type_node = field(node, "type")
        inner = type_node
        while inner is not None and inner.type == "qualified_identifier":
            inner = field(inner, "name")
        if type_node is None or inner is None or inner.type != "template_type" or not self.platform.instrs:
            return False
        name, arguments = self.text(self.child(inner, "name")), self.child(inner, "arguments").named_children
        known = {plain(o.declared): o for row in self.platform.instrs for o in row.operands if o.declared}
        if not any(k.startswith(name + "<") for k in known):
            return False
        wanted = f"{name}<{','.join(self._type_argument(a) for a in arguments)}>"
        operand = known.get(wanted)
        if operand is None:
            message, hint = type_refusal(self.text(type_node))
            raise self.unsupported(type_node, message, hint)
        for d in node.children_by_field_name("declarator"):
            self._fragment(d, operand, wanted)
        return True

    def _type_argument(self, node: Node) -> str:
        text = "".join(self.text(node).split()).removeprefix("std::")
        if node.type == "type_descriptor" and field(node, "declarator") is None:
            inner = self.child(node, "type")
            if self.types.is_type(text) or inner.type in ("primitive_type", "sized_type_specifier"):
                base = self.types.base(inner).base
                return self.platform.types[base] if base is not None else text
            symbol = (self.find(text) or self.global_symbol(text, node)) if text.isidentifier() else None
            if isinstance(symbol, Value) and symbol.const is not None:
                return str(symbol.const.value)
            return plain(text)
        return str(self.constant(node, "a size of a fragment", node))

    def _fragment(self, d: Node, operand: Operand, declared: str) -> None:
        dims: list[int] = []
        at = d
        while at.type == "array_declarator":
            dims.insert(0, self.constant(field(at, "size"), "an array dimension", at))
            at = self.child(at, "declarator")
        if at.type != "identifier":
            raise self.unsupported(d, f"a {short(declared.split('<')[0])} declared like this is not supported")
        name = self.text(at)
        if name in self.scopes[-1]:
            raise self.parse_error(at, f"{name} is declared twice")
        assert not isinstance(operand.dtype, str)
        ir_name = self.fresh(name)
        shape = tuple(build.integer(n) for n in (*dims, *operand.shape))
        self.emit(Alloc(ir_name, operand.dtype, shape, operand.memory[0]), d)
        self.define(name, Fragment(ir_name, operand.dtype, declared, operand.shape, tuple(dims)))

    # -- elements ------------------------------------------------------------------------------------------------------

    def fragment_at(self, node: Node) -> tuple[Fragment, tuple[Expr, ...]] | None:
        """The fragment that `c` or `c[i][j]` names, with the indices in front."""
        indices: list[Expr] = []
        node = strip_parens(node)
        base = node
        while base.type == "subscript_expression":
            base = strip_parens(self.child(base, "argument"))
        symbol = self.find(self.text(base)) if base.type == "identifier" else None
        if not isinstance(symbol, Fragment):
            return None
        while node.type == "subscript_expression":
            inside = self.child(node, "indices").named_children
            if len(inside) != 1:
                return None
            indices.insert(0, self.expr(inside[0]))
            node = strip_parens(self.child(node, "argument"))
        if len(indices) != len(symbol.dims):
            raise self.unsupported(node, f"{self.text(node)} is an array of fragments: one of them is needed here")
        return symbol, tuple(indices)

    def element_loop(self, node: Node) -> bool:
        """Lowers `for (int i = 0; i < c.num_elements; i++)`; False when the loop is another."""
        cond = field(node, "condition")
        limit = field(cond, "right") if cond is not None and cond.type == "binary_expression" else None
        found = self.counted(limit, node) if limit is not None else None
        if cond is None or found is None:
            return False
        start = re.fullmatch(r"(?:const)?(?:unsigned|int|uint32_t|size_t|auto)+(\w+)=0u?;?",
                             "".join(self.text(self.child(node, "initializer")).split()))
        step = "".join(self.text(self.child(node, "update")).split())
        name = start[1] if start else ""
        if not name or step not in (f"{name}++", f"++{name}", f"{name}+=1") or self.tree.operator(cond) not in ("<", "!="):
            raise self.unsupported(node, "a loop over the elements of a fragment must count from 0 by 1")
        if self.text(self.child(cond, "left")) != name:
            raise self.unsupported(cond, "a loop over the elements of a fragment must count from 0 by 1")
        fragment = found[0]
        with self.block() as stmts:
            var = Var(self.fresh(name), build.integer(0).dtype)
            self.define(name, Value(var))
            outer, self.element_loop_of = self.element_loop_of, (var, fragment.declared)
            self.statement(self.child(node, "body"))
            self.element_loop_of = outer
        total = build.integer(fragment.shape[0] * fragment.shape[1])
        loop = For(var.name, build.integer(0), total, build.integer(1), Block(tuple(stmts)))
        arrays = {s.buffer for scope in self.scopes for s in scope.values() if isinstance(s, Fragment)}
        if not only_elements(loop, arrays):
            raise self.unsupported(node, f"{name} is used for more than the elements of fragments, but which elements a "
                                   "lane holds is not defined")
        inside = {n.name for n in walk(loop.body) if isinstance(n, Alloc)}
        for n in walk(loop.body):
            if isinstance(n, Store) and n.buffer not in arrays | inside:
                raise self.unsupported(node, "a loop over the elements of a fragment that writes something else is not "
                                       "supported")
            if isinstance(n, InstrCall | Return | Break | Continue | While | Barrier):
                raise self.unsupported(node, "a loop over the elements of a fragment may only compute them")
        if not is_element_loop(loop, arrays):
            raise self.unsupported(node, "this loop touches no elements of the fragment")
        self.emit(loop, node)
        return True

    def counted(self, limit: Node, loop: Node) -> tuple[Fragment, tuple[Expr, ...]] | None:
        """The fragment whose elements a loop to this limit counts."""
        if limit.type != "field_expression" or self.text(self.child(limit, "field")) != "num_elements":
            return None
        return self.fragment_at(self.child(limit, "argument"))

    def element_of_fragment(self, node: Node) -> Load | None:
        """`c.x[i]`, as the element of the loop around it."""
        argument = strip_parens(self.child(node, "argument"))
        if argument.type != "field_expression" or self.text(self.child(argument, "field")) != "x":
            return None
        found = self.fragment_at(self.child(argument, "argument"))
        if found is None:
            return None
        return self.element_by_loop(node, found)

    def element_by_loop(self, node: Node, found: tuple[Fragment, tuple[Expr, ...]]) -> Load:
        """The fragment's element that the loop around names; `node` is the subscript."""
        index = self.child(node, "indices").named_children
        at = self.expr(index[0]) if len(index) == 1 else None
        if self.element_loop_of is None or at != self.element_loop_of[0]:
            raise self.unsupported(node, f"{short(self.text(node))} outside a loop over num_elements is not supported",
                                   "Which element of a fragment a lane holds is not defined.")
        fragment, outer = found
        if fragment.declared != self.element_loop_of[1]:
            raise self.unsupported(node, f"{short(self.text(node))} is an element of another type of fragment than the loop's")
        return Load(fragment.buffer, (*outer, *element_indices(at, fragment.shape)), fragment.dtype)
