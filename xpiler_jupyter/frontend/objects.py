"""Structs and lambdas as values: members, member functions, operators, what `operand` gives beside numbers and pointers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Const, Expr
from .casts import Casts
from .functions import Function
from .refusals import short
from .struct_types import StructType
from .symbols import (
    Array,
    Bundle,
    Cell,
    Closure,
    Got,
    Operand,
    Place,
    Pointer,
    Ptr,
    Record,
    Struct,
    Structs,
    Symbol,
    Value,
    index_sum,
)
from .tree import field, preorder, strip_parens
from .typenames import CType


class Objects(Casts):
    """Lowers what has a struct or a lambda in it."""

    # -- defined by the classes above this one -------------------------------------------------------------------------

    def run(self, node: Node, f: Function, args: Sequence[Operand | Node], this: Struct | None,
            closure: Closure | None = None) -> Operand | None:
        raise NotImplementedError

    def choose(self, node: Node, name: str, candidates: Sequence[Function], args: Sequence[Operand | Node],
               explicit: Sequence[Node] | None) -> Function:
        raise NotImplementedError

    def operands(self, nodes: Sequence[Node]) -> list[Operand | Node]:
        raise NotImplementedError

    def built(self, struct: StructType, init: Node | None, node: Node, base: str = "") -> Struct:
        raise NotImplementedError

    def copy_struct(self, target: Struct, source: Struct, node: Node) -> None:
        raise NotImplementedError

    def arguments(self, node: Node) -> list[Node]:
        raise NotImplementedError

    def pointer(self, node: Node) -> Ptr:
        raise NotImplementedError

    def in_struct(self, struct: StructType) -> AbstractContextManager[None]:
        raise NotImplementedError

    def binary(self, node: Node, op: str, a: Got, b: Got) -> Got:
        raise NotImplementedError

    def read(self, symbol: Symbol, node: Node) -> Got:
        raise NotImplementedError

    # -- entry points --------------------------------------------------------------------------------------------------

    def operand(self, node: Node) -> Operand:
        """A value of any kind: a number, a pointer, a struct, a lambda."""
        method = getattr(self, "_object_" + node.type, None)
        got: Operand | None = method(node) if method is not None else None
        return self.value(node) if got is None else got

    def plain(self, got: Operand, node: Node) -> Got:
        """A number, a pointer or a vector. Raises UnsupportedError for anything else."""
        if isinstance(got, Struct | Structs):
            raise self.unsupported(node, f"the struct {short(self.text(node))} is used as a number here")
        if isinstance(got, Closure):
            raise self.unsupported(node, f"the lambda {short(self.text(node))} is used as a number here")
        return got

    def object_at(self, node: Node) -> Struct | Structs | Closure | None:
        """The struct that stands here, None when something else does; nothing is emitted for something else."""
        node = strip_parens(node)
        if node.type == "identifier":
            symbol = self.find(self.text(node)) or self.global_symbol(self.text(node), node)
            return symbol if isinstance(symbol, Struct | Structs | Closure) else None
        if node.type in ("this", "field_expression", "subscript_expression", "pointer_expression",
                         "compound_literal_expression", "lambda_expression", "binary_expression"):
            method = getattr(self, "_object_" + node.type)
            got = method(node)
            return got if isinstance(got, Struct | Structs | Closure) else None
        if node.type == "call_expression" and self._may_give_object(node):
            got = self.operand(node)
            return got if isinstance(got, Struct | Structs | Closure) else None
        return None

    def _may_give_object(self, node: Node) -> bool:
        """Is it a call of something of the text's own, or of a type?"""
        function = self.child(node, "function")
        name = self.text(function).split("<")[0].split("::")[-1].strip()
        return function.type in ("field_expression", "template_function", "compound_literal_expression") or \
            name in self.unit.functions or name in self.unit.struct_templates or name in self.unit.name_templates or \
            self.types.is_type(name) or isinstance(self.find(name), Closure | Struct)

    def global_symbol(self, name: str, node: Node) -> Symbol | None:
        raise NotImplementedError

    # -- each kind of node ---------------------------------------------------------------------------------------------

    def _object_identifier(self, node: Node) -> Operand | None:
        return self.object_at(node)

    def _object_parenthesized_expression(self, node: Node) -> Operand | None:
        inner = strip_parens(node)
        return self.operand(inner) if inner.id != node.id else None

    def _object_this(self, node: Node) -> Operand | None:
        if self.this is None:
            raise self.parse_error(node, "this outside a member function")
        return self.this

    def _object_pointer_expression(self, node: Node) -> Operand | None:
        """`*p` and `&s` of structs; a pointer to one struct is the struct."""
        found = self.object_at(self.child(node, "argument"))
        if isinstance(found, Structs):
            return self.struct_at(found, build.integer(0), node) if self.tree.operator(node) == "*" else found
        if isinstance(found, Struct) and self.tree.operator(node) == "&" and \
                strip_parens(self.child(node, "argument")).type == "subscript_expression":
            base = strip_parens(self.child(node, "argument"))
            array = self.object_at(self.child(base, "argument"))
            if isinstance(array, Structs):
                return self.moved_structs(node, array, self._index(base))
        return found if isinstance(found, Struct) else None

    def _object_field_expression(self, node: Node) -> Operand | None:
        found, name = self.object_at(self.child(node, "argument")), self.text(self.child(node, "field"))
        if isinstance(found, Structs):
            found = self.struct_at(found, build.integer(0), node)
        if not isinstance(found, Struct):
            return None
        if name in found.members:
            member = found.members[name]
            return member if isinstance(member, Struct | Structs | Closure) else self.read(member, node)
        constant = self.member_constant(found.type, name, node)
        if constant is None:
            raise self.parse_error(node, f"{found.type.name} has no member {name}")
        return constant

    def _object_subscript_expression(self, node: Node) -> Operand | None:
        found = self.object_at(self.child(node, "argument"))
        if isinstance(found, Structs):
            return self.struct_at(found, self._index(node), node)
        if isinstance(found, Struct):
            return self.call_member(node, found, "operator[]", list(self.child(node, "indices").named_children))
        return None

    def _index(self, node: Node) -> Expr:
        indices = self.child(node, "indices").named_children
        if len(indices) != 1:
            raise self.parse_error(node, "an index is missing in these brackets")
        got = self.plain(self.operand(indices[0]), indices[0])
        if isinstance(got, Ptr | Bundle) or not got.dtype.is_integer:
            raise self.parse_error(node, "an index must be an integer")
        return got

    def _object_compound_literal_expression(self, node: Node) -> Operand | None:
        described = self.child(node, "type")
        t = self.types.descriptor(described) if described.type == "type_descriptor" else self.types.base(described)
        if t.struct is None:
            return None
        return self.built(t.struct, self.child(node, "value"), node)

    def record_of_braces(self, node: Node, record: Record) -> Bundle:
        raise NotImplementedError

    def record_value(self, node: Node, record: Record) -> Bundle:
        raise NotImplementedError

    def _object_call_expression(self, node: Node) -> Operand | None:
        got = self.call(node)
        if got is None:
            raise self.parse_error(node, f"{short(self.text(self.child(node, 'function')))} gives no value")
        return got if isinstance(got, Ptr | Bundle | Struct | Structs | Closure) else self.at(got, node)

    def _object_lambda_expression(self, node: Node) -> Operand | None:
        return self.closure(node)

    def _object_conditional_expression(self, node: Node) -> Operand | None:
        branches = (self.child(node, "consequence"), self.child(node, "alternative"))
        if not self.unit.has_structs:
            return None
        cond = self.condition(self.child(node, "condition"))
        with self.unhoisted():
            a, b = (self.operand(x) for x in branches)
        return self.either(node, cond, a, b, "?: between different buffers is not supported")

    def _object_binary_expression(self, node: Node) -> Operand | None:
        if not (self.unit.has_operators or self.unit.has_structs):
            return None
        op = self.tree.operator(node)
        left, right = self.child(node, "left"), self.child(node, "right")
        a = self.operand(left)
        if op in ("&&", "||") and not isinstance(a, Struct):
            with self.unhoisted():
                return self.binary(node, op, self.plain(a, left), self.plain(self.operand(right), right))
        b = self.operand(right)
        if isinstance(a, Structs) and op in ("+", "-"):
            by = self.plain_expr(b, right)
            return self.moved_structs(node, a, by if op == "+" else build.sub(build.integer(0), by))
        if not isinstance(a, Struct) and not isinstance(b, Struct):
            return self.binary(node, op, self.plain(a, left), self.plain(b, right))
        return self._operator(node, op, a, b)

    def _operator(self, node: Node, op: str, a: Operand, b: Operand) -> Operand:
        got = self.operator_call(node, op, a, b)
        if got is None:
            raise self.parse_error(node, f"operator{op} gives no value")
        return got

    def operator_call(self, node: Node, op: str, a: Operand, b: Operand) -> Operand | None:
        """`a op b` where one is a struct: its member function or a function called `operator op`."""
        name = f"operator{op}"
        if isinstance(a, Struct):
            own = self.members(a.type).functions.get(name, ())
            if own:
                return self.run(node, self.choose(node, name, own, [b], None), [b], a)
        free = self.unit.functions.get(name, [])
        if not free:
            raise self.unsupported(node, f"there is no {name} for this struct in the text")
        return self.run(node, self.choose(node, name, free, [a, b], None), [a, b], None)

    # -- members -------------------------------------------------------------------------------------------------------

    def call_member(self, node: Node, this: Struct, name: str, args: Sequence[Node],
                    explicit: Sequence[Node] | None = None) -> Operand | None:
        """A call of a member function."""
        own = self.members(this.type).functions.get(name, ())
        if not own:
            raise self.parse_error(node, f"{this.type.name} has no member function {name}")
        values = self.operands(args)
        return self.run(node, self.choose(node, name, own, values, explicit), values, this)

    def member_constant(self, struct: StructType, name: str, node: Node) -> Expr | None:
        """A static constant or enumerator of a struct; None when it has none of this name."""
        members = self.members(struct)
        if name not in members.constants:
            return None
        t, init, previous = members.constants[name]
        if init is None:
            before = self.member_constant(struct, previous, node) if previous else None
            if t is not None or (previous and not isinstance(before, Const)):
                raise self.unsupported(node, f"{struct.name}::{name} has no value here")
            return build.integer(int(before.value) + 1 if isinstance(before, Const) else 0)
        with self.in_struct(struct), self.unhoisted():
            got = self.folded(self.plain_number(init))
        return build.convert(got, t.base) if t is not None and t.base is not None else got

    def plain_number(self, node: Node) -> Expr:
        """The number in an initialiser, which may have braces."""
        if node.type == "initializer_list" and len(node.named_children) == 1:
            node = node.named_children[0]
        return self.plain_expr(self.operand(node), node)

    def struct_at(self, array: Structs, index: Expr, node: Node) -> Struct:
        """One struct of an array of them."""
        members: dict[str, Symbol] = {}
        for name, p in array.members.items():
            if isinstance(p, Structs):
                members[name] = self.struct_at(p, index, node)
                continue
            t = next(f.type for f in self.members(array.type).fields if f.name == name)
            at = build.mul(index, build.integer(array.packed)) if array.packed else index
            if array.packed:  # the place in the struct comes last: i * 3 + 1
                p, at = replace(p, offset=build.integer(0)), index_sum(at, p.offset)
            if t.dims:
                members[name] = Array(p.moved(at) if array.packed else p.row(at))
            else:
                members[name] = Place(p.buffer, p.indices(at), p.dtype)
        return Struct(array.type, members)

    def moved_structs(self, node: Node, array: Structs, by: Expr) -> Structs:
        """A pointer to structs, `by` of them further on."""
        moved: dict[str, Ptr | Structs] = {}
        for name, p in array.members.items():
            if isinstance(p, Structs):
                moved[name] = self.moved_structs(node, p, by)
            else:
                moved[name] = p.moved(build.mul(by, build.integer(array.packed or (p.step() if p.layout == "flat" else 1))))
        return Structs(array.type, moved, array.packed)

    # -- lambdas -------------------------------------------------------------------------------------------------------

    def closure(self, node: Node) -> Closure:
        """A lambda. What it takes along by value is named now."""
        f = Function("lambda", node, CType(None, auto=True), (), self.child(node, "body"), is_device=True, instance="lambda")
        f.types = self.types.scopes[-1]
        self.unit.read_signature(f, self.types)
        captures = field(node, "captures")
        copied: dict[str, Symbol] = {}
        by_value = captures is not None and any(c.type == "lambda_default_capture" and self.text(c) == "="
                                                for c in captures.named_children)
        names: set[str] = set()
        if by_value:
            names = {self.text(n) for n in preorder(f.body) if n.type == "identifier"} if f.body is not None else set()
        previous = ""
        for c in captures.children if captures is not None else ():
            if c.type == "identifier" and previous != "&":
                names.add(self.text(c))
            elif c.type not in ("identifier", "lambda_default_capture", "[", "]", ",", "&", "this", "comment"):
                raise self.unsupported(c, f"this capture ({short(self.text(c))}) is not supported")
            previous = c.type
        for name in sorted(names):
            symbol = self.find(name)
            if isinstance(symbol, Cell | Place):
                copied[name] = self.let(name, self.load(symbol), node)
        return Closure(node, f, (*self.scopes, copied), tuple(self.types.scopes))

    # -- choices -------------------------------------------------------------------------------------------------------

    def either(self, node: Node, cond: Expr, a: Operand, b: Operand, pointers: str) -> Operand:
        """`cond ? a : b`; `pointers` says what is wrong with pointers to different buffers."""
        if isinstance(cond, Const) and not (isinstance(a, Expr) and isinstance(b, Expr)):
            return a if cond.value else b
        if isinstance(a, Struct) and isinstance(b, Struct) and a.type is b.type:
            members: dict[str, Symbol] = {}
            for name, x in a.members.items():
                y = b.members[name]
                if isinstance(x, Array | Structs) or isinstance(y, Array | Structs):
                    raise self.unsupported(node, "?: between structs with arrays is not supported", "Write it as an if.")
                got: Operand = self.either(node, cond, self._member_value(x, node), self._member_value(y, node), pointers)
                members[name] = got if isinstance(got, Struct) else Pointer(got) if isinstance(got, Ptr) else \
                    Value(self.plain_expr(got, node))
            return Struct(a.type, members)
        p, q = self.plain(a, node), self.plain(b, node)
        if isinstance(p, Bundle) and isinstance(q, Bundle) and p.record.fields == q.record.fields:
            return Bundle(p.record, tuple(self.select(cond, x, y) for x, y in zip(p.values, q.values, strict=True)))
        if isinstance(p, Bundle) or isinstance(q, Bundle):
            raise self.unsupported(node, "?: between vectors of different types is not supported")
        if isinstance(p, Ptr) or isinstance(q, Ptr):
            return self.either_pointer(node, cond, p, q, pointers)
        return self.select(cond, p, q)

    def plain_expr(self, got: Operand, node: Node) -> Expr:
        e = self.plain(got, node)
        if isinstance(e, Ptr | Bundle):
            raise self.unsupported(node, f"a {'pointer' if isinstance(e, Ptr) else e.record.name} is used as a value here")
        return e

    def _member_value(self, symbol: Symbol, node: Node) -> Operand:
        return symbol if isinstance(symbol, Struct) else self.read(symbol, node)

    def either_pointer(self, node: Node, cond: Expr, a: Expr | Ptr, b: Expr | Ptr, message: str) -> Ptr:
        raise NotImplementedError
