"""The top level of a text: its functions, its file-scope names, and which functions are kernels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest

from tree_sitter import Node

from ..errors import XpilerError
from ..ir.nodes import Const, Param
from ..ir.types import I32
from ..platforms.base import Platform
from .functions import Function as Function
from .functions import Functions
from .preprocess import Prepared
from .struct_types import Members, StructType
from .templates import Bindings, NameTemplate, StructTemplate, instance_name, template_params
from .tree import Mark, Tree, preorder
from .tree import field as child
from .typenames import CType, Declared, Types
from .usage import Usage, reference_flags
from .vector_types import vector_lanes


@dataclass(frozen=True, slots=True)
class Global:
    """A file-scope variable: its declaration node and its declarator."""

    declaration: Node
    declarator: Node
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function of the text looks like from outside."""

    name: str
    args: tuple[Param, ...]
    is_device: bool


class Unit(Functions):
    """A parsed text with its top level sorted out."""

    def __init__(self, prepared: Prepared, platform: Platform) -> None:
        self.platform = platform
        self.tree = Tree(prepared, platform)
        self.source = prepared.source
        self.types = Types(self.tree, platform)
        self.functions: dict[str, list[Function]] = {}
        self.specials: dict[str, list[Function]] = {}  # full specialisations of function templates
        self.globals: dict[str, Global] = {}
        self.enums: dict[str, tuple[Node, Node | None, str | None]] = {}
        self.struct_templates: dict[str, list[StructTemplate]] = {}
        self.name_templates: dict[str, NameTemplate] = {}
        self.instantiations: dict[str, list[tuple[Node, ...]]] = {}
        self.loose_errors: list[Node] = []
        self.members: dict[StructType, Members] = {}  # filled by whoever lowers: sizes of arrays need constants
        self._structs: dict[tuple[int, tuple[CType | Const, ...]], StructType] = {}
        self._usage: dict[int, Usage] = {}
        # Only where the text mentions them is an operand looked at twice.
        self.has_operators, self.has_structs = (word in self.tree.text for word in ("operator", "struct"))
        self.has_structs = self.has_structs or "class" in self.tree.text
        self.types.composed = self._composed
        self._items(self.tree.root, False, None, ())
        for f in self.all_functions():
            self._read(f)
        for f in (f for fs in self.specials.values() for f in fs):
            self._read(f)

    def _composed(self, node: Node) -> CType | None:
        """The type of a name at file scope that is more than a word."""
        from .lower import Lowering  # it lowers the constants among the template arguments

        return Lowering(self, Function("", self.tree.root, CType(None), (), None), None).composed(node)

    # -- collecting ----------------------------------------------------------------------------------------------------

    def _items(self, parent: Node, extern_c: bool, header: Node | None, scope: tuple[str, ...]) -> None:
        """Everything below a translation unit, a name space or a template's header (`header`)."""
        for node in parent.named_children:
            kind = node.type
            if kind == "function_definition":
                self._function(node, extern_c, header, scope)
            elif kind == "linkage_specification":
                body = child(node, "body")
                if body is not None and body.type == "declaration_list":
                    self._items(body, True, header, scope)
                elif body is not None and body.type == "function_definition":
                    self._function(body, True, header, scope)
            elif kind == "namespace_definition":
                body, name = child(node, "body"), child(node, "name")
                if body is not None:
                    inner = tuple(self.tree.text_of(name).split("::")) if name is not None else ()
                    self._items(body, extern_c, header, (*scope, *inner))
            elif kind == "template_declaration":
                self._items(node, extern_c, node, scope)
            elif kind == "template_instantiation":
                found = next((n for n in preorder(node) if n.type == "template_function"), None)
                name, arguments = (child(found, "name"), child(found, "arguments")) if found is not None else (None, None)
                if name is not None and arguments is not None:
                    self.instantiations.setdefault(self.tree.text_of(name), []).append(tuple(arguments.named_children))
            elif kind in ("type_definition", "alias_declaration") or (kind == "declaration" and header is not None):
                if header is not None:
                    self._name_template(node, header)
                    continue
                self._struct(child(node, "type"), None)
                self.alias(node)
            elif kind in ("struct_specifier", "class_specifier"):
                self._struct(node, header)
            elif kind == "enum_specifier":
                self._enum(node)
            elif kind == "declaration":
                self._struct(child(node, "type"), None)
                self._global(node, scope)
            if node.is_error or node.is_missing:
                self.loose_errors.append(node)

    def _name_template(self, node: Node, header: Node) -> None:
        declarator: Node | None = child(node, "name") or child(node, "declarator")
        while declarator is not None and declarator.type not in ("identifier", "type_identifier"):
            declarator = child(declarator, "declarator")
        if declarator is not None:
            try:
                self.name_templates[self.tree.text_of(declarator)] = NameTemplate(node, template_params(self.tree, header))
            except XpilerError:
                return  # unknown then: whoever uses it is told

    def _struct(self, node: Node | None, header: Node | None) -> None:
        """Learn a struct by its name. One without a name is learnt with its typedef."""
        if node is None or node.type == "enum_specifier":
            if node is not None:
                self._enum(node)
            return
        name = child(node, "name")
        if node.type not in ("struct_specifier", "class_specifier") or child(node, "body") is None or name is None:
            return
        if header is None:
            text = self.tree.text_of(name)
            if not vector_lanes(self.tree, node, CType(None), lambda word: None):
                self.types.aliases[text] = CType(None, struct=self.struct(node, text, (), Bindings()))
            return
        try:
            params = template_params(self.tree, header)
        except XpilerError:
            return
        special: tuple[Node, ...] | None = None
        if name.type == "template_type":
            arguments = child(name, "arguments")
            special = tuple(arguments.named_children) if arguments is not None else ()
            name = child(name, "name") or name
        self.struct_templates.setdefault(self.tree.text_of(name), []).append(StructTemplate(node, params, special))

    def alias(self, node: Node, types: Types | None = None) -> None:
        """Learn a typedef or `using`: of the file, or of the innermost scope of `types`. One that we cannot read stays
        unknown: whoever uses it is told then."""
        into = self.types.aliases if types is None else types.scopes[-1]
        types = types or self.types
        try:
            if node.type == "alias_declaration":
                name, described = child(node, "name"), child(node, "type")
                if name is None or described is None:
                    return
                base = types.specifier(described, vectors=True)
                got = types.declarator(child(described, "declarator"), base)
                into[self.tree.text_of(name)] = got.type
                return
            base = types.specifier(node, vectors=True)
            for d in node.children_by_field_name("declarator"):
                got = types.declarator(d, base)
                if got.name is not None and not got.function:
                    into[self.tree.text_of(got.name)] = got.type
        except XpilerError:
            return

    def _enum(self, node: Node) -> None:
        body, title = child(node, "body"), child(node, "name")
        scoped = any(c.type in ("class", "struct") for c in node.children) and title is not None
        base = child(node, "base")
        if title is not None:
            self.types.aliases[self.tree.text_of(title)] = (self.types.base(base) if base is not None else CType(I32))
        previous: str | None = None
        for item in body.named_children if body is not None else ():
            name = child(item, "name")
            if item.type == "enumerator" and name is not None:
                text = self.tree.text_of(name)
                full = f"{self.tree.text_of(title)}::{text}" if title is not None else text
                self.enums[full] = (item, child(item, "value"), previous)
                if not scoped:
                    self.enums[text] = self.enums[full]
                previous = full if scoped else text

    def _global(self, node: Node, scope: tuple[str, ...]) -> None:
        marks = tuple(self.tree.marks_in(node.start_byte, node.end_byte))
        for d in node.children_by_field_name("declarator"):
            at: Node | None = d
            while at is not None and at.type not in ("identifier", "function_declarator"):
                at = child(at, "declarator")
            if at is not None and at.type == "identifier":
                self.globals[self.tree.text_of(at)] = Global(node, d, marks)
                if scope:
                    self.globals["::".join((*scope, self.tree.text_of(at)))] = Global(node, d, marks)

    def _function(self, node: Node, extern_c: bool, header: Node | None, scope: tuple[str, ...]) -> None:
        f = self.function(node, header)
        if f is None:
            return
        f.is_extern_c, f.scope = extern_c, scope
        (self.specials if f.special is not None else self.functions).setdefault(f.name, []).append(f)

    def _read(self, f: Function) -> None:
        if not f.is_template:
            try:
                self.read_signature(f, self.types)
            except XpilerError as e:
                f.failure = f.failure or e

    def instance(self, f: Function, bound: Bindings, types: Types) -> Function:
        """The template with its arguments put in. Raises XpilerError as `read_signature` does."""
        words = {p.name: bound.types[p.name].words() if p.name in bound.types else str(bound.values[p.name].value)
                 for p in f.template if bound.has(p.name)}
        made = replace(f, instance=instance_name(f.name, words), types={**f.types, **bound.types},
                       values={**f.values, **bound.values}, defaults={})
        with types.inside(made.types):
            self.read_signature(made, types)
        return made

    def struct(self, node: Node, name: str, args: tuple[CType | Const, ...], bound: Bindings) -> StructType:
        """The type that a struct and its template arguments make."""
        key = (node.start_byte, args)
        if key not in self._structs:
            words = [a.words() if isinstance(a, CType) else str(a.value) for a in args]
            full = f"{name}<{', '.join(words)}>" if words else name
            self._structs[key] = StructType(full, node, name, args, bound.types, bound.values)
        return self._structs[key]

    # -- asking --------------------------------------------------------------------------------------------------------

    def usage(self, f: Function) -> Usage:
        if f.node.id not in self._usage:
            self._usage[f.node.id] = Usage(self.tree, f.node, *self._references)
        return self._usage[f.node.id]

    @cached_property
    def _references(self) -> tuple[dict[str, tuple[bool, ...]], frozenset[str]]:
        """Per function name which parameters it may write through, and the names of const member functions."""
        flags: dict[str, tuple[bool, ...]] = {}
        constant: set[str] = set()
        changing: set[str] = set()
        for n in preorder(self.tree.root) if self.has_structs else [g.node for g in self.all_functions()]:
            if n.type != "function_definition":
                continue
            declarator = child(n, "declarator")
            while declarator is not None and declarator.type != "function_declarator":
                declarator = child(declarator, "declarator") or next(iter(declarator.named_children), None)
            name_node = child(declarator, "declarator") if declarator is not None else None
            if declarator is None or name_node is None:
                continue
            member = n.parent is not None and "field_declaration_list" in (
                n.parent.type, n.parent.parent.type if n.parent.parent is not None else "")
            name = self.tree.text_of(name_node).split("<")[0]
            mine, before = reference_flags(self.tree, n), flags.get(("." if member else "") + name, ())
            flags[("." if member else "") + name] = tuple(a or b for a, b in zip_longest(mine, before, fillvalue=False))
            if member:
                const = any(c.type == "type_qualifier" and self.tree.text_of(c) == "const" for c in declarator.children)
                (constant if const else changing).add(name)
        return flags, frozenset(constant - changing)

    def all_functions(self) -> list[Function]:
        """Every function definition, in text order."""
        return sorted((f for fs in self.functions.values() for f in fs), key=lambda f: f.node.start_byte)

    def kernels(self) -> list[Function]:
        """The functions to lower, in text order."""
        found = self.all_functions()
        if self.platform.kernel_qualifier:
            return [f for f in found if f.is_kernel]
        exported = [f for f in found if f.is_extern_c and f.name != "main"]
        if exported:
            return exported
        called = {c for f in found if f.name != "main" for c in f.calls if c != f.name}
        free = [f for f in found if f.name != "main" and not f.is_static and f.name not in called]
        return [f for f in free if f.failure is not None or f.is_template
                or any(p.type.pointers or p.type.dims for p in f.params)]

    def signature(self, f: Function) -> Signature:
        args = []
        for p in f.params:
            if p.type.base is not None and p.name is not None:
                pointer = bool(p.type.pointers or p.type.dims or p.type.row)
                args.append(Param(self.tree.text_of(p.name), p.type.base, pointer, p.type.const,
                                  self.is_restrict(p), span=self.tree.span(p.name)))
        return Signature(f.name, tuple(args), f.is_device)

    def is_restrict(self, p: Declared) -> bool:
        if p.name is None:
            return False
        return any(m.word in ("__restrict__", "__restrict", "restrict") and m.anchor == p.name.start_byte
                   for m in self.tree.marks_in(p.name.start_byte, p.name.start_byte))
