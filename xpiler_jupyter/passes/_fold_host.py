"""The host wrapper folded into the kernel: its name, its parameters, its scalars. What is left is one C function."""

from __future__ import annotations

import dataclasses
import math
import struct

from ..errors import IllegalPassError
from ..ir.build import convert, integer, var
from ..ir.nodes import Alloc, AnyStmt, Block, Const, Expr, For, Host, HostArg, Kernel, Let, Load, Param, Store, Var
from ..ir.types import BF16, BOOL, I32, ScalarType
from ..ir.visit import all_names, buffers_read, buffers_written, fresh_name, rename, substitute, walk


def fold_host(kernel: Kernel) -> tuple[Kernel, dict[str, str]]:
    """`kernel` in the terms of its wrapper (or, without one, with its sizes as further parameters), and old to new
    names of buffers that are called differently now. `host` is None and `sizes` empty afterwards. Raises
    IllegalPassError when the wrapper's copies cannot be said without it."""
    if kernel.host is None:
        return _sizes_as_params(kernel), {}
    return _Folder(kernel, kernel.host).run()


def _sizes_as_params(kernel: Kernel) -> Kernel:
    taken = all_names(kernel)
    names = {s.name: fresh_name(s.name.replace(".", "_"), taken) for s in kernel.sizes if "." in s.name}
    new: dict[str, Expr] = {s.name: Var(names[s.name], s.dtype) for s in kernel.sizes if s.name in names}
    params = tuple(_with_extent(p, new) for p in kernel.params)
    sizes = tuple(dataclasses.replace(s, name=names.get(s.name, s.name)) for s in kernel.sizes)
    return dataclasses.replace(kernel, params=params + sizes, sizes=(), body=substitute(kernel.body, new),
                               assume=tuple(substitute(e, new) for e in kernel.assume))


def _with_extent(p: Param, values: dict[str, Expr]) -> Param:
    if p.extent is None:
        return p
    return dataclasses.replace(p, extent=substitute(p.extent, values))


class _Folder:
    def __init__(self, kernel: Kernel, host: Host) -> None:
        self.host = host
        self.taken = all_names(kernel)
        self.kernel = self._free_host_names(kernel)
        self.by_name = {p.name: p for p in host.params}
        self.args = {a.param: a for a in host.args}
        self.front: list[AnyStmt] = []

    def _free_host_names(self, kernel: Kernel) -> Kernel:
        """Local names that are also names of the wrapper's parameters get out of the way."""
        local = {n.var if isinstance(n, For) else n.name for n in walk(kernel.body) if isinstance(n, For | Let | Alloc)}
        clash = sorted(local & {p.name for p in self.host.params})
        new = {name: fresh_name(name, self.taken) for name in clash}
        return dataclasses.replace(kernel, body=rename(kernel.body, new))

    def run(self) -> tuple[Kernel, dict[str, str]]:
        k = self.kernel
        scalars: dict[str, Expr] = {}
        buffers: dict[str, str] = {}
        for p in k.params:
            if not p.pointer:
                scalars[p.name] = self._scalar(p)
        extents = {p.name: substitute(p.extent, scalars) for p in k.params if p.pointer and p.extent is not None}
        for p in k.params:
            if p.pointer:
                buffers[p.name] = self._buffer(p, extents.get(p.name))
        body = rename(substitute(k.body, scalars), buffers)
        host_extents = {buffers[n]: e for n, e in extents.items()}
        params = tuple(p if not p.pointer or p.extent is not None else
                       dataclasses.replace(p, extent=host_extents.get(p.name)) for p in self.host.params)
        whole = Block((*self.front, *body.stmts), span=body.span)
        folded = dataclasses.replace(k, name=self.host.name, params=params, sizes=(), host=None, body=whole,
                                     assume=tuple(substitute(e, scalars) for e in k.assume))
        return folded, {old: new for old, new in buffers.items() if old != new}

    def _scalar(self, p: Param) -> Expr:
        """What the wrapper passes: a name or a number takes the parameter's place, anything longer gets a name."""
        value = self.args[p.name].value
        if value is None:
            raise _refuse(f"the wrapper passes nothing for {p.name!r}")
        value = convert(value, p.dtype)
        if isinstance(value, Const | Var):
            return value
        name = p.name if p.name not in self.by_name else fresh_name(p.name, self.taken)
        self.front.append(Let(name, p.dtype, value))
        return Var(name, p.dtype)

    def _buffer(self, p: Param, extent: Expr | None) -> str:
        """The name under which the C function knows the kernel's buffer."""
        arg = self.args[p.name]
        written = p.name in buffers_written(self.kernel.body)
        if arg.source is not None:
            host = self.by_name[arg.source]
            if host.dtype != p.dtype:
                raise _refuse(f"{p.name!r} holds {p.dtype} data, but the wrapper's {arg.source!r} {host.dtype}")
            twins = [q.name for q in self.kernel.params if q.pointer and self.args[q.name].source == arg.source]
            if len(twins) > 1 and set(twins) & buffers_written(self.kernel.body):
                raise _refuse(f"the wrapper copies {arg.source!r} to the device twice, and the kernel writes a copy")
            if (arg.copy_out or not written) and arg.fill is None:
                return arg.source
            if arg.copy_out:
                self._fill(p, arg, arg.source, extent)
                return arg.source
        if extent is None:
            raise _refuse(f"how many elements does the device buffer {p.name!r} have?",
                          hint=f"Give its size: --shape {p.name}=N.")
        name = p.name if p.name not in self.by_name else fresh_name(p.name, self.taken)
        self.front.append(Alloc(name, p.dtype, (extent,)))
        if arg.fill is not None:
            self._fill(p, arg, name, extent)
        elif arg.source is not None and arg.copy_in and p.name in buffers_read(self.kernel.body):
            i = fresh_name("i", self.taken)
            copy = Store(name, (var(i),), Load(arg.source, (var(i),), p.dtype), p.dtype)
            self.front.append(For(i, integer(0), convert(extent, I32), integer(1), Block((copy,))))
        return name

    def _fill(self, p: Param, arg: HostArg, name: str, extent: Expr | None) -> None:
        """The elements are set one by one."""
        if extent is None:
            raise _refuse(f"how many elements does the device buffer {p.name!r} have?",
                          hint=f"Give its size: --shape {p.name}=N.")
        i = fresh_name("i", self.taken)
        store = Store(name, (var(i),), _of_bytes(arg.fill or 0, p.dtype), p.dtype)
        self.front.append(For(i, integer(0), convert(extent, I32), integer(1), Block((store,))))


def _of_bytes(byte: int, t: ScalarType) -> Const:
    """The value of type `t` all of whose bytes are this one."""
    raw = bytes([byte] * t.bytes)
    if t.is_float:
        value = struct.unpack({2: "<e", 4: "<f", 8: "<d"}[t.bytes], raw)[0] if byte and t != BF16 else 0.0
        if byte and (t == BF16 or not math.isfinite(value)):
            raise _refuse(f"the wrapper fills {t} elements with bytes {byte:#x}, which is no number")
        return Const(float(value), t)
    return Const(bool(byte) if t == BOOL else int.from_bytes(raw, "little", signed=t.kind == "int"), t)


def _refuse(reason: str, hint: str | None = None) -> IllegalPassError:
    return IllegalPassError(f"loop_recovery: {reason}", hint=hint)
