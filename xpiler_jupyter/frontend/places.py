"""Places: elements, addresses, and what can stand left of `=`."""

from __future__ import annotations

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Const, Expr, Load
from .refusals import short
from .struct_build import StructValues
from .symbols import Array, Cell, Got, Place, Ptr, Struct, Value
from .tree import strip_parens


class Places(StructValues):
    """Lowers subscripts, `*p`, `&x` and targets of assignments."""

    def moved(self, node: Node, p: Ptr, by: Expr) -> Ptr:
        raise NotImplementedError

    def element_of_fragment(self, node: Node) -> Load | None:
        return None

    def element(self, node: Node, p: Ptr, index: Expr) -> Got:
        """`p[index]`: an element, or a decayed row."""
        if not index.dtype.is_integer:
            raise self.parse_error(node, "an index must be an integer")
        if p.vector and p.record is None:
            raise self.unsupported(node, f"reading or writing a vector through a pointer ({short(self.text(node))}) is not "
                                   "supported", "Use the intrinsic that loads or stores it.")
        return p.row(index) if p.rest else Load(p.buffer, p.indices(index), p.dtype)

    def _on_subscript_expression(self, node: Node) -> Got:
        indices = self.child(node, "indices").named_children
        if len(indices) != 1:
            raise self.parse_error(node, "an index is missing in these brackets" if not indices
                                   else "a comma between brackets: write a[i][j]")
        own = self.element_of_fragment(node)
        if own is not None:
            return own
        if self.unit.has_structs:
            found = self._object_subscript_expression(node)
            if found is not None:
                return self.plain(found, node)
        p = self.pointer(self.child(node, "argument"))
        return self.element(node, p, self.expr(indices[0]))

    def _on_pointer_expression(self, node: Node) -> Got:
        argument = self.child(node, "argument")
        if self.tree.operator(node) == "*":
            return self.element(node, self.pointer(argument), build.integer(0))
        return self.address(strip_parens(argument))

    def address(self, node: Node) -> Ptr:
        """`&node`."""
        if node.type == "subscript_expression":
            indices = self.child(node, "indices").named_children
            p = self.pointer(self.child(node, "argument"))
            if len(indices) != 1:
                raise self.parse_error(node, "an index is missing in these brackets")
            i = self.expr(indices[0])
            moved = self.moved(node, p, i)
            zero = all(isinstance(e, Const) and e.value == 0 for e in (*moved.prefix, moved.offset))
            # &t[0][0] is the customary way to see an array as one row; other places stay within their own row.
            return moved.whole() if zero and p.layout == "rows" and not p.rest else moved
        if node.type == "pointer_expression" and self.tree.operator(node) == "*":
            return self.pointer(self.child(node, "argument"))
        if node.type == "identifier":
            symbol = self.find(self.text(node))
            if isinstance(symbol, Array):
                return symbol.ptr
            if isinstance(symbol, Cell | Place):
                return _pointer_to(symbol)
        if node.type == "field_expression":
            found = self.object_at(self.child(node, "argument"))
            member = found.members.get(self.text(self.child(node, "field"))) if isinstance(found, Struct) else None
            if isinstance(member, Array):
                return member.ptr
            if isinstance(member, Cell | Place):
                return _pointer_to(member)
        raise self.unsupported(node, f"the address of {short(self.text(node))} is not supported")

    def place(self, node: Node) -> Place | Cell:
        """What can stand left of `=`."""
        node = strip_parens(node)
        if node.type == "identifier":
            symbol = self.find(self.text(node)) or self.global_symbol(self.text(node), node)
            if isinstance(symbol, Cell | Place):
                return symbol
            if isinstance(symbol, Value | Array):
                raise self.parse_error(node, f"{self.text(node)} cannot be assigned to")
            if symbol is None:
                raise self.parse_error(node, f"the name {self.text(node)} is not declared")
            raise self.unsupported(node, f"assigning to {self.text(node)} here is not supported")
        if node.type in ("subscript_expression", "pointer_expression", "field_expression", "call_expression"):
            got = self.value(node)
            if isinstance(got, Load):
                return Place(got.buffer, got.indices, got.dtype) if got.indices else Cell(got.buffer, got.dtype)
        raise self.unsupported(node, f"assigning to {short(self.text(node))} is not supported")


def _pointer_to(symbol: Cell | Place) -> Ptr:
    """The address of a scalar or an element."""
    indices = symbol.indices if isinstance(symbol, Place) else ()
    if not indices:
        return Ptr(symbol.buffer, symbol.dtype, symbol.dtype, "scalar")
    return Ptr(symbol.buffer, symbol.dtype, symbol.dtype, "flat" if len(indices) == 1 else "rows", indices[-1], indices[:-1])
