"""Vector registers: variables that only instrs touch, written as C writes values.

    __m512 sum = _mm512_fmadd_ps(_mm512_loadu_ps(A + i), x, sum);

A call inside an operand is a statement of its own on a register without a name, in front; a scalar that a call gives goes
straight to the variable or element that takes it. Which lanes a register has follows from its use (`lane_types`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Alloc, Expr, InstrCall, Ref
from ..platforms import registry
from ..platforms.instr import Instr, Operand
from .overloads import Called, Given, call_words, plain
from .refusals import short
from .symbols import Cell, Fragment, Place, Symbol
from .tree import field, strip_parens
from .vectors import Vectors


@dataclass(frozen=True, slots=True)
class Register(Fragment):
    """A vector register, or an array of them. Its lanes are not known before its uses are."""


@cache
def _operands(platform: str) -> dict[str, Operand]:
    """Per vector type of the platform an operand that has it."""
    out: dict[str, Operand] = {}
    p = registry.get(platform)
    for row in p.instrs:
        for o in row.operands:
            if o.declared in p.vectors:
                out.setdefault(o.declared, o)
    return out


class Registers(Vectors):
    """Lowers declarations and assignments of registers, and calls that give a value."""

    # -- declarations --------------------------------------------------------------------------------------------------

    def fragments(self, node: Node) -> bool:
        return super().fragments(node) or self._registers(node)

    def _registers(self, node: Node) -> bool:
        type_node = field(node, "type")
        word = plain(self.text(type_node)) if type_node is not None else ""
        if word == "auto":
            word = self._word_of_value(node)
        if word not in self.platform.vectors:
            return False
        declarators = [self.child(d, "declarator") if d.type == "init_declarator" else d
                       for d in node.children_by_field_name("declarator")]
        if any(d.type == "pointer_declarator" for d in declarators):
            return False
        for d, whole in zip(declarators, node.children_by_field_name("declarator"), strict=True):
            symbol = self._register(d, word)
            init = field(whole, "value") if whole.type == "init_declarator" else None
            if init is not None:
                if symbol.dims or init.type in ("initializer_list", "argument_list"):
                    raise self.unsupported(init, f"this initial value of {self.text(d)} is not supported",
                                           "Give it the value of an intrinsic, register by register.")
                self._give(symbol, (), init)
        return True

    def _word_of_value(self, node: Node) -> str:
        """The vector type that `auto x = ...` stands for; empty when it is something else."""
        values = [field(d, "value") for d in node.children_by_field_name("declarator") if d.type == "init_declarator"]
        value = strip_parens(values[0]) if values and values[0] is not None else None
        if value is None or not self.platform.vectors:
            return ""
        if value.type == "call_expression":
            rows = self.platform.overloads(plain(self.text(self.child(value, "function"))))
            return _result(rows[0]).declared if rows and rows[0].result is not None else ""
        symbol = self.find(self.text(value)) if value.type == "identifier" else None
        return symbol.declared if isinstance(symbol, Register) else ""

    def _register(self, d: Node, word: str) -> Register:
        dims: list[int] = []
        at = d
        while at.type == "array_declarator":
            dims.insert(0, self.constant(field(at, "size"), "an array dimension", at))
            at = self.child(at, "declarator")
        if at.type != "identifier":
            raise self.unsupported(d, f"a {word} declared like this is not supported")
        name = self.text(at)
        if name in self.scopes[-1]:
            raise self.parse_error(at, f"{name} is declared twice")
        symbol = self._new(name, word, tuple(dims), d)
        self.define(name, symbol)
        return symbol

    def _new(self, name: str, word: str, dims: tuple[int, ...], node: Node) -> Register:
        o = _operands(self.platform.name)[word]
        assert not isinstance(o.dtype, str)
        ir_name = self.fresh(name)
        if self.register_words.setdefault(ir_name, word) != word:
            ir_name = self.fresh_everywhere(name)
            self.register_words[ir_name] = word
        self.emit(Alloc(ir_name, o.dtype, tuple(build.integer(n) for n in (*dims, *o.shape)), o.memory[0]), node)
        return Register(ir_name, o.dtype, word, o.shape, dims)

    def fresh_everywhere(self, base: str) -> str:
        raise NotImplementedError

    # -- values --------------------------------------------------------------------------------------------------------

    def fragment_assignment(self, node: Node, left: Node, op: str, right: Node) -> bool:
        found = self._register_at(left)
        if found is None:
            return super().fragment_assignment(node, left, op, right) or (op == "=" and self._scalar_assignment(left, right))
        if op != "=":
            raise self.unsupported(node, f"{op} on registers is not supported", "Write the intrinsic that does it.")
        self._give(*found, right)
        return True

    def _register_at(self, node: Node) -> tuple[Register, tuple[Expr, ...]] | None:
        found = self.fragment_at(node)
        return (found[0], found[1]) if found is not None and isinstance(found[0], Register) else None

    def _give(self, target: Register, at: tuple[Expr, ...], value: Node) -> None:
        """`target = value`."""
        value = strip_parens(value)
        if value.type == "call_expression":
            if self.call_into(value, target, at):
                return
        else:
            source = self._register_at(value)
            if source is not None and source[0].declared == target.declared:
                self.emit(InstrCall(f"copy{target.declared}.{target.dtype}", (_place(target, at), _place(*source))), value)
                return
        raise self.unsupported(value, f"{short(self.text(value))} is no value for a {target.declared}",
                               "A register takes the value of an intrinsic or of a register of its own type.")

    def _given(self, node: Node, bare: set[str]) -> Given:
        """A call that gives a register, as an operand of another: first, on a register without a name."""
        inner = strip_parens(node)
        if inner.type == "call_expression":
            word = plain(self.text(self.child(inner, "function")))
            result = next((_result(r) for r in self.platform.overloads(word) if r.result is not None), None)
            if result is not None and result.declared in self.platform.vectors:
                self.need_hoisting(node, word)
                symbol = self._new(_name(word), result.declared, (), node)
                self.call_into(inner, symbol, ())
                return Given(node, plain(self.text(node)), (symbol, ()))
        return super()._given(node, bare)

    # -- scalar values -------------------------------------------------------------------------------------------------

    def scalar_value(self, place: Cell | Place, value: Node) -> bool:
        """Lowers `place = call(...)` where an instr gives a scalar of just the place's type; False for anything else."""
        value = strip_parens(value)
        result = self.gives_scalar(value)
        if result is None or result.dtype != place.dtype or self.memory_of(place.buffer) not in (*result.memory, "local"):
            return False
        row, args = self._fitting(plain(self.text(self.child(value, "function"))), value)
        args[_result(row).name] = Ref(place.buffer, place.indices if isinstance(place, Place) else (), place.dtype)
        self.emit(InstrCall(row.name, tuple(args[o.name] for o in row.operands)), value)
        return True

    def gives_scalar(self, value: Node) -> Operand | None:
        """The operand that takes the scalar which the call gives, None when it is no such call."""
        value = strip_parens(value)
        if value.type != "call_expression" or not self.platform.vectors:
            return None
        rows = self.platform.overloads(plain(self.text(self.child(value, "function"))))
        if not rows or any(r.result is None for r in rows):
            return None
        results = [_result(r) for r in rows]
        return results[0] if not results[0].declared and len({o.dtype for o in results}) == 1 else None

    def _fitting(self, word: str, call: Node) -> tuple[Instr, dict[str, Expr]]:
        rows = self.platform.overloads(word)
        bare = {plain(w) for r in rows for w in call_words(r.text) if not w.startswith("{")}
        given = [self._given(n, bare) for n in self.child(call, "arguments").named_children]
        for loose in (False, True):
            for row in rows:
                args = self._fit(row, given, loose)
                if isinstance(args, dict):
                    return row, args
        raise self.unsupported(call, f"{word} with these operands is not supported", "Do their types fit?")

    def _scalar_assignment(self, left: Node, right: Node) -> bool:
        if self.gives_scalar(right) is None:
            return False
        symbol: Symbol | None = self.find(self.text(left)) if left.type == "identifier" else None
        if left.type == "identifier" and not isinstance(symbol, Cell | Place):
            return False
        return self.scalar_value(self.place(left), right)

    def call_into(self, node: Node, target: Fragment, at: tuple[Expr, ...]) -> bool:
        """Emits the instr whose value the target takes; False when the call is none."""
        if not isinstance(target, Register):
            return super().call_into(node, target, at)
        word = plain(self.text(self.child(node, "function")))
        rows = [r for r in self.platform.overloads(word) if r.result is not None]
        if not rows:
            return False
        if _result(rows[0]).declared != target.declared:
            what = _result(rows[0]).declared or "scalar"
            raise self.parse_error(node, f"{word} gives a {what}, but a {target.declared} is needed here")
        row, args = self._fitting(word, node)
        args[_result(row).name] = _place(target, at)
        self.emit(InstrCall(row.name, tuple(args[o.name] for o in row.operands)), node)
        return True

    def instr_call(self, node: Node, name: str) -> Called | None:
        """As every instr; what gives a register must have one to give it to."""
        rows = self.platform.overloads(plain(name))
        if rows and rows[0].result is not None and _result(rows[0]).declared in self.platform.vectors:
            raise self.unsupported(node, f"the value of {plain(name)} is a register: it is not supported here",
                                   "Give it to a variable of its type.")
        return super().instr_call(node, name)


def _result(row: Instr) -> Operand:
    return next(o for o in row.operands if o.name == row.result)


def _place(r: Fragment, at: tuple[Expr, ...]) -> Ref:
    return Ref(r.buffer, (*at, *(build.integer(0) for _ in r.shape)), r.dtype)


def _name(word: str) -> str:
    """What the value of a call is called while it has no name: `_mm512_loadu_ps` gives `loadu`."""
    parts = [w for w in word.split("_") if w.isalpha() and len(w) > 2]
    return parts[-1] if parts else "v"
