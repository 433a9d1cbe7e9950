"""Structs in variables: a buffer or a value per member, arrays of structs as an array per member, structs behind pointers
as elements side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Block, Const, Expr, For, Load, Store, Var
from ..ir.types import I32, ScalarType
from ..ir.visit import walk
from .math_functions import is_trivial
from .objects import Objects
from .struct_types import Field, StructType
from .symbols import Array, Cell, Closure, Operand, Place, Pointer, Ptr, Struct, Structs, Symbol, Value
from .typenames import CType

_UNROLLED = 8  # elements of a member array that are copied one by one


class StructStorage(Objects):
    """Copies and stores structs."""

    # -- defined by the classes above this one -------------------------------------------------------------------------

    def stable(self, name: str, e: Expr, node: Node) -> Expr:
        raise NotImplementedError

    def stable_pointer(self, name: str, ptr: Ptr, node: Node) -> Ptr:
        raise NotImplementedError

    def _reads(self, e: Expr, place: Cell | Place) -> bool:
        raise NotImplementedError

    def place_array(self, name: str, dtype: ScalarType, shape: tuple[int, ...], memory: str, node: Node,
                    zeroed: bool = False) -> Ptr:
        raise NotImplementedError

    def converted_to(self, struct: StructType, got: Operand | Node, node: Node, base: str = "") -> Struct:
        raise NotImplementedError

    # -- what a struct is made of --------------------------------------------------------------------------------------

    @contextmanager
    def in_struct(self, struct: StructType) -> Iterator[None]:
        """Only the struct's own names and those of the file are in scope."""
        types = {**struct.types, **self.members(struct).types}
        with self.closed(types, struct.values):
            outer, self.this = self.this, Struct(struct, {})
            try:
                yield
            finally:
                self.this = outer

    def fields(self, struct: StructType) -> list[tuple[Field, tuple[int, ...]]]:
        """Every member with the dimensions that it has as an array."""
        members = self.members(struct)
        with self.in_struct(struct):
            return [(f, tuple(self.constant(d, "an array dimension", f.node) for d in f.type.dims))
                    for f in members.fields]

    def storage(self, struct: StructType, base: str, node: Node) -> Struct:
        """Buffers for one struct, without values."""
        members: dict[str, Symbol] = {}
        for f, dims in self.fields(struct):
            members[f.name] = self._member_storage(struct, f, dims, f"{base}_{f.name}", node)
        return Struct(struct, members, True)

    def _member_storage(self, struct: StructType, f: Field, dims: tuple[int, ...], name: str, node: Node) -> Symbol:
        if f.type.record is not None:
            raise self.unsupported(node, f"{struct.name} has the member {f.name} of a vector type: not supported")
        if f.type.pointers or (f.type.base is None and f.type.struct is None):
            raise self.unsupported(node, f"{struct.name} has the pointer {f.name}: setting it later than where the struct "
                                   "is declared is not supported")
        if f.type.struct is not None:
            return self.structs_storage(f.type.struct, name, dims, "local", node) if dims else \
                self.storage(f.type.struct, name, node)
        assert f.type.base is not None
        if dims:
            return Array(self.place_array(name, f.type.base, dims, "local", node))
        return self.cell(name, f.type.base, None, node)

    def structs_storage(self, struct: StructType, base: str, dims: tuple[int, ...], memory: str, node: Node) -> Structs:
        """An array of structs: an array per member."""
        if len(dims) != 1:
            raise self.unsupported(node, "an array of structs with several dimensions is not supported")
        members: dict[str, Ptr | Structs] = {}
        for f, own in self.fields(struct):
            name = f"{base}_{f.name}"
            if f.type.struct is not None and not own and not f.type.pointers:
                members[f.name] = self.structs_storage(f.type.struct, name, dims, memory, node)
            elif f.type.base is None or f.type.pointers or f.type.record is not None:
                raise self.unsupported(node, f"an array of {struct.name}, whose member {f.name} is no number, is not "
                                       "supported")
            else:
                members[f.name] = self.place_array(name, f.type.base, (*dims, *own), memory, node)
        return Structs(struct, members)

    def seen_as_structs(self, struct: StructType, ptr: Ptr, node: Node) -> Structs:
        """A pointer to numbers seen as one to structs of nothing but such numbers."""
        total = self.scalar_count(struct, ptr.dtype, node)
        if ptr.layout not in ("flat", "rows") or ptr.rest:
            raise self.unsupported(node, f"this array seen as an array of {struct.name} is not supported")
        return self._packed(struct, ptr, total, node)

    def _packed(self, struct: StructType, ptr: Ptr, total: int, node: Node) -> Structs:
        members: dict[str, Ptr | Structs] = {}
        for f, dims in self.fields(struct):
            here = 1
            if f.type.struct is not None:
                if dims:
                    raise self.unsupported(node, f"{struct.name} holds an array of structs: not supported behind a pointer")
                here = self.scalar_count(f.type.struct, ptr.dtype, node)
                members[f.name] = self._packed(f.type.struct, ptr, total, node)
            else:
                members[f.name] = ptr
            for d in dims:
                here *= d
            if len(dims) > 1:
                raise self.unsupported(node, f"{struct.name} holds an array of several dimensions: not supported behind a "
                                       "pointer")
            ptr = ptr.moved(build.integer(here))
        return Structs(struct, members, total)

    def scalar_type(self, struct: StructType, node: Node) -> ScalarType:
        """The one type of all numbers in a struct. Raises UnsupportedError when there are several."""
        found: set[ScalarType] = set()
        for f, _ in self.fields(struct):
            if f.type.struct is not None and not f.type.pointers:
                found.add(self.scalar_type(f.type.struct, node))
            elif f.type.base is None or f.type.pointers or f.type.record is not None:
                raise self.unsupported(node, f"{struct.name} behind a pointer: its member {f.name} is no number")
            else:
                found.add(f.type.base)
        if len(found) != 1:
            raise self.unsupported(node, f"{struct.name} behind a pointer is not supported: its members have several types",
                                   "Give each member an array of its own.")
        return found.pop()

    def scalar_count(self, struct: StructType, dtype: ScalarType, node: Node) -> int:
        """How many numbers of type `dtype` a struct is. Raises UnsupportedError when it is anything else."""
        if self.scalar_type(struct, node) != dtype:
            raise self.unsupported(node, f"seeing {dtype} elements as {struct.name} is not supported")
        size = self.struct_size(struct, node)
        total = 0
        for f, dims in self.fields(struct):
            one = self.scalar_count(f.type.struct, dtype, node) if f.type.struct is not None else 1
            for d in dims:
                one *= d
            total += one
        if total * dtype.bytes != size:
            raise self.unsupported(node, f"{struct.name} behind a pointer is not supported: it has bytes between its members")
        return total

    # -- variables -----------------------------------------------------------------------------------------------------

    def owned(self, source: Struct, base: str, node: Node) -> Struct:
        """A struct with buffers of its own that starts as `source`."""
        if source.fresh:
            return replace(source, fresh=False)
        members: dict[str, Symbol] = {}
        for f, dims in self.fields(source.type):
            name, theirs = f"{base}_{f.name}", source.members[f.name]
            if isinstance(theirs, Struct):
                members[f.name] = self.owned(theirs, name, node)
            elif isinstance(theirs, Pointer):
                members[f.name] = theirs
            elif isinstance(theirs, Value | Cell | Place) and f.type.base is not None:
                members[f.name] = theirs if isinstance(theirs, Cell) and theirs.buffer == name else \
                    self.cell(name, f.type.base, self.symbol_value(theirs), node)
            else:
                members[f.name] = self._member_storage(source.type, f, dims, name, node)
                self.copy_member(members[f.name], theirs, node)
        return Struct(source.type, members)

    def frozen(self, source: Struct, base: str, node: Node) -> Struct:
        """A struct that is only read, as it is now."""
        if source.fresh:
            return replace(source, fresh=False)
        members: dict[str, Symbol] = {}
        for f, dims in self.fields(source.type):
            name, theirs = f"{base}_{f.name}", source.members[f.name]
            if isinstance(theirs, Struct):
                members[f.name] = self.frozen(theirs, name, node)
            elif isinstance(theirs, Value | Cell | Place):
                e = self.symbol_value(theirs)
                moves = not is_trivial(e) or any(isinstance(n, Load) for n in walk(e))
                members[f.name] = self.let(name, e, node) if moves and self.hoisting else \
                    Value(e, e if isinstance(e, Const) else None)
            elif isinstance(theirs, Pointer):
                members[f.name] = theirs
            else:
                members[f.name] = self._member_storage(source.type, f, dims, name, node)
                self.copy_member(members[f.name], theirs, node)
        return Struct(source.type, members)

    def stable_struct(self, base: str, source: Struct, node: Node, known: dict[Expr, Expr] | None = None) -> Struct:
        """A reference to a struct: the same buffers at indices that do not change any more; `known` are indices that
        have a name already."""
        known = {} if known is None else known
        members: dict[str, Symbol] = {}
        for name, member in source.members.items():
            if isinstance(member, Place):
                for e in member.indices:
                    if e not in known:
                        known[e] = self.stable(f"{base}_index", e, node)
                members[name] = replace(member, indices=tuple(known[e] for e in member.indices))
            elif isinstance(member, Struct):
                members[name] = self.stable_struct(base, member, node, known)
            elif isinstance(member, Array):
                members[name] = Array(self.stable_pointer(base, member.ptr, node))
            else:
                members[name] = member
        return Struct(source.type, members)

    def symbol_value(self, symbol: Symbol) -> Expr:
        """The number that a member holds."""
        if isinstance(symbol, Cell | Place):
            return self.load(symbol)
        assert isinstance(symbol, Value)
        return symbol.expr

    def bind_object(self, key: str, t: CType, got: Operand | Node, a: Node, changes: bool, writes: bool) -> Symbol:
        """The parameter `key` of type `t` for an argument that is a struct, an array of them, or a lambda."""
        if isinstance(got, Closure):
            return got
        if isinstance(got, Structs):
            if changes:
                raise self.unsupported(a, f"{key} is a pointer to structs that moves: not supported", "Use an index.")
            return got
        if isinstance(got, Struct) and t.pointers:
            return got
        struct = t.struct if t.struct is not None else got.type if isinstance(got, Struct) else None
        if struct is None:
            raise self.unsupported(a, f"this argument for {key} is not supported")
        made = self.converted_to(struct, got, a)
        if t.reference:
            return self.stable_struct(key, made, a)
        return self.owned(made, key, a) if changes else self.frozen(made, key, a)

    # -- copying -------------------------------------------------------------------------------------------------------

    def copy_struct(self, target: Struct, source: Struct, node: Node) -> None:
        """`target = source`, member by member; what a later member still needs of the old value is named first."""
        values: dict[str, Symbol] = {}
        stored: list[Cell | Place] = []
        inner = any(isinstance(m, Struct | Array) for m in target.members.values())
        if inner:
            stored = [m for m in target.members.values() if isinstance(m, Cell | Place)]
        for name, member in source.members.items():
            values[name] = member
            if isinstance(member, Value | Cell | Place) and member != target.members.get(name):
                e = self.symbol_value(member)
                if any(self._reads(e, p) for p in stored):
                    values[name] = self.let(f"{lower_first(source.type.template)}_{name}", e, node)
            place = target.members[name]
            if isinstance(place, Cell | Place) and not inner:
                stored.append(place)
        for name, value in values.items():
            if value != target.members[name]:
                self.copy_member(target.members[name], value, node)

    def copy_member(self, target: Symbol, source: Symbol, node: Node) -> None:
        if isinstance(target, Struct) and isinstance(source, Struct):
            self.copy_struct(target, source, node)
        elif isinstance(target, Cell | Place) and isinstance(source, Value | Cell | Place):
            self.store(target, build.convert(self.symbol_value(source), target.dtype), node)
        elif isinstance(target, Array) and isinstance(source, Array):
            self._copy_array(target.ptr, source.ptr, node)
        else:
            raise self.unsupported(node, "this member of a struct cannot be assigned here")

    def _copy_array(self, target: Ptr, source: Ptr, node: Node) -> None:
        count = target.shape[-1] if target.shape else 0
        if source.shape and not count:
            count = source.shape[-1]
        if not count or target.rest or source.rest:
            raise self.unsupported(node, "copying this member array is not supported")

        def one(k: Expr) -> Store:
            value = Load(source.buffer, source.indices(k), source.dtype)
            return Store(target.buffer, target.indices(k), value, target.dtype)
        if count <= _UNROLLED:
            for k in range(count):
                self.emit(one(build.integer(k)), node)
            return
        name = self.fresh("k")
        self.emit(For(name, build.integer(0), build.integer(count), build.integer(1), Block((one(Var(name, I32)),))), node)


def _buffers(symbol: Symbol) -> list[str]:
    if isinstance(symbol, Cell | Place):
        return [symbol.buffer]
    if isinstance(symbol, Struct):
        return [b for m in symbol.members.values() for b in _buffers(m)]
    return [symbol.ptr.buffer] if isinstance(symbol, Array) else []


def lower_first(name: str) -> str:
    """What a value of a type is called when nobody names it."""
    return name[:1].lower() + name[1:] if name[:1].isupper() else name + "_value"
