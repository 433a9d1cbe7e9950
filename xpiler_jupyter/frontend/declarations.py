"""Declarations of a body: scalars, pointers, references, arrays, shared memory; and file-scope names on first use."""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Alloc, Cast, Const, Expr, Let, Load, Store, Var
from ..ir.types import I32, ScalarType
from .sizes import elements
from .struct_declarations import StructDeclarations
from .symbols import (
    Array,
    Bundle,
    Cell,
    Closure,
    Members,
    Moving,
    Place,
    Pointer,
    Ptr,
    Record,
    Struct,
    Structs,
    Unset,
    Value,
)
from .typenames import CType, Declared


class Declarations(StructDeclarations):
    """Lowers declarations."""

    def declaration(self, node: Node) -> None:
        self.declare(node)

    def declare(self, node: Node, skip: str | None = None) -> None:
        """All declarators of a declaration but the one called `skip`."""
        if self.fragments(node):
            return
        described = node.child_by_field_name("type")
        if described is not None and described.type == "struct_specifier":
            self.local_struct(described)
        base = self.types.specifier(node)
        declarators = node.children_by_field_name("declarator")
        storage = {self.text(c) for c in node.children if c.type == "storage_class_specifier"}
        memory = self._memory(node, declarators[0].start_byte if declarators else node.end_byte)
        if "static" in storage and not base.const and self._of_thread(memory):
            raise self.unsupported(node, "a static variable that keeps its value is not supported")
        for d in declarators:
            declared = self.types.declarator(d, base)
            if declared.function:
                raise self.unsupported(d, "a function declared inside a kernel is not supported")
            if declared.name is None:
                raise self.unsupported(d, "a declaration without a name is not supported")
            if self.text(declared.name) in self.scopes[-1] and self.text(declared.name) != skip:
                raise self.parse_error(declared.name, f"{self.text(declared.name)} is declared twice")
            if self.text(declared.name) != skip:
                self._one(declared, d, memory, "extern" in storage)

    def _memory(self, node: Node, until: int) -> str:
        """The memory named in front of a declaration."""
        for m in self.tree.marks_in(node.start_byte, until):
            if m.at < until:
                memory = next((x for x in self.platform.memories if x.qualifier == m.word), None)
                if memory is not None:
                    return memory.name
                if m.word in ("__shared__", "__constant__"):
                    raise self.unsupported(node, f"{self.platform.title} has no {m.word}",
                                           "Is the source platform the right one?")
        return "local"

    def _one(self, d: Declared, node: Node, memory: str, extern: bool) -> None:
        assert d.name is not None
        name, t = self.text(d.name), d.type
        if t.struct is not None:
            self.define(name, self._object(d, node, name, memory, extern))
        elif t.auto:
            self._auto(d, node, name)
        elif t.reference:
            self._reference(d, node, name)
        elif t.pointers or t.row:
            self._pointer(d, node, name)
        elif t.dims:
            self.define(name, Array(self._array(d, node, name, memory, extern)))
        elif t.record is not None:
            self._record(d, node, name, t.record, memory)
        elif memory != "local":
            self._shared_scalar(d, node, name, memory)
        elif extern:
            raise self.unsupported(node, f"the extern variable {name} is not supported")
        else:
            self._scalar(d, node, name)

    def _base(self, d: Declared, node: Node) -> ScalarType:
        if d.type.base is None:
            raise self.parse_error(node, "a variable cannot be void")
        return d.type.base

    # -- scalars -------------------------------------------------------------------------------------------------------

    def _initial(self, init: Node | None, dtype: ScalarType) -> Expr | None:
        """The value of an initialiser: `= e`, `(e)`, `{e}`, `{}`."""
        if init is None:
            return None
        if init.type in ("initializer_list", "argument_list"):
            inner = init.named_children
            if not inner:
                return Const(False if dtype.kind == "bool" else 0.0 if dtype.is_float else 0, dtype)
            if len(inner) > 1:
                raise self.parse_error(init, "a scalar takes one value")
            init = inner[0]
            if init.type == "initializer_list":
                raise self.parse_error(init, "a scalar takes one value")
        return self.at(build.convert(self.expr(init), dtype), init)

    def _scalar(self, d: Declared, node: Node, name: str) -> None:
        assert d.name is not None
        dtype, info = self._base(d, node), self.usage.of(d.name)
        if d.init is None and info.counts_loops_only:
            self.define(name, Unset(dtype, True))
            return
        if d.init is None and info.set_once:
            self.define(name, Unset(dtype, False))
            return
        if d.type.const and info.writes:
            raise self.parse_error(info.writes[0], f"{name} is const and cannot be changed")
        taker = self.gives_scalar(d.init) if d.init is not None else None
        if taker is not None and taker.dtype == dtype and d.init is not None:
            cell = self.cell(name, dtype, None, node)
            self.scalar_value(cell, d.init)
            self.define(name, cell)
            return
        value = self._initial(d.init, dtype)
        if value is not None and self.adopt(name, value):
            return
        if value is not None and not info.changes:
            ir_name = self.fresh(name)
            self.emit(Let(ir_name, dtype, value), node)
            self.define(name, Value(Var(ir_name, dtype), self._known(value)))
            return
        self.define(name, self.cell(name, dtype, value, node))

    def _record(self, d: Declared, node: Node, name: str, record: Record, memory: str) -> None:
        """`float4 v = ...;`."""
        assert d.name is not None
        info = self.usage.of(d.name)
        if memory != "local":
            if d.init is not None or record.element is None or self._of_thread(memory):
                raise self.unsupported(node, f"a {record.name} in {memory} memory declared like this is not supported")
            count = len(record.fields)
            buffer = self._place_shared(name, record.element, (build.integer(count),), memory, node)
            places = tuple(Place(buffer, (build.integer(k),), record.element) for k in range(count))
            self.define(name, Members(record, places, buffer))
            return
        value: Bundle | None = None
        if d.init is not None:
            value = self.first_value(d.init.named_children[0] if d.init.type == "argument_list" else d.init, record)
            record = value.record
        self.define(name, self.record_variable(name, record, value, node, info.changes, info.pointed))

    def _known(self, e: Expr) -> Const | None:
        folded = self.folded(e) if e.dtype.is_integer else e
        return folded if isinstance(folded, Const) else None

    def _auto(self, d: Declared, node: Node, name: str) -> None:
        assert d.name is not None
        init = d.init
        if init is None or init.type in ("initializer_list", "argument_list"):
            raise self.unsupported(node, f"auto {name} without a plain value is not supported")
        if d.type.reference:
            self._reference(replace(d, type=CType(None, const=d.type.const, reference=True)), node, name)
            return
        got = self.operand(init)
        if isinstance(got, Closure | Structs):
            self.define(name, got)
        elif isinstance(got, Struct):
            changes = self.usage.of(d.name).changes
            self.define(name, self.owned(got, name, node) if changes else self.frozen(got, name, node))
        elif isinstance(got, Ptr):
            self._pointer_to(d, node, name, got)
        elif isinstance(got, Bundle):
            info = self.usage.of(d.name)
            self.define(name, self.record_variable(name, got.record, got, node, info.changes, info.pointed))
        elif d.type.pointers:
            raise self.parse_error(node, f"{name} is a pointer but its value is none")
        elif self.usage.of(d.name).changes:
            self.define(name, self.cell(name, got.dtype, got, node))
        else:
            self.define(name, self.let(name, got, node))

    def _shared_scalar(self, d: Declared, node: Node, name: str, memory: str) -> None:
        if d.init is not None:
            raise self.parse_error(node, f"{memory} memory cannot be initialised where it is declared")
        dtype = self._base(d, node)
        if self._of_thread(memory):
            ir_name = self.fresh(name)
            self.emit(Alloc(ir_name, dtype, (), memory), node)
        else:
            ir_name = self._place_shared(name, dtype, (), memory, node)
        self.define(name, Cell(ir_name, dtype))

    # -- pointers and references ---------------------------------------------------------------------------------------

    def _pointer(self, d: Declared, node: Node, name: str) -> None:
        assert d.name is not None
        if d.type.pointers > 1:
            raise self.unsupported(node, f"{name} is a pointer to a pointer: not supported")
        if d.init is None:
            info = self.usage.of(d.name)
            if d.type.record is not None:
                raise self.unsupported(node, f"the pointer {name} is declared without a value: not supported", "Give it one.")
            if info.set_once and d.type.base is not None and not d.type.row:
                self.define(name, Unset(d.type.base, False, pointer=True))
                return
            cell = self.cell(name + "_offset", I32, None, node)
            self.define(name, Moving(None, cell.buffer, I32, d.type.base))
            return
        ptr = self.pointer(d.init)
        if d.type.row:
            sizes = tuple(self.constant(x, "an array dimension", node) for x in d.type.row)
            if sizes != ptr.rest:
                raise self.unsupported(node, f"{name} sees an array with other dimensions: not supported")
        elif ptr.rest:
            raise self.parse_error(node, f"{name} points to elements but is given rows")
        if d.type.base is not None and ptr.record != d.type.record:
            raise self.parse_error(node, f"{name} points to other elements than it is given: a cast is missing")
        self._pointer_to(d, node, name, self.seen_as(node, ptr, d.type.base))

    def _pointer_to(self, d: Declared, node: Node, name: str, ptr: Ptr) -> None:
        assert d.name is not None
        info = self.usage.of(d.name)
        if info.address:
            raise self.unsupported(node, f"the address of the pointer {name} is taken: not supported")
        ptr = self.stable_pointer(name, ptr, node)
        if not info.changes:
            self.define(name, Pointer(ptr))
            return
        dtype = ptr.offset.dtype if ptr.offset.dtype.kind == "int" and ptr.offset.dtype.bits >= 32 else I32
        cell = self.cell(name + "_offset", dtype, build.convert(ptr.offset, dtype), node)
        self.define(name, Moving(replace(ptr, offset=build.integer(0)), cell.buffer, dtype, ptr.dtype))

    def _reference(self, d: Declared, node: Node, name: str) -> None:
        if d.init is None:
            raise self.parse_error(node, f"the reference {name} refers to nothing")
        if d.type.pointers:
            raise self.unsupported(node, "a reference to a pointer is not supported")
        found = self.object_at(d.init)
        if isinstance(found, Struct | Structs | Closure):
            self.define(name, self.stable_struct(name, found, node) if isinstance(found, Struct) else found)
            return
        if d.type.dims or isinstance(self.find(self.text(d.init)), Array):
            self.define(name, Array(self.pointer(d.init)))
            return
        if d.type.const:
            # Reads through a const reference see later changes only if the place itself changes; keep the place then.
            got = self.value(d.init)
            if isinstance(got, Bundle):
                self.define(name, self.record_variable(name, got.record, got, node, False, False))
                return
            if not isinstance(got, Load | Ptr):
                value = build.convert(got, d.type.base) if d.type.base is not None else got
                self.define(name, self.let(name, value, node))
                return
        record = self.record_of(d.init)
        if record is not None:
            places = tuple(self.stable_place(name, p, node) for p in self.record_places(d.init))
            self.define(name, Members(record, places))
            return
        place = self.place(d.init)
        if d.type.base is not None and place.dtype != d.type.base:
            raise self.unsupported(node, f"{name} refers to a {place.dtype} as a {d.type.base}: not supported")
        self.define(name, self.stable_place(name, place, node))

    # -- arrays --------------------------------------------------------------------------------------------------------

    def _array(self, d: Declared, node: Node, name: str, memory: str, extern: bool, times: int = 1) -> Ptr:
        dtype = self._base(d, node)
        if d.type.record is not None:
            return self._record_array(d, node, name, memory, extern, d.type.record)
        if extern and memory != "local":
            return self._dynamic(node, name, dtype, memory)
        dims = list(d.type.dims)
        sizes: list[int] = []
        if dims and dims[0] is None and d.init is not None and d.init.type == "initializer_list":
            sizes.append(max(1, len(d.init.named_children)))
            dims = dims[1:]
        if memory != "local" and self._of_thread(memory) and d.init is None and len(dims) == 1:
            return self._thread_array(dims[0], node, name, dtype, memory)
        sizes += [self.constant(x, "an array dimension", node) for x in dims]
        shape = (*sizes[:-1], sizes[-1] * times)
        exprs = tuple(build.integer(n) for n in shape)
        if memory != "local":
            if d.init is not None:
                raise self.parse_error(node, f"{memory} memory cannot be initialised where it is declared")
            if self._of_thread(memory):
                ir_name = self.fresh(name)
                self.emit(Alloc(ir_name, dtype, exprs, memory), node)
            else:
                ir_name = self._place_shared(name, dtype, exprs, memory, node)
            return Ptr(ir_name, dtype, dtype, "rows", rest=shape[1:], shape=shape)
        ir_name = self.fresh(name)
        ptr = Ptr(ir_name, dtype, dtype, "rows", rest=shape[1:], shape=shape)
        if d.init is not None and d.init.type != "initializer_list":
            raise self.unsupported(d.init, f"this initial value of {name} is not supported")
        self.emit(Alloc(ir_name, dtype, exprs, zeroed=d.init is not None), node)
        if d.init is not None:
            self._fill(d.init, ir_name, dtype, shape, ())
        return ptr

    def _record_array(self, d: Declared, node: Node, name: str, memory: str, extern: bool, record: Record) -> Ptr:
        """An array of records is one of their elements: its last dimension is as many times as long."""
        if d.init is not None and d.init.named_children:
            raise self.unsupported(d.init, f"this initial value of {name} is not supported")
        plain = self._array(replace(d, type=replace(d.type, record=None)), node, name, memory, extern,
                            len(record.fields))
        return replace(plain, record=record, vector=len(record.fields))

    def _thread_array(self, size: Node | None, node: Node, name: str, dtype: ScalarType, memory: str) -> Ptr:
        """An array of one dimension in a memory of the thread. Its size may be known only when the kernel runs."""
        if size is None:
            raise self.unsupported(node, f"the size of {name} is missing")
        count = self.folded(self.expr(size))
        if not count.dtype.is_integer:
            raise self.parse_error(size, "an array dimension must be an integer")
        if isinstance(count, Const) and int(count.value) <= 0:
            raise self.unsupported(size, "an array dimension must be positive")
        ir_name = self.fresh(name)
        self.emit(Alloc(ir_name, dtype, (build.convert(count, I32),), memory), node)
        shape = (int(count.value),) if isinstance(count, Const) else ()
        return Ptr(ir_name, dtype, dtype, "rows" if shape else "flat", shape=shape)

    def _fill(self, init: Node, name: str, dtype: ScalarType, shape: tuple[int, ...], at: tuple[int, ...]) -> None:
        """Stores for the elements of a brace initialiser; the array is zeroed already."""
        items = [item for item in init.named_children if item.type != "comment"]
        taken = self._fill_from(items, name, dtype, shape, at)
        if taken < len(items):
            raise self.parse_error(items[taken], f"{name} has room for {taken} values here, not {len(items)}")

    def _fill_from(self, items: list[Node], name: str, dtype: ScalarType, shape: tuple[int, ...],
                   at: tuple[int, ...]) -> int:
        """Gives the part `at` of an array the first of these values; how many it took. A part without braces of its own
        takes as many as it has room for (C11 6.7.9, paragraph 20)."""
        k = 0
        for i in range(shape[len(at)]):
            if k >= len(items):
                break
            item, here = items[k], (*at, i)
            if item.type == "initializer_list":
                if len(here) == len(shape):
                    raise self.parse_error(item, "too many braces")
                self._fill(item, name, dtype, shape, here)
                k += 1
                continue
            if item.type in ("initializer_pair", "string_literal"):
                raise self.unsupported(item, "this kind of initialiser is not supported")
            if len(here) < len(shape):
                k += self._fill_from(items[k:], name, dtype, shape, here)
                continue
            value = build.convert(self.expr(item), dtype)
            k += 1
            if not _is_zero(value):
                self.emit(Store(name, tuple(build.integer(i) for i in here), value, dtype), item)
        return k

    # -- shared memory -------------------------------------------------------------------------------------------------

    def _dynamic(self, node: Node, name: str, dtype: ScalarType, memory: str) -> Ptr:
        size = self.launched.shared_bytes if self.launched is not None else None
        if size is None:
            raise self.unsupported(node, f"how large the dynamic shared array {name} is is not said",
                                   "Add the host code with its launch, or give the array a size.")
        count = elements(size, dtype.bytes)
        if isinstance(count, Const) and int(count.value) <= 0:
            raise self.unsupported(node, f"the launch gives the dynamic shared array {name} no memory")
        ir_name = self._place_shared(name, dtype, (build.convert(count, I32),), memory, node)
        self.dynamic_array(ir_name, dtype, node)
        return Ptr(ir_name, dtype, dtype, "flat")


def _is_zero(e: Expr) -> bool:
    """0.0 converted implicitly still is a zero."""
    while isinstance(e, Cast):
        e = e.x
    return isinstance(e, Const) and e.value == 0
