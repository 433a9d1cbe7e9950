"""How a kernel is started: from host code in the text, else from a `// launch:` comment, else nobody knows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from tree_sitter import Node

from ..errors import ParseError, XpilerError
from ..ir import build
from ..ir.nodes import Cast, Const, Expr, Host, HostArg, Param, Var
from ..ir.types import I32
from ..ir.visit import map_children, substitute, walk
from .host import HostReader
from .host_facts import DeviceBuffer, LaunchSite, jobs_of
from .lower import Launch, Lowering
from .preprocess import Remark, prepare
from .sizes import elements, narrowed
from .source import Source
from .symbols import Value
from .typenames import Declared
from .unit import Function, Unit


def find_launch(unit: Unit, f: Function) -> Launch | None:
    """The launch of a kernel, or None when the text does not say.

    Raises:
        UnsupportedError: host code starts the kernel in a way that we do not understand, and no comment says how.
    """
    if not unit.platform.axes:
        return None
    comment = _launch_comment(unit, f)
    hosts = [h for h in unit.all_functions() if not h.is_kernel and not h.is_template
             and any(_kernel_name(unit, n) == f.name for n in h.launches)]
    if not hosts:
        return _from_comment(unit, f, comment) if comment is not None else None
    try:
        if len(hosts) > 1:
            raise unit.tree.unsupported(hosts[1].node, f"several host functions launch {f.name}", "Keep one.")
        if hosts[0].failure is not None:
            raise hosts[0].failure
        return _from_host(unit, f, hosts[0])
    except XpilerError:
        if comment is not None:
            return _from_comment(unit, f, comment)
        raise


def _kernel_name(unit: Unit, call: Node) -> str:
    callee = call.child_by_field_name("function")
    text = unit.tree.text_of(callee) if callee is not None else ""
    if unit.platform.api is not None and text == f"{unit.platform.api.prefix}LaunchKernelGGL":
        arguments = call.child_by_field_name("arguments")
        first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
        text = unit.tree.text_of(first) if first is not None else ""
    return text.split("<")[0].strip("( )")


# -- host code ---------------------------------------------------------------------------------------------------------


def _from_host(unit: Unit, f: Function, h: Function) -> Launch:
    reader = HostReader(unit, h)
    sites = [s for s in reader.sites if s.kernel == f.name]
    if not sites:
        raise unit.tree.unsupported(h.node, f"the launch of {f.name} in {h.name} is not understood")
    first = sites[0]
    if any((s.grid, s.block, s.shared) != (first.grid, first.block, first.shared) for s in sites[1:]):
        raise unit.tree.unsupported(sites[1].node, f"{f.name} is launched in several ways", "Keep one launch.")
    if len(first.args) != len(f.params):
        raise unit.tree.parse_error(first.node, f"{f.name} takes {len(f.params)} arguments, not {len(first.args)}")
    names = _names(unit, f, first)
    names = {k: v for k, v in reader.literals.items() if k not in names} | names
    host = _wrapper(unit, f, h, reader, sites) if _is_wrapper(reader, sites) else None
    launch = _extents(unit, first, names, names | reader.literals)
    for p, a in zip(f.params, first.args, strict=True):
        buffer = reader.buffers.get(a) if isinstance(a, str) else None
        if buffer is not None and buffer.bytes is not None and p.name is not None and p.type.base is not None:
            launch.buffers[unit.tree.text_of(p.name)] = _rename(elements(buffer.bytes, p.type.base.bytes), names)
    launch.host = host
    launch.sizes = _sizes(unit, f, first, launch, names)
    return launch


def _names(unit: Unit, f: Function, site: LaunchSite) -> dict[str, Expr]:
    """Host parameters that the kernel receives as they are, in the kernel's names and the host's types."""
    out: dict[str, Expr] = {}
    for p, a in zip(f.params, site.args, strict=True):
        pointer = bool(p.type.pointers or p.type.dims or p.type.row)
        if pointer != isinstance(a, str):
            what = "a pointer" if pointer else "a number"
            name = unit.tree.text_of(p.name) if p.name is not None else "a parameter"
            raise unit.tree.unsupported(site.node, f"{name} of {f.name} must be {what} that host code names plainly")
        value = a
        while isinstance(value, Cast):
            value = value.x
        if isinstance(value, Var) and value.name not in out and p.name is not None and p.type.base is not None:
            out[value.name] = build.convert(Var(unit.tree.text_of(p.name), p.type.base), value.dtype)
    return out


def _rename(e: Expr, names: dict[str, Expr]) -> Expr:
    return narrowed(substitute(e, names))


def _extents(unit: Unit, site: LaunchSite, names: dict[str, Expr], fixed: dict[str, Expr]) -> Launch:
    """The launch in the kernel's names. A block's shape and its memory are fixed when the kernel is written: literals
    of the host code stay literals there."""
    extents: dict[str, Expr] = {}
    for axis in unit.platform.axes:
        part = site.grid if axis.level == "grid" else site.block
        known = names if axis.level == "grid" else fixed
        extent = build.convert(_rename(part[axis.place], known), I32)
        if isinstance(extent, Const) and int(extent.value) <= 0:
            raise unit.tree.unsupported(site.node, f"the launch gives {axis.name} no index at all")
        extents[axis.name] = extent
    shared = _rename(site.shared, fixed) if site.shared is not None else None
    if isinstance(shared, Const) and shared.value == 0:
        shared = None
    return Launch(extents, shared)


def _sizes(unit: Unit, f: Function, site: LaunchSite, launch: Launch, names: dict[str, Expr]) -> tuple[Param, ...]:
    """Host-only names that the launch mentions."""
    own = {unit.tree.text_of(p.name) for p in f.params if p.name is not None}
    received = {n.name for e in names.values() for n in walk(e) if isinstance(n, Var)}
    shared = [launch.shared_bytes] if launch.shared_bytes is not None else []
    used: dict[str, Var] = {}
    for e in (*launch.extents.values(), *launch.buffers.values(), *shared):
        for n in walk(e):
            if isinstance(n, Var) and n.name not in received:
                used.setdefault(n.name, n)
    for name in used:
        if name in own:
            raise unit.tree.unsupported(site.node, f"{name} means different things in the host code and in {f.name}",
                                        "Rename one of them.")
    return tuple(Param(n.name, n.dtype) for n in used.values())


def _is_wrapper(reader: HostReader, sites: list[LaunchSite]) -> bool:
    """Whether the host function is a C ABI function around this one kernel: it gets host pointers and copies them."""
    return bool(reader.parameters) and any(b.copies_in or b.copies_out for b in reader.buffers.values()) and \
        len(reader.sites) == len(sites)


def _wrapper(unit: Unit, f: Function, h: Function, reader: HostReader, sites: list[LaunchSite]) -> Host:
    if reader.oddity is not None:
        raise reader.oddity
    if len(sites) > 1:
        raise unit.tree.unsupported(sites[1].node, f"{h.name} launches {f.name} several times")
    if h.result.base is not None or h.result.pointers:
        raise unit.tree.unsupported(h.node, f"the host function {h.name} returns a value: not supported")
    args: list[HostArg] = []
    seen: set[str] = set()
    for p, a in zip(f.params, sites[0].args, strict=True):
        name = unit.tree.text_of(p.name) if p.name is not None else ""
        if not isinstance(a, str):
            args.append(HostArg(name, value=_rename(a, dict(reader.literals)), copy_in=False, copy_out=False))
            continue
        buffer = reader.buffers.get(a)
        if buffer is None:
            raise unit.tree.unsupported(sites[0].node, f"{h.name} passes {a} to the kernel without copying it to the "
                                        "device")
        if a in seen:
            raise unit.tree.unsupported(sites[0].node, f"{h.name} passes {a} to the kernel twice: not supported")
        seen.add(a)
        args.append(_host_arg(unit, p, name, buffer))
    signature = unit.signature(h)
    if len(signature.args) != len(h.params):
        raise unit.tree.unsupported(h.node, f"a parameter of {h.name} has no type that we know (void*)")
    return Host(h.name, signature.args, tuple(args), span=unit.tree.span(h.node))


def _host_arg(unit: Unit, p: Declared, name: str, buffer: DeviceBuffer) -> HostArg:
    if buffer.bytes is None:
        raise unit.tree.unsupported(buffer.node, f"{buffer.name} is never allocated")
    copies = buffer.copies_in + buffer.copies_out
    if len(buffer.copies_in) > 1 or len(buffer.copies_out) > 1:
        raise unit.tree.unsupported(copies[1].node, f"{buffer.name} is copied in pieces: not supported")
    sources = {c.host for c in copies}
    if None in sources:
        raise unit.tree.unsupported(copies[0].node, f"{buffer.name} is not copied from or to a parameter of the host "
                                    "function")
    if len(sources) > 1:
        raise unit.tree.unsupported(buffer.copies_out[0].node, f"{buffer.name} is filled from one pointer and copied "
                                    "back to another: not supported yet")
    for c in copies:
        if c.bytes is None or p.type.base is None or \
                elements(c.bytes, p.type.base.bytes) != elements(buffer.bytes, p.type.base.bytes):
            raise unit.tree.unsupported(c.node, f"this copies another size than {buffer.name} has")
    source = next(iter(sources), None)
    return HostArg(name, source, None, bool(buffer.copies_in), bool(buffer.copies_out))


# -- comments ----------------------------------------------------------------------------------------------------------


def _launch_comment(unit: Unit, f: Function) -> Remark | None:
    """The launch comment in front of or inside a kernel; for a text with one kernel, wherever it stands."""
    found = [c for c in unit.tree.prepared.comments if re.match(r"launch\s*:", c.text)]
    end = unit.tree.origin(f.node)[1]
    before = [unit.tree.origin(g.node)[1] for g in unit.all_functions() if g.node.end_byte <= f.node.start_byte]
    near = [c for c in found if max(before, default=0) <= c.start < end]
    if len(near) > 1:
        raise unit.source.unsupported(near[1].start, f"there are two launch comments for {f.name}", "Keep one.")
    if near:
        return near[0]
    return found[0] if len(found) == 1 and len(unit.kernels()) == 1 else None


def _from_comment(unit: Unit, f: Function, comment: Remark) -> Launch:
    """`launch: grid(a, b) block(c)`, or where tasks are counted `launch: dim(a, b) Union4`. The expressions are read as
    a call at the end of the text, so that its macros and constants hold; names are the kernel's scalar parameters."""
    api = unit.platform.api
    by_jobs = api.jobs if api is not None else ()
    form = "dim(x, y, z) " + " | ".join(j.name for j in by_jobs) if by_jobs else "grid(gx, gy, gz) block(bx, by, bz)"

    def wrong(why: str) -> ParseError:
        return unit.source.parse_error(comment.start, f"this launch comment cannot be read: {why}",
                                       f"Write // launch: {form}")
    names = ("launch_grid", "launch_block", "launch_shared")
    tasks = re.match(r"launch\s*:\s*dim\s*(\(.*\))\s*,?\s*(\w+)\s*\.?\s*$", comment.text, re.DOTALL) if by_jobs else None
    job = api.job(tasks[2]) if tasks is not None and api is not None else None
    if tasks is not None:
        if job is None:
            raise wrong(f"{tasks[2]} is no type of job")
        groups: tuple[str | None, ...] = (tasks[1], str(job.block), None)
    else:
        m = re.match(r"launch\s*:\s*grid\s*(\(.*\))\s*,?\s*block\s*(\(.*?\))\s*(?:shared\s*(\(.*\)))?\s*\.?\s*$",
                     comment.text, re.DOTALL)
        if m is None:
            raise wrong(f"it needs {'dim(...) and a type of job' if by_jobs else 'grid(...) and block(...)'}")
        groups = m.groups()
    calls = "".join(f"{name}{part};" for name, part in zip(names, groups, strict=True) if part)
    text = "\n".join((unit.source.text, f"void launch_comment() {{ {calls} }}"))
    try:
        inner = Unit(prepare(Source(text), unit.platform), unit.platform)
        reader = inner.functions["launch_comment"][0]
        if reader.failure is not None or reader.body is None:
            raise wrong(reader.failure.message if reader.failure else "it is empty")
        low = Lowering(inner, reader, None)
        for p in f.params:
            if p.name is not None and p.type.base is not None and not (p.type.pointers or p.type.dims or p.type.row):
                low.define(unit.tree.text_of(p.name), Value(Var(unit.tree.text_of(p.name), p.type.base)))
        parts: dict[str, list[Expr]] = {}
        with low.unhoisted():
            for s in reader.body.named_children:
                call = s.named_children[0]
                values = [narrowed(low.folded(low.expr(a))) for a in low.arguments(call)]
                parts[low.text(low.child(call, "function"))] = values
    except (KeyError, IndexError):
        raise wrong("its brackets do not fit") from None
    except XpilerError as e:
        raise wrong(e.message) from None
    if not all(1 <= len(parts.get(n, ())) <= 3 for n in names[:2]):
        raise wrong("grid and block take one to three values each")
    if job is not None:
        jobs = jobs_of(parts[names[0]][0], job)
        if jobs is None:
            raise wrong(f"dim's x is no multiple of the {job.tasks} tasks of a {job.name}")
        parts[names[0]][0] = jobs
    extents: dict[str, Expr] = {}
    for axis in unit.platform.axes:
        sizes = parts[names[0] if axis.level == "grid" else names[1]]
        k = "xyz".index(axis.place)
        extent = _placeless(sizes[k]) if k < len(sizes) else build.integer(1)
        if not extent.dtype.is_integer or (isinstance(extent, Const) and int(extent.value) <= 0):
            raise wrong("extents are positive integers")
        extents[axis.name] = build.convert(extent, I32)
    shared = parts.get(names[2], [None])[0]
    return Launch(extents, _placeless(shared) if shared is not None else None)


def _placeless(e: Any) -> Any:
    """Without spans: they would point behind the end of the text."""
    return replace(map_children(e, _placeless), span=None)
