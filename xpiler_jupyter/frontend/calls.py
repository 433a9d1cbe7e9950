"""Calls: casts in function form, math, barriers, and what we know by name but refuse."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Barrier, Const, Expr
from ..ir.types import BOOL, F32
from .bit_functions import bit_call, is_bit_function
from .hinted import BOTH, LOADS, MOVES, STORES, hinted_access, move
from .literals import numeric_limit
from .math_functions import MathError, is_math, is_trivial, math_call
from .packed_halves import is_packed, packed_call
from .refusals import call_refusal, node_refusal, short
from .spelt_functions import is_spelt, spelt_call
from .struct_types import StructType
from .symbols import Closure, Got, Operand, Struct, Structs
from .tf32 import NAME as TF32
from .tf32 import to_tf32
from .tree import field, strip_parens
from .typenames import CType
from .votes import Votes

_LANE_IDS = ("__lane_id", "__laneid")
_CASTS = ("static_cast", "reinterpret_cast", "const_cast")


class Calls(Votes):
    """Lowers call expressions."""

    def _on_call_expression(self, node: Node) -> Got:
        got = self.call(node)
        if got is None:
            raise self.parse_error(node, f"{self.text(self.child(node, 'function'))} gives no value")
        return self.plain(got, node)

    def arguments(self, node: Node) -> list[Node]:
        return list(self.child(node, "arguments").named_children)

    def call(self, node: Node) -> Operand | None:
        """The value of a call; None for one that has only effects, which are emitted."""
        function = self.child(node, "function")
        if any(c.type == "kernel_call_syntax" for c in node.children):
            raise self.unsupported(node, node_refusal("kernel_call_syntax"))
        kind = function.type
        if kind == "template_function":
            return self._template_call(node, function)
        if kind in ("primitive_type", "sized_type_specifier"):
            return self._functional_cast(node, self.types.base(function))
        if kind == "parenthesized_expression":
            inner = strip_parens(function)
            if self.types.is_type(self.text(inner)):
                return self._functional_cast(node, self.types.base(inner))
            function, kind = inner, inner.type
        if kind == "qualified_identifier":
            return self._qualified_call(node, function)
        if kind == "field_expression":
            return self._member_call(node, function)
        if kind in ("lambda_expression", "call_expression", "compound_literal_expression", "subscript_expression",
                    "pointer_expression"):
            return self._object_call(node, function)
        if kind != "identifier":
            raise self.unsupported(node, f"a call of {short(self.text(function))} is not supported")
        return self._named_call(node, self.text(function))

    def _object_call(self, node: Node, function: Node) -> Operand | None:
        """A call of a lambda, or of a struct with operator()."""
        found = self.object_at(function)
        if isinstance(found, Closure):
            return self.run(node, found.function, self.operands(self.arguments(node)), None, found)
        if isinstance(found, Struct):
            return self.call_member(node, found, "operator()", self.arguments(node))
        raise self.unsupported(node, f"a call of {short(self.text(function))} is not supported")

    def _member_call(self, node: Node, function: Node) -> Operand | None:
        """`s.f(...)`, `s.f<T>(...)`, `p->f(...)`."""
        name, explicit = self.child(function, "field"), None
        if name.type in ("template_method", "template_function", "dependent_name"):
            inner = name.named_children[0] if name.type == "dependent_name" else name
            name, explicit = self.child(inner, "name"), self.child(inner, "arguments").named_children
        this = self.object_at(self.child(function, "argument"))
        if isinstance(this, Structs):
            this = self.struct_at(this, build.integer(0), node)
        if not isinstance(this, Struct):
            raise self.unsupported(node, f"a call of {short(self.text(function))} is not supported")
        member = this.members.get(self.text(name))
        if isinstance(member, Closure):
            return self.run(node, member.function, self.operands(self.arguments(node)), None, member)
        if isinstance(member, Struct):
            return self.call_member(node, member, "operator()", self.arguments(node))
        return self.call_member(node, this, self.text(name), self.arguments(node), explicit)

    def _named_call(self, node: Node, name: str) -> Operand | None:
        symbol = self.find(name)
        if isinstance(symbol, Closure | Struct):
            return self._object_call(node, self.child(node, "function"))
        if self.this is not None and name in self.members(self.this.type).functions and name != self.this.type.template:
            return self.call_member(node, self.this, name, self.arguments(node))
        known = self.platform.overloads(name) or self.barrier_scope(name) or is_math(name)
        ours = name in self.platform.definitions and known and self.defined_as_ours(name)
        if name in self.unit.functions and not ours:
            return self.inline(node, name)
        made = self.types.made_by(name)
        if made is not None:
            return self.make_record(node, made)
        if self.types.is_type(name):
            return self._functional_cast(node, self.types.base(self.child(node, "function")))
        scope = self.barrier_scope(name)
        if scope is not None:
            return self.barrier(node, name, scope)
        if name in _LANE_IDS and "threadRank" in self.platform.derived and not self.arguments(node):
            return build.mod(self.thread_rank(), build.integer(self.platform.lane_width))
        if name in self.platform.votes:
            return self.vote(node, name, self.platform.votes[name])
        if name in LOADS or name in STORES or name in BOTH:
            return hinted_access(self, node, name, self.arguments(node))
        if name in MOVES:
            move(self, node, name, self.arguments(node))
            return None
        if is_packed(name):
            return self.packed(node, name)
        if name in ("__builtin_assume", "__builtin_unreachable"):
            return None  # says what is so, and does nothing
        if name == "__builtin_assume_aligned" and self.arguments(node):
            return self.pointer(self.arguments(node)[0])
        if name == "__builtin_expect" and len(self.arguments(node)) == 2:
            return self.expr(self.arguments(node)[0])
        if name == TF32:
            return self._tf32(node)
        if is_math(name):
            return self.math(node, name)
        if is_spelt(name):
            return spelt_call(self, node, name, [self.expr(a) for a in self.arguments(node)])
        if is_bit_function(name):
            return bit_call(self, node, name, [self.expr(a) for a in self.arguments(node)])
        called = self.instr_call(node, name)
        if called is not None:
            return called.value
        message, hint = call_refusal(name)
        raise self.unsupported(node, message, hint)

    def barrier_scope(self, name: str) -> str | None:
        """Who waits for each other at a call of `name`; None when it is no barrier."""
        word = self.platform.synonyms.get(name, name)
        return next((s for s, text in self.platform.barriers.items() if text.split("(")[0].strip() == word), None)

    def thread_rank(self) -> Expr:
        """The number of the thread in its block."""
        got = self.built_in("threadRank")
        assert got is not None
        return got

    def barrier(self, node: Node, name: str, scope: str) -> Expr | None:
        """Emit the barrier; it has no value."""
        if node.parent is None or node.parent.type != "expression_statement":
            raise self.unsupported(node, f"{name} inside an expression is not supported")
        if self.arguments(node) and scope == "block":
            raise self.parse_error(node, f"{name} takes no arguments")
        self.emit(Barrier(scope), node)
        return None

    def math(self, node: Node, name: str) -> Expr:
        nodes = self.arguments(node)
        args = [self.expr(a) for a in nodes]
        if is_spelt(name) and all(a.dtype.is_integer for a in args):
            return spelt_call(self, node, name, args)  # __hadd means another thing for integers
        if name.removeprefix("std::") in ("max", "min", "isinf", "isnan", "isfinite", "clamp") and self.hoisting:
            # Their meaning may mention an argument twice.
            base = name.removeprefix("std::") + "_arg"
            args = [a if is_trivial(a) or not a.dtype.is_float or self._says_once(name) else self.let(base, a, n).expr
                    for a, n in zip(args, nodes, strict=True)]
        try:
            return math_call(name, args, self.platform.api is not None)
        except MathError as e:
            raise self.unsupported(node, str(e)) from None

    def packed(self, node: Node, name: str) -> Got:
        try:
            return packed_call(self, node, name, self.arguments(node))
        except MathError as e:
            raise self.unsupported(node, str(e)) from None

    def _says_once(self, name: str) -> bool:
        """Device max and min are one function; std::max and std::min compare and choose."""
        return name in ("max", "min") and self.platform.api is not None

    def _functional_cast(self, node: Node, t: CType) -> Operand:
        args = self.arguments(node)
        if t.struct is not None and not t.pointers:
            return self.built(t.struct, self.child(node, "arguments"), node)
        if t.record is not None and not t.pointers:
            return self.make_record(node, t.record) if args else self.record_of_braces(self.child(node, "arguments"), t.record)
        if not args and t.base is not None:
            return Const(False, BOOL) if t.base == BOOL else Const(0.0 if t.base.is_float else 0, t.base)
        if len(args) != 1:
            raise self.parse_error(node, "a cast takes one value")
        return self.cast(node, t, args[0])

    def _template_call(self, node: Node, function: Node) -> Operand | None:
        name_node = self.child(function, "name")
        name, inner = self.text(name_node), self.child(function, "arguments").named_children
        if name in _CASTS:
            args = self.arguments(node)
            if len(inner) != 1 or len(args) != 1:
                raise self.parse_error(node, f"{name} takes one type and one value")
            if inner[0].type != "type_descriptor":
                raise self.unsupported(node, f"the type {short(self.text(inner[0]))} is not known here")
            return self.cast(node, self.types.descriptor(inner[0]), args[0])
        if name in self.unit.functions:
            return self.inline(node, name, inner)
        if self.this is not None and name in self.members(self.this.type).functions:
            return self.call_member(node, self.this, name, self.arguments(node), inner)
        if name in self.unit.struct_templates or name in self.unit.name_templates:
            t = self.types.base(function) if function.type == "template_type" else self._instance_of(function)
            if t is not None:
                return self._functional_cast(node, t)
        if name in ("max", "min"):
            return self._typed_extreme(node, name, inner)
        message, hint = call_refusal(name)
        raise self.unsupported(node, message, hint)

    def _typed_extreme(self, node: Node, name: str, types: list[Node]) -> Expr:
        """`max<float>(a, b)`, with or without std::."""
        t = self.types.descriptor(types[0]) if len(types) == 1 and types[0].type == "type_descriptor" else None
        if t is None or t.base is None or t.pointers:
            raise self.unsupported(node, f"{name} with these template arguments is not supported")
        args = [build.convert(self.expr(a), t.base) for a in self.arguments(node)]
        try:
            return math_call("std::" + name, args, self.platform.api is not None)
        except MathError as e:
            raise self.unsupported(node, str(e)) from None

    def _qualified_call(self, node: Node, function: Node) -> Operand | None:
        text = "".join(self.text(function).split()).removeprefix("::")
        scope, name_node = field(function, "scope"), field(function, "name")
        struct = self.scope_struct(function)
        if struct is not None and name_node is not None:
            return self._static_call(node, struct, name_node)
        if scope is not None and scope.type == "template_type" and "numeric_limits" in self.text(scope):
            return self._limit(node, scope, text)
        if text.startswith("std::numeric_limits"):
            inner_scope = field(name_node, "scope") if name_node is not None else None
            if inner_scope is not None:
                return self._limit(node, inner_scope, text)
        if text.startswith("std::") and name_node is not None:
            if name_node.type == "template_function" and self.text(self.child(name_node, "name")) in ("max", "min"):
                return self._typed_extreme(node, self.text(self.child(name_node, "name")),
                                           self.child(name_node, "arguments").named_children)
            if self.types.is_type(text.removeprefix("std::")):
                return self._functional_cast(node, self.types.base(name_node))
            if is_math(text) and not text.removeprefix("std::").startswith("_"):
                return self.math(node, text)
        path, last = self._path(function)
        if last.type == "template_function" and self.text(self.child(last, "name")) in self.unit.functions:
            return self.inline(node, self.text(self.child(last, "name")), self.child(last, "arguments").named_children, path)
        if last.type == "template_function" and self.text(self.child(last, "name")) in self.unit.struct_templates:
            made = self._instance_of(last)
            if made is not None:
                return self._functional_cast(node, made)
        if self.text(last) in self.unit.functions:
            return self.inline(node, self.text(last), None, path)
        inside = field(name_node, "scope") if name_node is not None and name_node.type == "qualified_identifier" else None
        if name_node is not None and inside is not None and self.scope_struct(name_node) is not None:
            return self._qualified_call(node, name_node)
        if self.types.is_type(self.text(last)):
            return self._functional_cast(node, self.types.base(last))
        if text.split("::")[-1] == TF32:
            return self._tf32(node)
        called = self.instr_call(node, text)
        if called is not None:
            return called.value
        message, hint = call_refusal(text)
        raise self.unsupported(node, message, hint)

    def _path(self, function: Node) -> tuple[tuple[str, ...], Node]:
        """The name spaces in front of a name, and the name."""
        path: list[str] = []
        while function.type == "qualified_identifier":
            scope = field(function, "scope")
            if scope is not None:
                path.append(self.text(scope))
            function = self.child(function, "name")
        return tuple(path), function

    def _static_call(self, node: Node, struct: StructType, name: Node) -> Operand | None:
        """`Op::apply(a, b)`: a member function that needs no struct."""
        explicit = self.child(name, "arguments").named_children if name.type == "template_function" else None
        name = self.child(name, "name") if name.type == "template_function" else name
        return self.call_member(node, Struct(struct, {}), self.text(name), self.arguments(node), explicit)

    def _tf32(self, node: Node) -> Expr:
        args = self.arguments(node)
        if len(args) != 1:
            raise self.parse_error(node, f"{TF32} takes one value")
        return to_tf32(self, node, build.convert(self.expr(args[0]), F32))

    def _limit(self, node: Node, scope: Node, text: str) -> Expr:
        arguments = field(scope, "arguments")
        inner = arguments.named_children if arguments is not None else []
        if len(inner) == 1 and inner[0].type == "type_descriptor":
            t = self.types.descriptor(inner[0])
            got = numeric_limit(t.base, text.split("::")[-1]) if t.base is not None and not t.pointers else None
            if got is not None:
                return got
        raise self.unsupported(node, f"{short(text)} is not supported")

    def inline(self, node: Node, name: str, explicit: Sequence[Node] | None = None,
               scope: tuple[str, ...] = ()) -> Operand | None:
        raise NotImplementedError
