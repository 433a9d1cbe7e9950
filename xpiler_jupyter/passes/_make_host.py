"""The host wrapper for a kernel whose loops were bound: what to copy, what to pass, what only the launch needs."""

from __future__ import annotations

import dataclasses

from ..dataflow.extents import extents, footprint_is_dense
from ..ir.nodes import For, Host, HostArg, Kernel, Node, Param, Var
from ..ir.visit import all_names, buffers_read, buffers_written, children, fresh_name, walk
from ..platforms.base import Platform


def make_host(kernel: Kernel, target: Platform) -> Kernel:
    """A C function whose body has axis loops, as a device kernel of `target` with a wrapper of the function's name and
    parameters. A wrapper must allocate every buffer: where the size of one is unknown (see `unsized`), the kernel keeps
    the function's name and all its parameters, and its launch stands beside it."""
    read, written = buffers_read(kernel.body), buffers_written(kernel.body)
    known = extents(kernel)
    params = tuple(dataclasses.replace(p, extent=p.extent if p.extent is not None else known.get(p.name))
                   for p in kernel.params)
    kernel = dataclasses.replace(kernel, params=params)
    if unsized(kernel):
        const = tuple(dataclasses.replace(p, const=p.const or (p.pointer and p.name not in written)) for p in params)
        return dataclasses.replace(kernel, params=const, platform=target.name)
    in_text = _names_in_text(kernel.body)
    device: list[Param] = []
    args: list[HostArg] = []
    for p in params:
        if not p.pointer and p.name in in_text:
            device.append(p)
            args.append(HostArg(p.name, value=Var(p.name, p.dtype)))
        elif p.pointer and p.name in read | written:
            device.append(dataclasses.replace(p, const=p.name not in written))
            stale = p.name in read or not footprint_is_dense(kernel, p.name)
            args.append(HostArg(p.name, p.name, copy_in=stale, copy_out=p.name in written))
    passed = {p.name for p in device}
    around = {n.name for lp in walk(kernel.body) if isinstance(lp, For) and lp.kind == "parallel"
              for n in walk(lp.hi) if isinstance(n, Var)}
    around |= {n.name for p in device if p.extent is not None for n in walk(p.extent) if isinstance(n, Var)}
    sizes = tuple(p for p in params if not p.pointer and p.name not in passed and p.name in around)
    taken = all_names(kernel)
    stem = kernel.name.removesuffix("_kernel")
    name = fresh_name(stem if stem and stem != kernel.name else f"{kernel.name}_kernel", taken)
    return dataclasses.replace(kernel, name=name, params=tuple(device), sizes=sizes, platform=target.name,
                               host=Host(kernel.name, params, tuple(args)))


def unsized(kernel: Kernel) -> tuple[str, ...]:
    """Buffers in use whose number of elements is not known: their indices depend on data."""
    used = buffers_read(kernel.body) | buffers_written(kernel.body)
    return tuple(p.name for p in kernel.params if p.pointer and p.extent is None and p.name in used)


def wrapper_note(kernel: Kernel) -> str:
    """Why a bound kernel has no host wrapper, to add to a pass' note; empty when it has one."""
    missing = unsized(kernel)
    if kernel.host is not None or not missing:
        return ""
    return (f" No host wrapper: nothing tells how many elements {', '.join(missing)} has"
            f" (--shape {missing[0]}=N adds one); the launch stands above the kernel.")


def _names_in_text(node: Node) -> set[str]:
    """Names that the device function's text uses: all but the extents of the axis loops."""
    if isinstance(node, Var):
        return {node.name}
    if isinstance(node, For) and node.kind == "parallel":
        return _names_in_text(node.body)
    return set().union(*(_names_in_text(c) for c in children(node)))
