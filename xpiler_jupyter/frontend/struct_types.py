"""Structs as types: what one declares, read once per set of template arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tree_sitter import Node

from ..ir.nodes import Const

if TYPE_CHECKING:
    from .functions import Function
    from .typenames import CType


@dataclass(frozen=True, slots=True, eq=False)
class StructType:
    """A struct or class, or one instance of a class template: `Unit.struct` makes each of them once, so two are the same
    type when they are the same object. `types` and `values` are its template arguments by name, `args` in order."""

    name: str
    node: Node
    template: str
    args: tuple[CType | Const, ...]
    types: Mapping[str, CType]
    values: Mapping[str, Const]


@dataclass(frozen=True, slots=True)
class Field:
    """A data member. `init` is the node of its default value."""

    name: str
    type: CType
    init: Node | None
    node: Node


@dataclass(frozen=True, slots=True)
class Members:
    """What stands between the braces. `functions` by name, constructors under the struct's own name; `constants` are
    static ones and enumerators: the node of the value, or the previous enumerator's name."""

    fields: tuple[Field, ...]
    functions: Mapping[str, tuple[Function, ...]]
    constants: Mapping[str, tuple[CType | None, Node | None, str | None]]
    types: Mapping[str, CType]
