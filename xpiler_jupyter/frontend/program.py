"""A host function that launches several kernels in sequence, read as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import UsageError
from ..ir.nodes import Expr, Kernel, Param, Var
from ..ir.program import Fill as FillAct
from ..ir.program import Move, Program, Run, Stage
from ..ir.types import ScalarType
from ..ir.visit import all_names, free_vars, fresh_name, substitute
from ..platforms.base import Platform
from .functions import Function
from .groups import with_groups
from .host import HostReader
from .host_facts import Copy, DeviceBuffer, Fill, LaunchSite
from .host_helpers import entries
from .launch import Found, known_to_caller, launch_of, launches_of, renamed_apart
from .lower import lower_kernel
from .preprocess import prepare
from .sizes import elements, narrowed
from .source import Source
from .unit import Unit


def read_program(text: str, platform: Platform, name: str | None = None) -> Program | None:
    """What the host function of a text does that launches kernels more than once; None when there is none.

    Args:
        name: which host function, when several do.
    Raises:
        XpilerError: located; why it cannot be read as a sequence of launches.
        UsageError: several functions do, and none was named.
    """
    if not platform.axes or platform.api is None:
        return None
    unit = Unit(with_groups(prepare(Source(text), platform), platform), platform)
    launching = [h for h in unit.all_functions() if not h.is_kernel and h.launches]
    hosts = [h for h in entries(unit.all_functions(), launching, platform.api.prefix)
             if not h.is_template and name in (None, h.name)]
    found = [r for r in (_Reading(unit, h) for h in hosts) if len(r.reader.sites) > 1]
    found = [r for r in found if r.host.name != "main"] or found
    if not found:
        return None
    if len(found) > 1:
        raise UsageError(f"several functions of this text launch kernels: {', '.join(r.host.name for r in found)}",
                         hint="Name one of them, or one kernel.")
    return found[0].program()


@dataclass(slots=True)
class _Made:
    """A device buffer with what the launches tell about it."""

    read: DeviceBuffer
    name: str
    dtype: ScalarType


class _Reading:
    def __init__(self, unit: Unit, host: Function) -> None:
        self.unit, self.host = unit, host
        self.reader = HostReader(unit, host)
        self.stages: list[Stage] = []
        self.made: dict[str, _Made] = {}
        self.runs: dict[int, Run] = {}  # by place in `acts`

    def _check(self) -> None:
        """Refuses a function that does more than to run kernels on its caller's buffers."""
        tree, host = self.unit.tree, self.host
        if host.name == "main":
            raise tree.unsupported(host.node, "main launches several kernels, but takes no buffers to compare",
                                   "Name the kernel to port, or put the launches into a function of their own that takes "
                                   "host pointers.")
        if host.failure is not None:
            raise host.failure
        if self.reader.oddity is not None:
            raise self.reader.oddity
        if host.result.base is not None or host.result.pointers:
            raise tree.unsupported(host.node, f"the host function {host.name} returns a value: not supported")

    def program(self) -> Program:
        self._check()
        params = self._params()
        for k, act in enumerate(self.reader.acts):
            if isinstance(act, LaunchSite):
                self.runs[k] = self._run(act)
        self._free_names({p.name for p in params})
        acts = [self.runs[k] if isinstance(act, LaunchSite) else self._act(act) for k, act in enumerate(self.reader.acts)]
        acts = [replace(a, buffers={p: self.made[b].name for p, b in a.buffers.items()}) if isinstance(a, Run) else a
                for a in acts]
        extents = {a.host: a.extent for a in acts if isinstance(a, Move)}
        params = tuple(replace(p, extent=extents.get(p.name)) if p.pointer else p for p in params)
        known = {p.name for p in params if not p.pointer}
        assume = tuple(e for e in map(self._said, self.reader.contracts) if free_vars(e) <= known)
        return Program(self.host.name, params, tuple(self._buffer(m) for m in self.made.values()), tuple(self.stages),
                       tuple(acts), assume)

    def _params(self) -> tuple[Param, ...]:
        signature = self.unit.signature(self.host)
        if len(signature.args) != len(self.host.params):
            raise self.unit.tree.unsupported(self.host.node, f"a parameter of {self.host.name} has no type that we know")
        return signature.args

    def _said(self, e: Expr) -> Expr:
        """An expression of the host code over its parameters alone."""
        return narrowed(substitute(e, dict(self.reader.literals)))

    def _run(self, site: LaunchSite) -> Run:
        f = site.function or next((g for g in self.unit.functions.get(site.kernel, []) if g.is_kernel), None)
        if f is None:
            raise self.unit.tree.unsupported(site.node, f"the kernel {site.kernel} is not in this text")
        if site.failure is not None:
            raise site.failure
        found = Found(self.host, self.reader, site)
        known_to_caller(self.unit, found)
        launch = launch_of(self.unit, f, found, wrap=False)
        kernel = replace(lower_kernel(self.unit, f, launch), notes=())
        buffers: dict[str, str] = {}
        scalars: dict[str, Expr] = {}
        for p, a in zip(f.params, site.args, strict=True):
            name = self.unit.tree.text_of(p.name) if p.name is not None else ""
            if a is None:
                raise self.unit.tree.unsupported(site.node, f"what {self.host.name} passes for {name} is not understood")
            if not isinstance(a, str):
                scalars[name] = self._said(a)
                continue
            if a not in self.reader.buffers or p.type.base is None:
                raise self.unit.tree.unsupported(site.node, f"{self.host.name} passes {a} to {f.name} without allocating it "
                                                 "on the device")
            made = self.made.setdefault(a, _Made(self.reader.buffers[a], a, p.type.base))
            if made.dtype != p.type.base:
                raise self.unit.tree.unsupported(site.node, f"{a} holds {made.dtype} data for one kernel and {p.type.base} "
                                                 "for another: not supported")
            buffers[name] = a
        back = {new.name: old for old, new in renamed_apart(self.unit, f, found).items()}
        scalars |= {p.name: Var(back.get(p.name, p.name), p.dtype) for p in kernel.sizes}
        return Run(self._stage(f, found, kernel), buffers, scalars)

    def _stage(self, f: Function, found: Found, kernel: Kernel) -> int:
        for k, s in enumerate(self.stages):
            if s.kernel == kernel:
                return k
        places = [x.site.node.start_byte for x in launches_of(self.unit, f)]
        nth = places.index(found.site.node.start_byte) + 1
        self.stages.append(Stage(f.name if len(places) == 1 else f"{f.name}#{nth}", kernel))
        return len(self.stages) - 1

    def _free_names(self, taken: set[str]) -> None:
        """Names of buffers that no kernel uses for something of its own."""
        for s in self.stages:
            taken |= all_names(s.kernel)
        for m in self.made.values():
            m.name = fresh_name(m.name, taken)

    def _buffer(self, made: _Made) -> Param:
        read = made.read
        if read.failure is not None:
            raise read.failure
        if read.bytes is None:
            raise self.unit.tree.unsupported(read.node, f"{read.name} is never allocated")
        return Param(made.name, made.dtype, True, extent=self._said(elements(read.bytes, made.dtype.bytes)))

    def _act(self, act: Copy | Fill) -> Move | FillAct:
        if act.buffer is None:
            raise self.unit.tree.unsupported(act.node, "a copy to a constant is not supported between several kernels")
        made = self.made.get(act.buffer.name)
        if made is None:
            raise self.unit.tree.unsupported(act.node, f"no kernel gets {act.buffer.name}")
        if isinstance(act, Fill):
            return FillAct(made.name, act.value & 255, self._said(elements(act.bytes, made.dtype.bytes)))
        if act.host is None or act.bytes is None:
            raise self.unit.tree.unsupported(act.node, f"{act.buffer.name} is not copied from or to a parameter of "
                                             f"{self.host.name}")
        return Move(made.name, act.host, self._said(elements(act.bytes, made.dtype.bytes)), act.inward)
