"""File-scope constants and enumerators, made at the top of the body on their first use."""

from __future__ import annotations

from tree_sitter import Node

from ..ir.nodes import Const, Expr, Let, Var
from ..ir.types import I32, ScalarType
from .statements import Statements
from .symbols import Array, Ptr, Symbol, Value
from .typenames import Declared


class FileScope(Statements):
    """Lowers names that the file declares outside of functions."""

    def _array(self, d: Declared, node: Node, name: str, memory: str, extern: bool) -> Ptr:
        raise NotImplementedError

    def _initial(self, init: Node | None, dtype: ScalarType) -> Expr | None:
        raise NotImplementedError

    def _base(self, d: Declared, node: Node) -> ScalarType:
        raise NotImplementedError

    def _known(self, e: Expr) -> Const | None:
        raise NotImplementedError

    def global_symbol(self, name: str, node: Node) -> Symbol | None:
        """A file-scope constant or enumerator, made at the top of the body on its first use."""
        if name in self.global_scope:
            return self.global_scope[name]
        if name in self.unit.enums:
            return Value(Const(self._enumerator(name, 0), I32))
        g = self.unit.globals.get(name)
        if g is None:
            return None
        declared = self.types.declarator(g.declarator, self.types.specifier(g.declaration))
        if not declared.type.const or declared.init is None or declared.type.pointers or declared.type.reference:
            raise self.unsupported(node, f"the file-scope variable {name} is not supported",
                                   "Make it a constant or a parameter.")
        return self.file_constant(declared, g.declarator, name)

    def file_constant(self, declared: Declared, declarator: Node, name: str) -> Symbol:
        """A file-scope variable with a value that never changes."""
        saved = (self.scopes, self.out, self.hoisting, self.pending)
        self.scopes, self.out, self.hoisting, self.pending = [{}], self.prologue, True, []
        try:
            self._file_scope(declared, declarator, name)
        finally:
            self.scopes, self.out, self.hoisting, self.pending = saved
        return self.global_scope[name]

    def _file_scope(self, d: Declared, node: Node, name: str) -> None:
        if d.type.dims:
            self.visible[0].discard(name)
            self.global_scope[name] = Array(self._array(d, node, name, "local", False))
            self.visible[0].add(name)
            return
        value = self._initial(d.init, self._base(d, node)) if not d.type.auto else self.expr(self.child(node, "value"))
        assert value is not None
        self.emit(Let(name, value.dtype, value), node)
        self.global_scope[name] = Value(Var(name, value.dtype), self._known(value))

    def _enumerator(self, name: str, depth: int) -> int:
        node, value, previous = self.unit.enums[name]
        if value is not None:
            with self.unhoisted():
                e = self.folded(self.expr(value))
            if not isinstance(e, Const) or e.dtype.is_float:
                raise self.unsupported(node, f"the value of {name} is not a plain constant")
            return int(e.value)
        if depth > 500:
            raise self.unsupported(node, "this enum is too long")
        return self._enumerator(previous, depth + 1) + 1 if previous is not None else 0
