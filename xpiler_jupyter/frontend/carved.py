"""Dynamic shared memory that is cut into parts of different types:

    extern __shared__ unsigned char smem[];   float* a = (float*)smem;   int* b = (int*)&a[n];

Each part seen as elements of another size becomes an array of its own, from where it starts to where the next one does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tree_sitter import Node

from ..ir import build
from ..ir.build import integer
from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, Let, Load, Param, Ref, Store, Var
from ..ir.simplify import simplify_expr
from ..ir.types import I32, ScalarType
from ..ir.visit import substitute, walk
from .records import Records
from .sizes import elements, narrowed
from .symbols import Ptr
from .typenames import CType


@dataclass(frozen=True, slots=True)
class Part:
    """`name` holds elements of `dtype` and starts `start` bytes behind the beginning of the dynamic array `root`."""

    name: str
    dtype: ScalarType
    root: str
    start: Expr
    at: Node


class Carved(Records):
    """`parts` are the parts of dynamic arrays by name, each array's own first part among them."""

    parts: dict[str, Part]

    def dynamic_array(self, name: str, dtype: ScalarType, node: Node) -> None:
        """Notes an array whose length the launch gives."""
        self.parts[name] = Part(name, dtype, name, integer(0), node)

    def view(self, node: Node, p: Ptr, t: ScalarType) -> Ptr | None:
        part = self.parts.get(p.buffer)
        if part is None or p.rest or p.prefix or p.dtype.bytes != part.dtype.bytes:
            return super().view(node, p, t)
        offset = build.mul(narrowed(p.offset), integer(part.dtype.bytes))
        start = simplify_expr(build.add(part.start, build.convert(offset, I32)))
        known = next((x for x in self.parts.values() if x.root == part.root and x.dtype.bytes == t.bytes and x.start == start),
                     None)
        if known is None:
            root = next(a for a in self.shared if a.name == part.root)
            name = self.fresh_everywhere(self._called(node) or f"{part.root}_{t}")
            known = self.parts[name] = Part(name, t, part.root, start, node)
            self.shared.append(Alloc(name, t, (), root.memory, span=self.span(node)))
        return Ptr(known.name, t, known.dtype, "flat")

    def retype(self, node: Node, p: Ptr, t: CType) -> Ptr:
        """Behind the start of a part even elements of the same size are a part of their own; at its start they are the
        same bits seen otherwise."""
        moved = p.buffer in self.parts and not (isinstance(p.offset, Const) and p.offset.value == 0)
        if moved and t.base is not None and t.base != p.dtype and t.record is None and t.pointers == 1 and not t.row:
            seen = self.view(node, p, t.base)
            if seen is not None:
                return seen
        return super().retype(node, p, t)

    def _called(self, node: Node) -> str:
        """The name of the pointer that a cast gives its first value."""
        at: Node | None = node
        while at is not None and at.type != "init_declarator":
            at = at.parent
        while at is not None and at.type != "identifier":
            at = at.child_by_field_name("declarator")
        return self.text(at) if at is not None else ""

    def settle_parts(self, stmts: list[AnyStmt], params: tuple[Param, ...]) -> None:
        """Gives every part its length. Raises UnsupportedError when a part does not start at the same place for all
        threads, or one does not end where the next one starts."""
        lets = {n.name: n.value for n in walk(Block(tuple(stmts))) if isinstance(n, Let)}
        used = {n.buffer for n in walk(Block(tuple(stmts))) if isinstance(n, Load | Store | Ref)}
        known = {p.name for p in params}
        for root in {p.root for p in self.parts.values()}:
            parts = [p for p in self.parts.values() if p.root == root and p.name in used]
            if not any(p.name != root for p in parts):
                continue
            assert self.launched is not None and self.launched.shared_bytes is not None  # who declares one has asked
            total = build.convert(narrowed(self.launched.shared_bytes), I32)
            starts = [self._start(p, lets, known) for p in parts] + [total]
            for k, p in enumerate(parts):
                span = narrowed(simplify_expr(build.sub(starts[k + 1], starts[k])))
                if isinstance(span, Const) and int(span.value) == 0:
                    raise self.unsupported(p.at, f"the same bytes of {root} are used as elements of two sizes: not supported",
                                           "Declare two arrays.")
                if isinstance(span, Const) and int(span.value) < 0:
                    raise self.unsupported(p.at, f"the parts of the dynamic shared array {root} are not made in the order in "
                                           "which they lie: not supported")
                at = next(i for i, a in enumerate(self.shared) if a.name == p.name)
                self.shared[at] = replace(self.shared[at], shape=(build.convert(elements(span, p.dtype.bytes), I32),))
        self.shared[:] = [a for a in self.shared if a.name not in self.parts or a.name in used
                          or len([p for p in self.parts.values() if p.root == a.name]) == 1]

    def _start(self, p: Part, lets: dict[str, Expr], known: set[str]) -> Expr:
        """Where a part starts, over the kernel's parameters."""
        start = p.start
        for _ in range(len(lets) + 1):
            names = {n.name for n in walk(start) if isinstance(n, Var)} & set(lets)
            if not names:
                break
            start = substitute(start, {n: lets[n] for n in names})
        if any(isinstance(n, Load) or (isinstance(n, Var) and n.name not in known) for n in walk(start)):
            raise self.unsupported(p.at, f"where this part of the dynamic shared array {p.root} starts is not known from the "
                                   "kernel's parameters alone: not supported", "Declare arrays of their own.")
        return simplify_expr(start)

    def fresh_everywhere(self, base: str) -> str:
        raise NotImplementedError
