"""Several kernels that a host function runs one after the other, with the device buffers that they hand on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .build import convert, integer
from .nodes import AnyStmt, Block, Const, Expr, For, Host, HostArg, Kernel, Load, Param, Store, Var
from .types import I32
from .visit import all_names, fresh_name, rename, substitute


@dataclass(frozen=True, slots=True)
class Stage:
    """One kernel in one launch configuration. `label` names it in its text: `name`, or `name#2` for its second launch."""

    label: str
    kernel: Kernel


@dataclass(frozen=True, slots=True)
class Run:
    """A launch of a stage: its kernel's parameters and sizes by name, buffers and numbers in the host's terms."""

    stage: int
    buffers: dict[str, str]
    scalars: dict[str, Expr]


@dataclass(frozen=True, slots=True)
class Move:
    """A copy of `extent` elements between the host's pointer and a device buffer."""

    buffer: str
    host: str
    extent: Expr
    inward: bool


@dataclass(frozen=True, slots=True)
class Fill:
    """The first `extent` elements of a device buffer set, byte by byte."""

    buffer: str
    byte: int
    extent: Expr


@dataclass(frozen=True, slots=True)
class Program:
    """A C ABI function: `params` are its own, `buffers` what it allocates on the device (with their extents in its
    terms), `acts` what it does, in order. `assume` are conditions that it checks itself."""

    name: str
    params: tuple[Param, ...]
    buffers: tuple[Param, ...]
    stages: tuple[Stage, ...]
    acts: tuple[Run | Move | Fill, ...]
    assume: tuple[Expr, ...] = ()

    def buffer(self, name: str) -> Param:
        return next(b for b in self.buffers if b.name == name)

    def written(self, buffer: str, stored: dict[int, set[str]]) -> bool:
        """Whether a launch may store to a buffer; `stored` are the parameters that each stage's kernel stores to."""
        return any(isinstance(a, Run) and any(b == buffer and p in stored[a.stage] for p, b in a.buffers.items())
                   for a in self.acts)


def as_one_kernel(program: Program) -> Kernel:
    """The whole function as one kernel: its copies as loops, its launches as one nest of axis loops after the other. For
    analyses (what is read, how long buffers are); no platform has such a kernel."""
    taken = {p.name for p in program.params} | {b.name for b in program.buffers}
    for s in program.stages:
        taken |= all_names(s.kernel)
    body: list[AnyStmt] = []
    for act in program.acts:
        if isinstance(act, Run):
            kernel = program.stages[act.stage].kernel
            free = {p.name: fresh_name(f"{p.name}_{k}", taken) for k, p in enumerate(kernel.params + kernel.sizes)}
            inner = rename(kernel.body, free)
            values = {free[n]: e for n, e in act.scalars.items() if n in free}
            body += rename(substitute(inner, values), {free[p]: b for p, b in act.buffers.items()}).stmts
            continue
        i, dtype = fresh_name("i", taken), program.buffer(act.buffer).dtype
        if isinstance(act, Fill):
            store = Store(act.buffer, (Var(i, I32),), Const(0.0 if dtype.is_float else 0, dtype), dtype)
        else:
            to, source = (act.buffer, act.host) if act.inward else (act.host, act.buffer)
            store = Store(to, (Var(i, I32),), Load(source, (Var(i, I32),), dtype), dtype)
        body.append(For(i, integer(0), convert(act.extent, I32), integer(1), Block((store,))))
    args = [HostArg(p.name, p.name) if p.pointer else HostArg(p.name, value=Var(p.name, p.dtype)) for p in program.params]
    args += [HostArg(b.name, None) for b in program.buffers]
    first = program.stages[0].kernel
    return replace(first, name=program.name, params=(*program.params, *program.buffers), body=Block(tuple(body)),
                   sizes=(), host=Host(program.name, program.params, tuple(args)), assume=program.assume, notes=(),
                   max_threads=None)
