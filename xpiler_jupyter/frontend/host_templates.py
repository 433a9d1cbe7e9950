"""Which kernel a launch means: name spaces, template arguments as written or told from what is passed."""

from __future__ import annotations

from tree_sitter import Node

from ..errors import XpilerError
from .functions import Function
from .lower import Lowering
from .struct_types import StructType
from .symbols import Operand, Ptr, Struct
from .tree import field, preorder, strip_parens
from .typenames import CType


class HostTemplates(Lowering):
    """Finds the function behind a launch."""

    aliases: dict[str, str]  # pointers of a helper by its own names
    struct_types: dict[str, StructType]  # of the structs that the host code names

    def kernel_of(self, callee: Node, args: list[Node]) -> tuple[str, Function | None]:
        """Name and function of the kernel that `callee` names; None for a function that the text lacks or whose template
        arguments do not follow."""
        node, explicit = strip_parens(callee), None
        if node.type == "call_expression" and len(self.arguments(node)) == 1:
            node = strip_parens(self.arguments(node)[0])  # HIP_KERNEL_NAME(kernel<T>)
        while node.type == "qualified_identifier":
            node = self.child(node, "name")
        if node.type == "template_function":
            explicit = [c for c in self.child(node, "arguments").named_children if c.type != "comment"]
            node = self.child(node, "name")
        name = self.text(node)
        found = [f for f in self.unit.functions.get(name, ()) if f.is_kernel]
        if not found:
            return name, None
        try:
            return name, self.choose(callee, name, found, [self.passed_operand(a) for a in args], explicit)
        except XpilerError:
            return name, None  # said where the kernel is asked for

    def passed_operand(self, a: Node) -> Operand | Node:
        """What an argument tells about its type."""
        at = strip_parens(a)
        if at.type == "cast_expression":
            t = self.types.descriptor(self.child(at, "type"))
            if t.pointers and t.base is not None:
                return Ptr(self.text(a), t.base, t.base)
        if self.text(at) in self.struct_types:
            return Struct(self.struct_types[self.text(at)], {})
        t = self._pointees(self.functions[-1]).get(self.text(at)) or \
            self._pointees(self.functions[0]).get(self.aliases.get(self.text(at), self.text(at)), CType(None))
        if t.base is not None:
            return Ptr(self.text(at), t.base, t.base)
        try:
            with self.unhoisted():
                return self.operand(a)
        except XpilerError:
            return a  # of a type that is not known here

    def _pointees(self, f: Function) -> dict[str, CType]:
        """What the pointers that a function declares point to."""
        out: dict[str, CType] = {}
        for p in f.params:
            if p.name is not None and p.type.pointers == 1:
                out[self.text(p.name)] = p.type
        for n in preorder(f.body) if f.body is not None else ():
            if n.type != "declaration" or field(n, "type") is None:
                continue
            try:
                base = self.types.specifier(n)
                declared = [self.types.declarator(d, base) for d in n.children_by_field_name("declarator")]
            except XpilerError:
                continue  # of a type of the host's own
            for d in declared:
                if d.name is not None and (d.type.pointers == 1 or d.type.dims):
                    out[self.text(d.name)] = d.type
        return out
