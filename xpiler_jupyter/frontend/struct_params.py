"""Structs among the parameters of a kernel: one passed by value is a parameter per member, a pointer to structs points to
the numbers that they are made of."""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from ..errors import XpilerError
from ..ir import build
from ..ir.nodes import Const, Expr
from .declarations import Declarations
from .functions import Function
from .host_facts import Struct as Given
from .struct_types import StructType
from .symbols import Cell, Pointer, Struct, Symbol, Value
from .tree import strip_parens
from .typenames import Declared
from .usage import Info


class StructParams(Declarations):
    """Takes parameters apart, and puts them together again for the body."""

    def apart(self, f: Function, by_value: bool) -> Function:
        """`f` with parameters that are numbers and pointers to numbers.

        Args:
            by_value: structs passed by value, too; a C function that others call keeps those.
        Raises:
            UnsupportedError: a struct has members that no parameter can be.
        """
        if not any(p.type.struct is not None for p in f.params):
            return f
        out: list[Declared] = []
        whole: list[Declared] = []
        for p in f.params:
            t = p.type
            if t.struct is None or p.name is None or t.pointers > 1:
                out.append(p)
            elif t.pointers or t.dims:
                out.append(replace(p, type=replace(t, base=self.scalar_type(t.struct, p.name))))
            elif not by_value or t.reference:
                out.append(p)
            else:
                whole.append(p)
                out += self._fields_of(p, t.struct)
        return replace(f, params=tuple(out), whole=tuple(whole))

    def _fields_of(self, p: Declared, struct: StructType) -> list[Declared]:
        assert p.name is not None
        out: list[Declared] = []
        for f, dims in self.fields(struct):
            if dims or f.type.base is None or f.type.record is not None:
                raise self.unsupported(p.name, f"{self.text(p.name)} is a {struct.name}, whose member {f.name} cannot be a "
                                       "parameter of its own: not supported", "Pass its parts one by one.")
            out.append(Declared(f.node, f.type, None))
        return out

    def info_of(self, p: Declared) -> Info:
        """How the body uses a parameter; a member of a struct is not changed: the struct is (see `together`)."""
        assert p.name is not None
        node = self.functions[0].node
        inside = node.start_byte <= p.name.start_byte < node.end_byte
        return self.usage.of(p.name) if inside else Info(self.text(p.name), 0, True)

    def together(self, f: Function) -> None:
        """The names of the structs that were passed by value."""
        for p in f.whole:
            assert p.name is not None and p.type.struct is not None
            members: dict[str, Symbol] = {}
            for field, _ in self.fields(p.type.struct):
                symbol = self.find(field.name)
                assert isinstance(symbol, Value | Cell | Pointer), "every member is a parameter"
                members[field.name] = symbol
            name, made = self.text(p.name), Struct(p.type.struct, members)
            self.fresh(name)
            self.define(name, self.owned(made, name, p.name) if self.usage.of(p.name).changes else made)

    # -- host code -----------------------------------------------------------------------------------------------------

    def argument_of(self, a: Node) -> str | Expr | None:
        raise NotImplementedError

    def given_struct(self, struct: StructType, init: Node | None) -> Given:
        """What host code puts into the members of a struct; None for what is not understood."""
        members = [f for f, _ in self.fields(struct)]
        node = strip_parens(init) if init is not None else None
        constructors = self.members(struct).functions.get(struct.template, ())
        if node is not None and node.type in ("call_expression", "compound_literal_expression"):
            node = self.child(node, "arguments" if node.type == "call_expression" else "value")
        listed = [] if node is None else [c for c in node.named_children if c.type != "comment"]
        if not constructors and (node is None or node.type in ("initializer_list", "argument_list")):
            values = [self.argument_of(c) for c in listed[:len(members)]]
            for f in members[len(values):]:
                zero = Const(0.0 if f.type.base is not None and f.type.base.is_float else 0, f.type.base) \
                    if node is not None and f.type.base is not None and not f.type.pointers else None
                values.append(zero if f.init is None else self.argument_of(f.init))
            return {f.name: v for f, v in zip(members, values, strict=True)}
        try:
            with self.unhoisted():
                made = self.built(struct, node, node if node is not None else struct.node)
        except XpilerError:
            return {f.name: None for f in members}
        return {f.name: self.folded(m.expr) if isinstance(m := made.members[f.name], Value) else None for f in members}

    def converted_members(self, struct: StructType, given: Given) -> list[str | Expr | None]:
        """The members in order, numbers in the members' types."""
        out: list[str | Expr | None] = []
        for f, _ in self.fields(struct):
            v = given.get(f.name)
            scalar = v is not None and not isinstance(v, str) and f.type.base is not None and not f.type.pointers
            out.append(build.convert(v, f.type.base) if scalar else v)  # type: ignore[arg-type]
        return out
