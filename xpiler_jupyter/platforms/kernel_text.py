"""A whole kernel as text: includes, signature, body, and on device platforms the host wrapper that launches it."""

from __future__ import annotations

from ..errors import MissingSizeError
from ..ir.build import add, mul
from ..ir.nodes import Const, Expr, For, Host, Kernel, Param, Var
from ..ir.types import I32
from ..ir.visit import all_names, fresh_name, substitute, walk
from .base import Platform
from .expr_text import ExprText
from .instr_text import declarations
from .stmt_text import INDENT, StmtText


def emit_kernel(kernel: Kernel, platform: Platform) -> str:
    """The text of `kernel` in the language of `platform`, ending in a newline.

    Raises:
        UnsupportedError: the platform lacks a memory, barrier, function or instruction that the kernel uses.
        MissingSizeError: the host wrapper must allocate a buffer whose size nothing tells.
    """
    body = StmtText(platform, kernel.params)
    body.declared = declarations(kernel.body, platform)
    lines = [f"// {line.strip()}" for c in kernel.comments for line in c.splitlines()]
    if platform.api and kernel.host is None and axis_loops(kernel):
        lines.append(_launch_comment(kernel, platform))
    body.thread, body.taken = _flat_thread(kernel, platform), all_names(kernel)
    inside = body.block(kernel.body, 1)
    lines = [*body.globals, *([""] if body.globals else []), *lines]
    lines += [f"{_head(kernel, platform)} {{", *inside, "}"]
    if platform.api and kernel.host is not None:
        lines += ["", *_wrapper(kernel, kernel.host, platform)]
    text = "\n".join(lines)
    includes = [f"#include <{h}>" for h, words in platform.headers.items() if not words or any(w in text for w in words)]
    return "\n".join([*includes, *([""] if includes else []), text]) + "\n"


def axis_loops(kernel: Kernel) -> dict[str, For]:
    """The parallel loops by axis name: together they are the launch."""
    return {n.axis: n for n in walk(kernel.body) if isinstance(n, For) and n.kind == "parallel" and n.axis}


def launch_extents(kernel: Kernel, platform: Platform) -> dict[str, list[Expr]]:
    """Per level ("grid", "block") the extents of its axes, x first; missing axes count 1, trailing ones are dropped."""
    loops = axis_loops(kernel)
    out: dict[str, list[Expr]] = {}
    for level in ("grid", "block"):
        axes = [a.name for a in platform.axes if a.level == level]
        extents: list[Expr] = [loops[a].hi if a in loops else Const(1, I32) for a in axes]
        while len(extents) > 1 and isinstance(extents[-1], Const) and extents[-1].value == 1:
            extents.pop()
        out[level] = extents
    return out


def _flat_thread(kernel: Kernel, platform: Platform) -> tuple[str, int] | None:
    """One number per thread of the launch as text, and how many there are; None when that is not known here."""
    index: Expr | None = None
    total = 1
    for level in ("grid", "block"):
        for axis in reversed([a.name for a in platform.axes if a.level == level]):
            loop = axis_loops(kernel).get(axis)
            if loop is None:
                continue
            if not isinstance(loop.hi, Const):
                return None
            index = Var(axis) if index is None else add(mul(index, loop.hi), Var(axis))
            total *= int(loop.hi.value)
    return (ExprText(platform).expr(index), total) if index is not None else None


def _param(p: Param, platform: Platform) -> str:
    word = platform.types[p.dtype]
    if not p.pointer:
        return f"{word} {p.name}"
    return f"{'const ' if p.const else ''}{word}* {'__restrict__ ' if p.restrict else ''}{p.name}"


def _head(kernel: Kernel, platform: Platform) -> str:
    params = ", ".join(_param(p, platform) for p in kernel.params)
    if not platform.kernel_qualifier:
        return f'extern "C" void {kernel.name}({params})'
    bound = f"__launch_bounds__({kernel.max_threads}) " if kernel.max_threads else ""
    return f"{platform.kernel_qualifier} void {bound}{kernel.name}({params})"


def _launch_comment(kernel: Kernel, platform: Platform) -> str:
    printer = ExprText(platform)
    extents = launch_extents(kernel, platform)
    return "// launch: " + " ".join(f"{level}({', '.join(printer.expr(e) for e in es)})" for level, es in extents.items())


def _wrapper(kernel: Kernel, host: Host, platform: Platform) -> list[str]:
    """The C ABI function: allocate, copy in, launch, copy out, free."""
    printer, api = ExprText(platform), platform.api
    args = {a.param: a for a in host.args}
    in_host_terms = {a.param: a.value for a in host.args if a.value is not None}
    taken = all_names(kernel)
    lines = [f'extern "C" void {host.name}({", ".join(_param(p, platform) for p in host.params)}) {{']
    device: dict[str, str] = {}
    copies_out, frees = [], []
    for p in kernel.params:
        if not p.pointer:
            continue
        if p.extent is None:
            raise MissingSizeError(f"how many elements has buffer {p.name!r}?", hint=f"Give its size: --shape {p.name}=N.")
        name = device[p.name] = fresh_name(f"d_{p.name}", taken)
        size = _bytes(substitute(p.extent, in_host_terms), p, platform, printer)
        arg = args[p.name]
        lines += [f"{INDENT}{platform.types[p.dtype]}* {name};", f"{INDENT}{api}Malloc((void**)&{name}, {size});"]
        if arg.source and arg.copy_in:
            lines.append(f"{INDENT}{api}Memcpy({name}, {arg.source}, {size}, {api}MemcpyHostToDevice);")
        if arg.source and arg.copy_out:
            copies_out.append(f"{INDENT}{api}Memcpy({arg.source}, {name}, {size}, {api}MemcpyDeviceToHost);")
        frees.append(f"{INDENT}{api}Free({name});")
    dims = []
    for level, extents in launch_extents(kernel, platform).items():
        dim = fresh_name(level, taken)
        shown = ", ".join(printer.expr(substitute(e, in_host_terms)) for e in extents)
        lines.append(f"{INDENT}dim3 {dim}({shown});")
        dims.append(dim)
    passed = [device[p.name] if p.pointer else printer.expr(args[p.name].value or Const(0, I32), p.dtype)
              for p in kernel.params]
    lines.append(f"{INDENT}{kernel.name}<<<{', '.join(dims)}>>>({', '.join(passed)});")
    return [*lines, *copies_out, *frees, "}"]


def _bytes(extent: Expr, p: Param, platform: Platform, printer: ExprText) -> str:
    """`n * sizeof(float)` as size_t arithmetic from the first product on, so that big buffers do not overflow an int."""
    word = platform.types[p.dtype]
    text = printer.expr(extent)
    if isinstance(extent, Const) or " " not in text:
        return f"{text} * sizeof({word})"
    product = all(c not in text for c in "+-/%?(")
    return f"sizeof({word}) * {text}" if product else f"sizeof({word}) * ({text})"
