"""Template headers, and what their parameters stand for in one instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tree_sitter import Node

from ..ir.nodes import Const
from .tree import Tree
from .tree import field as child

if TYPE_CHECKING:
    from .typenames import CType


@dataclass(frozen=True, slots=True)
class TemplateParam:
    """One parameter. `declared` is the declaration of a value's type, None for a type; `default` the node of its default."""

    name: str
    node: Node
    declared: Node | None
    default: Node | None


@dataclass(slots=True)
class Bindings:
    """Template arguments by parameter name."""

    types: dict[str, CType] = field(default_factory=dict)
    values: dict[str, Const] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return name in self.types or name in self.values


@dataclass(frozen=True, slots=True)
class StructTemplate:
    """A class template, or a full specialisation of one (`special`: its arguments, `params` empty)."""

    node: Node
    params: tuple[TemplateParam, ...]
    special: tuple[Node, ...] | None


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """`template <...> using name = ...` or `template <...> constexpr T name = ...`: the declaration."""

    node: Node
    params: tuple[TemplateParam, ...]


def template_params(tree: Tree, node: Node) -> tuple[TemplateParam, ...]:
    """The parameters of a template declaration. Raises UnsupportedError for packs and template templates."""
    header = child(node, "parameters")
    out: list[TemplateParam] = []
    for p in header.named_children if header is not None else ():
        default = child(p, "default_type") or child(p, "default_value")
        if p.type in ("type_parameter_declaration", "optional_type_parameter_declaration"):
            name = child(p, "name") or next((c for c in p.named_children if c.type == "type_identifier"), None)
            out.append(TemplateParam(tree.text_of(name) if name is not None else "", p, None, default))
        elif p.type in ("parameter_declaration", "optional_parameter_declaration"):
            name = child(p, "declarator")
            if name is not None and name.type != "identifier":
                raise tree.unsupported(p, f"the template parameter {tree.text_of(p)} is not supported",
                                       "Types and plain values are.")
            out.append(TemplateParam(tree.text_of(name) if name is not None else "", p, p, default))
        elif p.type != "comment":
            what = "a parameter pack" if "variadic" in p.type else "a template as template parameter"
            raise tree.unsupported(p, f"{what} ({tree.text_of(p)}) is not supported")
    return tuple(out)


def instance_name(name: str, args: Mapping[str, str]) -> str:
    """`k<float, 256>`, as C++ writes it."""
    return f"{name}<{', '.join(args.values())}>" if args else name
