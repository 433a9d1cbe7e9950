"""A whole kernel as text: includes, signature, body, and on device platforms the host wrapper that launches it."""

from __future__ import annotations

import re
from typing import Any

from ..errors import UnsupportedError
from ..ir.build import add, mul
from ..ir.memo import Memo
from ..ir.nodes import Alloc, Block, Const, Expr, Kernel, Var
from ..ir.visit import all_names, free_vars, map_children, walk
from .base import Platform
from .dynamic_text import dynamic_arrays, dynamic_lines
from .expr_text import ExprText
from .host_text import axis_loops, launch_comment, param_text, wrapper
from .instr_text import declarations
from .stmt_text import StmtText

EXPORTED = 'extern "C" '
_WORD = re.compile(r"[A-Za-z_]\w*")
_printed: Memo[tuple[Platform, str]] = Memo()


def emit_kernel(kernel: Kernel, platform: Platform) -> str:
    """The text of `kernel` in the language of `platform`, ending in a newline.

    Raises:
        UnsupportedError: the platform lacks a memory, barrier, function or instruction that the kernel uses.
        MissingSizeError: the host wrapper must allocate a buffer whose size nothing tells.
    """
    known = _printed.get(kernel, id(platform))
    if known is None:  # with the platform, which may be a variant made for one port: its identity must stay its own
        known = _printed.put(kernel, (platform, _text(kernel, platform)), id(platform))
    return known[1]


def _text(kernel: Kernel, platform: Platform) -> str:
    lines = device_lines(kernel, platform)
    if platform.api and kernel.host is not None:
        lines += ["", *wrapper(kernel, kernel.host, platform, platform.api)]
    return assembled(lines, platform)


def device_lines(kernel: Kernel, platform: Platform, alone: bool = True) -> list[str]:
    """The function alone. One that does not stand `alone` is called by another function of the text: it needs no comment
    on its launch, and plain C exports it not."""
    body = StmtText(platform, kernel.params)
    body.declared = declarations(kernel.body, platform)
    warp = {m.name for m in platform.memories if m.scope == "warp"}
    body.of_warp = {n.name for n in walk(kernel.body) if isinstance(n, Alloc) and n.memory in warp}
    lines = [f"// {line.strip()}" for c in kernel.comments for line in c.splitlines()]
    if alone and platform.api and kernel.host is None and axis_loops(kernel):
        lines.append(launch_comment(kernel, platform, platform.api))
    body.thread, body.taken = _flat_thread(kernel, platform), all_names(kernel)
    dynamic = dynamic_arrays(kernel, platform)
    if dynamic:
        body.dynamic = {a.name for a in dynamic}
        body.dynamic_lines = dynamic_lines(dynamic, kernel, platform, body)
    inside = body.block(_in_device_terms(kernel, platform), 1)
    head = _head(kernel, platform)
    lines = [*body.globals, *([""] if body.globals else []), *lines]
    return [*lines, f"{head if alone else head.replace(EXPORTED, 'static ', 1)} {{", *inside, "}"]


def _in_device_terms(kernel: Kernel, platform: Platform) -> Block:
    """The body without names that only the launch has: an extent of an axis is called by the built-in that holds it.

    Raises:
        UnsupportedError: such a name is mentioned in some other way.
    """
    own = {p.name for p in kernel.params}
    unknown = {p.name for p in kernel.sizes if p.name not in own and not platform.is_axis(p.name)}
    if not unknown:
        return kernel.body
    words = {lp.hi: Var(axis.extent_name, lp.hi.dtype) for a, lp in axis_loops(kernel).items()
             if (axis := platform.axis(a)) is not None and free_vars(lp.hi) & unknown}

    def named(node: Any) -> Any:
        if isinstance(node, Expr) and node in words:
            return words[node]
        return map_children(node, named)

    body: Block = named(kernel.body)
    for n in walk(body):
        if isinstance(n, Var) and n.name in unknown:
            raise UnsupportedError.at(n, f"the device function of {kernel.name} mentions {n.name}, which only its launch has",
                                      hint="Pass it to the kernel.")
    return body


def assembled(lines: list[str], platform: Platform) -> str:
    """A whole text from its functions: with the headers, namespaces and functions of ours that they mention."""
    text = "\n".join([*definitions("\n".join(lines), platform), *lines])
    includes = [f"#include <{h}>" for h, words in platform.headers.items() if not words or any(w in text for w in words)]
    for space in platform.namespaces:
        if f"{space}::" in text:
            text = text.replace(f"{space}::", "")
            includes.append(f"using namespace {space};")
    return "\n".join([*includes, *([""] if includes else []), text]) + "\n"


def definitions(text: str, platform: Platform) -> list[str]:
    """The platform's own types and functions that a text mentions, and those that these mention, in the table's order."""
    words = _WORD.findall(text)
    wanted: set[str] = set()
    while words:
        new = {w for w in words if w in platform.definitions} - wanted
        wanted |= new
        words = [x for w in new for x in _WORD.findall(platform.definitions[w])]
    out = [d for w, d in platform.definitions.items() if w in wanted]
    return [line for d in out for line in d.splitlines()] + ([""] if out else [])


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


def _head(kernel: Kernel, platform: Platform) -> str:
    params = ", ".join(param_text(p, platform) for p in kernel.params)
    if not platform.kernel_qualifier:
        return f"{EXPORTED}void {kernel.name}({params})"
    bound = f"__launch_bounds__({kernel.max_threads}) " if kernel.max_threads else ""
    return f"{platform.kernel_qualifier} void {bound}{kernel.name}({params})"
