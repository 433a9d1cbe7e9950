"""Local arrays that are only ever seen as another type of the same size get that type."""

from __future__ import annotations

from dataclasses import replace

from ..ir.nodes import Alloc, Block, Load, Ref, Store
from ..ir.types import ScalarType
from ..ir.visit import Rewriter, walk


def retype_local_arrays(body: Block) -> Block:
    """`float b[4]` whose every access is `((int*)b)[i]` becomes `int b[4]`. Names that several arrays share keep their
    types unless all of these agree."""
    seen: dict[str, set[ScalarType]] = {}
    declared: dict[str, set[ScalarType]] = {}
    for n in walk(body):
        if isinstance(n, Load | Store | Ref):
            seen.setdefault(n.buffer, set()).add(n.dtype)
        elif isinstance(n, Alloc):
            declared.setdefault(n.name, set()).add(n.dtype)
    changes = {name: next(iter(seen[name])) for name, types in declared.items()
               if len(types) == 1 and len(seen.get(name, ())) == 1 and seen[name] != types}
    return _Retype(changes).visit(body) if changes else body


class _Retype(Rewriter):
    def __init__(self, types: dict[str, ScalarType]) -> None:
        self.types = types

    def visit_Alloc(self, node: Alloc) -> Alloc:
        return replace(node, dtype=self.types[node.name]) if node.name in self.types else node
