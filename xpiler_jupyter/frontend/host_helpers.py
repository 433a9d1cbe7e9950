"""Host functions that a host function calls: what they allocate, copy and launch happens in their caller."""

from __future__ import annotations

from tree_sitter import Node

from ..errors import XpilerError
from ..ir.nodes import Const
from .context import MAX_INLINE
from .functions import Function
from .host_calls import HostCalls
from .symbols import Symbol, Value
from .tree import strip_parens


class HostHelpers(HostCalls):
    """Walks into helpers of the text, templates among them, with their parameters bound."""

    def walk(self, node: Node) -> None:
        raise NotImplementedError

    def helper(self, n: Node) -> bool:
        """Reads the body of the helper that `n` calls; False when it calls nothing of the text that uses the device."""
        node, explicit = strip_parens(self.child(n, "function")), None
        while node.type == "qualified_identifier":
            node = self.child(node, "name")
        if node.type == "template_function":
            explicit = [c for c in self.child(node, "arguments").named_children if c.type != "comment"]
            node = self.child(node, "name")
        found = [f for f in self.unit.functions.get(self.text(node), ()) if not f.is_kernel and f.body is not None]
        if self.api is None or not any(uses_device(self.unit.functions, f, self.api.prefix) for f in found):
            return False
        args = self.arguments(n)
        try:
            f = self.choose(n, self.text(node), found, [self.passed_operand(a) for a in args], explicit)
        except XpilerError as e:
            self.odd(e)
            return True
        if len(self.functions) > MAX_INLINE or any(g.node.id == f.node.id for g in self.functions):
            self.odd(self.unsupported(n, f"{f.name} calls itself: not supported"))
            return True
        self._enter(f, args)
        return True

    def _enter(self, f: Function, args: list[Node]) -> None:
        scope: dict[str, Symbol] = {k: Value(v, v) for k, v in f.values.items()}
        aliases: dict[str, str] = {}
        lost: dict[str, XpilerError] = {}
        structs, types = dict(self.structs), dict(self.struct_types)
        given = [*args, *(d for k, d in sorted(f.defaults.items()) if k >= len(args))]
        for p, a in zip(f.params, given, strict=False):
            if p.name is None:
                continue
            key = self.text(p.name)
            if p.type.pointers or p.type.dims or p.type.row:
                aliases[key] = self.pointer_name(a)
                continue
            if p.type.struct is not None:
                known = self.structs.get(self.text(strip_parens(a)))
                structs[key] = known if known is not None else self.given_struct(p.type.struct, a)
                types[key] = p.type.struct
                continue
            if self.text(strip_parens(a)) in self.dims:
                self.dims[key] = dict(self.dims[self.text(strip_parens(a))])
                continue
            try:
                with self.unhoisted():
                    e = self.folded(self.expr(a))
                scope[key] = Value(e, e if isinstance(e, Const) else None)
            except XpilerError as e:
                lost[key] = e
        saved = (self.scopes, self.aliases, self.unknown, self.dims, self.structs, self.struct_types)
        self.structs, self.struct_types = structs, types
        self.scopes, self.aliases, self.unknown = [scope, {}], aliases, {**self.unknown, **lost}
        self.dims = dict(self.dims)
        for key in scope:
            self.unknown.pop(key, None)
        self.functions.append(f)
        try:
            with self.types.inside(f.types):
                for s in f.body.named_children if f.body is not None else ():
                    self.walk(s)
        finally:
            self.functions.pop()
            self.scopes, self.aliases, self.unknown, self.dims, self.structs, self.struct_types = saved

    def own_name(self, name: str) -> str:
        """What a pointer declared here is called from now on: in a helper, unlike all that its callers have."""
        if len(self.functions) == 1:
            return name
        unique, k = name, 1
        while unique in self.buffers or unique in self.parameters or unique in self.locals:
            unique, k = f"{name}_{k}", k + 1
        self.aliases[name] = unique
        return unique


def uses_device(functions: dict[str, list[Function]], f: Function, prefix: str,
                seen: frozenset[int] = frozenset()) -> bool:
    """Does a function launch kernels or work on device memory, itself or in what it calls?"""
    if f.launches or any(c.startswith((prefix + "Malloc", prefix + "Mem")) for c in f.calls):
        return True
    seen |= {f.node.id}
    return any(uses_device(functions, g, prefix, seen) for c in f.calls for g in functions.get(c.split("::")[-1], ())
               if g.node.id not in seen and not g.is_kernel and g.body is not None)


def entries(functions: list[Function], launching: list[Function], prefix: str) -> list[Function]:
    """The functions to read for a launch: those that `launching` holds or, where such a one is a template or gets device
    pointers only, those that call it."""
    out: list[Function] = []
    todo, seen = list(launching), set[int]()
    while todo:
        h = todo.pop(0)
        if h.node.id in seen:
            continue
        seen.add(h.node.id)
        callers = [c for c in functions if not c.is_kernel and h.node.id != c.node.id
                   and any(x.split("::")[-1] == h.name for x in c.calls)]
        if callers and (h.is_template or not any(c.startswith(prefix + "Memcpy") for c in h.calls)):
            todo += callers
        else:
            out.append(h)
    return sorted(out, key=lambda f: f.node.start_byte)
