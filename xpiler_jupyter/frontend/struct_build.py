"""Structs from what initialises them: constructors, lists in braces, values of the same type."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Const, Expr, Store
from ..ir.types import ScalarType
from .functions import Function
from .struct_types import Field, StructType
from .structs import StructStorage, lower_first
from .symbols import Array, Bundle, Closure, Operand, Pointer, Ptr, Struct, Structs, Symbol, Value
from .typenames import CType


class StructValues(StructStorage):
    """Makes structs."""

    # -- defined by the classes above this one -------------------------------------------------------------------------

    def entered(self, node: Node, f: Function, args: Sequence[Operand | Node], this: Struct | None,
                closure: Closure | None, writes: bool) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _fill(self, init: Node, name: str, dtype: ScalarType, shape: tuple[int, ...], at: tuple[int, ...]) -> None:
        raise NotImplementedError

    def _initial(self, init: Node | None, dtype: ScalarType) -> Expr | None:
        raise NotImplementedError

    # -- making one ----------------------------------------------------------------------------------------------------

    def built(self, struct: StructType, init: Node | None, node: Node, base: str = "") -> Struct:
        """A struct from what initialises it: nothing, a list in braces or brackets, or an expression.

        Raises:
            XpilerError: it has no constructor for that, or takes other values.
        """
        base = base or lower_first(struct.template)
        if init is not None and init.type not in ("initializer_list", "argument_list"):
            return self.converted_to(struct, self.operand(init), init, base)
        nodes = [c for c in init.named_children if c.type != "comment"] if init is not None else []
        constructors = self.members(struct).functions.get(struct.template, ())
        if len(nodes) == 1 and nodes[0].type not in ("initializer_list", "initializer_pair"):
            found = self.object_at(nodes[0])
            if isinstance(found, Struct) and found.type is struct:
                return found
        defaulted = "=default" in "".join(self.text(struct.node).split())
        if constructors and (nodes or not defaulted):
            args = self.operands(nodes)
            return self._constructed(struct, self.choose(node, struct.name, constructors, args, None), args, node, base)
        return self._aggregate(struct, nodes, node, base, init is not None)

    def converted_to(self, struct: StructType, got: Operand | Node, node: Node, base: str = "") -> Struct:
        """A value as a struct: the same struct, or what a constructor makes of it."""
        if isinstance(got, Node):
            return self.built(struct, got, got, base)
        if isinstance(got, Struct) and got.type is struct:
            return got
        if isinstance(got, Bundle):
            raise self.parse_error(node, f"a {got.record.name} is no {struct.name}")
        constructors = self.members(struct).functions.get(struct.template, ())
        if isinstance(got, Closure | Structs | Struct) or not constructors:
            raise self.parse_error(node, f"this is no {struct.name}")
        f = self.choose(node, struct.name, constructors, [got], None)
        return self._constructed(struct, f, [got], node, base or lower_first(struct.template))

    def _constructed(self, struct: StructType, f: Function, args: Sequence[Operand | Node], node: Node, base: str) -> Struct:
        inits: dict[str, Node] = {}
        for c in f.node.named_children:
            if c.type == "field_initializer_list":
                for i in c.named_children:
                    if i.type == "field_initializer" and len(i.named_children) > 1:
                        inits[self.text(i.named_children[0])] = i.named_children[1]
        statements = list(f.body.named_children) if f.body is not None else []
        unknown = [n for n in inits if n not in {g.name for g, _ in self.fields(struct)}]
        if unknown:
            raise self.unsupported(node, f"the constructor of {struct.name} initialises {unknown[0]}: not supported")
        if statements:
            self.need_hoisting(node, f"calling the constructor of {struct.name}, which takes several statements,")
        this = self.storage(struct, base, node) if statements else None
        with self.entered(node, f, args, this, None, bool(statements)):
            members = {g.name: self._member(struct, g, dims, inits.get(g.name) or g.init, f"{base}_{g.name}", node, False)
                       for g, dims in self.fields(struct) if this is None or inits.get(g.name) or g.init}
            if this is None:
                return Struct(struct, members)
            for name, value in members.items():
                self.copy_member(this.members[name], value, node)
            for s in statements:
                self.statement(s)
        return this

    def _aggregate(self, struct: StructType, nodes: Sequence[Node], node: Node, base: str, braces: bool) -> Struct:
        """Members in order from a list; the rest is zero where there is a list at all."""
        fields, left = self.fields(struct), list(nodes)
        if left and len(fields) == 1 and fields[0][1] and left[0].type != "initializer_list":
            f, dims = fields[0]  # braces may be left out around the only member
            values = [self._number(n, f, struct) for n in left]
            assert f.type.base is not None
            if len(values) > dims[0] or len(dims) > 1:
                raise self.parse_error(left[-1], f"{struct.name} takes {dims[0]} values, not {len(values)}")
            ptr = self.place_array(f"{base}_{f.name}", f.type.base, dims, "local", node)
            for k in range(dims[0]):
                value = values[k] if k < len(values) else _zero(f.type.base)
                self.emit(Store(ptr.buffer, (build.integer(k),), value, f.type.base), node)
            return Struct(struct, {f.name: Array(ptr)}, True)
        members: dict[str, Symbol] = {}
        named = {self.text(n.named_children[0]).lstrip("."): n.named_children[1] for n in left
                 if n.type == "initializer_pair"}
        if named:
            left = []
        if len(left) > len(fields):
            raise self.parse_error(left[len(fields)], f"{struct.name} has {len(fields)} members, not {len(left)}")
        for k, (f, dims) in enumerate(fields):
            init = named.get(f.name) or (left[k] if k < len(left) else None)
            members[f.name] = self._member(struct, f, dims, init or f.init, f"{base}_{f.name}", node, braces,
                                           own=init is None)
        return Struct(struct, members)

    def _number(self, n: Node, f: Field, struct: StructType) -> Expr:
        if f.type.base is None:
            raise self.unsupported(n, f"this initial value of {struct.name} is not supported")
        return build.convert(self.plain_number(n), f.type.base)

    def _member(self, struct: StructType, f: Field, dims: tuple[int, ...], init: Node | None, name: str, node: Node,
                zero: bool, own: bool = False) -> Symbol:
        """A member with its first value; `own`: the struct says it itself, so only its names are in scope. `zero`: without
        a value it is zero."""
        if own and init is not None:
            with self.in_struct(struct):
                return self._member(struct, f, dims, init, name, node, zero)
        t = f.type
        if t.struct is not None and not t.pointers:
            if dims:
                if init is not None and init.named_children:
                    raise self.unsupported(init, f"this initial value of {f.name} is not supported")
                return self.structs_storage(t.struct, name, dims, "local", node)
            return self.built(t.struct, init, node, name) if init is not None or zero else self._made(t.struct, name, node)
        if t.pointers:
            if init is None:
                raise self.unsupported(node, f"{struct.name} has the pointer {f.name}, which is not set here: not supported")
            return self._pointer_member(t, init)
        if t.base is None or t.record is not None:
            raise self.unsupported(node, f"{struct.name} has the member {f.name} of a type that is not supported")
        if dims:
            ptr = self.place_array(name, t.base, dims, "local", node, zero or init is not None)
            if init is not None:
                self._fill(init, ptr.buffer, t.base, dims, ())
            return Array(ptr)
        value = self._initial(init, t.base) if init is not None else _zero(t.base) if zero else None
        if value is None:
            return self.cell(name, t.base, None, node)
        return Value(value, value if isinstance(value, Const) else None)

    def _pointer_member(self, t: CType, init: Node) -> Symbol:
        got = self.operand(init.named_children[0] if init.type in ("argument_list", "initializer_list") else init)
        if isinstance(got, Structs):
            return got
        if not isinstance(got, Ptr):
            raise self.unsupported(init, "a pointer member takes a pointer that is known here")
        return Pointer(self.retype(init, got, t))

    def _made(self, struct: StructType, base: str, node: Node) -> Struct:
        """A struct that is declared without a value."""
        members = self.members(struct)
        if members.functions.get(struct.template) or any(f.init is not None for f in members.fields):
            return self.built(struct, None, node, base)
        return self.storage(struct, base, node)


def _zero(t: ScalarType) -> Const:
    return Const(False if t.kind == "bool" else 0.0 if t.is_float else 0, t)
