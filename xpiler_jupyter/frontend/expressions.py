"""Expressions: values, places and pointers."""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Const, Expr, Load, Unary, Var
from ..ir.types import BOOL, I32, I64, common_type, integer_promotion
from .casts import Casts
from .formula import formula
from .literals import CONSTANTS, character, number
from .refusals import call_refusal, node_refusal, short
from .symbols import Array, Bundle, Cell, Fragment, Got, Moving, Place, Pointer, Ptr, Symbol, Value
from .tree import field, strip_parens

_INTEGER_ONLY = frozenset(("%", "&", "|", "^", "<<", ">>"))


class Expressions(Casts):
    """Lowers everything that has a value."""

    # -- entry points --------------------------------------------------------------------------------------------------

    def expr(self, node: Node) -> Expr:
        """A scalar value. Raises UnsupportedError when the text has a pointer here."""
        got = self.value(node)
        if isinstance(got, Ptr):
            raise self.unsupported(node, "a pointer is used as a value here",
                                   "Only elements that it points to can be used.")
        if isinstance(got, Bundle):
            raise self.unsupported(node, f"a {got.record.name} is used where a scalar is needed", "Use its fields.")
        return got

    def pointer(self, node: Node) -> Ptr:
        got = self.value(node)
        if not isinstance(got, Ptr):
            raise self.parse_error(node, f"{short(self.text(node))} is no pointer or array")
        return got

    def condition(self, node: Node) -> Expr:
        if node.type == "condition_clause":
            if field(node, "initializer") is not None:
                raise self.unsupported(node, "a declaration inside a condition is not supported")
            node = self.child(node, "value")
        if node.type == "declaration":
            raise self.unsupported(node, "a declaration inside a condition is not supported")
        got = self.expr(node)
        return Const(bool(got.value), BOOL, span=got.span) if isinstance(got, Const) else build.convert(got, BOOL)

    def value(self, node: Node) -> Got:
        method = getattr(self, "_on_" + node.type, None)
        if method is None:
            raise self.unsupported(node, node_refusal(node.type))
        got = method(node)
        return got if isinstance(got, Ptr | Bundle) else self.at(got, node)

    # -- literals and names --------------------------------------------------------------------------------------------

    def _on_number_literal(self, node: Node) -> Expr:
        got = number(self.text(node))
        if got is None:
            raise self.parse_error(node, f"{short(self.text(node))} is no number that fits a C type")
        return got

    def _on_char_literal(self, node: Node) -> Expr:
        got = character(self.text(node))
        if got is None:
            raise self.unsupported(node, f"the character {self.text(node)} is not supported")
        return got

    def _on_true(self, node: Node) -> Expr:
        return Const(True, BOOL)

    def _on_false(self, node: Node) -> Expr:
        return Const(False, BOOL)

    def _on_null(self, node: Node) -> Expr:
        raise self.unsupported(node, "a null pointer is not supported here")

    def _on_identifier(self, node: Node) -> Got:
        name = self.text(node)
        symbol = self.find(name) or self.global_symbol(name, node)
        if symbol is not None:
            return self.read(symbol, node)
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in self.platform.predefined:
            return build.integer(self.platform.predefined[name])
        if name == "warpSize" and self.platform.lane_width > 1:
            return build.integer(self.platform.lane_width)
        built_in = self.built_in(name)
        if built_in is not None:
            return built_in
        if name in self.unit.functions:
            raise self.unsupported(node, f"the function {name} is used as a value")
        if name in {n.split(".")[0] for a in self.platform.axes for n in (a.name, a.extent_name)}:
            raise self.unsupported(node, f"{name} is used without .x, .y or .z")
        raise self.parse_error(node, f"the name {name} is not declared", "Paste its declaration or #define too.")

    def built_in(self, name: str) -> Expr | None:
        """An index of the launch or its extent: an axis, or a sum of axes; None when the platform has none so called."""
        axis = self.platform.axis(name)
        if axis is not None and not axis.text:
            self.mentioned.add(name)
            return Var(name, I32)
        axis = next((a for a in self.platform.axes if a.extent_name == name and not a.extent_text), None)
        if axis is not None:
            return self.extent(axis.name, name)
        text = self.platform.derived.get(name)
        return formula(text, self._part) if text is not None else None

    def _part(self, name: str) -> Expr:
        """A name in the formula of a built-in. An axis that the launch gives one index is no part of it."""
        got = self.platform.derived.get(name)
        if got is not None:
            return formula(got, self._part)
        axis = next(a for a in self.platform.axes if name in (a.name, a.extent_name))
        if name == axis.extent_name:
            return self.extent(axis.name, name)
        if self.launched is not None and self.launched.extents.get(name, build.integer(1)) == build.integer(1):
            return build.integer(0)
        self.mentioned.add(name)
        return Var(name, I32)

    def read(self, symbol: Symbol, node: Node) -> Got:
        """The value of a name."""
        if isinstance(symbol, Value):
            return symbol.expr
        if isinstance(symbol, Cell | Place):
            return self.load(symbol)
        if isinstance(symbol, Array | Pointer):
            return symbol.ptr
        if isinstance(symbol, Moving):
            if symbol.base is None:
                raise self.unsupported(node, f"the pointer {self.text(node)} is used before it points anywhere")
            return symbol.base.moved(Load(symbol.cell, (), symbol.dtype))
        if isinstance(symbol, Fragment):
            raise self.unsupported(node, f"{self.text(node)} is a {symbol.declared.split('<')[0]}: a value that only "
                                   "instructions can use")
        raise self.unsupported(node, f"{short(self.text(node))} is read before it has a value")

    def _on_qualified_identifier(self, node: Node) -> Got:
        name = self.text(node).removeprefix("::").removeprefix("std::")
        if name in CONSTANTS:
            return CONSTANTS[name]
        message, hint = call_refusal(self.text(node))
        raise self.unsupported(node, message.replace("function", "name"), hint)

    def _on_parenthesized_expression(self, node: Node) -> Got:
        inner = [c for c in node.named_children]
        if len(inner) != 1:
            raise self.parse_error(node, "an expression is missing in these brackets")
        return self.value(inner[0])

    def _on_field_expression(self, node: Node) -> Got:
        base, member = self.child(node, "argument"), self.child(node, "field")
        name = f"{self.text(base)}.{self.text(member)}"
        if base.type == "identifier" and self.find(self.text(base)) is None:
            axis = self.platform.axis(name)
            if axis is not None:
                # Built-in indices are unsigned in C++; they never exceed an int, and kernels cast them to int anyway.
                self.mentioned.add(name)
                return Var(name, I32)
            axis = next((a for a in self.platform.axes if a.extent_name == name), None)
            if axis is not None:
                return self.extent(axis.name, name)
            if self.text(base) in ("threadIdx", "blockIdx", "blockDim", "gridDim"):
                raise self.unsupported(node, f"{self.platform.title} has no {name}",
                                       "Is the source platform the right one?")
        if base.type == "identifier" and isinstance(self.find(self.text(base)), Fragment):
            raise self.unsupported(node, f"{short(name)} outside a loop over the elements of {self.text(base)} is not "
                                   "supported")
        raise self.unsupported(node, f"members ({short(self.text(node))}) are not supported",
                               "Structs and vector types cannot be ported yet.")

    def extent(self, axis: str, name: str) -> Expr:
        """`blockDim.x` and the like: what the launch says, or a size that someone must tell."""
        if self.launched is not None:
            return self.launched.extents.get(axis, build.integer(1))
        self.mentioned.add(axis)
        return Var(name, I32)

    # -- operators -----------------------------------------------------------------------------------------------------

    def _on_binary_expression(self, node: Node) -> Got:
        op = self.tree.operator(node)
        left, right = self.child(node, "left"), self.child(node, "right")
        if left.type == "parenthesized_expression" and self.types.is_type(self.text(strip_parens(left))):
            raise self.unsupported(node, f"the cast {self.text(left)} before a signed operand is ambiguous",
                                   f"Write {self.text(strip_parens(left))}(...) instead.")
        a = self.value(left)
        if op in ("&&", "||"):
            with self.unhoisted():
                b = self.value(right)
        else:
            b = self.value(right)
        if isinstance(a, Bundle) or isinstance(b, Bundle):
            return self.record_arithmetic(node, op, a, b)
        if isinstance(a, Ptr) or isinstance(b, Ptr):
            return self._pointer_arithmetic(node, op, a, b)
        return self.arithmetic(node, op, a, b)

    def record_arithmetic(self, node: Node, op: str, a: Got, b: Got) -> Bundle:
        raise NotImplementedError

    def arithmetic(self, node: Node, op: str, a: Expr, b: Expr) -> Expr:
        """`a op b` on scalars."""
        if op in _INTEGER_ONLY and (a.dtype.is_float or b.dtype.is_float):
            raise self.parse_error(node, f"{op} needs integers")
        if op == "<=>":
            raise self.unsupported(node, "<=> is not supported")
        if op in ("&&", "||") and isinstance(a, Const):
            # Decided now: the other side is not evaluated at all.
            if bool(a.value) == (op == "||"):
                return Const(op == "||", BOOL)
            return build.convert(b, BOOL) if not isinstance(b, Const) else Const(bool(b.value), BOOL)
        if op in ("<<", ">>"):
            a, b = build.convert(a, integer_promotion(a.dtype)), build.convert(b, integer_promotion(b.dtype))
        if op in ("+", "-", "*", "/", "%") and isinstance(a, Const) and isinstance(b, Const):
            return self._unsigned_constant(op, a, b) or build.binary(op, a, b)
        return build.binary(op, a, b)

    def _unsigned_constant(self, op: str, a: Const, b: Const) -> Const | None:
        """Unsigned constants, such as sizeof gives, computed when nothing wraps."""
        t = common_type(a.dtype, b.dtype)
        if t.kind != "uint" or not (a.dtype.is_integer and b.dtype.is_integer) or min(a.value, b.value) < 0:
            return None
        x, y = int(a.value), int(b.value)
        if op in ("/", "%") and y == 0:
            return None
        value = {"+": x + y, "-": x - y, "*": x * y, "/": x // (y or 1), "%": x % (y or 1)}[op]
        return Const(value, t) if 0 <= value < 1 << t.bits else None

    def _pointer_arithmetic(self, node: Node, op: str, a: Expr | Ptr, b: Expr | Ptr) -> Expr | Ptr:
        if isinstance(a, Ptr) and isinstance(b, Ptr):
            same = all(getattr(a, f) == getattr(b, f) for f in ("buffer", "layout", "prefix", "rest", "vector", "record"))
            if not same or (a.vector and a.record is None):
                raise self.unsupported(node, "comparing or subtracting pointers to different buffers is not supported")
            if op == "-":
                gap = build.convert(build.sub(build.convert(a.offset, I64), build.convert(b.offset, I64)), I64)
                return build.div(gap, Const(a.vector, I64)) if a.vector else gap
            if op in build.COMPARE:
                return build.binary(op, a.offset, b.offset)
        elif isinstance(a, Ptr) and not isinstance(b, Ptr) and op in ("+", "-") and b.dtype.is_integer:
            return self.moved(node, a, b if op == "+" else self.negated(b))
        elif isinstance(b, Ptr) and not isinstance(a, Ptr) and op == "+" and a.dtype.is_integer:
            return self.moved(node, b, a)
        raise self.unsupported(node, f"{op} on pointers is not supported here")

    def moved(self, node: Node, p: Ptr, by: Expr) -> Ptr:
        """`p + by` in elements of what `p` points to."""
        if p.layout == "flat" and p.rest:
            by = build.mul(by, build.integer(p.step()))
        if p.layout == "scalar" and not (isinstance(by, Const) and by.value == 0):
            raise self.unsupported(node, "arithmetic on the address of a scalar is not supported")
        if p.vector and not p.rest:
            by = build.mul(by, build.integer(p.vector))
        return p.moved(by)

    def negated(self, e: Expr) -> Expr:
        if isinstance(e, Const) and not e.dtype.is_float:
            return Const(-int(e.value), I32 if abs(int(e.value)) < 1 << 31 else I64, span=e.span)
        t = integer_promotion(e.dtype)
        if t.kind == "uint":
            t = I64
        return Unary("-", build.convert(e, t), t)

    def _on_unary_expression(self, node: Node) -> Expr:
        op, x = self.tree.operator(node), self.expr(self.child(node, "argument"))
        if op == "!":
            if isinstance(x, Const):
                return Const(not x.value, BOOL)
            return Unary("!", build.convert(x, BOOL), BOOL)
        t = integer_promotion(x.dtype)
        x = build.convert(x, t)
        if op == "+":
            return x
        if op == "~":
            if t.is_float:
                raise self.parse_error(node, "~ needs an integer")
            return Unary("~", x, t)
        if op != "-":
            raise self.unsupported(node, f"the operator {op} is not supported")
        if isinstance(x, Const) and (t.is_float or (t.kind == "int" and int(x.value) > -(1 << t.bits - 1))):
            return Const(-x.value, t)
        return Unary("-", x, t)

    def _on_conditional_expression(self, node: Node) -> Got:
        cond = self.condition(self.child(node, "condition"))
        with self.unhoisted():
            a = self.value(self.child(node, "consequence"))
            b = self.value(self.child(node, "alternative"))
        if isinstance(a, Bundle) and isinstance(b, Bundle) and a.record == b.record:
            return replace(a, values=tuple(self.select(cond, x, y) for x, y in zip(a.values, b.values, strict=True)))
        if isinstance(a, Bundle) or isinstance(b, Bundle):
            raise self.parse_error(node, "the two sides of this ?: have different types")
        if isinstance(a, Ptr) or isinstance(b, Ptr):
            if isinstance(a, Ptr) and isinstance(b, Ptr) and replace(a, offset=b.offset) == b:
                return replace(a, offset=self.select(cond, a.offset, b.offset))
            raise self.unsupported(node, "?: between different buffers is not supported", "Write it as an if.")
        return self.select(cond, a, b)

    def element_of_fragment(self, node: Node) -> Load | None:
        return None

    # -- places --------------------------------------------------------------------------------------------------------

    def element(self, node: Node, p: Ptr, index: Expr) -> Got:
        """`p[index]`: an element, or a decayed row."""
        if not index.dtype.is_integer:
            raise self.parse_error(node, "an index must be an integer")
        if p.vector and p.record is None:
            raise self.unsupported(node, f"reading or writing a vector through a pointer ({short(self.text(node))}) is not "
                                   "supported", "Use the intrinsic that loads or stores it.")
        return p.row(index) if p.rest else Load(p.buffer, p.indices(index), p.dtype)

    def _on_subscript_expression(self, node: Node) -> Got:
        indices = self.child(node, "indices").named_children
        if len(indices) != 1:
            raise self.parse_error(node, "an index is missing in these brackets" if not indices
                                   else "a comma between brackets: write a[i][j]")
        own = self.element_of_fragment(node)
        if own is not None:
            return own
        p = self.pointer(self.child(node, "argument"))
        return self.element(node, p, self.expr(indices[0]))

    def _on_pointer_expression(self, node: Node) -> Got:
        argument = self.child(node, "argument")
        if self.tree.operator(node) == "*":
            return self.element(node, self.pointer(argument), build.integer(0))
        return self.address(strip_parens(argument))

    def address(self, node: Node) -> Ptr:
        """`&node`."""
        if node.type == "subscript_expression":
            indices = self.child(node, "indices").named_children
            p = self.pointer(self.child(node, "argument"))
            if len(indices) != 1:
                raise self.parse_error(node, "an index is missing in these brackets")
            i = self.expr(indices[0])
            moved = self.moved(node, p, i)
            zero = all(isinstance(e, Const) and e.value == 0 for e in (*moved.prefix, moved.offset))
            # &t[0][0] is the customary way to see an array as one row; other places stay within their own row.
            return moved.whole() if zero and p.layout == "rows" and not p.rest else moved
        if node.type == "pointer_expression" and self.tree.operator(node) == "*":
            return self.pointer(self.child(node, "argument"))
        if node.type == "identifier":
            symbol = self.find(self.text(node))
            if isinstance(symbol, Array):
                return symbol.ptr
            if isinstance(symbol, Cell):
                return Ptr(symbol.buffer, symbol.dtype, symbol.dtype, "scalar")
            if isinstance(symbol, Place):
                return Ptr(symbol.buffer, symbol.dtype, symbol.dtype, "flat" if len(symbol.indices) == 1 else "rows",
                           symbol.indices[-1], symbol.indices[:-1]) if symbol.indices else \
                    Ptr(symbol.buffer, symbol.dtype, symbol.dtype, "scalar")
        raise self.unsupported(node, f"the address of {short(self.text(node))} is not supported")

    def place(self, node: Node) -> Place | Cell:
        """What can stand left of `=`."""
        node = strip_parens(node)
        if node.type == "identifier":
            symbol = self.find(self.text(node)) or self.global_symbol(self.text(node), node)
            if isinstance(symbol, Cell | Place):
                return symbol
            if isinstance(symbol, Value | Array):
                raise self.parse_error(node, f"{self.text(node)} cannot be assigned to")
            if symbol is None:
                raise self.parse_error(node, f"the name {self.text(node)} is not declared")
            raise self.unsupported(node, f"assigning to {self.text(node)} here is not supported")
        if node.type in ("subscript_expression", "pointer_expression"):
            got = self.value(node)
            if isinstance(got, Load):
                return Place(got.buffer, got.indices, got.dtype)
        elif node.type == "field_expression":
            self.value(node)
        raise self.unsupported(node, f"assigning to {short(self.text(node))} is not supported")

    def _on_concatenated_string(self, node: Node) -> Expr:
        raise self.unsupported(node, node_refusal("string_literal"))

