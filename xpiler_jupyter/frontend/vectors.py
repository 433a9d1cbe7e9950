"""Vectors that a lane holds in registers, matrices of a wave under a name of their own, and instrs that give such values."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from ..errors import UnsupportedError
from ..ir import build
from ..ir.nodes import Alloc, Block, Const, Expr, For, InstrCall, Load, Ref, Store, Var
from ..ir.types import ScalarType
from ..platforms.instr import Operand
from .instr_calls import InstrCalls
from .overloads import call_words, plain
from .refusals import short
from .symbols import Fragment, Got, Symbol
from .tree import field, preorder, strip_parens
from .typenames import Declared


@dataclass(frozen=True, slots=True)
class Vector(Fragment):
    """A vector of one thread: a private array that may also be used as a whole."""


class Vectors(InstrCalls):
    """Lowers declarations, elements, arithmetic and assignments of vectors; assignments of what instrs give."""

    lane_index: Var | None = None  # set while an expression of vectors is lowered for one element

    # -- declarations --------------------------------------------------------------------------------------------------

    def fragments(self, node: Node) -> bool:
        return super().fragments(node) or self._named_fragments(node) or self._vectors(node)

    def _named_fragments(self, node: Node) -> bool:
        """`mfma_c_f32_m16n16k4 c;`: a matrix of the wave whose type is a plain name of the platform's own."""
        type_node = field(node, "type")
        name = self.text(type_node) if type_node is not None else ""
        if name not in self.platform.definitions or not self.defined_as_ours(name):
            return False
        operand = next((o for row in self.platform.instrs for o in row.operands if o.declared == name), None)
        if operand is None or not self._of_warp(operand):
            return False
        for d in node.children_by_field_name("declarator"):
            init = field(d, "value") if d.type == "init_declarator" else None
            inner = self.child(d, "declarator") if d.type == "init_declarator" else d
            self._fragment(inner, operand, name)
            if init is not None and not self._given_by_instr(inner, init):
                raise self.unsupported(init, f"a {name} takes the value of an instruction only")
        return True

    def _of_warp(self, o: Operand) -> bool:
        memory = self.platform.memory(o.memory[0]) if o.memory else None
        return memory is not None and memory.scope == "warp"

    def defined_as_ours(self, name: str) -> bool:
        """Does the text define the word just as the platform's table does?"""
        wanted = "".join(self.platform.definitions[name].split())
        return wanted in "".join(self.tree.source.text.split())

    def _vectors(self, node: Node) -> bool:
        try:
            base = self.types.specifier(node, vectors=True)
        except UnsupportedError:
            return False  # whoever looks at the declaration next says so
        if not base.lanes or base.base is None:
            return False
        for d in node.children_by_field_name("declarator"):
            self._vector(self.types.declarator(d, base), d, base.base, base.lanes)
        return True

    def _vector(self, declared: Declared, node: Node, dtype: ScalarType, lanes: int) -> None:
        t = declared.type
        if declared.name is None or t.pointers or t.reference or t.row or declared.function:
            raise self.unsupported(node, "a pointer or reference to a vector is not supported", "Use its elements.")
        name = self.text(declared.name)
        if name in self.scopes[-1]:
            raise self.parse_error(declared.name, f"{name} is declared twice")
        dims = tuple(self.constant(x, "an array dimension", node) for x in t.dims)
        ir_name = self.fresh(name)
        zeroed = declared.init is not None and _all_zero(self.text(declared.init))
        shape = tuple(build.integer(n) for n in (*dims, lanes))
        self.emit(Alloc(ir_name, dtype, shape, zeroed=zeroed), node)
        vector = Vector(ir_name, dtype, self._word(dtype, lanes), (lanes,), dims)
        self.define(name, vector)
        if declared.init is not None and not zeroed:
            if dims:
                raise self.unsupported(declared.init, f"this initial value of {name} is not supported")
            self._set(vector, (), declared.init, node)

    def _word(self, dtype: ScalarType, lanes: int) -> str:
        """The platform's word for a vector of so many elements, or one of ours."""
        found = next((o.declared for row in self.platform.instrs for o in row.operands
                      if o.per_lane and o.dtype == dtype and o.shape == (lanes,)), None)
        return found or f"{dtype}x{lanes}"

    # -- elements and arithmetic ---------------------------------------------------------------------------------------

    def element_of_fragment(self, node: Node) -> Load | None:
        argument = strip_parens(self.child(node, "argument"))
        found = self._vector_at(argument)
        if found is None:
            matrix = self._registers_of(argument)
            return self.element_by_loop(node, matrix) if matrix is not None else super().element_of_fragment(node)
        index = self.child(node, "indices").named_children
        if len(index) != 1:
            raise self.parse_error(node, "an index is missing in these brackets")
        outer, self.lane_index = self.lane_index, None
        at = self.expr(index[0])
        self.lane_index = outer
        return Load(found[0].buffer, (*found[1], at), found[0].dtype)

    def _registers_of(self, node: Node) -> tuple[Fragment, tuple[Expr, ...]] | None:
        """A matrix of the wave whose type is a vector, so that its elements need no member's name."""
        base, depth = strip_parens(node), 0
        while base.type == "subscript_expression":
            base, depth = strip_parens(self.child(base, "argument")), depth + 1
        symbol = self.find(self.text(base)) if base.type == "identifier" else None
        if not isinstance(symbol, Fragment) or isinstance(symbol, Vector) or depth != len(symbol.dims):
            return None
        if symbol.declared not in self.platform.definitions:
            return None
        return self.fragment_at(node)

    def counted(self, limit: Node, loop: Node) -> tuple[Fragment, tuple[Expr, ...]] | None:
        found = super().counted(limit, loop)
        if found is not None or limit.type != "number_literal" or not self.platform.definitions:
            return found
        for n in preorder(self.child(loop, "body")):
            matrix = self._registers_of(self.child(n, "argument")) if n.type == "subscript_expression" else None
            if matrix is not None:
                held = matrix[0].shape[0] * matrix[0].shape[1] // self.platform.lane_width
                return matrix if self.text(limit) == str(held) else None
        return None

    def _vector_at(self, node: Node) -> tuple[Vector, tuple[Expr, ...]] | None:
        """The vector that `v`, or `v[i]` of an array of vectors, names."""
        base, depth = node, 0
        while base.type == "subscript_expression":
            base, depth = strip_parens(self.child(base, "argument")), depth + 1
        symbol = self.find(self.text(base)) if base.type == "identifier" else None
        if not isinstance(symbol, Vector) or depth != len(symbol.dims):
            return None
        outer, self.lane_index = self.lane_index, None
        found = self.fragment_at(node)
        self.lane_index = outer
        return (symbol, found[1]) if found is not None else None

    def fragment_at(self, node: Node) -> tuple[Fragment, tuple[Expr, ...]] | None:
        base, depth = strip_parens(node), 0
        while base.type == "subscript_expression":
            base, depth = strip_parens(self.child(base, "argument")), depth + 1
        symbol = self.find(self.text(base)) if base.type == "identifier" else None
        bare = isinstance(symbol, Vector) or (isinstance(symbol, Fragment) and symbol.declared in self.platform.definitions)
        if bare and isinstance(symbol, Fragment) and depth == len(symbol.dims) + 1:
            return None  # an element
        return super().fragment_at(node)

    def read(self, symbol: Symbol, node: Node) -> Got:
        if isinstance(symbol, Vector):
            if self.lane_index is not None and not symbol.dims:
                return Load(symbol.buffer, (self.lane_index,), symbol.dtype)
            raise self.unsupported(node, f"the vector {self.text(node)} is used where a scalar is needed",
                                   "Use its elements.")
        return super().read(symbol, node)

    def _on_subscript_expression(self, node: Node) -> Got:
        found = self._vector_at(node) if self.lane_index is not None else None
        if found is not None and self.lane_index is not None:
            return Load(found[0].buffer, (*found[1], self.lane_index), found[0].dtype)
        return super()._on_subscript_expression(node)

    # -- assignments ---------------------------------------------------------------------------------------------------

    def fragment_assignment(self, node: Node, left: Node, op: str, right: Node) -> bool:
        """Lowers `v = ...` for a vector or a matrix of the wave; False when the left side is something else."""
        vector = self._vector_at(left)
        if vector is not None:
            self._set(*vector, right, node, op[:-1])
            return True
        return op == "=" and self.platform.definitions != {} and self._given_by_instr(left, right)

    def _set(self, v: Vector, at: tuple[Expr, ...], right: Node, node: Node, op: str = "") -> None:
        right = strip_parens(right)
        items = _braces(right)
        if items is not None and not op:
            if len(items) > v.shape[0]:
                raise self.parse_error(right, f"a vector of {v.shape[0]} elements takes no {len(items)} values")
            values = [build.convert(self.expr(x), v.dtype) for x in items]
            zero = Const(0.0 if v.dtype.is_float else 0, v.dtype)
            if len(values) == v.shape[0] and isinstance(values[0], Const) and len(set(values)) == 1:
                index = Var(self.fresh("i"))
                fill = Block((Store(v.buffer, (*at, index), values[0], v.dtype),))
                self.emit(For(index.name, build.integer(0), build.integer(v.shape[0]), build.integer(1), fill), node)
                return
            for k in range(v.shape[0]):
                self.emit(Store(v.buffer, (*at, build.integer(k)), values[k] if k < len(values) else zero, v.dtype), node)
            return
        if right.type == "call_expression" and not op:
            called = self.call_into(right, v, at)
            if called:
                return
        with self.block() as stmts:
            index = Var(self.fresh("i"))
            self.lane_index = index
            with self.unhoisted():
                value = self.expr(right)
                if op:
                    value = self.arithmetic(node, op, Load(v.buffer, (*at, index), v.dtype), value)
            self.lane_index = None
            self.emit(Store(v.buffer, (*at, index), build.convert(value, v.dtype), v.dtype), node)
        self.emit(For(index.name, build.integer(0), build.integer(v.shape[0]), build.integer(1), Block(tuple(stmts))), node)

    def _given_by_instr(self, left: Node, right: Node) -> bool:
        """`c = mma(a, b, c)` where c is a matrix of the wave."""
        right = strip_parens(right)
        found = self.fragment_at(left) if right.type == "call_expression" else None
        return found is not None and self.call_into(right, *found)

    def call_into(self, node: Node, target: Fragment, at: tuple[Expr, ...]) -> bool:
        """Emits the instr whose value the target takes; False when the call is none."""
        function = self.child(node, "function")
        rows = [r for r in self.platform.overloads(plain(self.text(function))) if r.result is not None]
        if not rows:
            return False
        bare = {plain(w) for r in rows for w in call_words(r.text) if not w.startswith("{")}
        given = [self._given(n, bare) for n in self.child(node, "arguments").named_children]
        for row in rows:
            result = next(o for o in row.operands if o.name == row.result)
            args = self._fit(row, given, False) if plain(result.declared) == target.declared else None
            if isinstance(args, dict):
                zeros = tuple(build.integer(0) for _ in target.shape)
                args[result.name] = Ref(target.buffer, (*at, *zeros), target.dtype, span=self.span(node))
                self.emit(InstrCall(row.name, tuple(args[o.name] for o in row.operands)), node)
                return True
        raise self.unsupported(node, f"{short(self.text(function))} with these operands is not supported",
                               "Do their types fit, and are the controls behind them 0?")


def _braces(node: Node) -> list[Node] | None:
    """The values of `{a, b}`, `(v4f){a, b}` or `v4f{a, b}`."""
    if node.type == "compound_literal_expression":
        inner = field(node, "value")
        return _braces(inner) if inner is not None else None
    return list(node.named_children) if node.type == "initializer_list" else None


def _all_zero(text: str) -> bool:
    return all(c in "{}(),.0fFhHuUlL \n\t-" for c in text) and "{" in text
