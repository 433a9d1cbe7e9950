"""The host side of a device kernel as text: how it is launched, and the C ABI function around it."""

from __future__ import annotations

from ..errors import MissingSizeError, UnsupportedError
from ..ir.build import mul
from ..ir.nodes import Const, Expr, For, Host, Kernel, Param
from ..ir.types import I32
from ..ir.visit import all_names, fresh_name, substitute, walk
from .base import Platform
from .dynamic_text import dynamic_bytes
from .expr_text import ExprText
from .host_api import HostApi, JobType
from .stmt_text import INDENT


def param_text(p: Param, platform: Platform) -> str:
    """The declaration of a parameter."""
    word = platform.types[p.dtype]
    if not p.pointer:
        return f"{word} {p.name}"
    return f"{'const ' if p.const else ''}{word}* {'__restrict__ ' if p.restrict else ''}{p.name}"


def axis_loops(kernel: Kernel) -> dict[str, For]:
    """The parallel loops by axis name: together they are the launch."""
    return {n.axis: n for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel" and n.axis}


def launch_extents(kernel: Kernel, platform: Platform) -> dict[str, list[Expr]]:
    """Per level ("grid", "block") the extents of its axes, x first; a level has as many as it needs, at least x."""
    loops = axis_loops(kernel)
    out: dict[str, list[Expr]] = {}
    for level in ("grid", "block"):
        extents: list[Expr] = [Const(1, I32)] * 3
        for a in platform.axes:
            if a.level == level and a.name in loops:
                extents["xyz".index(a.place)] = loops[a.name].hi
        while len(extents) > 1 and isinstance(extents[-1], Const) and extents[-1].value == 1:
            extents.pop()
        out[level] = extents
    return out


def job_launch(kernel: Kernel, platform: Platform, api: HostApi) -> tuple[list[Expr], JobType]:
    """A launch that counts tasks: (tasks per dimension, the shape of a job).

    Raises:
        UnsupportedError: no job of the platform has the shape that the kernel's block axes make.
    """
    extents = launch_extents(kernel, platform)
    block = [int(e.value) if isinstance(e, Const) else 0 for e in extents["block"]]
    x, y, z = (*block, 1, 1)[:3]
    job = api.job_of((x, y, z))
    if job is None:
        said = " x ".join(ExprText(platform).expr(e) for e in extents["block"])
        legal = ", ".join(" x ".join(str(n) for n in j.block[:2]) for j in api.jobs)
        raise UnsupportedError.at(kernel, f"{platform.title} has no job of {said} tasks", f"There are: {legal}.")
    grid = extents["grid"] + [Const(1, I32)] * (3 - len(extents["grid"]))
    return [mul(grid[0], Const(job.tasks, I32)), grid[1], grid[2]], job


def launch_comment(kernel: Kernel, platform: Platform, api: HostApi) -> str:
    """The launch of a kernel without a wrapper, as a comment that the front end reads."""
    printer = ExprText(platform)
    if api.jobs:
        dim, job = job_launch(kernel, platform, api)
        return f"// launch: dim({', '.join(printer.expr(e) for e in dim)}) {job.name}"
    extents = launch_extents(kernel, platform)
    text = "// launch: " + " ".join(f"{level}({', '.join(printer.expr(e) for e in es)})" for level, es in extents.items())
    dynamic = dynamic_bytes(kernel, platform)
    return text if dynamic is None else f"{text} shared({printer.expr(dynamic)})"


def wrapper(kernel: Kernel, host: Host, platform: Platform, api: HostApi) -> list[str]:
    """The C ABI function: allocate, copy in or fill, launch, copy out, free."""
    printer, run = ExprText(platform), api.prefix
    args = {a.param: a for a in host.args}
    in_host_terms = {a.param: a.value for a in host.args if a.value is not None}
    taken = all_names(kernel)
    lines = [f'extern "C" void {host.name}({", ".join(param_text(p, platform) for p in host.params)}) {{']
    device: dict[str, str] = {}
    copies_out, frees = [], []
    for p in kernel.params:
        if not p.pointer:
            continue
        if p.extent is None:
            raise MissingSizeError(f"how many elements has buffer {p.name!r}?", hint=f"Give its size: --shape {p.name}=N.")
        name = device[p.name] = fresh_name(f"d_{p.name}", taken)
        size = bytes_text(substitute(p.extent, in_host_terms), p, platform, printer)
        arg = args[p.name]
        lines += [f"{INDENT}{platform.types[p.dtype]}* {name};", f"{INDENT}{run}Malloc((void**)&{name}, {size});"]
        if arg.source and arg.copy_in:
            lines.append(f"{INDENT}{run}Memcpy({name}, {arg.source}, {size}, {api.to_device[0]});")
        if arg.fill is not None:
            lines.append(f"{INDENT}{run}Memset({name}, {arg.fill}, {size});")
        if arg.source and arg.copy_out:
            copies_out.append(f"{INDENT}{run}Memcpy({arg.source}, {name}, {size}, {api.to_host[0]});")
        frees.append(f"{INDENT}{run}Free({name});")
    before, inside, after, release = launch_lines(kernel, platform, api, in_host_terms, taken)
    passed = [device[p.name] if p.pointer else printer.expr(args[p.name].value or Const(0, I32), p.dtype)
              for p in kernel.params]
    call = f"{kernel.name}<<<{', '.join(inside)}>>>({', '.join(passed)});"
    around = [[INDENT + line for line in part] for part in (before, [call, *after], release)]
    return [*lines, *around[0], *around[1], *copies_out, *frees, *around[2], "}"]


def launch_lines(kernel: Kernel, platform: Platform, api: HostApi, in_host_terms: dict[str, Expr],
                 taken: set[str]) -> tuple[list[str], list[str], list[str], list[str]]:
    """(lines before the launch, what stands between its brackets, lines after it, lines at the end)."""
    printer = ExprText(platform)

    def shown(extents: list[Expr]) -> str:
        return ", ".join(printer.expr(substitute(e, in_host_terms)) for e in extents)

    if api.jobs:
        extents, job = job_launch(kernel, platform, api)
        dim, queue = fresh_name("dim", taken), fresh_name("queue", taken)
        before = [f"{api.dim} {dim} = {{{shown(extents)}}};", f"{api.queue} {queue};",
                  f"{api.prefix}QueueCreate(&{queue});"]
        return (before, [dim, job.words[0], queue], [f"{api.prefix}QueueSync({queue});"],
                [f"{api.prefix}QueueDestroy({queue});"])
    lines, dims = [], []
    for level, extents in launch_extents(kernel, platform).items():
        dim = fresh_name(level, taken)
        lines.append(f"{api.dim} {dim}({shown(extents)});")
        dims.append(dim)
    dynamic = dynamic_bytes(kernel, platform)
    if dynamic is not None:
        dims.append(shown([dynamic]))
    return lines, dims, [], []


def bytes_text(extent: Expr, p: Param, platform: Platform, printer: ExprText) -> str:
    """`n * sizeof(float)` as size_t arithmetic from the first product on, so that big buffers do not overflow an int."""
    word = platform.types[p.dtype]
    text = printer.expr(extent)
    if isinstance(extent, Const) or " " not in text:
        return f"{text} * sizeof({word})"
    product = all(c not in text for c in "+-/%?(")
    return f"sizeof({word}) * {text}" if product else f"sizeof({word}) * ({text})"
