"""A private array that several values share by ranges becomes one array per value.

Kernels for cores with a small memory of their own declare one array and keep a tile of each operand in a range of it. As
long as no access can reach from one range into another, these are arrays in their own right, and saying so shows what
each of them is for.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ..frontend.views import Range, less, range_of
from ..ir.build import integer
from ..ir.nodes import Alloc, Block, Const, For, Kernel, Let, Load, Node, Ref, Store
from ..ir.visit import Rewriter, all_names, children, fresh_name, walk

Accesses = dict[str, list[tuple[int, Range]]]  # buffer -> (id of the access, first and last element)


def take_apart(kernel: Kernel) -> Kernel:
    """The kernel with every one-dimensional array of constant size in a staging memory split into the ranges that its
    accesses keep apart. Arrays with an access of unknown range stay whole, and so do those of single elements."""
    arrays = {n.name: int(n.shape[0].value) for n in walk(kernel.body) if isinstance(n, Alloc) and len(n.shape) == 1
              and isinstance(n.shape[0], Const) and n.memory != "local"}
    declared = [n.name for n in walk(kernel.body) if isinstance(n, Alloc)]
    found: Accesses = {name: [] for name in arrays if declared.count(name) == 1}
    unknown: set[str] = set()
    _look(kernel.body, {}, found, unknown)
    taken = all_names(kernel)
    places: dict[int, tuple[str, int]] = {}
    parts: dict[str, list[tuple[str, int]]] = {}
    for name, accesses in found.items():
        groups = _groups([r for _, r in accesses])
        if name in unknown or len(groups) < 2 or any(lo == hi for lo, hi in groups):
            continue
        if groups[0][0] < 0 or groups[-1][1] >= arrays[name] or len(dict(accesses)) != len(set(accesses)):
            continue  # past its end, or one node that stands in two places
        for lo, hi in groups:
            part = fresh_name(f"{name}_{len(parts.get(name, [])) + 1}", taken)
            parts.setdefault(name, []).append((part, hi - lo + 1))
            places.update({at: (part, lo) for at, (a, _) in accesses if lo <= a <= hi})
    if not parts:
        return kernel
    return dataclasses.replace(kernel, body=_Apart(parts, places).visit(kernel.body))


def _look(node: Node, env: dict[str, Range], found: Accesses, unknown: set[str]) -> None:
    if isinstance(node, Block):
        for s in node.stmts:
            _look(s, env, found, unknown)
            if isinstance(s, Let):
                got = range_of(s.value, env)
                env = {k: v for k, v in env.items() if k != s.name} if got is None else {**env, s.name: got}
        return
    if isinstance(node, For):
        for bound in (node.lo, node.hi, node.step):
            _look(bound, env, found, unknown)
        lo, hi = range_of(node.lo, env), range_of(node.hi, env)
        inner = {k: v for k, v in env.items() if k != node.var}
        if lo is not None and hi is not None:
            inner[node.var] = lo[0], max(lo[0], hi[1] - 1)
        _look(node.body, inner, found, unknown)
        return
    if isinstance(node, Load | Store | Ref) and node.buffer in found:
        got = range_of(node.indices[0], env) if len(node.indices) == 1 else None
        if got is None or isinstance(node, Ref):
            unknown.add(node.buffer)
        else:
            found[node.buffer].append((id(node), got))
    for c in children(node):
        _look(c, env, found, unknown)


def _groups(ranges: list[Range]) -> list[Range]:
    """The ranges united where they overlap, in order."""
    out: list[Range] = []
    for lo, hi in sorted(ranges):
        if out and lo <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], hi)
        else:
            out.append((lo, hi))
    return out


class _Apart(Rewriter):
    def __init__(self, parts: dict[str, list[tuple[str, int]]], places: dict[int, tuple[str, int]]) -> None:
        self.parts, self.places = parts, places

    def visit(self, node: Any) -> Any:
        place = self.places.get(id(node))
        node = super().visit(node)
        if place is not None:
            name, lo = place
            return dataclasses.replace(node, buffer=name, indices=(less(node.indices[0], lo),))
        return node

    def visit_Alloc(self, s: Alloc) -> Any:
        if s.name not in self.parts:
            return s
        return tuple(dataclasses.replace(s, name=name, shape=(integer(length),)) for name, length in self.parts[s.name])
