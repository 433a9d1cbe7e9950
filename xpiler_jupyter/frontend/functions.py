"""Functions of a text: their definitions, and their signatures once the names in them have a meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from ..errors import XpilerError
from ..ir.nodes import Const
from ..platforms.base import Platform
from .struct_types import StructType
from .templates import TemplateParam, template_params
from .tree import Mark, Tree, preorder
from .tree import field as child
from .typenames import CType, Declared, Types


@dataclass(slots=True)
class Function:
    """One function definition. `failure` is the syntax or type error that keeps it from being used.

    A template has `template`; its `params` and `result` are only known of an instance, which `Unit.instance` makes and
    which carries its arguments in `types` and `values`. `special` are the arguments of a full specialisation. `scope` are
    the name spaces around it, `struct` the struct that it is a member of; `is_const` and `is_static` speak of members."""

    name: str
    node: Node
    result: CType
    params: tuple[Declared, ...]
    body: Node | None
    is_kernel: bool = False
    is_device: bool = False
    is_static: bool = False
    is_extern_c: bool = False
    template: tuple[TemplateParam, ...] = ()
    bounds: Mark | None = None
    failure: XpilerError | None = None
    calls: set[str] = field(default_factory=set)
    launches: list[Node] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    defaults: dict[int, Node] = field(default_factory=dict)  # default arguments by the parameter's place
    types: Mapping[str, CType] = field(default_factory=dict)
    values: Mapping[str, Const] = field(default_factory=dict)
    instance: str = ""
    special: tuple[Node, ...] | None = None
    scope: tuple[str, ...] = ()
    struct: StructType | None = None
    is_const: bool = False
    whole: tuple[Declared, ...] = ()  # structs that `params` holds member by member

    @property
    def is_template(self) -> bool:
        """Does it still lack its template arguments?"""
        return bool(self.template) and not self.instance


class Functions:
    """Reads definitions of one tree."""

    tree: Tree
    platform: Platform

    def function(self, node: Node, header: Node | None) -> Function | None:
        """A function definition, its signature not read yet."""
        declarator, body = child(node, "declarator"), child(node, "body")
        if declarator is None:
            return None
        marks = [m for m in self.tree.marks_in(node.start_byte, declarator.start_byte) if m.at < declarator.start_byte]
        words = {m.word for m in marks}
        storage = {self.tree.text_of(c) for c in node.children if c.type == "storage_class_specifier"}
        kernel_word = self.platform.kernel_qualifier or "__global__"
        name_node: Node | None = declarator
        while name_node is not None and name_node.type.endswith("_declarator"):
            name_node = child(name_node, "declarator") or next((c for c in name_node.named_children
                                                                if c.type.endswith(("declarator", "identifier"))), None)
        special: tuple[Node, ...] | None = None
        if name_node is not None and name_node.type == "template_function":
            arguments = child(name_node, "arguments")
            special = tuple(arguments.named_children) if arguments is not None else ()
            name_node = child(name_node, "name")
        name = "".join(self.tree.text_of(name_node).split()) if name_node is not None else ""
        f = Function(name, node, CType(None), (), body, kernel_word in words or "__global__" in words,
                     bool(words & {kernel_word, "__global__", "__device__"}), bool(storage & {"static", "inline"})
                     or bool(words & {"__forceinline__", "__inline__", "__inline", "__forceinline"}),
                     bounds=next((m for m in marks if m.word == "__launch_bounds__"), None), special=special)
        f.marks = marks
        f.failure = self.tree.syntax_error(node)
        if header is not None and f.failure is None:
            try:
                f.template = template_params(self.tree, header)
            except XpilerError as e:
                f.failure = e
        for n in preorder(node):
            if n.type == "call_expression":
                callee = child(n, "function")
                text = self.tree.text_of(callee) if callee is not None else ""
                f.calls.add(text.split("<")[0])
                if any(c.type == "kernel_call_syntax" for c in n.children) or (
                        self.platform.api is not None and text == f"{self.platform.api.prefix}LaunchKernelGGL"):
                    f.launches.append(n)
        return f

    def read_signature(self, f: Function, types: Types) -> None:
        """Result and parameters of a function that is no template any more, by the names in `types`.

        Raises:
            XpilerError: located, for a type outside the language.
        """
        declarator = child(f.node, "declarator")
        declared = child(f.node, "type")
        trailing = next((n for n in preorder(declarator) if n.type == "trailing_return_type"), None) \
            if declarator is not None else None
        if declarator is None:
            return
        constructor = f.struct is not None and f.name == f.struct.template
        if f.node.type == "lambda_expression" or (declared is not None and declared.type == "placeholder_type_specifier"):
            base = CType(None, auto=True)
        elif constructor:
            base = CType(None)
        elif declared is None:
            raise self.tree.unsupported(f.node, f"the function {f.name} has no return type")
        else:
            base = types.specifier(f.node)
        got = types.declarator(declarator, base)
        f.result = got.type
        if trailing is not None and base.auto:
            f.result = types.descriptor(trailing.named_children[0])
        params: list[Declared] = []
        first: XpilerError | None = None
        for p in got.params.named_children if got.params is not None else ():
            try:
                one = self._parameter(p, types)
            except XpilerError as e:  # the other parameters may be all that anyone asks for
                first = first or e
                continue
            default = child(p, "default_value")
            if one is not None and default is not None:
                f.defaults[len(params)] = default
            if one is not None:
                params.append(one)
        f.params = tuple(params)
        if first is not None:
            raise first

    def _parameter(self, p: Node, types: Types) -> Declared | None:
        """One parameter; None for `f(void)`."""
        if p.type == "comment":
            return None
        if p.type not in ("parameter_declaration", "optional_parameter_declaration"):
            raise self.tree.unsupported(p, "this kind of parameter is not supported")
        declared = types.declarator(child(p, "declarator"), types.specifier(p))
        if declared.name is None and declared.type == CType(None):
            return None
        if declared.function:
            raise self.tree.unsupported(p, "a function as parameter is not supported")
        return declared
