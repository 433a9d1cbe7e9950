"""Calls in host code: allocations, copies and launches, in the order in which they happen."""

from __future__ import annotations

from tree_sitter import Node

from ..errors import XpilerError
from ..ir import build
from ..ir.nodes import Binary, Const, Expr
from .file_data import is_device_data
from .functions import Function
from .host_facts import Copy, Fill, LaunchSite, Symbol, jobs_of
from .host_facts import Struct as Given
from .host_values import HostValues, ones
from .refusals import short
from .sizes import elements, narrowed
from .symbols import Value
from .tree import preorder, strip_parens
from .unit import Unit

# Run-time calls without an effect on what the kernel sees or computes.
_HARMLESS = ("Free", "FreeAsync", "FreeHost", "HostFree", "DeviceSynchronize", "StreamSynchronize", "ThreadSynchronize",
             "GetLastError", "PeekAtLastError", "GetErrorString", "GetErrorName", "SetDevice", "GetDevice",
             "GetDeviceCount", "GetDeviceProperties", "DeviceReset", "FuncSetAttribute", "FuncSetCacheConfig",
             "DeviceSetCacheConfig", "DeviceGetAttribute", "MemPrefetchAsync", "SyncDevice", "HostRegister",
             "HostUnregister", "MallocHost", "HostAlloc", "HostMalloc", "MemGetInfo", "FuncGetAttributes",
             "OccupancyMaxPotentialBlockSize", "OccupancyMaxActiveBlocksPerMultiprocessor", "MemAdvise",
             "DeviceSetLimit", "SetDeviceFlags", "RuntimeGetVersion", "DriverGetVersion")
_HARMLESS_STARTS = ("Event", "Stream", "Profiler", "Queue", "Notifier", "PlaceNotifier", "WaitNotifier")
_CHECKS = ("assert", "TORCH_CHECK", "TORCH_INTERNAL_ASSERT", "AT_ASSERT", "AT_ASSERTM", "CHECK", "DCHECK", "ASSERT",
           "Assert", "REQUIRE")


class HostCalls(HostValues):
    """`sites` are the launches, `acts` everything that happens to device memory in order, `contracts` what must hold for
    the function to go on."""

    def __init__(self, unit: Unit, f: Function) -> None:
        super().__init__(unit, f)
        self.sites: list[LaunchSite] = []
        self.symbols: dict[str, Symbol] = {}  # file-scope variables of the device that it sets
        self.structs: dict[str, Given] = {}
        self.struct_types = {}
        self.acts: list[LaunchSite | Copy | Fill] = []
        self.contracts: list[Expr] = []
        self.guards: list[Expr | None] = []
        self.inside = ""  # "a loop", "a condition": around the statement

    def guard(self, condition: Node) -> Expr | None:
        """A condition over numbers that have a name; None when it is about something else."""
        try:
            with self.unhoisted():
                return narrowed(self.folded(self.condition(condition)))
        except XpilerError:
            return None

    def contract(self, e: Expr) -> None:
        """Notes what holds for all that follows."""
        if isinstance(e, Binary) and e.op == "&&":
            self.contract(e.a)
            self.contract(e.b)
        elif not self.inside and not self.sites and not isinstance(e, Const):
            self.contracts.append(e)

    def calls_in(self, node: Node) -> None:
        """Looks at every call below a node."""
        for n in preorder(node):
            if n.type == "call_expression":
                self._call(n)

    def called(self, n: Node) -> str:
        return self.text(self.child(n, "function"))

    def _call(self, n: Node) -> None:
        syntax = next((c for c in n.children if c.type == "kernel_call_syntax"), None)
        name, args = self.called(n), self.arguments(n)
        if syntax is not None:
            parts = syntax.named_children
            if self.api is not None and self.api.jobs:
                self._launch_tasks(n, name, parts, args)
                return
            if len(parts) < 2:
                raise self.parse_error(syntax, "a launch needs a grid and a block")
            self._launch(n, self.child(n, "function"), parts[0], parts[1], parts[2] if len(parts) > 2 else None, args)
            return
        if self.api is not None and name == self.api.prefix + "LaunchKernelGGL":
            if len(args) < 5:
                raise self.parse_error(n, f"{name} needs a kernel, a grid, a block, shared bytes and a stream")
            self._launch(n, args[0], args[1], args[2], args[3], args[5:])
            return
        if name in _CHECKS and args:
            guard = self.guard(args[0])
            if guard is not None:
                self.contract(guard)
            return
        if self.api is not None and name in self.api.checks:
            return  # the calls in it are looked at by themselves
        if self.api is None or not name.startswith(self.api.prefix):
            if not self.helper(n):
                self._foreign(n, name, args)
            return
        word = name[len(self.api.prefix):]
        if word in ("Malloc", "MallocAsync", "MallocManaged") and len(args) >= 2:
            self._malloc(n, args)
        elif word in ("Memcpy", "MemcpyAsync") and len(args) >= 4:
            self._memcpy(n, args)
        elif word in ("Memset", "MemsetAsync") and len(args) >= 3:
            self._memset(n, args)
        elif word in ("MemcpyToSymbol", "MemcpyToSymbolAsync", "MemcpyFromSymbol", "MemcpyFromSymbolAsync") and len(args) >= 3:
            self._symbol_copy(n, args, "To" in word)
        elif word not in _HARMLESS and not word.startswith(_HARMLESS_STARTS):
            self.odd(self.unsupported(n, f"{name} in host code is not supported"))
        else:
            self._set_by_address(args)

    def helper(self, n: Node) -> bool:
        raise NotImplementedError

    def _set_by_address(self, args: list[Node]) -> None:
        """Numbers that a call fills in are what the run makes them."""
        for a in args:
            inner = strip_parens(a)
            if inner.type == "pointer_expression" and self.tree.operator(inner) == "&":
                name = self.text(strip_parens(self.child(inner, "argument")))
                if isinstance(self.find(name), Value):
                    self.leave_open(name)
                elif name in self.unknown:
                    self.leave_open(name, build.integer(0).dtype)

    def _foreign(self, n: Node, name: str, args: list[Node]) -> None:
        self._set_by_address(args)
        for a in args:
            for x in preorder(a):
                if x.type == "identifier" and (self.text(x) in self.buffers or self.text(x) in self.parameters):
                    self.odd(self.unsupported(n, f"the host code passes {self.text(x)} to {name}: not supported"))

    def _somewhere(self, n: Node, what: str) -> None:
        if self.inside:
            self.odd(self.unsupported(n, f"host code that {what} under {self.inside} is not supported",
                                             "Make it straight-line."))

    def _malloc(self, n: Node, args: list[Node]) -> None:
        target = strip_parens(args[0])
        while target.type == "cast_expression":
            target = strip_parens(self.child(target, "value"))
        if target.type == "call_expression":
            inner = self.arguments(target)
            target = strip_parens(inner[0]) if inner else target
        if target.type != "pointer_expression" or self.tree.operator(target) != "&":
            self.odd(self.unsupported(n, "this allocation is not understood", "Write it as Malloc(&pointer, bytes)."))
            return
        name = self.pointer_name(self.child(target, "argument"))
        if name not in self.buffers or self.buffers[name].bytes is not None:
            self.odd(self.unsupported(n, f"{name} is not a plain local pointer that is allocated once"))
            return
        self._somewhere(n, "allocates")
        try:
            self.buffers[name].bytes = self.size(args[1])
        except XpilerError as e:
            self.buffers[name].failure = e

    def _memcpy(self, n: Node, args: list[Node]) -> None:
        target, source = self.pointer_name(args[0]), self.pointer_name(args[1])
        kinds, size = {self.text(a).rsplit("::", 1)[-1] for a in args[3:]}, None
        assert self.api is not None
        try:
            size = self.size(args[2])
        except XpilerError as e:
            self.odd(e)
        self._somewhere(n, "copies")
        any_way = f"{self.api.prefix}MemcpyDefault" in kinds
        if (kinds & set(self.api.to_device) or any_way) and target in self.buffers and source not in self.buffers:
            copy = Copy(source if source in self.parameters else None, size, n, self.buffers[target], True)
            self.buffers[target].copies_in.append(copy)
        elif (kinds & set(self.api.to_host) or any_way) and source in self.buffers and target not in self.buffers:
            copy = Copy(target if target in self.parameters else None, size, n, self.buffers[source], False)
            self.buffers[source].copies_out.append(copy)
        else:
            self.odd(self.unsupported(n, "this copy in the host code is not understood"))
            return
        self.acts.append(copy)

    def _symbol_copy(self, n: Node, args: list[Node], inward: bool) -> None:
        """`MemcpyToSymbol(symbol, source, bytes)` and back."""
        assert self.api is not None
        target, source = (args[0], args[1]) if inward else (args[1], args[0])
        inner = strip_parens(target)
        if inner.type == "call_expression" and self.arguments(inner):
            inner = strip_parens(self.arguments(inner)[0])  # HIP_SYMBOL(name)
        name = self.text(inner)
        self._somewhere(n, "copies")
        g = self.unit.globals.get(name)
        if g is None or not is_device_data(g, self.platform) or any(self.text(a) != "0" for a in args[3:4]):
            self.odd(self.unsupported(n, "this copy in the host code is not understood"))
            return
        data = self.symbols.setdefault(name, Symbol(n))
        plain = strip_parens(source)
        if inward and plain.type == "pointer_expression" and self.tree.operator(plain) == "&":
            with self.unhoisted():
                data.value = self.folded(self.expr(self.child(plain, "argument")))
            return
        host = self.pointer_name(source)
        copy = Copy(host if host in self.parameters else None, self.size(args[2]), n, None, inward)
        data.copies.append(copy)
        self.acts.append(copy)

    def data_extents_read(self) -> dict[str, Expr]:
        """How many elements it copies to each array at file scope."""
        out: dict[str, Expr] = {}
        for name, data in self.symbols.items():
            g = self.unit.globals[name]
            t = self.types.declarator(g.declarator, self.types.specifier(g.declaration)).type
            size = next((c.bytes for c in data.copies if c.bytes is not None), None)
            if size is not None and t.base is not None and t.dims:
                out[name] = elements(size, t.base.bytes)
        return out

    def assigned_data(self, name: str, right: Node, node: Node) -> bool:
        """`limit = n;` for a managed variable; False for any other name."""
        g = self.unit.globals.get(name)
        if g is None or not any(m.word == "__managed__" for m in g.marks):
            return False
        self._somewhere(node, "sets managed data")
        with self.unhoisted():
            self.symbols.setdefault(name, Symbol(node)).value = self.folded(self.expr(right))
        return True

    def _memset(self, n: Node, args: list[Node]) -> None:
        target = self.pointer_name(args[0])
        self._somewhere(n, "fills memory")
        try:
            value, size = self.size(args[1]), self.size(args[2])
        except XpilerError as e:
            self.odd(e)
            return
        if target not in self.buffers or not isinstance(value, Const):
            self.odd(self.unsupported(n, "this memset in the host code is not understood"))
            return
        self.acts.append(Fill(self.buffers[target], int(value.value), size, n))

    # -- launches ------------------------------------------------------------------------------------------------------

    def _launch(self, n: Node, callee: Node, grid: Node, block: Node, shared: Node | None, args: list[Node]) -> None:
        name, function = self.kernel_of(callee, args)
        site = LaunchSite(name, n, ones(), ones(), None, [], function=function)
        for level in ("grid", "block", "shared"):  # what is not understood of one does not hide the others
            try:
                if level == "grid":
                    site.grid = self.dim3(grid, n)
                elif level == "block":
                    site.block = self.dim3(block, n)
                else:
                    site.shared = self.size(shared) if shared is not None else None
            except XpilerError as e:
                site.failure = site.failure or e
                site.lost.add(level)
        self._launched(site, args)

    def _launch_tasks(self, n: Node, kernel: str, parts: list[Node], args: list[Node]) -> None:
        """`kernel<<<dim, type, queue>>>`: dim counts tasks, the type says how many of them are one job."""
        if len(parts) < 2:
            raise self.parse_error(n, "a launch needs its extents and the type of its jobs")
        site = LaunchSite(kernel.split("<")[0], n, ones(), ones(), None, [])
        try:
            job, dim = self.job(parts[1]), self.dim3(parts[0], n)
            if job is None:
                raise self.unsupported(parts[1], f"{self.text(parts[1])} is no type of job that is known here")
            jobs = jobs_of(dim["x"], job)
            if jobs is None:
                raise self.unsupported(n, f"{self.text(parts[0])} is not a multiple of the {job.tasks} tasks of a "
                                       f"{job.name}")
            x, y, z = (build.integer(v) for v in job.block)
            site.grid, site.block = {**dim, "x": jobs}, {"x": x, "y": y, "z": z}
        except XpilerError as e:
            site.failure = e
        self._launched(site, args)

    def _launched(self, site: LaunchSite, args: list[Node]) -> None:
        self._somewhere(site.node, "launches")
        params = site.function.params if site.function is not None else ()
        for k, a in enumerate(args):
            struct = params[k].type.struct if k < len(params) and not (params[k].type.pointers or params[k].type.dims) else None
            site.args += [self.argument_of(a)] if struct is None else \
                self.converted_members(struct, self.structs.get(self.text(strip_parens(a))) or self.given_struct(struct, a))
        site.guards = list(self.guards)
        self.sites.append(site)
        self.acts.append(site)

    def argument_of(self, a: Node) -> str | Expr | None:
        """An argument of a launch: a pointer's name, a value, or None when it is something else."""
        name = self.pointer_name(a)
        if name in self.buffers or name in self.parameters or name in self.locals:
            return name
        inside = {self.text(x) for x in preorder(a) if x.type == "identifier"}
        if inside & {*self.buffers, *self.parameters}:
            self.odd(self.unsupported(a, f"{short(self.text(a))} is no plain pointer to device memory: not supported here"))
            return None
        try:
            with self.unhoisted():
                return self.folded(self.expr(a))
        except XpilerError as e:
            self.odd(e)
            return None
