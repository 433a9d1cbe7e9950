"""Records: vector types such as float4, and what else is made of named scalars. A record has no existence of its own in the
IR: a variable is one scalar per field, an array in memory is one array of elements, several to a record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tree_sitter import Node

from ..ir import build
from ..ir.build import integer
from ..ir.nodes import Alloc, Binary, Const, Expr, Load
from ..ir.types import ScalarType
from ..ir.visit import walk
from .expressions import Expressions
from .refusals import short
from .symbols import Array, Bundle, Cell, Got, Members, Moving, Place, Pointer, Ptr, Record, Symbol, Value
from .tree import strip_parens
from .typenames import CType

_ARITHMETIC = frozenset("+-*/")


class Records(Expressions):
    """Lowers values, places, fields and elements of records. `parts`: see `Carved`."""

    parts: dict[str, Any]

    # -- values --------------------------------------------------------------------------------------------------------

    def record_value(self, node: Node, record: Record) -> Bundle:
        """An expression or braces as a value of the record. Raises ParseError when it is something else."""
        inner = strip_parens(node)
        if inner.type == "initializer_list":
            return self.record_of_braces(inner, record)
        got = self.value(inner)
        fitting = self.fitting(got, record) if isinstance(got, Bundle) else None
        if fitting is None:
            raise self.parse_error(node, f"{short(self.text(node))} is no {record.name}")
        return fitting

    def record_of_braces(self, node: Node, record: Record) -> Bundle:
        """`{a, b}`: fields without a value are zero."""
        items = node.named_children
        if len(items) > len(record.fields):
            raise self.parse_error(items[len(record.fields)], f"a {record.name} has {len(record.fields)} fields, not "
                                   f"{len(items)}")
        given = [build.convert(self.expr(x), t) for x, (_, t) in zip(items, record.fields, strict=False)]
        return Bundle(record, (*given, *(_zero(t) for _, t in record.fields[len(given):])))

    def make_record(self, node: Node, record: Record) -> Bundle:
        """`make_float4(a, b, c, d)`, `float4(...)`."""
        args = self.arguments(node)
        if len(args) == 1 and len(record.fields) > 1:
            return self.record_value(args[0], record)
        if len(args) != len(record.fields):
            raise self.parse_error(node, f"a {record.name} is made of {len(record.fields)} values, not {len(args)}")
        return Bundle(record, tuple(build.convert(self.expr(a), t) for a, (_, t) in zip(args, record.fields, strict=True)))

    def _on_compound_literal_expression(self, node: Node) -> Got:
        type_node, value = self.child(node, "type"), self.child(node, "value")
        t = self.types.descriptor(type_node) if type_node.type == "type_descriptor" else self.types.base(type_node)
        if t.record is None or t.pointers or value.type != "initializer_list":
            raise self.unsupported(node, "compound literals are not supported")
        return self.record_of_braces(value, t.record)

    def record_arithmetic(self, node: Node, op: str, a: Got, b: Got) -> Got:
        """`a op b`: by the text's own operator, or field by field as HIP's vector types have it; there a scalar counts for
        every field."""
        if self.unit.functions.get(f"operator{op}"):
            got = self.operator_call(node, op, a, b)
            if got is None:
                raise self.parse_error(node, f"operator{op} gives no value")
            return self.plain(got, node)
        records = [x.record for x in (a, b) if isinstance(x, Bundle)]
        if op not in _ARITHMETIC or isinstance(a, Ptr) or isinstance(b, Ptr) or \
                any(r.fields != records[0].fields for r in records):
            raise self.unsupported(node, f"{op} on a {records[0].name} is not supported", "Write it field by field.")
        sides = [x.values if isinstance(x, Bundle) else (x,) * len(records[0].fields) for x in (a, b)]
        return Bundle(records[0], tuple(build.convert(self.arithmetic(node, op, x, y), t)
                                        for x, y, (_, t) in zip(*sides, records[0].fields, strict=True)))

    def held_record(self, name: str, got: Bundle, node: Node) -> Bundle:
        """The value as it is now: fields that are more than a name get one, so that later stores cannot change them."""
        values = []
        for (part, _), e in zip(got.record.fields, got.values, strict=True):
            kept = not any(isinstance(n, Load) for n in walk(e))
            values.append(e if kept or not self.hoisting else self.let(f"{name}_{part}", e, node).expr)
        return replace(got, values=tuple(values))

    # -- variables -----------------------------------------------------------------------------------------------------

    def record_variable(self, name: str, record: Record, value: Bundle | None, node: Node, changes: bool,
                        address: bool) -> Members:
        """A new variable. One whose address is taken is an array; one that never changes is a name per field."""
        if address:
            return self._in_memory(name, record, value, node)
        fields: list[Value | Cell | Place] = []
        for k, (part, t) in enumerate(record.fields):
            e = value.values[k] if value is not None else None
            if e is not None and not changes:
                ir_name = f"{name}_{part}"
                fields.append(Value(e, e) if isinstance(e, Const) else self.let(ir_name, e, node))
            else:
                fields.append(self.cell(f"{name}_{part}", t, e, node))
        return Members(record, tuple(fields))

    def _in_memory(self, name: str, record: Record, value: Bundle | None, node: Node) -> Members:
        element = record.element
        if element is None:
            raise self.unsupported(node, f"the address of {name} is taken, and its fields have different types: not "
                                   "supported")
        buffer = self.fresh(name)
        self.emit(Alloc(buffer, element, (integer(len(record.fields)),)), node)
        places = tuple(Place(buffer, (integer(k),), element) for k in range(len(record.fields)))
        found = Members(record, places, buffer)
        if value is not None:
            self.store_record(places, value, node)
        return found

    def store_record(self, places: tuple[Cell | Place, ...], got: Bundle, node: Node) -> None:
        """Field by field. What a field's value reads of the fields stored before it is read first."""
        values = list(got.values)
        for k in range(1, len(values)):
            if any(self._reads(values[k], p) for p in places[:k]):
                values[k] = self.let(f"{places[k].buffer}_new", values[k], node).expr
        for place, e in zip(places, values, strict=True):
            self.store(place, build.convert(e, place.dtype), node)

    def _reads(self, e: Expr, place: Cell | Place) -> bool:
        indices = place.indices if isinstance(place, Place) else ()
        return any(isinstance(n, Load) and n.buffer == place.buffer and not _apart(n.indices, indices) for n in walk(e))

    # -- places --------------------------------------------------------------------------------------------------------

    def record_of(self, node: Node) -> Record | None:
        """The record that an expression denotes, told from the text alone; None for anything else."""
        node = strip_parens(node)
        if node.type == "identifier":
            symbol = self.find(self.text(node))
            return symbol.record if isinstance(symbol, Members) else None
        if node.type in ("subscript_expression", "pointer_expression"):
            argument = self.child(node, "argument")
            if node.type == "pointer_expression" and self.tree.operator(node) == "&":
                return None
            return self._pointee(argument)
        return None

    def _pointee(self, node: Node) -> Record | None:
        """The record that a pointer or array of the text points to."""
        node = strip_parens(node)
        if node.type == "identifier":
            symbol = self.find(self.text(node)) or self.global_symbol(self.text(node), node)
            if isinstance(symbol, Array | Pointer):
                return symbol.ptr.record
            return symbol.base.record if isinstance(symbol, Moving) and symbol.base is not None else None
        if node.type == "cast_expression":
            return self.types.descriptor(self.child(node, "type")).record
        if node.type == "call_expression":
            function = self.child(node, "function")
            inner = self.child(function, "arguments").named_children if function.type == "template_function" else []
            plain = len(inner) == 1 and inner[0].type == "type_descriptor"
            return self.types.descriptor(inner[0]).record if plain else None
        if node.type == "pointer_expression" and self.tree.operator(node) == "&":
            return self.record_of(self.child(node, "argument"))
        if node.type == "binary_expression":
            return self._pointee(self.child(node, "left")) or self._pointee(self.child(node, "right"))
        if node.type in ("subscript_expression", "update_expression"):
            return self._pointee(self.child(node, "argument"))
        return None

    def record_places(self, node: Node) -> tuple[Cell | Place, ...]:
        """The fields of what stands left of `=`."""
        node = strip_parens(node)
        symbol = self.find(self.text(node)) if node.type == "identifier" else None
        if isinstance(symbol, Members):
            if not all(isinstance(f, Cell | Place) for f in symbol.fields):
                raise self.parse_error(node, f"{self.text(node)} cannot be assigned to")
            return tuple(f for f in symbol.fields if isinstance(f, Cell | Place))
        got = self.value(node)
        if not isinstance(got, Bundle) or not all(isinstance(e, Load) for e in got.values):
            raise self.unsupported(node, f"assigning to {short(self.text(node))} is not supported")
        return tuple(Place(e.buffer, e.indices, e.dtype) for e in got.values if isinstance(e, Load))

    def assign_record(self, node: Node, left: Node, op: str, right: Node, record: Record) -> None:
        """`v = ...`, `p[i] += ...`."""
        if op == "=":
            value = self.first_value(right, record)
            places = self.record_places(left)
            if tuple(p.dtype for p in places) != tuple(t for _, t in value.record.fields):
                fitting = self.fitting(value, Record(record.name, tuple((str(k), p.dtype) for k, p in enumerate(places))))
                if fitting is None:
                    raise self.parse_error(right, f"{short(self.text(right))} does not fit {short(self.text(left))}: vectors "
                                           "of other elements")
                value = fitting
            self.store_record(places, value, node)
            return
        own = self.unit.functions.get(f"operator{op}", [])
        if own:
            args = self.operands([left, right])
            self.run(node, self.choose(node, f"operator{op}", own, args, None), args, None)
            return
        got = self.record_arithmetic(node, op[:-1], self.value(left), self.value(right))
        if not isinstance(got, Bundle) or got.record.fields != record.fields:
            raise self.parse_error(node, f"{short(self.text(right))} is no {record.name}")
        self.store_record(self.record_places(left), got, node)

    def place(self, node: Node) -> Place | Cell:
        inner = strip_parens(node)
        if inner.type == "field_expression":
            symbol = self.find(self.text(self.child(inner, "argument")))
            if isinstance(symbol, Members):
                found = symbol.fields[self._field(inner, symbol.record)]
                if isinstance(found, Cell | Place):
                    return found
                raise self.parse_error(inner, f"{self.text(inner)} cannot be assigned to")
            got = self.value(inner)
            if isinstance(got, Load):
                return Place(got.buffer, got.indices, got.dtype)
        return super().place(node)

    # -- fields and elements -------------------------------------------------------------------------------------------

    def _field(self, node: Node, record: Record) -> int:
        name = self.text(self.child(node, "field"))
        k = record.place(name)
        if k is None:
            raise self.parse_error(node, f"a {record.name} has no field {name}")
        return k

    def _on_field_expression(self, node: Node) -> Got:
        found = self._object_field_expression(node) if self.unit.has_structs else None
        if found is not None:
            return self.plain(found, node)
        argument = self.child(node, "argument")
        symbol = self.find(self.text(argument)) if argument.type == "identifier" else None
        if isinstance(symbol, Members):
            return self.read(symbol.fields[self._field(node, symbol.record)], node)
        arrow = "->" in self.tree.text[argument.end_byte:self.child(node, "field").start_byte]
        if arrow:
            got = self.element(node, self.pointer(argument), integer(0))
        elif argument.type in ("identifier", "this"):
            return super()._on_field_expression(node)
        else:
            got = self.value(argument)
        if isinstance(got, Bundle):
            return got.values[self._field(node, got.record)]
        return super()._on_field_expression(node)

    def element(self, node: Node, p: Ptr, index: Expr) -> Got:
        if p.record is None or p.rest:
            return super().element(node, p, index)
        if not index.dtype.is_integer:
            raise self.parse_error(node, "an index must be an integer")
        first = build.mul(index, integer(p.vector))
        at = [first if k == 0 else build.add(first, integer(k)) for k in range(p.vector)]
        return Bundle(p.record, tuple(Load(p.buffer, p.indices(i), p.dtype) for i in at))

    def read(self, symbol: Symbol, node: Node) -> Got:
        if not isinstance(symbol, Members):
            return super().read(symbol, node)
        return Bundle(symbol.record, tuple(f.expr if isinstance(f, Value) else self.load(f) for f in symbol.fields))

    def address(self, node: Node) -> Ptr:
        symbol = self.find(self.text(node)) if node.type == "identifier" else None
        if isinstance(symbol, Members) and symbol.buffer and symbol.record.element is not None:
            t, n = symbol.record.element, len(symbol.fields)
            return Ptr(symbol.buffer, t, t, "rows", shape=(n,), vector=n, record=symbol.record)
        if node.type == "field_expression":
            got = self.value(node)
            if isinstance(got, Load) and got.indices:
                return Ptr(got.buffer, got.dtype, got.dtype, "flat" if len(got.indices) == 1 else "rows", got.indices[-1],
                           got.indices[:-1])
        return super().address(node)

    def retype(self, node: Node, p: Ptr, t: CType) -> Ptr:
        """A pointer seen as one to records, or a pointer to records seen as one to their elements."""
        if t.record is None and p.record is None:
            return super().retype(node, p, t)
        if t.row or t.pointers > 1 or (t.record is not None and t.record.element is None):
            raise self.unsupported(node, f"the cast to {short(self.text(node))} is not supported")
        flat = replace(p.whole() if p.rest else p, record=None, vector=0)
        if t.record is not None and t.base is not None and self._carries(p, t.base):
            return self._carrier(flat, t.record, t.base)
        if t.base is None:
            return p  # void*: whoever uses it casts again
        got = super().retype(node, flat, replace(t, record=None))
        return got if t.record is None else replace(got, record=t.record, vector=len(t.record.fields))

    def _carries(self, p: Ptr, t: ScalarType) -> bool:
        """Is a pointer to elements of `t` taken only to move several smaller elements at once? Raw bytes of an array of the
        block's or the thread's own are what they are seen as instead."""
        return t.bytes > p.dtype.bytes and (p.dtype.bytes > 1 or (p.layout == "flat" and p.buffer not in self.parts))

    def _carrier(self, p: Ptr, record: Record, t: ScalarType) -> Ptr:
        """`(int4*)p` of a pointer to half: eight of them that move together and have no names."""
        count = len(record.fields) * t.bytes // p.dtype.bytes
        held = Record(f"{record.name} of {p.dtype}", tuple((str(k), p.dtype) for k in range(count)))
        return replace(p, record=held, vector=count)

    def first_value(self, node: Node, record: Record) -> Bundle:
        """The initial value of a variable of the record's type; one that only carries smaller elements stays what it is."""
        inner = strip_parens(node)
        got = self.value(inner) if inner.type != "initializer_list" else None
        if isinstance(got, Bundle) and got.record.name.startswith(record.name + " of "):
            return got
        fitting = self.fitting(got, record) if isinstance(got, Bundle) else None
        if got is None:
            return self.record_of_braces(inner, record)
        if fitting is None:
            raise self.parse_error(node, f"{short(self.text(node))} is no {record.name}")
        return fitting

    def fitting(self, got: Bundle, record: Record) -> Bundle | None:
        """The value as one of the record: a value of such fields, or zeros of as many bytes; None when it is neither."""
        if got.record.fields == record.fields:
            return replace(got, record=record)
        same = sum(t.bytes for _, t in got.record.fields) == sum(t.bytes for _, t in record.fields)
        if same and all(isinstance(e, Const) and e.value == 0 for e in got.values):
            return Bundle(record, tuple(_zero(t) for _, t in record.fields))
        return None

    def arguments(self, node: Node) -> list[Node]:
        raise NotImplementedError


def _zero(t: ScalarType) -> Const:
    return Const(False if t.kind == "bool" else 0.0 if t.is_float else 0, t)


def _apart(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> bool:
    """Do the indices certainly name different elements?"""
    if len(a) != len(b):
        return False
    for x, y in zip(a, b, strict=True):
        gap = build.sub(x, y)
        if isinstance(gap, Const) and gap.value != 0:
            return True
        (base_x, off_x), (base_y, off_y) = _split(x), _split(y)
        if base_x == base_y and off_x != off_y:
            return True
    return False


def _split(e: Expr) -> tuple[Expr | None, int]:
    """`e` as something plus a constant."""
    if isinstance(e, Const) and not isinstance(e.value, float):
        return None, int(e.value)
    if isinstance(e, Binary) and e.op == "+" and isinstance(e.b, Const) and not isinstance(e.b.value, float):
        return e.a, int(e.b.value)
    return e, 0
