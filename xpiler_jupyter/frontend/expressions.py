"""Expressions: values, places and pointers."""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Const, Expr, Load, Unary, Var
from ..ir.types import BOOL, I32, I64, common_type, integer_promotion
from .formula import formula
from .literals import CONSTANTS, character, number
from .places import Places
from .refusals import NO_NAME, call_refusal, node_refusal, short
from .symbols import (
    Array,
    Bundle,
    Cell,
    Closure,
    Fragment,
    Got,
    Moving,
    Place,
    Pointer,
    Ptr,
    Record,
    Struct,
    Structs,
    Symbol,
    Value,
)
from .tree import field, strip_parens

_INTEGER_ONLY = frozenset(("%", "&", "|", "^", "<<", ">>"))


class Expressions(Places):
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
        if isinstance(symbol, Struct | Structs | Closure):
            return self.plain(symbol, node)
        if symbol is not None:
            return self.read(symbol, node)
        if self.this is not None:
            constant = self.member_constant(self.this.type, name, node)
            if constant is not None:
                return constant
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
        raise self.parse_error(node, f"the name {name} is not declared", NO_NAME)

    def _on_type_identifier(self, node: Node) -> Got:
        """A template argument that is a name: the grammar takes it for a type."""
        return self._on_identifier(node)

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
        name = "".join(self.text(node).split()).removeprefix("::").removeprefix("std::")
        if name in CONSTANTS:
            return CONSTANTS[name]
        got = self.trait(node) or self._member_of_scope(node)
        if got is not None:
            return got
        symbol = self.global_symbol(name, node)
        if symbol is None and field(node, "scope") is not None and "::" in name:
            symbol = self.global_symbol(name.split("::", 1)[1], node) or self.global_symbol(name.rsplit("::", 1)[1], node)
        if symbol is not None:
            return self.read(symbol, node)
        message, hint = call_refusal(self.text(node))
        raise self.unsupported(node, message.replace("function", "name"), hint)

    def _member_of_scope(self, node: Node) -> Got | None:
        """`Traits<T>::value`, or a constant template in a name space; None for other names."""
        struct, name = self.scope_struct(node), field(node, "name")
        if name is None:
            return None
        if struct is not None:
            got = self.member_constant(struct, self.text(name), node)
            if got is None:
                raise self.parse_error(node, f"{struct.name} has no constant {self.text(name)}")
            return got
        return self.value(name) if name.type in ("qualified_identifier", "template_function", "template_type") else None

    def _on_template_function(self, node: Node) -> Got:
        """`kWidth<T>`: a constant with template arguments."""
        found, name = self.trait(node), self.text(self.child(node, "name"))
        if found is not None:
            return found
        template = self.unit.name_templates.get(name)
        if template is None or template.node.type != "declaration":
            raise self.unsupported(node, f"{short(self.text(node))} is not known as a value here")
        bound = self.bind_explicit(node, name, template.params, self.child(node, "arguments").named_children)
        d = self.child(template.node, "declarator")
        with self.closed(bound.types, bound.values), self.unhoisted():
            declared = self.types.declarator(d, self.types.specifier(template.node))
            if declared.init is None:
                raise self.unsupported(node, f"{name} has no value")
            got = self.folded(self.plain_number(declared.init))
        return build.convert(got, declared.type.base) if declared.type.base is not None else got

    _on_template_type = _on_template_function

    def _on_parenthesized_expression(self, node: Node) -> Got:
        inner = [c for c in node.named_children]
        if len(inner) != 1:
            raise self.parse_error(node, "an expression is missing in these brackets")
        return self.value(inner[0])

    def _on_field_expression(self, node: Node) -> Got:
        base, member = self.child(node, "argument"), self.child(node, "field")
        found = self._object_field_expression(node)
        if found is not None:
            return self.plain(found, node)
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
        raise self.unsupported(node, f"members ({short(self.text(node))}) are not supported here",
                               "Is the declaration of its struct missing in the text?")

    def extent(self, axis: str, name: str) -> Expr:
        """`blockDim.x` and the like: what the launch says, or a size that someone must tell."""
        got = self.launched.extents.get(axis, build.integer(1)) if self.launched is not None else Var(name, I32)
        if got == Var(name, I32):
            self.mentioned.add(axis)
        return got

    # -- operators -----------------------------------------------------------------------------------------------------

    def _on_binary_expression(self, node: Node) -> Got:
        op = self.tree.operator(node)
        left, right = self.child(node, "left"), self.child(node, "right")
        if left.type == "parenthesized_expression" and self.types.is_type(self.text(strip_parens(left))):
            raise self.unsupported(node, f"the cast {self.text(left)} before a signed operand is ambiguous",
                                   f"Write {self.text(strip_parens(left))}(...) instead.")
        if self.unit.has_operators or self.unit.has_structs:
            got = self._object_binary_expression(node)
            return self.plain(got, node) if got is not None else build.integer(0)
        a = self.value(left)
        if op in ("&&", "||") and isinstance(a, Const) and not isinstance(a, Ptr) and bool(a.value) == (op == "||"):
            return Const(op == "||", BOOL)  # what is not evaluated need not make sense for these template arguments
        if op in ("&&", "||"):
            with self.unhoisted():
                b = self.value(right)
        else:
            b = self.value(right)
        return self.binary(node, op, a, b)

    def binary(self, node: Node, op: str, a: Got, b: Got) -> Got:
        """`a op b` on numbers and pointers."""
        if isinstance(a, Bundle) or isinstance(b, Bundle):
            return self.record_arithmetic(node, op, a, b)
        if isinstance(a, Ptr) or isinstance(b, Ptr):
            return self._pointer_arithmetic(node, op, a, b)
        return self.arithmetic(node, op, a, b)

    def fitting(self, got: Bundle, record: Record) -> Bundle | None:
        raise NotImplementedError

    def record_arithmetic(self, node: Node, op: str, a: Got, b: Got) -> Got:
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
        if isinstance(a, Bundle) and isinstance(b, Bundle) and a.record != b.record:
            a, b = self.fitting(a, b.record) or a, self.fitting(b, a.record) or b
        if isinstance(a, Bundle) and isinstance(b, Bundle) and a.record == b.record:
            return replace(a, values=tuple(self.select(cond, x, y) for x, y in zip(a.values, b.values, strict=True)))
        if isinstance(a, Bundle) or isinstance(b, Bundle):
            raise self.parse_error(node, "the two sides of this ?: have different types")
        if isinstance(a, Ptr) or isinstance(b, Ptr):
            return self.either_pointer(node, cond, a, b, "?: between different buffers is not supported")
        return self.select(cond, a, b)

    def either_pointer(self, node: Node, cond: Expr, a: Expr | Ptr, b: Expr | Ptr, message: str) -> Ptr:
        if isinstance(a, Ptr) and isinstance(b, Ptr) and replace(a, offset=b.offset) == b:
            return replace(a, offset=self.select(cond, a.offset, b.offset))
        raise self.unsupported(node, message, "Write it as an if.")

    def _on_concatenated_string(self, node: Node) -> Expr:
        raise self.unsupported(node, node_refusal("string_literal"))
