"""How a kernel is started: from host code in the text, else from a `// launch:` comment, else nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tree_sitter import Node

from ..errors import UnsupportedError, UsageError, XpilerError
from ..ir import build
from ..ir.nodes import Cast, Const, Expr, Host, HostArg, Param, Var
from ..ir.simplify import simplify_expr
from ..ir.types import I32
from ..ir.visit import fresh_name, substitute, walk
from .functions import Function
from .host import HostReader
from .host_facts import Copy, DeviceBuffer, Fill, LaunchSite
from .host_helpers import entries
from .kernel_instances import kernel_instance
from .launch_comment import from_comment, launch_comment
from .lower import Launch, Lowering
from .sizes import elements, narrowed
from .typenames import Declared
from .unit import Unit


def find_launch(unit: Unit, f: Function, nth: int | None = None, with_: Mapping[str, str] | None = None) -> Launch | None:
    """The launch of a kernel, or None when the text does not say. What host code works out in a way that we do not
    understand, and no comment says, is lost: a size, and a note with the line.

    Args:
        nth: which of its launches, counted from 1 in text order; None: the one that a plain wrapper makes, else the first.
        with_: template arguments of host functions that nothing in the text calls.
    Raises:
        UsageError: there is no such launch.
    """
    if not unit.platform.axes:
        return None
    comment = launch_comment(unit, f)
    hosts = _hosts(unit, f, with_ or {})
    if not hosts:
        return from_comment(unit, f, comment) if comment is not None else None
    try:
        found = _from_hosts(unit, f, hosts, nth)
    except UsageError:
        raise
    except XpilerError as e:
        if comment is None:
            if not isinstance(e, UnsupportedError) or unit.platform.usual:
                raise  # where a launch counts tasks, one that is not understood is most likely wrong
            return Launch({}, lost=_LEVELS, notes=[_not_understood(e)])
    else:
        if comment is None or not found.notes:
            return found
    return from_comment(unit, f, comment)


_LEVELS = frozenset(("grid", "block"))


def _not_understood(e: XpilerError) -> str:
    """What is assumed instead of a launch that host code makes is said next, as for a kernel without host code."""
    return f"the launch in the host code is not understood{f' (line {e.line})' if e.line else ''}: {e.message}"


def _hosts(unit: Unit, f: Function, with_: Mapping[str, str]) -> list[Function]:
    """The host functions to read for the launches of `f`."""
    prefix = unit.platform.api.prefix if unit.platform.api is not None else ""
    launching = [h for h in unit.all_functions() if not h.is_kernel
                 and any(_kernel_name(unit, n) == f.name for n in h.launches)]
    out = []
    for h in entries(unit.all_functions(), launching, prefix):
        if h.is_template and h.failure is None:
            try:
                h = kernel_instance(unit, h, [], with_)
            except XpilerError:
                continue  # nothing calls it and nothing says what it is
        try:
            out.append(Lowering(unit, h, None).apart(h, False))
        except XpilerError:
            out.append(h)  # what it passes on is not understood then
    return out


def launched_instances(unit: Unit, f: Function, with_: Mapping[str, str]) -> list[Function]:
    """The instances of the kernel template `f` that the host code of the text launches."""
    return [s.function for h in _hosts(unit, f, with_) for s in HostReader(unit, h).sites if s.function is not None
            and s.function.node.id == f.node.id]


def _kernel_name(unit: Unit, call: Node) -> str:
    callee = call.child_by_field_name("function")
    text = unit.tree.text_of(callee) if callee is not None else ""
    if unit.platform.api is not None and text == f"{unit.platform.api.prefix}LaunchKernelGGL":
        arguments = call.child_by_field_name("arguments")
        first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
        text = unit.tree.text_of(first) if first is not None else ""
    return text.split("<")[0].split("::")[-1].split("(")[-1].strip("( )")


# -- host code ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """One launch of the kernel: the host function, as read, and the place in it."""

    host: Function
    reader: HostReader
    site: LaunchSite

    @property
    def mine(self) -> list[LaunchSite]:
        """All launches of this kernel in the function."""
        return [s for s in self.reader.sites if s.kernel == self.site.kernel]

    @property
    def plain(self) -> bool:
        """Whether the function is a C ABI function around this one kernel: it gets host pointers and copies them."""
        return self.host.name != "main" and bool(self.reader.parameters) and len(self.reader.sites) == len(self.mine) and any(
            b.copies_in or b.copies_out for b in self.reader.buffers.values())

    @property
    def way(self) -> tuple[dict[str, Expr], dict[str, Expr], Expr | None]:
        """The configuration."""
        return self.site.grid, self.site.block, self.site.shared


def _from_hosts(unit: Unit, f: Function, hosts: list[Function], nth: int | None) -> Launch:
    found = launches_of(unit, f, hosts)
    if not found:
        raise unit.tree.unsupported(hosts[0].node, f"the launch of {f.name} in {hosts[0].name} is not understood")
    if nth is not None and not 1 <= nth <= len(found):
        raise UsageError(f"{f.name} has {len(found)} launch{'' if len(found) == 1 else 'es'} in this text, not {nth}")
    whole = [x for x in found if x.plain and x.reader.oddity is None and x.site.failure is None]
    clear = [x for x in found if x.site.failure is None]
    chosen = found[nth - 1] if nth is not None else (whole or clear or found)[0]
    failure = chosen.site.failure
    if failure is not None and not chosen.site.lost:
        raise failure
    launch = launch_of(unit, f, chosen, wrap=failure is None and (nth is None or len(chosen.mine) == 1))
    if failure is not None:
        # A grid covers its work in blocks of the size that it was worked out for.
        launch.lost = _LEVELS if "block" in chosen.site.lost else frozenset(chosen.site.lost) & _LEVELS
        launch.notes.insert(0, _not_understood(failure))
    if nth is None and any(x.way != chosen.way for x in found):
        k = found.index(chosen) + 1
        other = next(k for k, x in enumerate(found, 1) if x.way != chosen.way)
        launch.notes.append(f"{f.name} is launched as in line {unit.tree.span(chosen.site.node).line}, the "
                            f"{_nth(k)} of its {len(found)} launches (--kernel '{f.name}#{other}' takes another)")
    return launch


def launches_of(unit: Unit, f: Function, hosts: list[Function] | None = None) -> list[Found]:
    """All launches of a kernel, in text order."""
    readers = [(h, HostReader(unit, h)) for h in (hosts if hosts is not None else _hosts(unit, f, {}))]
    return [Found(h, r, s) for h, r in readers for s in r.sites if s.kernel == f.name
            and (s.function is None or s.function.instance == f.instance)]


def _nth(k: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(k, f"{k}th")


def launch_of(unit: Unit, f: Function, found: Found, *, wrap: bool) -> Launch:
    """One launch in the kernel's names; with `wrap` also the wrapper around it if there is a plain one."""
    reader, site = found.reader, found.site
    if len(site.args) != len(f.params):
        raise unit.tree.parse_error(site.node, f"{f.name} takes {len(f.params)} arguments, not {len(site.args)}")
    names = _names(unit, f, site)
    names = {k: v for k, v in reader.literals.items() if k not in names} | names
    names |= dict[str, Expr](renamed_apart(unit, f, found, names))
    host: Host | None = None
    notes: list[str] = []
    if wrap and found.plain:
        try:
            host = _wrapper(unit, f, found)
        except XpilerError as e:
            notes.append(f"{found.host.name} is not ported with the kernel: {e.message}" + (f" (line {e.line})" if e.line
                                                                                           else ""))
    launch = _extents(unit, site, names, names | reader.literals)
    launch.notes += notes
    for p, a in zip(f.params, site.args, strict=True):
        buffer = reader.buffers.get(a) if isinstance(a, str) else None
        if buffer is not None and buffer.bytes is not None and p.name is not None and p.type.base is not None:
            launch.buffers[unit.tree.text_of(p.name)] = _rename(elements(buffer.bytes, p.type.base.bytes), names)
    launch.data = {name: replace(d, value=_rename(d.value, dict(reader.literals)) if d.value is not None else None)
                   for name, d in reader.symbols.items()}
    launch.buffers |= {name: _rename(e, names) for name, e in reader.data_extents_read().items()}
    launch.host = host
    launch.sizes = _sizes(unit, f, site, launch, names)
    _contracts(unit, f, found, launch, names)
    return launch


def _contracts(unit: Unit, f: Function, found: Found, launch: Launch, names: dict[str, Expr]) -> None:
    """What the host function makes sure of before it launches, over names that the kernel or its launch has."""
    known = {unit.tree.text_of(p.name) for p in f.params if p.name is not None} | {p.name for p in launch.sizes}
    known |= {p.name for p in launch.host.params} if launch.host is not None else set()
    site, literals = found.site, found.reader.literals
    # A literal that shapes the block and is passed on: the kernel gets no other value in a block of that shape.
    shaping = {n.name for e in (*site.block.values(), *([site.shared] if site.shared is not None else []))
               for n in walk(e) if isinstance(n, Var)}
    fixed = [build.binary("==", Var(n, literals[n].dtype), literals[n]) for n in sorted(shaping & set(literals))]
    for e in (*found.reader.contracts, *(g for g in site.guards if g is not None), *fixed):
        said = narrowed(simplify_expr(_rename(e, names)))
        if not isinstance(said, Const) and {n.name for n in walk(said) if isinstance(n, Var)} <= known:
            launch.assume.append(said)
    if None in site.guards:
        launch.notes.append(f"the launch of line {unit.tree.span(site.node).line} is reached (it stands under a "
                            "condition)")


def renamed_apart(unit: Unit, f: Function, found: Found, names: dict[str, Expr] | None = None) -> dict[str, Var]:
    """New names for the host's own numbers that are called like something else in the kernel. A wrapper's parameters
    keep theirs: see `_sizes`."""
    own = {unit.tree.text_of(p.name) for p in f.params if p.name is not None}
    kept = {unit.tree.text_of(p.name) for p in found.host.params if p.name is not None}
    names = _names(unit, f, found.site) if names is None else names
    site, out = found.site, dict[str, Var]()
    sizes = [b.bytes for b in found.reader.buffers.values() if b.bytes is not None]
    for e in (*site.grid.values(), *site.block.values(), *([site.shared] if site.shared is not None else []), *sizes):
        for n in walk(e):
            if isinstance(n, Var) and n.name in own and n.name not in kept and n.name not in names and n.name not in out:
                out[n.name] = Var(fresh_name(f"{n.name}_host", own), n.dtype)
    return out


def _names(unit: Unit, f: Function, site: LaunchSite) -> dict[str, Expr]:
    """Host parameters that the kernel receives as they are, in the kernel's names and the host's types."""
    out: dict[str, Expr] = {}
    for p, a in zip(f.params, site.args, strict=True):
        if a is None:
            continue
        pointer = bool(p.type.pointers or p.type.dims or p.type.row)
        if pointer != isinstance(a, str):
            what = "a pointer" if pointer else "a number"
            name = unit.tree.text_of(p.name) if p.name is not None else "a parameter"
            raise unit.tree.parse_error(site.node, f"{name} of {f.name} must be {what} that host code names plainly")
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
            raise unit.tree.parse_error(site.node, f"the launch gives {axis.name} no index at all")
        extents[axis.name] = extent
    shared = _rename(site.shared, fixed) if site.shared is not None else None
    if isinstance(shared, Const) and shared.value == 0:
        shared = None
    return Launch(extents, shared)


def _sizes(unit: Unit, f: Function, site: LaunchSite, launch: Launch, names: dict[str, Expr]) -> tuple[Param, ...]:
    """Host-only names that the launch mentions."""
    own = {unit.tree.text_of(p.name) for p in f.params if p.name is not None}
    received = own & {n.name for e in names.values() for n in walk(e) if isinstance(n, Var)}
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


def known_to_caller(unit: Unit, found: Found) -> None:
    """Refuses a launch that depends on numbers which the host function does not get as parameters."""
    reader, site = found.reader, found.site
    given = {unit.tree.text_of(p.name) for p in found.host.params if p.name is not None}
    values = [v for v in site.args if v is not None and not isinstance(v, str)]
    sizes = [b.bytes for b in reader.buffers.values() if b.bytes is not None]
    for e in (*site.grid.values(), *site.block.values(), *([site.shared] if site.shared is not None else []), *values, *sizes):
        for n in walk(e):
            if isinstance(n, Var) and n.name not in given and n.name not in reader.literals:
                raise unit.tree.unsupported(site.node, f"{found.host.name} works out {n.name} in a way that is not "
                                            "understood")


def _wrapper(unit: Unit, f: Function, found: Found) -> Host:
    """The host function as a plain wrapper. Raises the first reason why it is none."""
    h, reader, site = found.host, found.reader, found.site
    if h.failure is not None:
        raise h.failure
    if reader.oddity is not None:
        raise reader.oddity
    if len(found.mine) > 1:
        raise unit.tree.unsupported(found.mine[1].node, f"{h.name} launches {f.name} several times")
    if h.result.base is not None or h.result.pointers:
        raise unit.tree.unsupported(h.node, f"the host function {h.name} returns a value: not supported")
    at = reader.acts.index(site)
    for k, act in enumerate(reader.acts):
        if isinstance(act, Fill):
            _whole(unit, act, k < at)
        if isinstance(act, Copy) and act.inward != (k < at):
            raise unit.tree.unsupported(act.node, "this copy in the host code is not understood")
    known_to_caller(unit, found)
    args: list[HostArg] = []
    seen: set[str] = set()
    for p, a in zip(f.params, site.args, strict=True):
        name = unit.tree.text_of(p.name) if p.name is not None else ""
        if a is None:
            raise unit.tree.unsupported(site.node, f"what {h.name} passes for {name} is not understood")
        if not isinstance(a, str):
            args.append(HostArg(name, value=_rename(a, dict(reader.literals)), copy_in=False, copy_out=False))
            continue
        buffer = reader.buffers.get(a)
        if buffer is None:
            raise unit.tree.unsupported(site.node, f"{h.name} passes {a} to the kernel without copying it to the "
                                        "device")
        if a in seen:
            raise unit.tree.unsupported(site.node, f"{h.name} passes {a} to the kernel twice: not supported")
        seen.add(a)
        fill = next((x.value & 255 for x in reader.acts if isinstance(x, Fill) and x.buffer is buffer), None)
        args.append(_host_arg(unit, p, name, buffer, fill))
    signature = unit.signature(h)
    if len(signature.args) != len(h.params):
        raise unit.tree.unsupported(h.node, f"a parameter of {h.name} has no type that we know (void*)")
    return Host(h.name, signature.args, tuple(args), span=unit.tree.span(h.node))


def _whole(unit: Unit, fill: Fill, before: bool) -> None:
    """Refuses a fill that a plain wrapper does not do: of a part of a buffer, of one that is copied in, or afterwards."""
    size = fill.buffer.bytes
    if not before or fill.buffer.copies_in or size is None or elements(fill.bytes, 1) != elements(size, 1):
        raise unit.tree.unsupported(fill.node, "only a fill of a whole buffer, before the launch and not copied over, is "
                                    "supported")


def _host_arg(unit: Unit, p: Declared, name: str, buffer: DeviceBuffer, fill: int | None) -> HostArg:
    if buffer.failure is not None:
        raise buffer.failure
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
    return HostArg(name, source, None, bool(buffer.copies_in), bool(buffer.copies_out), fill)
