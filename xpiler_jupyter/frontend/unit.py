"""The top level of a text: its functions, its file-scope names, and which functions are kernels."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from ..errors import XpilerError
from ..ir.nodes import Param
from ..platforms.base import Platform
from .preprocess import Prepared
from .tree import Mark, Tree, preorder
from .tree import field as child
from .typenames import CType, Declared, Types
from .usage import Usage


@dataclass(slots=True)
class Function:
    """One function definition. `failure` is the syntax or type error that keeps it from being used."""

    name: str
    node: Node
    result: CType
    params: tuple[Declared, ...]
    body: Node | None
    is_kernel: bool = False
    is_device: bool = False
    is_static: bool = False
    is_extern_c: bool = False
    is_template: bool = False
    bounds: Mark | None = None
    failure: XpilerError | None = None
    calls: set[str] = field(default_factory=set)
    launches: list[Node] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


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


class Unit:
    """A parsed text with its top level sorted out."""

    def __init__(self, prepared: Prepared, platform: Platform) -> None:
        self.platform = platform
        self.tree = Tree(prepared, platform)
        self.source = prepared.source
        self.types = Types(self.tree, platform)
        self.functions: dict[str, list[Function]] = {}
        self.globals: dict[str, Global] = {}
        self.enums: dict[str, tuple[Node, Node | None, str | None]] = {}
        self.loose_errors: list[Node] = []
        self._usage: dict[int, Usage] = {}
        self._items(self.tree.root, extern_c=False, template=False)

    # -- collecting ----------------------------------------------------------------------------------------------------

    def _items(self, parent: Node, extern_c: bool, template: bool) -> None:
        for node in parent.named_children:
            kind = node.type
            if kind == "function_definition":
                self._function(node, extern_c, template)
            elif kind == "linkage_specification":
                body = child(node, "body")
                if body is not None and body.type == "declaration_list":
                    self._items(body, True, template)
                elif body is not None and body.type == "function_definition":
                    self._function(body, True, template)
            elif kind == "namespace_definition":
                body = child(node, "body")
                if body is not None:
                    self._items(body, extern_c, template)
            elif kind == "template_declaration":
                self._items(node, extern_c, True)
            elif kind in ("type_definition", "alias_declaration"):
                self.alias(node)
            elif kind == "enum_specifier":
                self._enum(node)
            elif kind == "declaration":
                self._global(node)
            if node.is_error or node.is_missing:
                self.loose_errors.append(node)

    def alias(self, node: Node) -> None:
        """Learn a typedef or `using`. One that we cannot read stays unknown: whoever uses it is told then."""
        try:
            if node.type == "alias_declaration":
                name, described = child(node, "name"), child(node, "type")
                if name is None or described is None:
                    return
                base = self.types.specifier(described, vectors=True)
                got = self.types.declarator(child(described, "declarator"), base)
                self.types.aliases[self.tree.text_of(name)] = got.type
                return
            base = self.types.specifier(node, vectors=True)
            for d in node.children_by_field_name("declarator"):
                got = self.types.declarator(d, base)
                if got.name is not None and not got.function:
                    self.types.aliases[self.tree.text_of(got.name)] = got.type
        except XpilerError:
            return

    def _enum(self, node: Node) -> None:
        body = child(node, "body")
        previous: str | None = None
        for item in body.named_children if body is not None else ():
            name = child(item, "name")
            if item.type == "enumerator" and name is not None:
                text = self.tree.text_of(name)
                self.enums[text] = (item, child(item, "value"), previous)
                previous = text

    def _global(self, node: Node) -> None:
        marks = tuple(self.tree.marks_in(node.start_byte, node.end_byte))
        for d in node.children_by_field_name("declarator"):
            at: Node | None = d
            while at is not None and at.type not in ("identifier", "function_declarator"):
                at = child(at, "declarator")
            if at is not None and at.type == "identifier":
                self.globals[self.tree.text_of(at)] = Global(node, d, marks)

    def _function(self, node: Node, extern_c: bool, template: bool) -> None:
        declarator, body = child(node, "declarator"), child(node, "body")
        if declarator is None:
            return
        marks = [m for m in self.tree.marks_in(node.start_byte, declarator.start_byte) if m.at < declarator.start_byte]
        words = {m.word for m in marks}
        storage = {self.tree.text_of(c) for c in node.children if c.type == "storage_class_specifier"}
        kernel_word = self.platform.kernel_qualifier or "__global__"
        name_node = next((n for n in preorder(declarator) if n.type in ("identifier", "qualified_identifier")), None)
        name = self.tree.text_of(name_node) if name_node is not None else ""
        f = Function(name, node, CType(None), (), body, kernel_word in words or "__global__" in words,
                     bool(words & {kernel_word, "__global__", "__device__"}), bool(storage & {"static", "inline"})
                     or bool(words & {"__forceinline__", "__inline__", "__inline", "__forceinline"}),
                     extern_c, template, next((m for m in marks if m.word == "__launch_bounds__"), None))
        f.marks = marks
        self.functions.setdefault(name, []).append(f)
        f.failure = self.tree.syntax_error(node)
        for n in preorder(node):
            if n.type == "call_expression":
                callee = child(n, "function")
                text = self.tree.text_of(callee) if callee is not None else ""
                f.calls.add(text.split("<")[0])
                if any(c.type == "kernel_call_syntax" for c in n.children) or (
                        self.platform.api is not None and text == f"{self.platform.api.prefix}LaunchKernelGGL"):
                    f.launches.append(n)
        try:
            self._read_signature(f, declarator)
        except XpilerError as e:
            f.failure = f.failure or e

    def _read_signature(self, f: Function, declarator: Node) -> None:
        if child(f.node, "type") is None:
            raise self.tree.unsupported(f.node, f"the function {f.name} has no return type")
        base = CType(None, auto=True) if f.is_template else self.types.specifier(f.node)
        got = self.types.declarator(declarator, base)
        f.result = got.type
        if f.is_template:
            return
        params: list[Declared] = []
        first: XpilerError | None = None
        for p in got.params.named_children if got.params is not None else ():
            try:
                declared = self._parameter(p)
            except XpilerError as e:  # the other parameters may be all that anyone asks for
                first = first or e
                continue
            if declared is not None:
                params.append(declared)
        f.params = tuple(params)
        if first is not None:
            raise first

    def _parameter(self, p: Node) -> Declared | None:
        """One parameter; None for `f(void)`."""
        if p.type == "optional_parameter_declaration":
            raise self.tree.unsupported(p, "a default argument is not supported", "Give the value at the call.")
        if p.type != "parameter_declaration":
            raise self.tree.unsupported(p, "this kind of parameter is not supported")
        declared = self.types.declarator(child(p, "declarator"), self.types.specifier(p))
        if declared.name is None and declared.type.base is None and not declared.type.pointers:
            return None
        if declared.function:
            raise self.tree.unsupported(p, "a function as parameter is not supported")
        return declared

    # -- asking --------------------------------------------------------------------------------------------------------

    def usage(self, f: Function) -> Usage:
        if f.node.id not in self._usage:
            references = {name: tuple(p.type.reference and not p.type.const for p in fs[0].params)
                          for name, fs in self.functions.items()}
            self._usage[f.node.id] = Usage(self.tree, f.node, references)
        return self._usage[f.node.id]

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
