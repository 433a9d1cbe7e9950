"""Declarations whose type is a struct, and where arrays stand."""

from __future__ import annotations

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Alloc, Expr
from ..ir.types import ScalarType
from .file_scope import FileScope
from .symbols import Ptr, Struct, Structs, Symbol
from .typenames import Declared


class StructDeclarations(FileScope):
    """Lowers declarations of structs, arrays of them, and references to them."""

    def _object(self, d: Declared, node: Node, name: str, memory: str, extern: bool) -> Symbol:
        """A variable whose type is a struct, an array of structs, or a pointer or reference to one."""
        assert d.name is not None and d.type.struct is not None
        t, info = d.type, self.usage.of(d.name)
        if t.reference or t.pointers:
            if d.init is None or t.pointers > 1:
                raise self.unsupported(node, f"{name} points to a struct that is not said here: not supported")
            found = self.operand(d.init)
            if info.changes and t.pointers and (info.writes or info.address):
                raise self.unsupported(node, f"the pointer {name} to structs moves: not supported", "Use an index.")
            if isinstance(found, Ptr):
                found = self.seen_as_structs(d.type.struct, found, node)
            if not isinstance(found, Struct | Structs) or found.type is not d.type.struct:
                raise self.parse_error(node, f"{name} needs a {d.type.struct.name} to refer to")
            return self.stable_struct(name, found, node) if isinstance(found, Struct) else found
        if extern:
            raise self.unsupported(node, f"the dynamic array {name} of structs is not supported",
                                   "Declare it with a size.")
        if t.dims:
            dims = tuple(self.constant(x, "an array dimension", node) for x in t.dims)
            if d.init is not None and d.init.named_children:
                raise self.unsupported(d.init, f"this initial value of {name} is not supported")
            return self.structs_storage(d.type.struct, name, dims, memory, node)
        if memory != "local":
            one = self.structs_storage(d.type.struct, name, (1,), memory, node)
            return self.struct_at(one, build.integer(0), node)
        made = self.built(d.type.struct, d.init, node, name) if d.init is not None else \
            self._made(d.type.struct, name, node)
        return self.owned(made, name, node) if info.changes else self.frozen(made, name, node)

    def place_array(self, name: str, dtype: ScalarType, shape: tuple[int, ...], memory: str, node: Node,
                    zeroed: bool = False) -> Ptr:
        """A new array, shared ones between grid and block."""
        exprs = tuple(build.integer(n) for n in shape)
        if memory == "local" or self._of_thread(memory):
            ir_name = self.fresh(name)
            self.emit(Alloc(ir_name, dtype, exprs, memory, zeroed=zeroed), node)
        else:
            ir_name = self._place_shared(name, dtype, exprs, memory, node)
        return Ptr(ir_name, dtype, dtype, "rows", rest=shape[1:], shape=shape)

    def _of_thread(self, memory: str) -> bool:
        """Has every thread its own? Then a declaration stands where the text has it."""
        found = self.platform.memory(memory)
        return found is not None and found.scope == "thread"

    def _place_shared(self, name: str, dtype: ScalarType, shape: tuple[Expr, ...], memory: str, node: Node) -> str:
        """An `Alloc` that will stand between the grid and the block axes: unique in the whole kernel."""
        ir_name = self.fresh_everywhere(name)
        self.shared.append(Alloc(ir_name, dtype, shape, memory, span=self.span(node), comments=tuple(self.pending)))
        self.pending = []
        return ir_name

    def fresh_everywhere(self, base: str) -> str:
        raise NotImplementedError
