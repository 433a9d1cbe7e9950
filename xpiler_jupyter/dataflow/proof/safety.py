"""Is a kernel safe: inside its buffers, free of races, with barriers for all, and reading nothing that was never written?

Each answer is "ok" only when it holds for every input at these sizes; a violation has an example; what has no exact form
is unknown, with the reason. Integers are taken as unbounded, and different parameters as different memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...ir.build import integer
from ...ir.nodes import Call, Const, For, Kernel
from ...ir.visit import Rewriter
from ..extents import bounds_report
from ..relations import Relations, relations
from ..rounds import at_sizes, written_out
from ..sets import TooHard
from .barriers import barriers
from .behind import behind
from .concurrent import Threads
from .initialised import initialised
from .machine import OK, Finding, Machine, Places, Safety, worst
from .races import races


def safety(kernel: Kernel, scalars: Mapping[str, int], machine: Machine, lengths: Mapping[str, int] | None = None) -> Safety:
    """The four answers for these values of the kernel's scalars.

    Args:
        kernel: with the meanings of instrs in place of their calls.
        scalars: values of integer parameters and launch sizes, by name.
        machine: what the platform's table says.
        lengths: elements of parameter buffers whose extent the kernel does not say.
    """
    kernel = at_sizes(kernel, scalars)
    params = tuple(replace(p, extent=integer((lengths or {})[p.name])) if p.pointer and p.extent is None
                   and p.name in (lengths or {}) else p for p in kernel.params)
    kernel = written_out(_Launchable(machine).visit(replace(kernel, params=params)))
    try:
        rel = relations(kernel)
    except TooHard:
        unknown = Finding("unknown", "what the kernel touches is too hard to work out in time")
        return Safety(unknown, unknown, unknown, unknown)
    threads = Threads(kernel, rel, machine)
    bounds, open_ended = _bounds(kernel, rel)
    assumes = tuple(f"{name} is as long as the accesses need" for name in open_ended)
    return Safety(bounds, worst([races(threads), behind(threads)]), barriers(threads), initialised(threads), assumes)


class _Launchable(Rewriter):
    """Launches whose size is not known are none that the machine cannot do."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def visit_For(self, s: For) -> For:
        most = self.machine.largest.get(s.axis or "") if s.kind == "parallel" else None
        if most is None or isinstance(s.hi, Const):
            return s
        return replace(s, hi=Call("min", (s.hi, Const(most, s.hi.dtype)), s.hi.dtype))


def _bounds(kernel: Kernel, rel: Relations) -> tuple[Finding, list[str]]:
    """The worst access, and the parameters whose size nobody says: they are the caller's to make long enough."""
    places = Places(rel.kernel.body)
    unsized = {p.name for p in kernel.params if p.pointer and p.extent is None}
    found = bounds_report(kernel, {})
    open_ended = sorted({v.buffer for v in found if v.kind == "unsized" and v.buffer in unsized})
    for kind, status in (("outside", "violated"), ("unknown", "unknown"), ("unsized", "unknown")):
        for v in (v for v in found if v.kind == kind and v.buffer not in (open_ended if kind == "unsized" else ())):
            line = places.line(v.node)
            where, lines = (f"line {line}: ", (line,)) if line is not None else ("", ())
            return Finding(status, where + v.reason, lines, v.buffer), open_ended  # type: ignore[arg-type]
    return OK, open_ended
