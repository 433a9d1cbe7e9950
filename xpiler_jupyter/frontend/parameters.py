"""Parameters of inlined functions: what the names of the callee stand for in the caller."""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Const, Expr, Load
from ..ir.types import I32
from ..ir.visit import walk
from .choice import Choice
from .functions import Function
from .math_functions import is_trivial
from .symbols import (
    Bundle,
    Cell,
    Closure,
    Members,
    Moving,
    Operand,
    Place,
    Pointer,
    Ptr,
    Record,
    Struct,
    Structs,
    Symbol,
    Value,
)
from .typenames import CType, Declared
from .usage import Info


class Parameters(Choice):
    """Binds parameters to arguments."""

    def _bind(self, p: Declared, got: Operand | Node, a: Node, f: Function, writes: bool) -> tuple[str, Symbol]:
        """Name and meaning of one parameter whose argument stands at `a`."""
        if p.name is None:
            return "", Value(Const(0, I32))
        key, info, t = self.text(p.name), self.unit.usage(f).of(p.name), p.type
        if t.record is not None and not (t.pointers or t.dims or t.row) and isinstance(got, Node | Bundle):
            return key, self._bind_record(key, t, got, a, info, t.record, writes)
        if isinstance(got, Node | Struct | Structs | Closure) or t.struct is not None:
            return key, self.bind_object(key, t, got, a, info.changes, writes)
        if t.pointers or t.dims or t.row or (t.auto and isinstance(got, Ptr)):
            if not isinstance(got, Ptr):
                raise self.parse_error(a, f"{f.name} takes a pointer here, not a number")
            ptr = got
            dims = t.row or t.dims[1:]
            if t.base is not None and (t.base != ptr.dtype or t.record != ptr.record or dims):
                ptr = self._seen_as(a, ptr, p, dims)
            if info.changes:
                cell = self.cell(key + "_offset", I32, build.convert(ptr.offset, I32), a)
                return key, Moving(_at_zero(ptr), cell.buffer, I32, ptr.dtype)
            return key, Pointer(self.stable_pointer(key, ptr, a))
        if isinstance(got, Ptr):
            raise self.unsupported(a, "a pointer is used as a value here", "Only elements that it points to can be used.")
        if isinstance(got, Bundle):
            if not t.auto:
                raise self.parse_error(a, f"{f.name} takes a number here, not a {got.record.name}")
            return key, self._bind_record(key, t, got, a, info, got.record, writes)
        base = got.dtype if t.auto else t.base
        if base is None:
            raise self.unsupported(a, f"the parameter {key} of {f.name} has no type")
        if t.reference and not t.const:
            if not isinstance(got, Load):
                raise self.parse_error(a, f"{f.name} changes its parameter {key}: this cannot be assigned to")
            place: Place | Cell = Place(got.buffer, got.indices, got.dtype) if got.indices else Cell(got.buffer, got.dtype)
            if place.dtype != base:
                raise self.parse_error(a, f"{f.name} refers to a {base}, this is a {place.dtype}")
            return key, self.stable_place(key, place, a)
        e = build.convert(got, base)
        if info.changes:
            self.need_hoisting(a, f"calling {f.name}, which changes its parameter {key},")
            return key, self.cell(key, e.dtype, e, a)
        again = len(info.reads) > 1 and not is_trivial(e)
        moves = writes and any(isinstance(n, Load) for n in walk(e))
        if self.hoisting and (again or moves):
            return key, self.let(key, e, a)
        return key, Value(e, e if isinstance(e, Const) else None)

    def _bind_record(self, key: str, t: CType, got: Node | Bundle, a: Node, info: Info, record: Record,
                     writes: bool) -> Symbol:
        """A record parameter: the place itself, or a copy where the body changes it or memory may change below it."""
        value = self.record_of_braces(got, record) if isinstance(got, Node) else got
        if value.record.fields != record.fields:
            raise self.parse_error(a, f"this is no {record.name}")
        if t.reference and not t.const:
            if not all(isinstance(e, Load) for e in value.values):
                raise self.parse_error(a, f"this cannot be assigned to, but {key} refers to it")
            places = tuple(Place(e.buffer, e.indices, e.dtype) if e.indices else Cell(e.buffer, e.dtype)
                           for e in value.values if isinstance(e, Load))
            return Members(record, tuple(self.stable_place(key, x, a) for x in places))
        if info.changes:
            self.need_hoisting(a, f"a call that changes its parameter {key}")
            return self.record_variable(key, record, value, a, True, info.pointed)
        once = not writes and len(info.reads) <= len(record.fields)
        held = value if once else self.held_record(key, value, a)
        return Members(record, tuple(Value(e, e if isinstance(e, Const) else None) for e in held.values))

    def _seen_as(self, a: Node, ptr: Ptr, p: Declared, dims: tuple[Node | None, ...]) -> Ptr:
        if dims:
            sizes = tuple(self.constant(d, "an array dimension", a) for d in dims)
            if sizes == ptr.rest and ptr.dtype == p.type.base:
                return ptr
            raise self.unsupported(a, "passing an array with other dimensions is not supported")
        return self.retype(a, ptr, p.type)

    def stable_pointer(self, name: str, ptr: Ptr, node: Node) -> Ptr:
        """`ptr` as it is now: what its offset reads from memory is named."""
        if any(isinstance(n, Load) for n in walk(ptr.offset)) and self.hoisting:
            offset = self.let(name + "_offset", ptr.offset, node).expr
            ptr = _with_offset(ptr, offset)
        if any(isinstance(n, Load) for e in ptr.prefix for n in walk(e)) and self.hoisting:
            ptr = _with_prefix(ptr, tuple(self.stable(name + "_index", e, node) for e in ptr.prefix))
        return ptr

    def stable_place(self, name: str, place: Place | Cell, node: Node) -> Place | Cell:
        if isinstance(place, Cell):
            return place
        return Place(place.buffer, tuple(self.stable(name + "_index", e, node) for e in place.indices), place.dtype)

    def stable(self, name: str, e: Expr, node: Node) -> Expr:
        if not any(isinstance(n, Load) for n in walk(e)):
            return e
        self.need_hoisting(node, "an index read from memory")
        return self.let(name, e, node).expr


def _at_zero(ptr: Ptr) -> Ptr:
    return _with_offset(ptr, build.integer(0))


def _with_offset(ptr: Ptr, offset: Expr) -> Ptr:
    return replace(ptr, offset=offset)


def _with_prefix(ptr: Ptr, prefix: tuple[Expr, ...]) -> Ptr:
    return replace(ptr, prefix=prefix)
