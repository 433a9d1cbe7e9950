"""Names with template arguments: the types and functions that they stand for, and arguments told from a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tree_sitter import Node

from ..errors import XpilerError
from ..ir import build
from ..ir.nodes import Const
from ..ir.types import BOOL, I32
from .context import Context
from .functions import Function
from .refusals import short
from .struct_types import Field, Members, StructType
from .symbols import Bundle, Closure, Operand, Ptr, Struct, Structs, Value
from .templates import Bindings, TemplateParam
from .tree import field, strip_parens
from .typenames import CType

_TRAITS = frozenset(("is_same", "is_floating_point", "is_integral", "is_signed", "is_unsigned", "is_pointer"))


class Instances(Context):
    """Finds types, members and template arguments; knows constants because the classes above lower expressions."""

    @contextmanager
    def closed(self, types: Mapping[str, CType], values: Mapping[str, Const]) -> Iterator[None]:
        """Only these names and those of the file are in scope."""
        outer, self.scopes = self.scopes, [{k: Value(v, v) for k, v in values.items()}]
        try:
            with self.types.inside(types):
                yield
        finally:
            self.scopes = outer

    # -- types ---------------------------------------------------------------------------------------------------------

    def composed(self, node: Node) -> CType | None:
        """The type of a name that is more than a word; None when it is unknown."""
        if node.type in ("struct_specifier", "class_specifier") and field(node, "body") is not None:
            return CType(None, struct=self.unit.struct(node, "struct", (), Bindings()))
        if node.type == "dependent_type":
            return self.composed(node.named_children[0])
        if node.type == "template_type":
            return self._instance_of(node)
        if node.type == "qualified_identifier":
            name, struct = field(node, "name"), self.scope_struct(node)
            if name is None:
                return None
            if struct is not None:
                return self.members(struct).types.get(self.text(name))
            trait = self._conditional(node)
            if trait is not None:
                return trait
            if name.type in ("qualified_identifier", "template_type", "dependent_type"):
                return self.composed(name)
            return self.types.named(self.text(name))
        return None

    def scope_struct(self, node: Node) -> StructType | None:
        """The struct in front of the last `::`, if it is one."""
        scope = field(node, "scope")
        if scope is None:
            return None
        if scope.type == "template_type":
            found = self._instance_of(scope)
        else:
            found = self.types.named(self.text(scope))
        return found.struct if found is not None and not found.pointers else None

    def _conditional(self, node: Node) -> CType | None:
        """`std::conditional<c, A, B>::type` and `std::conditional_t`; `remove_*` and `decay` change nothing here."""
        inner = field(node, "scope") if field(node, "scope") is not None else node
        last = field(node, "name")
        if last is not None and last.type == "template_type":
            inner = last
        elif last is not None and last.type == "qualified_identifier":
            return self._conditional(last)
        if inner is None or inner.type != "template_type":
            return None
        name, args = self.text(self.child(inner, "name")).removesuffix("_t"), self._arguments(inner)
        if name == "conditional" and len(args) == 3:
            return self._type_argument_of(args[1] if self._truth(args[0]) else args[2])
        if name in ("remove_reference", "remove_cv", "remove_const", "decay") and len(args) == 1:
            return self._type_argument_of(args[0])
        return None

    def _arguments(self, node: Node) -> list[Node]:
        arguments = field(node, "arguments")
        return [c for c in arguments.named_children if c.type != "comment"] if arguments is not None else []

    def _truth(self, node: Node) -> bool:
        with self.unhoisted():
            got = self.folded(self.expr(self._plain(node)))
        if not isinstance(got, Const):
            raise self.unsupported(node, f"the template argument {short(self.text(node))} must be a constant")
        return bool(got.value)

    def _plain(self, node: Node) -> Node:
        """An argument that the grammar took for a type, as the name that it is."""
        while node.type == "type_descriptor" and len(node.named_children) == 1:
            node = node.named_children[0]
        return node

    def _type_argument_of(self, node: Node) -> CType:
        if node.type == "type_descriptor":
            return self.types.descriptor(node)
        raise self.unsupported(node, f"{short(self.text(node))} is no type")

    def _instance_of(self, node: Node) -> CType | None:
        """A class or alias template with its arguments."""
        name, args = self.text(self.child(node, "name")), self._arguments(node)
        alias = self.unit.name_templates.get(name)
        if alias is not None and alias.node.type == "alias_declaration":
            bound = self.bind_explicit(node, name, alias.params, args)
            with self.closed(bound.types, bound.values):
                return self.types.descriptor(self.child(alias.node, "type"))
        templates = self.unit.struct_templates.get(name)
        primary = next((t for t in templates or () if t.special is None), None)
        if primary is None:
            return self._conditional(node)
        bound = self.bind_explicit(node, name, primary.params, args)
        key = self._key(primary.params, bound)
        for special in templates or ():
            if special.special is None:
                continue
            if special.params:
                raise self.unsupported(node, f"{name} has a partial specialisation: not supported",
                                       "Write a struct of its own for that case.")
            if self._key(primary.params, self.bind_explicit(node, name, primary.params, list(special.special))) == key:
                return CType(None, struct=self.unit.struct(special.node, name, key, Bindings()))
        return CType(None, struct=self.unit.struct(primary.node, name, key, bound))

    def _key(self, params: Sequence[TemplateParam], bound: Bindings) -> tuple[CType | Const, ...]:
        return tuple(bound.types[p.name] if p.name in bound.types else bound.values[p.name] for p in params
                     if bound.has(p.name))

    # -- arguments -----------------------------------------------------------------------------------------------------

    def bind_explicit(self, node: Node, name: str, params: Sequence[TemplateParam], args: Sequence[Node],
                      whole: bool = True) -> Bindings:
        """Parameters bound to arguments as written; with `whole`, to their defaults after that.

        Raises:
            XpilerError: too many or unsuitable arguments, or one is missing.
        """
        if len(args) > len(params):
            raise self.parse_error(node, f"{name} takes {len(params)} template arguments, not {len(args)}")
        bound = Bindings()
        for p, a in zip(params, args, strict=False):
            self.bind_one(p, a, bound)
        if whole:
            self.bind_defaults(node, name, params, bound)
        return bound

    def bind_one(self, p: TemplateParam, a: Node, bound: Bindings) -> None:
        """One argument, as the call or the default writes it."""
        if p.declared is None:
            bound.types[p.name] = self._type_argument_of(a)
            return
        with self.unhoisted():
            got = self.folded(self.expr(strip_parens(self._plain(a))))
        if not isinstance(got, Const):
            raise self.unsupported(a, f"the template argument {p.name} must be a constant, not {short(self.text(a))}")
        bound.values[p.name] = self._as_declared(p, got, bound)

    def _as_declared(self, p: TemplateParam, value: Const, bound: Bindings) -> Const:
        assert p.declared is not None
        outer = self.types.scopes
        self.types.scopes = [*outer, bound.types]
        try:
            t = self.types.specifier(p.declared)
        finally:
            self.types.scopes = outer
        got = value if t.auto or t.base is None else build.convert(value, t.base)
        return Const(got.value, got.dtype) if isinstance(got, Const) else value

    def bind_defaults(self, node: Node, name: str, params: Sequence[TemplateParam], bound: Bindings) -> None:
        for p in params:
            if bound.has(p.name) or not p.name:
                continue
            if p.default is None:
                raise self.unsupported(node, f"the template argument {p.name} of {name} cannot be told here",
                                       f"Write it: {name}<...>(...).")
            with self.closed(bound.types, bound.values):
                self.bind_one(p, p.default, bound)

    def deduce(self, f: Function, args: Sequence[Operand | Node], bound: Bindings) -> None:
        """Binds what the types of a call's arguments tell."""
        names = {p.name for p in f.template}
        declarator = field(f.node, "declarator")
        while declarator is not None and declarator.type != "function_declarator":
            declarator = field(declarator, "declarator") or next(iter(declarator.named_children), None)
        listed = field(declarator, "parameters") if declarator is not None else None
        params = [p for p in listed.named_children if p.type != "comment"] if listed is not None else []
        for p, a in zip(params, args, strict=False):
            described, inner = field(p, "type"), field(p, "declarator")
            if described is None or isinstance(a, Node):
                continue
            shape = self.types.declarator(inner, CType(None, auto=True)).type
            self._unify(described, shape, a, names, bound)

    def _unify(self, described: Node, shape: CType, a: Operand, names: set[str], bound: Bindings) -> None:
        text = self.text(described)
        if text in names and not bound.has(text):
            found = _type_of(a, shape)
            if found is not None:
                bound.types[text] = found
        elif described.type == "template_type":
            struct = a.type if isinstance(a, Struct | Structs) else None
            if struct is None or struct.template != self.text(self.child(described, "name")):
                return
            for node, got in zip(self._arguments(described), struct.args, strict=False):
                name = self.text(node)
                if name in names and not bound.has(name):
                    if isinstance(got, CType):
                        bound.types[name] = got
                    else:
                        bound.values[name] = got
        for d, size in zip(shape.dims, a.shape if isinstance(a, Ptr) else (), strict=False):
            name = self.text(d) if d is not None else ""
            if name in names and not bound.has(name):
                bound.values[name] = Const(size, I32)

    # -- members -------------------------------------------------------------------------------------------------------

    def members(self, struct: StructType) -> Members:
        """What a struct declares. Raises XpilerError naming what is not supported in it."""
        found = self.unit.members.get(struct)
        if found is None:
            own = {**struct.types, struct.template: CType(None, struct=struct)}
            with self.closed(own, struct.values):
                found = self.unit.members[struct] = self._read_members(struct)
        return found

    def _read_members(self, struct: StructType) -> Members:
        for c in struct.node.children:
            if c.type == "base_class_clause":
                raise self.unsupported(c, f"{struct.name} has a base class: inheritance is not supported")
        fields: list[Field] = []
        functions: dict[str, list[Function]] = {}
        constants: dict[str, tuple[CType | None, Node | None, str | None]] = {}
        body = self.child(struct.node, "body")
        for node in body.named_children:
            if node.type == "alias_declaration" or node.type == "type_definition":
                self.unit.alias(node, self.types)
            elif node.type in ("function_definition", "template_declaration"):
                self._method(struct, node, functions)
            elif node.type == "field_declaration" and (inner := field(node, "type")) is not None and \
                    inner.type == "enum_specifier" and field(node, "declarator") is None:
                self._enumerators(inner, constants)
            elif node.type == "field_declaration":
                self._take_fields(struct, node, fields, constants)
            elif node.type not in ("access_specifier", "comment", "static_assert_declaration", "declaration"):
                raise self.unsupported(node, f"this {node.type.replace('_', ' ')} in {struct.name} is not supported")
        types = {k: v for k, v in self.types.scopes[-1].items() if k not in struct.types}
        return Members(tuple(fields), {k: tuple(v) for k, v in functions.items()}, constants, types)

    def _enumerators(self, node: Node, constants: dict[str, tuple[CType | None, Node | None, str | None]]) -> None:
        """An enum inside a struct."""
        name, previous = field(node, "name"), None
        if name is not None:
            self.types.scopes[-1][self.text(name)] = CType(I32)
        for item in self.child(node, "body").named_children:
            inner = field(item, "name")
            if item.type == "enumerator" and inner is not None:
                constants[self.text(inner)] = (None, field(item, "value"), previous)
                previous = self.text(inner)

    def _take_fields(self, struct: StructType, node: Node, fields: list[Field],
               constants: dict[str, tuple[CType | None, Node | None, str | None]]) -> None:
        base = self.types.specifier(node)
        static = any(c.type == "storage_class_specifier" and self.text(c) == "static" for c in node.children)
        pending: list[tuple[str, CType, Node]] = []
        for k, c in enumerate(node.children):
            role = node.field_name_for_child(k)
            if role == "declarator":
                got = self.types.declarator(c, base)
                if got.function:
                    return  # a declaration only: whoever calls it is told
                if got.name is None or got.type.reference:
                    raise self.unsupported(c, f"a member of {struct.name} that is a reference is not supported")
                pending.append((self.text(got.name), got.type, got.name))
            elif role == "default_value" and pending:
                name, t, at = pending.pop()
                self._take_member(static, name, t, c, at, fields, constants)
            elif c.type == "," and pending:
                name, t, at = pending.pop()
                self._take_member(static, name, t, None, at, fields, constants)
        for name, t, at in pending:
            self._take_member(static, name, t, None, at, fields, constants)

    def _take_member(self, static: bool, name: str, t: CType, init: Node | None, node: Node, fields: list[Field],
                constants: dict[str, tuple[CType | None, Node | None, str | None]]) -> None:
        if static:
            constants[name] = (t, init, None)
        else:
            fields.append(Field(name, t, init, node))

    def _method(self, struct: StructType, node: Node, functions: dict[str, list[Function]]) -> None:
        header = node if node.type == "template_declaration" else None
        inner = next((c for c in node.named_children if c.type == "function_definition"), None) if header else node
        if inner is None or any(c.type in ("default_method_clause", "delete_method_clause") for c in inner.children):
            return
        f = self.unit.function(inner, header)
        if f is None:
            return
        f.struct, f.types, f.values = struct, dict(self.types.scopes[-1]), struct.values
        declarator = field(inner, "declarator")
        while declarator is not None and declarator.type != "function_declarator":
            declarator = field(declarator, "declarator") or next(iter(declarator.named_children), None)
        f.is_const = declarator is not None and any(c.type == "type_qualifier" and self.text(c) == "const"
                                                    for c in declarator.children)
        functions.setdefault(f.name, []).append(f)

    def method(self, f: Function) -> Function:
        """A member function whose signature is read; its `failure` is what stands against it."""
        if f.failure is None and not f.is_template and not f.instance:
            f.instance = f.name
            try:
                with self.closed(f.types, f.values):
                    self.unit.read_signature(f, self.types)
            except XpilerError as e:
                f.failure = e
        return f

    # -- questions about types -----------------------------------------------------------------------------------------

    def trait(self, node: Node) -> Const | None:
        """`std::is_same<A, B>::value`, `std::is_same_v<A, B>` and the like; None when the node is none of these."""
        at: Node | None = node
        found: Node | None = None
        while at is not None:
            if at.type in ("template_type", "template_function"):
                found = at
            scope, name = field(at, "scope"), field(at, "name")
            if scope is not None and scope.type == "template_type":
                found = scope
            at = name if at.type == "qualified_identifier" else None
        if found is None:
            return None
        trait, args = self.text(self.child(found, "name")).removesuffix("_v"), self._arguments(found)
        if trait not in _TRAITS or not args:
            return None
        t = self._type_argument_of(args[0])
        if trait == "is_same":
            other = self._type_argument_of(args[1])
            same = (t.base, t.pointers, t.struct, t.record) == (other.base, other.pointers, other.struct, other.record)
            return Const(same, BOOL)
        scalar = t.base if not t.pointers else None
        said = {
            "is_floating_point": scalar is not None and scalar.is_float and scalar.bits >= 32,
            "is_integral": scalar is not None and (scalar.is_integer or scalar == BOOL),
            "is_signed": scalar is not None and (scalar.is_float or scalar.kind == "int"),
            "is_unsigned": scalar is not None and scalar.kind in ("uint", "bool"),
            "is_pointer": bool(t.pointers),
        }
        return Const(said[trait], BOOL)

    def local_struct(self, node: Node) -> None:
        """A struct declared inside a function."""
        name = field(node, "name")
        if name is not None and field(node, "body") is not None:
            text = self.text(name)
            local = Bindings({k: v for s in self.types.scopes for k, v in s.items()})
            self.types.scopes[-1][text] = CType(None, struct=self.unit.struct(node, text, self._scope_key(), local))

    def _scope_key(self) -> tuple[CType | Const, ...]:
        """What tells one instance of the surrounding function from another."""
        f = self.functions[-1]
        return (*f.types.values(), *f.values.values())


def _type_of(a: Operand, shape: CType) -> CType | None:
    """What `T` is when an argument `a` meets the parameter `T`, `T*` or `T (&)[n]`."""
    if isinstance(a, Closure):
        return CType(None, auto=True)
    if isinstance(a, Struct):
        return CType(None, struct=a.type)
    if isinstance(a, Structs):
        return CType(None, struct=a.type) if shape.pointers or shape.dims else CType(None, 1, struct=a.type)
    if isinstance(a, Bundle):
        return CType(a.record.element, record=a.record)
    if isinstance(a, Ptr):
        return CType(a.dtype, 0 if shape.pointers or shape.dims else 1, record=a.record)
    return CType(a.dtype) if not shape.pointers else None

