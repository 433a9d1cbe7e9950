"""Conversions: casts, constants known now, sizeof."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Binary, Call, Cast, Const, Expr, Select, Unary, Var
from ..ir.types import BOOL, U64, ScalarType, common_type
from .counts import quotient
from .instances import Instances
from .refusals import short
from .struct_types import StructType
from .symbols import Array, Bundle, Got, Moving, Pointer, Ptr, Value
from .tree import field, strip_parens
from .typenames import CType
from .view import View


class Casts(Instances):
    """Lowers what changes a type or asks for one."""

    def select(self, cond: Expr, a: Expr, b: Expr) -> Expr:
        t = a.dtype if a.dtype == b.dtype else common_type(a.dtype, b.dtype)
        a, b = build.convert(a, t), build.convert(b, t)
        if isinstance(cond, Const):
            return a if cond.value else b
        return Select(cond, a, b, t)

    # -- casts ---------------------------------------------------------------------------------------------------------

    def _on_cast_expression(self, node: Node) -> Got:
        return self.cast(node, self.types.descriptor(self.child(node, "type")), self.child(node, "value"))

    def struct_size(self, struct: StructType, node: Node) -> int:
        """sizeof of a struct, padding included."""
        return self.layout(struct, node)[0]

    def layout(self, struct: StructType, node: Node) -> tuple[int, int]:
        """Size and alignment in bytes. Raises UnsupportedError for a struct with an attribute that changes them."""
        size = align = 1 if not self.members(struct).fields else 0
        align = 1
        for m in self.tree.marks_in(struct.node.start_byte, self.child(struct.node, "body").start_byte):
            if m.word in ("alignas", "_Alignas", "__align__"):
                number = next((t.text for t in m.words if t.kind == "num"), "")
                if not number.isdigit() or len(m.words) != 1:
                    raise self.unsupported(node, f"the size of {struct.name} depends on its alignment: not supported")
                align = int(number)
        with self.closed(struct.types, struct.values):
            for f in self.members(struct).fields:
                one, own = self.layout(f.type.struct, node) if f.type.struct is not None and not f.type.pointers else \
                    (8, 8) if f.type.pointers or f.type.base is None else (f.type.base.bytes, f.type.base.bytes)
                for d in f.type.dims:
                    one *= self.constant(d, "an array dimension", f.node)
                size, align = -(-size // own) * own + one, max(align, own)
        return -(-size // align) * align, align

    def cast(self, node: Node, t: CType, operand: Node) -> Got:
        """`(t)operand` in any of C++'s spellings."""
        got = self.value(operand)
        if t.reference:
            raise self.unsupported(node, "a cast to a reference is not supported")
        if isinstance(got, Ptr):
            if not t.pointers and not t.row:
                raise self.unsupported(node, "a cast from a pointer to a number is not supported")
            return self.retype(node, got, t)
        if isinstance(got, Bundle):
            if t.record is None or t.pointers or t.record.fields != got.record.fields:
                raise self.unsupported(node, f"a cast of a {got.record.name} to another type is not supported")
            return got
        if t.pointers or t.row or t.base is None or t.record is not None:
            raise self.unsupported(node, f"a cast of a number to {short(self.text(node))} is not supported")
        return self.converted(got, t.base)

    def retype(self, node: Node, p: Ptr, t: CType) -> Ptr:
        """A pointer seen as another pointer type of the same element size."""
        if t.pointers > 1:
            raise self.unsupported(node, "a pointer to a pointer is not supported")
        rest = tuple(self.constant(d, "an array dimension", node) for d in t.row)
        if t.vector or p.vector:
            p = replace(p.whole() if p.rest else p, vector=t.vector // p.dtype.bytes)
        if t.base is None or t.base == p.dtype:
            if rest and p.layout != "flat":
                raise self.unsupported(node, "a local array seen with other dimensions is not supported")
            return replace(p, rest=rest) if rest else p.whole() if p.rest else p
        if t.base.bytes != p.dtype.bytes:
            seen = None if rest else self.view(node, p, t.base)
            if seen is not None:
                return seen
            raise self.unsupported(node, f"seeing {p.dtype} elements as {t.base} is not supported: their sizes differ")
        return replace(p.whole() if p.rest else p, dtype=t.base, rest=rest)

    def view(self, node: Node, p: Ptr, t: ScalarType) -> Ptr | None:
        """A local array of one dimension seen as elements of another size: a buffer of its own, which `split_views` makes
        real or refuses. None for other pointers."""
        known = next((v for v in self.views if p.buffer in (v.buffer, v.name)), None)
        buffer = known.buffer if known is not None else p.buffer
        if p.layout != "rows" or p.rest or p.prefix or len(p.shape) != 1 or p.dtype != p.stored:
            return None
        if p.offset.dtype.is_integer and t.bytes > p.dtype.bytes:
            offset = quotient(p.offset, t.bytes // p.dtype.bytes)
        else:
            offset = build.mul(p.offset, build.integer(p.dtype.bytes // t.bytes))
        if offset is None:
            return None
        shape = (max(1, p.shape[0] * p.stored.bytes // t.bytes),)
        if t == self.stored_types.get(buffer):
            return Ptr(buffer, t, t, "rows", offset, shape=shape)
        found = next((v for v in self.views if v.buffer == buffer and v.dtype == t), None)
        if found is None:
            found = View(buffer, self.fresh(f"{buffer}_{t}"), t, self.tree.origin(node)[0])
            self.views.append(found)
            self.stored_types.setdefault(buffer, p.stored)
            self.memories[found.name] = self.memories.get(buffer, "local")
        return Ptr(found.name, t, t, "rows", offset, shape=shape)

    def converted(self, e: Expr, t: ScalarType) -> Expr:
        """`(t)e`, said in the text."""
        got = build.convert(e, t)
        return Cast(e, t) if isinstance(got, Cast) and got is not e and got.implicit else got

    def constant(self, node: Node | None, what: str, where: Node) -> int:
        """A positive integer known now."""
        if node is None:
            raise self.unsupported(where, f"{what} is missing here")
        with self.unhoisted():
            e = self.folded(self.expr(node))
        if not isinstance(e, Const) or e.dtype.is_float:
            raise self.unsupported(node, f"{what} must be a constant", "Make it a #define or a constexpr.")
        if int(e.value) <= 0:
            raise self.unsupported(node, f"{what} must be positive")
        return int(e.value)

    def folded(self, e: Expr) -> Expr:
        """`e` with names of known value replaced by it."""
        if isinstance(e, Var):
            symbols = [s for scope in (*self.scopes, self.global_scope) for s in scope.values()]
            return next((s.const for s in symbols if isinstance(s, Value) and s.const is not None and s.expr == e), e)
        if isinstance(e, Binary):
            got = build.binary(e.op, self.folded(e.a), self.folded(e.b))
            return (_bits(got) or got) if isinstance(got, Binary) else got
        if isinstance(e, Cast):
            x = self.folded(e.x)
            return Const(bool(x.value), BOOL) if isinstance(x, Const) and e.dtype == BOOL else build.convert(x, e.dtype)
        if isinstance(e, Call) and e.fn in ("min", "max"):
            args = [self.folded(a) for a in e.args]
            values = [int(a.value) for a in args if isinstance(a, Const) and a.dtype == e.dtype and e.dtype.is_integer]
            return Const(min(values) if e.fn == "min" else max(values), e.dtype) if len(values) == len(args) > 0 else e
        if isinstance(e, Unary) and e.op == "!":
            x = self.folded(e.x)
            return Const(not x.value, BOOL) if isinstance(x, Const) else e
        if isinstance(e, Select):
            return self.select(self.folded(e.cond), self.folded(e.a), self.folded(e.b))
        if isinstance(e, Unary) and e.op == "-":
            x = self.folded(e.x)
            return Const(-x.value, e.dtype) if isinstance(x, Const) and e.dtype.kind == "int" else e
        return e

    # -- sizeof --------------------------------------------------------------------------------------------------------

    def _on_sizeof_expression(self, node: Node) -> Expr:
        t = field(node, "type")
        if t is not None:
            got = self.types.descriptor(t)
            if got.pointers:
                return Const(8, U64)
            if got.base is None and got.vector and not got.dims:
                return Const(got.vector, U64)
            if got.struct is not None and not got.dims:
                return Const(self.struct_size(got.struct, node), U64)
            if got.base is None:
                raise self.parse_error(node, "sizeof(void)")
            n = got.base.bytes * (len(got.record.fields) if got.record is not None else 1)
            for d in got.dims:
                n *= self.constant(d, "an array dimension", node)
            return Const(n, U64)
        operand = strip_parens(self.child(node, "value"))
        if operand.type in ("template_function", "qualified_identifier"):
            named = self._instance_of(operand) if operand.type == "template_function" else self.composed(operand)
            if named is not None and not named.pointers:
                return Const(self.struct_size(named.struct, node) if named.struct is not None else
                             named.base.bytes if named.base is not None else 1, U64)
        if operand.type == "identifier":
            if self.types.is_type(self.text(operand)):
                named = self.types.base(operand)
                if named.base is not None and not named.pointers:
                    return Const(named.base.bytes * (len(named.record.fields) if named.record else 1), U64)
                if named.struct is not None and not named.pointers:
                    return Const(self.struct_size(named.struct, node), U64)
            symbol = self.find(self.text(operand)) or self.global_symbol(self.text(operand), operand)
            if isinstance(symbol, Array):
                return Const(symbol.ptr.stored.bytes * prod(symbol.ptr.shape), U64)
            if isinstance(symbol, Pointer | Moving):
                return Const(8, U64)
        with self.unhoisted():
            got_value = self.value(operand)
        if isinstance(got_value, Ptr):
            return Const(got_value.dtype.bytes * got_value.step(), U64)
        if isinstance(got_value, Bundle):
            return Const(sum(t.bytes for _, t in got_value.record.fields), U64)
        return Const(got_value.dtype.bytes, U64)


def _bits(e: Binary) -> Const | None:
    """Bit operations and truth values of constants; None for anything else."""
    if not (isinstance(e.a, Const) and isinstance(e.b, Const)) or e.a.dtype.is_float or e.b.dtype.is_float:
        return None
    x, y = int(e.a.value), int(e.b.value)
    if e.op in ("&&", "||"):
        return Const(bool(x and y) if e.op == "&&" else bool(x or y), BOOL)
    if e.op in ("<<", ">>") and not (0 <= y < e.dtype.bits and x >= 0):
        return None
    if e.op not in ("&", "|", "^", "<<", ">>"):
        return None
    value = {"&": x & y, "|": x | y, "^": x ^ y, "<<": x << y % 64, ">>": x >> y % 64}[e.op]
    fits = -(1 << e.dtype.bits - 1) <= value < 1 << (e.dtype.bits - (e.dtype.kind == "int"))
    return Const(value, e.dtype) if fits and e.dtype.is_integer else None
