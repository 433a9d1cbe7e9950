"""Variables of the device at file scope (`__constant__`, `__device__`, `__managed__`): a kernel that uses one has it as a
further parameter, and the wrapper passes what host code copies or assigns to the symbol."""

from __future__ import annotations

from math import prod

from tree_sitter import Node

from ..ir.build import integer
from ..ir.nodes import Expr, HostArg, Param, Var
from ..platforms.base import Platform
from .host_facts import Symbol as Data
from .struct_params import StructParams
from .symbols import Array, Place, Ptr, Symbol, Value
from .tree import preorder, strip_parens
from .typenames import Declared
from .unit import Global, Unit

_WORDS = ("__constant__", "__device__", "__managed__")
_BASES = ("subscript_expression", "field_expression", "pointer_expression", "parenthesized_expression")


class FileData(StructParams):
    """`file_data` are the parameters that file-scope variables became, by name; `buffers_of_data` what the launch says of
    their length in elements."""

    data_extents: dict[str, Expr]
    host_data: dict[str, Data]
    file_data: dict[str, Param]

    def global_symbol(self, name: str, node: Node) -> Symbol | None:
        g = self.unit.globals.get(name)
        if name in self.global_scope or g is None or not is_device_data(g, self.unit.platform):
            return super().global_symbol(name, node)
        declared = self.types.declarator(g.declarator, self.types.specifier(g.declaration))
        changed = name in device_changes(self.unit)
        if declared.init is not None and not changed and name not in self.host_data:
            return self.file_constant(declared, g.declarator, name)
        self.global_scope[name] = self._parameter(name, declared, node, changed)
        return self.global_scope[name]

    def _parameter(self, name: str, d: Declared, node: Node, changed: bool) -> Symbol:
        t = d.type
        if t.base is None or t.pointers or t.reference or t.row:
            raise self.unsupported(node, f"the file-scope variable {name} is not supported", "Make it a parameter.")
        if t.record is None and not t.dims and not changed:
            self.file_data[name] = Param(name, t.base, span=self.span(node))
            return Value(Var(name, t.base))
        times = len(t.record.fields) if t.record is not None else 1
        shape = [self.constant(x, "an array dimension", node) for x in t.dims]
        extent = self.data_extents.get(name, integer(prod(shape) * times))
        self.file_data[name] = Param(name, t.base, True, not changed, extent=extent, span=self.span(node))
        if t.record is None and not t.dims:
            return Place(name, (integer(0),), t.base)
        rest = (*shape[1:-1], shape[-1] * times) if len(shape) > 1 else ()
        return Array(Ptr(name, t.base, t.base, "flat", rest=rest, shape=(*shape[:-1], shape[-1] * times),
                         vector=times if t.record is not None else 0, record=t.record))

    def data_arguments(self, node: Node) -> tuple[HostArg, ...]:
        """What the wrapper passes for them. Raises UnsupportedError when host code does not say it plainly."""
        return tuple(self._data_argument(p, self.host_data.get(p.name), node) for p in self.file_data.values())

    def _data_argument(self, p: Param, data: Data | None, node: Node) -> HostArg:
        where = self.unit.globals[p.name].declarator
        if data is None or not (data.copies or data.value is not None):
            raise self.unsupported(where, f"the file-scope variable {p.name} keeps its contents between launches, or host "
                                   "code that is not understood sets it: not supported", "Pass it as a parameter.")
        if not p.pointer:
            if data.value is None:
                raise self.unsupported(data.node, f"what is copied to {p.name} is not a number that host code names")
            return HostArg(p.name, value=data.value, copy_in=False, copy_out=False)
        sources = {c.host for c in data.copies}
        inward = [c for c in data.copies if c.inward]
        if None in sources or len(sources) != 1 or len(inward) > 1 or len(data.copies) - len(inward) > 1:
            raise self.unsupported(data.node, f"{p.name} is not copied as a whole from or to a parameter of the host "
                                   "function: not supported", "Pass it as a parameter.")
        for c in data.copies:
            if c.bytes is None or c.bytes != data.copies[0].bytes:
                raise self.unsupported(c.node, f"this copies another size of {p.name}")
        if not inward:
            raise self.unsupported(where, f"the file-scope variable {p.name} starts from what an earlier launch left in it: "
                                   "not supported", "Copy its first values to it, or pass it as a parameter.")
        return HostArg(p.name, next(iter(sources)), None, True, len(data.copies) > len(inward))


def is_device_data(g: Global, platform: Platform) -> bool:
    """Does the variable live on a device of its own?"""
    return platform.api is not None and any(m.word in _WORDS for m in g.marks)


def device_changes(unit: Unit) -> frozenset[str]:
    """File-scope names that device code assigns to, or whose address it takes."""
    out: set[str] = set()
    for f in unit.all_functions():
        if not (f.is_kernel or f.is_device) or f.body is None:
            continue
        for n in preorder(f.body):
            target = None
            if n.type == "assignment_expression":
                target = n.child_by_field_name("left")
            elif n.type == "update_expression" or (n.type == "pointer_expression" and unit.tree.operator(n) == "&"):
                target = n.child_by_field_name("argument")
            while target is not None and strip_parens(target).type in _BASES:
                inner = strip_parens(target)
                target = inner.child_by_field_name("argument") or next(iter(inner.named_children), None)
            if target is not None and strip_parens(target).type == "identifier":
                out.add(unit.tree.text_of(strip_parens(target)))
    return frozenset(out & set(unit.globals))
