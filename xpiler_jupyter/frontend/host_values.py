"""What the names of a host function stand for: numbers, extents of launches, lengths of host arrays.

A number that nobody here can work out (read from the command line, asked of the device, changed in a loop) is a size that
only the run knows: it keeps a name, and whatever depends on it is said in that name.
"""

from __future__ import annotations

from tree_sitter import Node

from ..errors import XpilerError
from ..ir import build
from ..ir.nodes import Const, Expr, Var
from ..ir.types import I32, I64, ScalarType
from ..platforms.host_api import JobType
from .functions import Function
from .host_facts import DeviceBuffer
from .host_templates import HostTemplates
from .sizes import narrowed
from .symbols import Bundle, Got, Ptr, Value
from .tree import field as child
from .tree import preorder, strip_parens
from .unit import Unit

CHANGES = frozenset(("assignment_expression", "update_expression"))


class HostValues(HostTemplates):
    """Scalars, dim3 values and job types of one host function. `oddity` is the first thing that a plain wrapper would
    not do; `literals` are locals with a literal value that stay symbolic (see `_passed`)."""

    def __init__(self, unit: Unit, f: Function) -> None:
        super().__init__(unit, f, None)
        self.api = unit.platform.api
        self.jobs: dict[str, JobType] = {}
        self.dims: dict[str, dict[str, Expr]] = {}
        self.buffers: dict[str, DeviceBuffer] = {}
        self.parameters: set[str] = set()
        self.locals: set[str] = set()
        self.counts: dict[str, Expr] = {}  # elements of host containers
        self.unknown: dict[str, XpilerError] = {}
        self.aliases = {}
        self.oddity: XpilerError | None = None
        self.literals: dict[str, Const] = {}
        self.symbolic = self._passed(f)
        for p in f.params:
            if p.name is None:
                continue
            name = self.text(p.name)
            self.visible[0].add(name)
            if p.type.pointers or p.type.dims or p.type.row:
                self.parameters.add(name)
            elif p.type.base is not None:
                self.define(name, Value(Var(name, p.type.base)))
        if f.name == "main" and len(f.params) == 2 and f.params[0].name is not None:
            # Without arguments: that is what the text itself says of its sizes.
            self.define(self.text(f.params[0].name), Value(build.integer(1), Const(1, I32)))
        self.scopes.append({})
        for name in self.symbolic & set(unit.globals):
            self._symbolic_global(name, f.node)

    def _passed(self, f: Function) -> frozenset[str]:
        """Names that a launch passes plainly and that never change: `int n = 1000; k<<<(n + 255) / 256, 256>>>(a, n)`
        says how the launch follows from the kernel's n, not only what it is for 1000."""
        if f.body is None:
            return frozenset()
        passed: set[str] = set()
        changed: set[str] = set()
        words = {self.text(p.name) for p in f.params if p.name is not None} if f.name == "main" else set[str]()
        by_words = [n for n in preorder(f.body) if n.type == "if_statement" and any(
            self.text(x) in words for x in preorder(self.child(n, "condition")) if x.type == "identifier")]
        for n in preorder(f.body):
            if any(b.start_byte <= n.start_byte < b.end_byte for b in by_words):
                continue  # what the command line may change is not what the text says
            if n.type == "call_expression" and any(c.type == "kernel_call_syntax" for c in n.children):
                passed |= {self.text(a) for a in self.child(n, "arguments").named_children if a.type == "identifier"}
            elif n.type in CHANGES or n.type == "pointer_expression":
                changed |= self.changed_in(n)
        return frozenset(passed - changed)

    def changed_in(self, node: Node) -> set[str]:
        """Names that the code below a node may change, by assignment or through their address."""
        out: set[str] = set()
        for n in preorder(node):
            target: Node | None = None
            if n.type in CHANGES:
                target = child(n, "left" if n.type == "assignment_expression" else "argument")
            elif n.type == "pointer_expression" and self.tree.operator(n) == "&":
                target = child(n, "argument")
            while target is not None and target.type != "identifier":  # of x[i] and x.n it is x that changes, not i
                target = child(target, "argument") or next(iter(target.named_children), None)
            if target is not None:
                out.add(self.text(target))
        return out

    def _symbolic_global(self, name: str, node: Node) -> None:
        try:
            value = self.global_symbol(name, node)
        except XpilerError:
            return
        if isinstance(value, Value) and value.const is not None and value.const.dtype.is_integer:
            self.literals[name] = value.const
            self.define(name, Value(Var(name, value.const.dtype)))

    # -- scalars -------------------------------------------------------------------------------------------------------

    def forget(self, name: str) -> None:
        for table in (self.dims, self.buffers, self.unknown, self.jobs, self.counts):
            table.pop(name, None)
        self.locals.discard(name)

    def scalar_declared(self, node: Node, d: Node, name: str, value: Node | None) -> None:
        """`int n = ...;` in any of its forms; what it stands for, as far as that can be told."""
        self.forget(name)
        dtype: ScalarType | None = None
        try:
            declared = self.types.declarator(d, self.types.specifier(node))
            dtype = declared.type.base
            if declared.type.auto and value is not None:
                self.define(name, self.held(self.expr(value)))
            elif dtype is not None:
                init = self._initial(value, dtype)
                if init is None:
                    self.unknown[name] = self.unsupported(d, f"the host variable {name} has no value yet")
                    return
                held = self.held(init)
                if name in self.symbolic and held.const is not None and held.const.dtype.is_integer:
                    self.literals[name] = held.const
                    held = Value(Var(name, held.const.dtype))
                self.define(name, held)
        except XpilerError as e:
            self.unknown[name] = e
            if value is not None:
                self.leave_open(name, dtype)

    def leave_open(self, name: str, dtype: ScalarType | None = None) -> None:
        """From here on `name` holds a number that only the run knows."""
        symbol = self.find(name)
        dtype = dtype or (symbol.expr.dtype if isinstance(symbol, Value) else None)
        if dtype is None or not (dtype.is_integer or dtype.is_float):
            return
        self.unknown.pop(name, None)
        self.define(name, Value(Var(self.fresh_everywhere(name), I64 if dtype.bits == 64 and dtype.is_integer else dtype)))

    def held(self, e: Expr) -> Value:
        e = narrowed(self.folded(e))
        return Value(e, e if isinstance(e, Const) else None)

    def changed(self, n: Node, where: str) -> None:
        """An assignment that is not followed: what it changes is not known any more."""
        target = strip_parens(self.child(n, "left" if n.type == "assignment_expression" else "argument"))
        deeper: Node | None = target
        while deeper is not None and deeper.type != "identifier":
            deeper = child(target, "argument") or next(iter(target.named_children), None)
            target = deeper or target
        name = self.text(target)
        error = self.unsupported(n, f"the host code changes {name} under {where}")
        if name in self.parameters:
            self.oddity = self.oddity or error
        if name in self.dims:
            self.dims.pop(name)
            self.unknown[name] = error
        elif isinstance(self.find(name), Value):
            self.leave_open(name)

    def assigned_scalar(self, node: Node, name: str, op: str, right: Node) -> None:
        symbol = self.find(name)
        try:
            value = self.expr(right)
            if op != "=":
                value = self.arithmetic(node, op[:-1], self.expr(self.child(node, "left")), value)
            if isinstance(symbol, Value):
                value = build.convert(value, symbol.expr.dtype)
            self.unknown.pop(name, None)
            self.define(name, self.held(value))
        except XpilerError as e:
            self.unknown[name] = e
            self.leave_open(name)

    def decided(self, node: Node) -> bool | None:
        """The value of a condition that does not depend on the run."""
        try:
            with self.unhoisted():
                got = self.folded(self.condition(node))
        except XpilerError:
            return None
        return bool(got.value) if isinstance(got, Const) else None

    # -- expressions ---------------------------------------------------------------------------------------------------

    def _on_conditional_expression(self, node: Node) -> Got:
        known = self.decided(self.child(node, "condition"))
        if known is not None:
            return self.value(self.child(node, "consequence" if known else "alternative"))
        return super()._on_conditional_expression(node)

    def _on_call_expression(self, node: Node) -> Got:
        function = self.child(node, "function")
        if function.type == "field_expression" and self.text(self.child(function, "field")) in ("size", "length"):
            count = self.counts.get(self.text(self.child(function, "argument")))
            if count is not None:
                return count
        return super()._on_call_expression(node)

    def _on_identifier(self, node: Node) -> Got:
        name = self.text(node)
        if name in self.unknown:
            why = self.unknown[name]
            raise self.unsupported(node, f"the host code's {name} is not understood: {why.message}", why.hint)
        return super()._on_identifier(node)

    def _on_field_expression(self, node: Node) -> Got:
        base, member = self.child(node, "argument"), self.child(node, "field")
        dim = self.dims.get(self.text(base))
        if dim is not None and self.text(member) in dim:
            # dim3 fields are unsigned; sizes never exceed an int, so an int it is.
            return dim[self.text(member)]
        raise self.unsupported(node, f"{self.text(node)} in host code is not understood")

    def size(self, node: Node) -> Expr:
        """An integer of the launch or a size in bytes. Raises UnsupportedError when it is not understood."""
        with self.unhoisted():
            e = self._on_identifier(node) if node.type == "type_identifier" else self.expr(node)
        if isinstance(e, Ptr | Bundle):
            raise self.unsupported(node, "a pointer or a vector is used as a size here")
        e = narrowed(self.folded(e))
        return e if e.dtype.is_integer else build.convert(e, I32)

    def constructed(self, d: Node) -> list[Node] | None:
        """The arguments that `type name(a, b)` or `type name{a, b}` constructs with; None when it does not. Names
        alone read like parameters of a function to the grammar."""
        if d.type == "init_declarator":
            value = self.child(d, "value")
            return value.named_children if value.type in ("argument_list", "initializer_list") else None
        if d.type != "function_declarator":
            return None
        parts = self.child(d, "parameters").named_children
        inner = [child(p, "type") for p in parts]
        if all(p.named_child_count == 1 and t is not None and t.type == "type_identifier"
               for p, t in zip(parts, inner, strict=True)):
            return [t for t in inner if t is not None]
        return None

    def dim3(self, node: Node, where: Node) -> dict[str, Expr]:
        """`dim3(a, b)`, `{a, b}`, `(a, b)`, another dim3, or one integer."""
        node = strip_parens(node)
        if node.type == "identifier" and self.text(node) in self.dims:
            return dict(self.dims[self.text(node)])
        if node.type == "call_expression" and self.api is not None and \
                self.text(self.child(node, "function")) == self.api.dim:
            node = self.child(node, "arguments")
        if node.type == "compound_literal_expression":
            node = self.child(node, "value")
        if node.type in ("argument_list", "initializer_list"):
            return self.dim3_of(node.named_children, where)
        return ones() | {"x": self.size(node)}

    def dim3_of(self, parts: list[Node], where: Node) -> dict[str, Expr]:
        if len(parts) == 1 and self.text(strip_parens(parts[0])) in self.dims:
            return dict(self.dims[self.text(strip_parens(parts[0]))])
        if len(parts) > 3:
            raise self.parse_error(where, "a dim3 takes at most three values")
        return ones() | dict(zip("xyz", (self.size(p) for p in parts), strict=False))

    def job(self, value: Node | None) -> JobType | None:
        """The shape of a job that the word or the variable stands for."""
        if value is None or self.api is None or not self.api.jobs:
            return None
        word = self.text(strip_parens(value))
        return self.jobs.get(word) or self.api.job(word)

    def pointer_name(self, node: Node) -> str:
        """The pointer that an argument names, casts aside; its text when it is something else."""
        node = strip_parens(node)
        while node.type == "cast_expression":
            node = strip_parens(self.child(node, "value"))
        if node.type == "call_expression":
            function = self.child(node, "function")
            if function.type == "field_expression" and self.text(self.child(function, "field")) == "data":
                return self._outside(self.text(self.child(function, "argument")))
        if node.type == "pointer_expression" and self.tree.operator(node) == "&":
            inner = strip_parens(self.child(node, "argument"))
            if inner.type == "subscript_expression" and self.text(inner).endswith("[0]"):
                return self._outside(self.text(self.child(inner, "argument")))
        return self._outside(self.text(node))

    def _outside(self, name: str) -> str:
        """A pointer's name in the function that is read, for its name in a helper."""
        return self.aliases.get(name, name)

    def odd(self, e: XpilerError) -> None:
        """Notes what keeps this function from being a plain wrapper; it may still say how the kernel is launched."""
        self.oddity = self.oddity or e


def ones() -> dict[str, Expr]:
    return {"x": build.integer(1), "y": build.integer(1), "z": build.integer(1)}
