"""Which row of the platform's table a call means: every argument is looked at once, then compared with the operands."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from tree_sitter import Node

from ..errors import SourceFaultError
from ..ir import build
from ..ir.nodes import Alloc, AnyStmt, Const, Expr, InstrCall, Load, Ref
from ..ir.types import BOOL, integer_promotion
from ..ir.visit import rename
from ..platforms.instr import Instr, Operand
from .carved import Carved
from .refusals import short
from .symbols import Array, Bundle, Cell, Fragment, Moving, Pointer, Ptr
from .tree import preorder, strip_parens

_POINTER_CAST = re.compile(r"\([\w ]+\*\)\((\{\w+\})\)")
_CALL = re.compile(r"(?:\{\w+\}\s*=\s*)?([\w:]+)\((.*)\)", re.DOTALL)


def plain(text: str) -> str:
    """A name or type without blanks and name spaces: `nvcuda::wmma::row_major` is `row_major`."""
    return re.sub(r"\w*::", "", "".join(text.split()))


@cache
def call_words(text: str) -> tuple[str, ...]:
    """The arguments of a template's call, operands in braces; casts of pointers aside, which a text may leave out."""
    m = _CALL.fullmatch(_POINTER_CAST.sub(r"\1", text))
    words = [a.strip() for a in m[2].split(",")] if m is not None else []
    return tuple(w for w in words if w)


@dataclass(frozen=True, slots=True)
class Given:
    """One argument of a call: a bare word of some template, a value, a pointer, or a fragment with its indices."""

    node: Node
    word: str
    value: Expr | Ptr | tuple[Fragment, tuple[Expr, ...]] | None


@dataclass(frozen=True, slots=True)
class Called:
    """A call that was emitted, and its value if it has one."""

    value: Load | None


class Overloads(Carved):
    """Finds the row of a call and emits it."""

    def emit(self, stmt: AnyStmt, node: Node | None = None) -> None:
        if isinstance(stmt, Alloc):
            self.memories[stmt.name] = stmt.memory
        super().emit(stmt, node)

    def memory_of(self, buffer: str) -> str:
        """Where a buffer lies; the kernel's parameters lie in global memory."""
        shared = next((a.memory for a in self.shared if a.name == buffer), None)
        return shared or self.memories.get(buffer, "global")

    def fragment_at(self, node: Node) -> tuple[Fragment, tuple[Expr, ...]] | None:
        return None

    def instr_call(self, node: Node, name: str) -> Called | None:
        """Emits the call of an instr; None when the platform has none of this name.

        Raises:
            UnsupportedError: no row takes these operands, or the call stands where it cannot be made a statement of its
                own.
            SourceFaultError: a row would take them, were they not in another memory than it works on.
        """
        rows = self.platform.overloads(plain(name))
        if not rows:
            return None
        used = node.parent is None or node.parent.type != "expression_statement"
        rows = [r for r in rows if (r.result is not None) == used] or rows  # an atomic's value may be left unused
        if all(r.result is None for r in rows):
            if node.parent is None or node.parent.type != "expression_statement":
                raise self.unsupported(node, f"{plain(name)} inside an expression is not supported")
        bare = {w for r in rows for w in map(plain, call_words(r.text)) if not w.startswith("{")}
        given = [self._given(n, bare) for n in self.child(node, "arguments").named_children]
        nearest: tuple[int, str, Node] = (-1, "", node)
        for loose in (False, True):
            for row in rows:
                args = self._fit(row, given, loose)
                if isinstance(args, dict):
                    return self._emit_call(node, row, args)
                nearest = max(nearest, args, key=lambda a: (a[0], bool(a[1])))
        if nearest[1]:
            raise self.tree.source.error(SourceFaultError, self.tree.origin(nearest[2])[0],
                                         f"the source is at fault: {nearest[1]}", "Copy it there first.")
        raise self.unsupported(node, f"{plain(name)} with these operands is not supported",
                               "Do the types, shapes and layouts of its operands fit together?")

    def adopt(self, name: str, value: Expr) -> bool:
        """Declares the variable `name` as what an instr has just given its value to; False when `value` is another."""
        if not isinstance(value, Load) or value.indices or len(self.out) < 2:
            return False
        place, call = self.out[-2:]
        if not isinstance(place, Alloc) or not isinstance(call, InstrCall) or place.name != value.buffer or \
                place.shape or place.dtype != value.dtype:
            return False
        self.visible[-1].discard(place.name)
        new = self.fresh(name)
        self.memories[new] = self.memories.pop(place.name)
        self.out[-2:] = [replace(place, name=new), rename(call, {place.name: new})]
        self.define(name, Cell(new, place.dtype))
        return True

    def _given(self, node: Node, bare: set[str]) -> Given:
        word = plain(self.text(node))
        if word in bare:
            return Given(node, word, None)
        got = self.fragment_at(node) or self.value(node)
        if isinstance(got, Bundle):
            raise self.unsupported(node, f"a {got.record.name} as an operand is not supported", "Pass its fields.")
        return Given(node, word, got)

    def _fit(self, row: Instr, given: list[Given], loose: bool) -> dict[str, Expr] | tuple[int, str, Node]:
        """The row's operands by name; or how far the call fits, the reason against it (empty: not worth saying), where.

        `loose`: a pointer that the text passes as void* may point to other elements of the same size.
        """
        words = call_words(row.text)
        by_name = {o.name: o for o in row.operands}
        unsaid = [w for w in words[len(given):] if w[1:-1] in by_name and by_name[w[1:-1]].default]
        if len(words) != len(given) + len(unsaid):
            return -1, "", given[0].node if given else self.tree.root
        found: dict[str, Expr] = {}
        for k, (word, g) in enumerate(zip(words, given, strict=False)):
            operand = by_name.get(word[1:-1]) if word.startswith("{") else None
            if operand is None:
                if g.word != plain(word):
                    return k, "", g.node
                continue
            got = self._operand(row, operand, g, loose)
            if isinstance(got, str):
                return k, got, g.node
            if operand.values and not (isinstance(got, Const) and got.value in operand.values):
                return k, "", g.node
            found[operand.name] = got
        for o in row.operands:
            if o.default and o.name not in found:
                assert not isinstance(o.dtype, str)
                found[o.name] = Const(o.default != "0" if o.dtype == BOOL else int(o.default), o.dtype)
        return found

    def _operand(self, row: Instr, o: Operand, g: Given, loose: bool) -> Expr | str:
        """The argument as this operand, or the reason why not."""
        value = g.value
        if isinstance(value, tuple):
            symbol, indices = value
            if not o.declared or symbol.declared != plain(o.declared):
                return ""
            zeros = tuple(build.integer(0) for _ in o.shape)
            return Ref(symbol.buffer, (*indices, *zeros), symbol.dtype, span=self.span(g.node))
        if value is None or o.declared or isinstance(value, Ptr) != bool(o.memory):
            return ""
        assert not isinstance(o.dtype, str)
        if not isinstance(value, Ptr):
            zero = isinstance(value, Const) and value.value == 0 and value.dtype.bytes == o.dtype.bytes
            alike = value.dtype == o.dtype or zero or (loose and integer_promotion(value.dtype) == o.dtype)
            return "" if o.selects and not alike else build.convert(value, o.dtype)
        if value.dtype != o.dtype and not (loose and o.untyped and value.dtype.bytes == o.dtype.bytes):
            return ""
        if value.rest:
            raise self.parse_error(g.node, f"{short(self.text(g.node))} points to rows, not to elements")
        memory = self.memory_of(value.buffer)
        if memory not in o.memory:
            return (f"{value.buffer} lies in {memory} memory, but {o.name} of {row.word} must lie in "
                    f"{' or '.join(o.memory)} memory")
        return Ref(value.buffer, value.indices(build.integer(0)), o.dtype, span=self.span(g.node))

    def _emit_call(self, node: Node, row: Instr, found: dict[str, Expr]) -> Called:
        if row.result is None:
            if node.parent is None or node.parent.type != "expression_statement":
                raise self.unsupported(node, f"{row.word} inside an expression is not supported")
            self.emit(InstrCall(row.name, tuple(found[o.name] for o in row.operands)), node)
            return Called(None)
        result = next(o for o in row.operands if o.name == row.result)
        assert not isinstance(result.dtype, str)
        if result.declared:
            raise self.unsupported(node, f"{row.word} is not supported yet: its value is a register")
        self.need_hoisting(node, row.word)
        changed = {a.buffer for o in row.operands if o is not result and o.memory and o.access != "r"
                   and isinstance(a := found[o.name], Ref)}
        if changed and not _is_statement(node) and not (row.atomic and self._mentioned_once(node, changed)):
            raise self.unsupported(node, f"{row.word} writes a buffer: inside a larger expression the order is not clear",
                                   "Give its value to a variable first.")
        cell = self.cell("old" if row.atomic else _value_name(row.word), result.dtype, None, node)
        found[result.name] = Ref(cell.buffer, (), result.dtype)
        self.emit(InstrCall(row.name, tuple(found[o.name] for o in row.operands)), node)
        return Called(Load(cell.buffer, (), result.dtype))


    def _mentioned_once(self, node: Node, buffers: set[str]) -> bool:
        """Does the statement around the call touch these buffers nowhere else, so that the call may go first?"""
        top = node
        while top.parent is not None and not top.parent.type.endswith(("_statement", "declaration")):
            top = top.parent
        symbols = [self.find(self.text(n)) for n in preorder(top) if n.type == "identifier"]
        names = [s.ptr.buffer if isinstance(s, Array | Pointer) else getattr(s, "buffer", "") for s in symbols]
        moving = [s.base.buffer for s in symbols if isinstance(s, Moving) and s.base is not None]
        return sum(n in buffers for n in (*names, *moving)) <= 1


def _is_statement(node: Node) -> bool:
    """Is the call all that its statement computes?"""
    inner, parent = node, node.parent
    while parent is not None and strip_parens(parent).id == node.id:
        inner, parent = parent, parent.parent
    if parent is None or parent.type in ("expression_statement", "init_declarator"):
        return parent is not None
    if parent.type != "assignment_expression" or parent.parent is None:
        return False
    left = parent.child_by_field_name("left")
    return parent.parent.type == "expression_statement" and left is not None and left.type == "identifier" and \
        left.id != inner.id


def _value_name(word: str) -> str:
    """What the value of a call is called: its last telling word, `__bang_count` gives `count`. One that means something
    else in C++ keeps the word before it: `__shfl_xor_sync` gives `shfl_xor`."""
    parts = [w for w in word.split("_") if w.isalpha() and len(w) > 1 and w not in ("bang", "epi", "sync")]
    if len(parts) > 1 and parts[-1] in _TAKEN:
        return "_".join(parts[-2:])
    parts = [w for w in parts if len(w) > 2]
    return parts[-1] if parts else "value"


_TAKEN = frozenset(("and", "or", "xor", "not", "min", "max", "abs"))
