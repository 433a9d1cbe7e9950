"""Several kernels and the host function that runs them in sequence, as one text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import MissingSizeError
from ..ir.nodes import Const, Expr, Kernel, Param
from ..ir.program import Fill, Move, Program, Run
from ..ir.types import I32
from ..ir.visit import all_names, buffers_written, fresh_name, substitute
from .base import Platform
from .expr_text import ExprText
from .host_api import HostApi
from .host_text import bytes_text, launch_lines, param_text
from .kernel_text import EXPORTED, assembled, device_lines
from .stmt_text import INDENT


def program_text(program: Program, kernels: Sequence[Kernel], platform: Platform) -> str:
    """The text of a program whose stages were ported.

    Args:
        kernels: the ported kernel of each stage, in order; its parameters (or its wrapper's) are called like the
            parameters and sizes of the stage's own kernel.
    Raises:
        UnsupportedError, MissingSizeError: what `emit` of one of the kernels raises.
    """
    taken = {program.name}
    named = [replace(k, name=fresh_name(k.name, taken)) for k in kernels]
    lines: list[str] = []
    for k in named:
        lines += [*device_lines(replace(k, host=None), platform, alone=False), ""]
    writer = _Host(program, named, platform)
    return assembled([*lines, *writer.lines()], platform)


class _Host:
    """Writes the host function."""

    def __init__(self, program: Program, kernels: list[Kernel], platform: Platform) -> None:
        self.program, self.kernels, self.platform = program, kernels, platform
        self.printer = ExprText(platform)
        self.taken = {p.name for p in program.params} | {b.name for b in program.buffers} | {k.name for k in kernels}
        for k in kernels:
            self.taken |= all_names(k)
        self.stored = {i: _stored(k) for i, k in enumerate(kernels)}

    def lines(self) -> list[str]:
        params = ", ".join(param_text(p, self.platform) for p in self.program.params)
        body = self._device(self.platform.api) if self.platform.api is not None else self._plain()
        return [f"{EXPORTED}void {self.program.name}({params}) {{", *(INDENT + line for line in body), "}"]

    def _bytes(self, extent: Expr | None, p: Param) -> str:
        if extent is None:
            raise MissingSizeError(f"how many elements has buffer {p.name!r}?", hint=f"Give its size: --shape {p.name}=N.")
        return bytes_text(extent, p, self.platform, self.printer)

    # -- a host with a device ------------------------------------------------------------------------------------------

    def _device(self, api: HostApi) -> list[str]:
        run, out = api.prefix, list[str]()
        for b in self.program.buffers:
            out += [f"{self.platform.types[b.dtype]}* {b.name};",
                    f"{run}Malloc((void**)&{b.name}, {self._bytes(b.extent, b)});"]
        frees = [f"{run}Free({b.name});" for b in self.program.buffers]
        for act in self.program.acts:
            if isinstance(act, Move):
                size = self._bytes(act.extent, self.program.buffer(act.buffer))
                to, source, way = (act.buffer, act.host, api.to_device[0]) if act.inward else \
                    (act.host, act.buffer, api.to_host[0])
                out.append(f"{run}Memcpy({to}, {source}, {size}, {way});")
            elif isinstance(act, Fill):
                out.append(f"{run}Memset({act.buffer}, {act.byte}, "
                           f"{self._bytes(act.extent, self.program.buffer(act.buffer))});")
            else:
                lines, more = self._launch(act, api)
                out += lines
                frees += more
        return [*out, *frees]

    def _launch(self, act: Run, api: HostApi) -> tuple[list[str], list[str]]:
        """(the lines of a launch, lines for the end)."""
        kernel, out, run = self.kernels[act.stage], list[str](), api.prefix
        terms = dict(act.scalars)
        buffers = dict(act.buffers)
        frees: list[str] = []
        for a in kernel.host.args if kernel.host is not None else ():
            if a.value is not None:
                terms[a.param] = substitute(a.value, act.scalars)
        for a in kernel.host.args if kernel.host is not None else ():
            p = next(p for p in kernel.params if p.name == a.param)
            if not p.pointer:
                continue
            if a.source is not None:
                buffers[a.param] = act.buffers[a.source]
                continue
            name = buffers[a.param] = fresh_name(f"d_{a.param}", self.taken)
            size = self._bytes(substitute(p.extent, terms) if p.extent is not None else None, p)
            out += [f"{self.platform.types[p.dtype]}* {name};", f"{run}Malloc((void**)&{name}, {size});"]
            if a.fill is not None:
                out.append(f"{run}Memset({name}, {a.fill}, {size});")
            frees.append(f"{run}Free({name});")
        before, inside, after, release = launch_lines(kernel, self.platform, api, terms, self.taken)
        passed = [buffers[p.name] if p.pointer else self.printer.expr(terms.get(p.name, Const(0, I32)), p.dtype)
                  for p in kernel.params]
        out += [*before, f"{kernel.name}<<<{', '.join(inside)}>>>({', '.join(passed)});", *after]
        return out, [*frees, *release]

    # -- plain C -------------------------------------------------------------------------------------------------------

    def _plain(self) -> list[str]:
        place = self._places()
        out: list[str] = []
        own = [b for b in self.program.buffers if place[b.name] == b.name]
        for b in own:
            word = self.platform.types[b.dtype]
            out.append(f"{word}* {b.name} = ({word}*)malloc({self._bytes(b.extent, b)});")
        for act in self.program.acts:
            if isinstance(act, Run):
                kernel = self.kernels[act.stage]
                passed = [place[act.buffers[p.name]] if p.pointer else self.printer.expr(act.scalars[p.name], p.dtype)
                          for p in kernel.params]
                out.append(f"{kernel.name}({', '.join(passed)});")
                continue
            at, size = place[act.buffer], self._bytes(act.extent, self.program.buffer(act.buffer))
            if isinstance(act, Fill):
                out.append(f"memset({at}, {act.byte}, {size});")
            elif at != act.host:
                to, source = (at, act.host) if act.inward else (act.host, at)
                out.append(f"memcpy({to}, {source}, {size});")
        return [*out, *(f"free({b.name});" for b in own)]

    def _places(self) -> dict[str, str]:
        """Where each device buffer lives: in the caller's own array where that makes no difference, else in memory of its
        name. An array stands for a buffer that is copied back to it whole, or copied from it and never written; and only
        for one, which no other buffer has to do with."""
        out: dict[str, str] = {}
        moves = [a for a in self.program.acts if isinstance(a, Move)]
        users = {p.name: {m.buffer for m in moves if m.host == p.name} for p in self.program.params}
        for b in self.program.buffers:
            mine = [m for m in moves if m.buffer == b.name]
            back = [m for m in mine if not m.inward]
            whole = all(m.extent == b.extent for m in mine)
            choice = b.name
            if whole and len(back) == 1 and self._is_last(back[0]):
                choice = back[0].host
            elif whole and not back and len(mine) == 1 and not self.program.written(b.name, self.stored):
                choice = mine[0].host
            out[b.name] = choice if len(users.get(choice, ())) == 1 else b.name
        return out

    def _is_last(self, move: Move) -> bool:
        """Whether nothing is launched after a copy."""
        acts = self.program.acts
        return not any(isinstance(a, Run) for a in acts[acts.index(move):])


def _stored(kernel: Kernel) -> set[str]:
    """Parameters, as the caller knows them, that a kernel may store to."""
    written = buffers_written(kernel.body)
    if kernel.host is None:
        return written
    return {a.source for a in kernel.host.args if a.param in written and a.source is not None}
