"""Which function a call means: among overloads, templates and their instances."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from ..errors import XpilerError
from ..ir.types import BOOL, ScalarType, integer_promotion
from .calls import Calls
from .functions import Function
from .symbols import Bundle, Closure, Operand, Ptr, Struct, Structs
from .templates import Bindings
from .typenames import CType

_NEVER = 1000  # the cost of a conversion that there is none of


class Choice(Calls):
    """Finds the function behind a name and its arguments."""

    def choose(self, node: Node, name: str, candidates: Sequence[Function], args: Sequence[Operand | Node],
               explicit: Sequence[Node] | None) -> Function:
        """The function that a call means, an instance if it is a template.

        Args:
            candidates: all functions of the name that may be called here.
            args: the arguments' values; a node stands for a list in braces.
            explicit: template arguments as written, None for none.
        Raises:
            XpilerError: nothing fits, or several fit equally well.
        """
        candidates = [self.method(f) if f.struct is not None else f for f in candidates]
        fitting = [f for f in candidates if f.failure is not None or self._takes(f, len(args))]
        if not fitting:
            counts = sorted({len(f.params) for f in candidates if not f.is_template})
            takes = " or ".join(map(str, counts)) or "another number of"
            raise self.parse_error(node, f"{name} takes {takes} arguments, not {len(args)}")
        if explicit is not None:
            fitting = [f for f in fitting if f.template or f.failure is not None]
        if len(fitting) == 1:
            return self._ready(node, fitting[0], args, explicit)
        ready: list[tuple[int, bool, bool, Function]] = []
        problem: XpilerError | None = None
        for f in fitting:
            try:
                g = self._ready(node, f, args, explicit)
            except XpilerError as e:  # a template whose arguments do not follow here is no candidate
                problem = problem or e
                continue
            cost = sum(_cost(p.type, a) for p, a in zip(g.params, args, strict=False))
            if cost < _NEVER:
                ready.append((cost, bool(g.template), g.is_const, g))  # of two members, the one that may change its struct
        if not ready:
            raise problem or self.unsupported(node, f"no function called {name} takes these arguments")
        ready.sort(key=lambda r: r[:3])
        if len(ready) > 1 and ready[0][:3] == ready[1][:3] and ready[0][3].node.id != ready[1][3].node.id:
            raise self.unsupported(node, f"several functions called {name} fit this call equally well",
                                   "Cast the arguments to the types of the one that you mean.")
        return ready[0][3]

    def _takes(self, f: Function, count: int) -> bool:
        """May it be called with so many arguments?"""
        if f.is_template:
            return True
        return len(f.params) - len(f.defaults) <= count <= len(f.params)

    def _ready(self, node: Node, f: Function, args: Sequence[Operand | Node], explicit: Sequence[Node] | None) -> Function:
        if f.failure is not None:
            raise f.failure
        if not f.is_template:
            return f
        bound = self.bind_explicit(node, f.name, f.template, explicit or (), whole=False)
        self.deduce(f, args, bound)
        outer = {k: v for k, v in f.types.items() if k not in bound.types}
        bound.types = {**outer, **bound.types}
        self.bind_defaults(node, f.name, f.template, bound)
        special = self._special(node, f, bound)
        if special is not None:
            return special
        made = self.instance(f, bound)
        if not self._takes(made, len(args)):
            raise self.parse_error(node, f"{f.name} takes {len(made.params)} arguments, not {len(args)}")
        return made

    def instance(self, f: Function, bound: Bindings) -> Function:
        """The template with its arguments, its signature read."""
        with self.closed({**f.types, **bound.types}, {**f.values, **bound.values}):
            return self.unit.instance(f, bound, self.types)

    def _special(self, node: Node, f: Function, bound: Bindings) -> Function | None:
        """The full specialisation for these arguments, if the text has one."""
        for g in self.unit.specials.get(f.name, ()):
            theirs = self.bind_explicit(node, f.name, f.template, list(g.special or ()), whole=False)
            if all(theirs.types.get(n) == bound.types.get(n) and theirs.values.get(n) == bound.values.get(n)
                   for n in (p.name for p in f.template) if theirs.has(n)):
                if g.failure is not None:
                    raise g.failure
                return g
        return None


def _cost(t: CType, a: Operand | Node) -> int:
    """How far an argument is from a parameter's type: 0 the same, `_NEVER` no conversion at all."""
    if t.auto:
        return 0
    if isinstance(a, Node):
        return 1 if t.struct is not None or t.record is not None else 2
    if isinstance(a, Closure):
        return _NEVER
    if isinstance(a, Struct | Structs):
        return 0 if t.struct is a.type else _NEVER
    if t.struct is not None:
        return _NEVER
    if isinstance(a, Bundle):
        return 0 if t.record is not None and not t.pointers and t.record.fields == a.record.fields else _NEVER
    if t.record is not None and not t.pointers:
        return _NEVER
    pointer = bool(t.pointers or t.dims or t.row)
    if isinstance(a, Ptr):
        same = t.base == a.dtype and t.record == a.record
        return _NEVER if not pointer else 0 if same else 3 if t.base is None else _NEVER
    if pointer or t.base is None:
        return _NEVER
    return 0 if a.dtype == t.base else _conversion(a.dtype, t.base)


def _conversion(a: ScalarType, b: ScalarType) -> int:
    """1 for a promotion, 2 for any other conversion of a number."""
    if a.is_float:
        return 1 if b.is_float and b.bits == 64 and a.bits == 32 else 2
    promoted = integer_promotion(a) if a != BOOL else integer_promotion(BOOL)
    return 1 if b == promoted else 2
