"""Vector types of the compiler's own: `float __attribute__((ext_vector_type(4)))` and its older spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from tree_sitter import Node

from ..ir.types import ScalarType
from .tree import Mark, Tree, field

_COUNT = re.compile(r"_*ext_vector_type_*\((\d+)\)")
_BYTES = re.compile(r"_*vector_size_*\((?:(\d+)\*sizeof\((\w+)\)|sizeof\((\w+)\)\*(\d+)|(\d+))\)")


class _Type(Protocol):
    @property
    def base(self) -> ScalarType | None: ...
    @property
    def lanes(self) -> int: ...


def vector_lanes(tree: Tree, node: Node, base: _Type, named: Callable[[str], ScalarType | None]) -> int:
    """How many elements the vector type of a declaration has; 0 when it declares none.

    Raises UnsupportedError when a vector attribute cannot be read.
    """
    body = field(node, "body")
    attributes = [m for m in tree.marks_in(node.start_byte, body.start_byte if body else node.end_byte) if _is_vector(m)]
    if not attributes:
        return base.lanes
    text = "".join(t.text for t in attributes[0].words)
    count = _COUNT.search(text)
    if count is not None and base.base is not None and not base.lanes:
        return int(count[1])
    size = _BYTES.search(text)
    if size is None or base.base is None or base.lanes:
        raise tree.unsupported(node, f"the vector type with {text} is not supported")
    word, times = size[2] or size[3], int(size[1] or size[4] or size[5])
    element = named(word) if word else None
    if word and element is None:
        raise tree.unsupported(node, f"the size of {word} is not known here")
    total = times * (element.bytes if element is not None else 1)
    if total % base.base.bytes:
        raise tree.unsupported(node, f"a vector of {total} bytes holds no whole number of {base.base}")
    return total // base.base.bytes


def _is_vector(m: Mark) -> bool:
    return any("vector_size" in t.text or "ext_vector" in t.text for t in m.words)
