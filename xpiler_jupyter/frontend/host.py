"""Host code, read symbolically: what it allocates, copies and launches, over the parameters of the host function."""

from __future__ import annotations

from tree_sitter import Node

from ..errors import UnsupportedError, XpilerError
from ..ir import build
from ..ir.nodes import Const, Expr, Var
from ..ir.types import I32
from ..platforms.host_api import JobType
from .host_facts import Copy, DeviceBuffer, LaunchSite, jobs_of
from .lower import Lowering
from .sizes import narrowed
from .symbols import Ptr, Value
from .tree import field as child
from .tree import preorder, strip_parens
from .unit import Function, Unit

# Run-time calls without an effect on what the kernel sees or computes.
_HARMLESS = ("Free", "FreeAsync", "FreeHost", "HostFree", "DeviceSynchronize", "StreamSynchronize", "ThreadSynchronize",
             "GetLastError", "PeekAtLastError", "GetErrorString", "GetErrorName", "SetDevice", "GetDevice",
             "GetDeviceCount", "GetDeviceProperties", "DeviceReset", "FuncSetAttribute", "FuncSetCacheConfig",
             "DeviceSetCacheConfig", "DeviceGetAttribute", "MemPrefetchAsync", "SyncDevice")
_HARMLESS_STARTS = ("Event", "Stream", "Profiler", "Queue", "Notifier", "PlaceNotifier", "WaitNotifier")
_PATHS = frozenset(("subscript_expression", "field_expression", "pointer_expression", "parenthesized_expression"))
_DECLARATORS = frozenset(("pointer_declarator", "array_declarator", "parenthesized_declarator", "identifier",
                          "function_declarator", "reference_declarator"))
_CHANGES = frozenset(("assignment_expression", "update_expression"))


class HostReader(Lowering):
    """Walks one host function in order. Straight-line code only: what hides under conditions or loops is refused when
    it matters. `oddity` is the first thing that a plain wrapper would not do."""

    def __init__(self, unit: Unit, f: Function) -> None:
        super().__init__(unit, f, None)
        self.api = unit.platform.api
        self.jobs: dict[str, JobType] = {}
        self.dims: dict[str, dict[str, Expr]] = {}
        self.buffers: dict[str, DeviceBuffer] = {}
        self.parameters: set[str] = set()
        self.locals: set[str] = set()
        self.unknown: dict[str, XpilerError] = {}
        self.sites: list[LaunchSite] = []
        self.oddity: XpilerError | None = None
        self.literals: dict[str, Const] = {}  # locals with a literal value that stay symbolic: see `_passed`
        self.symbolic = self._passed(f)
        for p in f.params:
            if p.name is None:
                continue
            name = self.text(p.name)
            if p.type.pointers or p.type.dims or p.type.row:
                self.parameters.add(name)
            elif p.type.base is not None:
                self.define(name, Value(Var(name, p.type.base)))
        for s in f.body.named_children if f.body is not None else ():
            self.walk(s)

    def _passed(self, f: Function) -> frozenset[str]:
        """Locals that a launch passes plainly and that never change: `int n = 1000; k<<<(n + 255) / 256, 256>>>(a, n)`
        says how the launch follows from the kernel's n, not only what it is for 1000."""
        if f.body is None:
            return frozenset()
        passed: set[str] = set()
        changed: set[str] = set()
        for n in preorder(f.body):
            if n.type == "call_expression" and any(c.type == "kernel_call_syntax" for c in n.children):
                passed |= {self.text(a) for a in self.child(n, "arguments").named_children if a.type == "identifier"}
            elif n.type in _CHANGES:
                target = self.child(n, "left" if n.type == "assignment_expression" else "argument")
                changed |= {self.text(x) for x in preorder(target) if x.type == "identifier"}
            elif n.type == "pointer_expression":
                changed |= {self.text(x) for x in preorder(n) if x.type == "identifier"}
        return frozenset(passed - changed)

    # -- statements ----------------------------------------------------------------------------------------------------

    def walk(self, node: Node) -> None:
        kind = node.type
        if kind == "compound_statement":
            for c in node.named_children:
                self.walk(c)
        elif kind == "declaration":
            self._declared(node)
        elif kind in ("expression_statement", "return_statement"):
            for c in node.named_children:
                self._expression(c)
        elif kind == "if_statement":
            self._if(node)
        elif kind == "do_statement" and self.text(strip_parens(self.child(node, "condition"))) in ("0", "false"):
            self.walk(self.child(node, "body"))
        else:
            self._opaque(node, "a loop" if kind.endswith(("for_statement", "while_statement", "do_statement")) else
                         f"a {kind.replace('_', ' ')}")

    def _if(self, node: Node) -> None:
        condition = self.child(node, "condition")
        for n in preorder(condition):
            if n.type == "call_expression":
                self._call(n)
        for name in ("consequence", "alternative"):
            branch = child(node, name)
            if branch is not None:
                self._opaque(branch, "a condition")

    def _opaque(self, node: Node, where: str) -> None:
        """Code that may run any number of times: nothing that matters may happen in it."""
        for n in preorder(node):
            if n.type == "call_expression" and self._matters(n):
                raise self.unsupported(n, f"host code that allocates, copies or launches under {where} is not "
                                       "supported", "Make it straight-line, or add: // launch: grid(...) block(...)")
            if n.type in _CHANGES:
                self._changed(n, where)

    def _changed(self, n: Node, where: str) -> None:
        target = strip_parens(self.child(n, "left" if n.type == "assignment_expression" else "argument"))
        while target.type in _PATHS:
            deeper = child(target, "argument") or next(iter(target.named_children), None)
            if deeper is None:
                break
            target = deeper
        name = self.text(target)
        error = self.unsupported(n, f"the host code changes {name} under {where}")
        if name in self.parameters:
            self.oddity = self.oddity or error
        self.dims.pop(name, None)
        self.unknown[name] = error

    def _matters(self, n: Node) -> bool:
        name = self._called(n)
        return any(c.type == "kernel_call_syntax" for c in n.children) or (self.api is not None and name.startswith(
            tuple(self.api.prefix + w for w in ("Malloc", "Memcpy", "Memset", "Launch"))))

    def _called(self, n: Node) -> str:
        return self.text(self.child(n, "function"))

    # -- declarations --------------------------------------------------------------------------------------------------

    def _declared(self, node: Node) -> None:
        declarators = node.children_by_field_name("declarator")
        type_node = child(node, "type")
        type_name = self.text(type_node) if type_node is not None else ""
        dim = self.api.dim if self.api is not None else "dim3"
        for d in declarators:
            value = child(d, "value") if d.type == "init_declarator" else None
            at: Node | None = d
            pointer = array = False
            while at is not None and at.type != "identifier":
                pointer, array = pointer or at.type == "pointer_declarator", array or at.type == "array_declarator"
                if at.type == "function_declarator" and type_name == dim:
                    raise self.unsupported(d, "this reads like the declaration of a function", f"Write {dim} name{{...}}.")
                at = child(at, "declarator") or next((c for c in at.named_children if c.type in _DECLARATORS), None)
            if at is None:
                continue
            name = self.text(at)
            if self._job(value) is not None:
                self._named_job(name, value)
            elif type_name == dim:
                self._forget(name)
                self.dims[name] = self._dim3(value, d) if value is not None else _ones()
            elif pointer:
                self._forget(name)
                self._pointer_declared(name, value, d)
            elif array:
                self._forget(name)
                self.locals.add(name)
            else:
                self._scalar_declared(node, d, name, value)

    def _forget(self, name: str) -> None:
        for table in (self.dims, self.buffers, self.unknown, self.jobs):
            table.pop(name, None)
        self.locals.discard(name)

    def _job(self, value: Node | None) -> JobType | None:
        """The shape of a job that the word or the variable stands for."""
        if value is None or self.api is None or not self.api.jobs:
            return None
        word = self.text(strip_parens(value))
        return self.jobs.get(word) or self.api.job(word)

    def _named_job(self, name: str, value: Node | None) -> None:
        job = self._job(value)
        if job is not None:
            self._forget(name)
            self.jobs[name] = job

    def _pointer_declared(self, name: str, value: Node | None, d: Node) -> None:
        if value is None or value.type in ("null", "number_literal") or self.text(value) in ("NULL", "{}"):
            self.buffers[name] = DeviceBuffer(name, d)
            return
        self._calls_in(value)
        self.locals.add(name)
        if value.type == "identifier" and self.text(value) in self.parameters:
            self.oddity = self.oddity or self.unsupported(d, f"the host code gives {self.text(value)} a second name")

    def _scalar_declared(self, node: Node, d: Node, name: str, value: Node | None) -> None:
        self._forget(name)
        if value is not None:
            self._calls_in(value)
        try:
            declared = self.types.declarator(d, self.types.specifier(node))
            if declared.type.auto and value is not None:
                self.define(name, self._held(self.expr(value)))
            elif declared.type.base is not None:
                init = self._initial(value, declared.type.base)
                if init is None:
                    self.unknown[name] = self.unsupported(d, f"the host variable {name} has no value yet")
                    return
                held = self._held(init)
                if name in self.symbolic and held.const is not None and held.const.dtype.is_integer:
                    self.literals[name] = held.const
                    held = Value(Var(name, held.const.dtype))
                self.define(name, held)
        except XpilerError as e:
            self.unknown[name] = e

    def _held(self, e: Expr) -> Value:
        e = narrowed(self.folded(e))
        return Value(e, e if isinstance(e, Const) else None)

    # -- expressions ---------------------------------------------------------------------------------------------------

    def _expression(self, node: Node) -> None:
        node = strip_parens(node)
        if node.type == "comma_expression":
            self._expression(self.child(node, "left"))
            self._expression(self.child(node, "right"))
        elif node.type == "assignment_expression":
            self._assigned(node)
        elif node.type in _CHANGES:
            self._changed(node, "an update")
        else:
            self._calls_in(node)

    def _calls_in(self, node: Node) -> None:
        for n in preorder(node):
            if n.type == "call_expression":
                self._call(n)

    def _assigned(self, node: Node) -> None:
        left, right = strip_parens(self.child(node, "left")), self.child(node, "right")
        op, name = self.tree.operator(node), self.text(left)
        if left.type == "field_expression":
            base = self.text(self.child(left, "argument"))
            if base in self.dims and op == "=":
                self.dims[base][self.text(self.child(left, "field"))] = self._size(right)
                return
        if name in self.dims and op == "=":
            self.dims[name] = self._dim3(right, node)
            return
        if op == "=" and self._job(right) is not None:
            self._named_job(name, right)
            return
        self._calls_in(right)
        symbol = self.find(name) if left.type == "identifier" else None
        if left.type == "identifier" and (isinstance(symbol, Value) or name in self.unknown):
            try:
                value = self.expr(right)
                if op != "=":
                    value = self.arithmetic(node, op[:-1], self.expr(left), value)
                if isinstance(symbol, Value):
                    value = build.convert(value, symbol.expr.dtype)
                self.unknown.pop(name, None)
                self.define(name, self._held(value))
            except XpilerError as e:
                self.unknown[name] = e
        elif name in self.buffers and op == "=":
            self.buffers.pop(name)
            self.locals.add(name)
        else:
            self._changed(node, "the host code's own work")

    def _on_identifier(self, node: Node) -> Expr | Ptr:
        name = self.text(node)
        if name in self.unknown:
            why = self.unknown[name]
            raise self.unsupported(node, f"the host code's {name} is not understood: {why.message}", why.hint)
        return super()._on_identifier(node)

    def _on_field_expression(self, node: Node) -> Expr | Ptr:
        base, member = self.child(node, "argument"), self.child(node, "field")
        dim = self.dims.get(self.text(base))
        if dim is not None and self.text(member) in dim:
            # dim3 fields are unsigned; sizes never exceed an int, so an int it is.
            return dim[self.text(member)]
        raise self.unsupported(node, f"{self.text(node)} in host code is not understood")

    def _size(self, node: Node) -> Expr:
        """An integer of the launch or a size in bytes."""
        with self.unhoisted():
            e = narrowed(self.folded(self.expr(node)))
        if not e.dtype.is_integer:
            e = build.convert(e, I32)
        return e

    def _dim3(self, node: Node, where: Node) -> dict[str, Expr]:
        """`dim3(a, b)`, `{a, b}`, `(a, b)`, another dim3, or one integer."""
        node = strip_parens(node)
        if node.type == "identifier" and self.text(node) in self.dims:
            return dict(self.dims[self.text(node)])
        if node.type == "call_expression" and self.api is not None and self._called(node) == self.api.dim:
            node = self.child(node, "arguments")
        if node.type == "compound_literal_expression":
            node = self.child(node, "value")
        if node.type in ("argument_list", "initializer_list"):
            parts = node.named_children
            if len(parts) == 1 and self.text(strip_parens(parts[0])) in self.dims:
                return dict(self.dims[self.text(strip_parens(parts[0]))])
            if len(parts) > 3:
                raise self.parse_error(where, "a dim3 takes at most three values")
            return _ones() | dict(zip("xyz", (self._size(p) for p in parts), strict=False))
        return _ones() | {"x": self._size(node)}

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, n: Node) -> None:
        syntax = next((c for c in n.children if c.type == "kernel_call_syntax"), None)
        name, args = self._called(n), self.arguments(n)
        if syntax is not None:
            parts = syntax.named_children
            if self.api is not None and self.api.jobs:
                self._launch_tasks(n, name, parts, args)
                return
            if len(parts) < 2:
                raise self.parse_error(syntax, "a launch needs a grid and a block")
            self._launch(n, name, parts[0], parts[1], parts[2] if len(parts) > 2 else None, args)
            return
        if self.api is not None and name == self.api.prefix + "LaunchKernelGGL":
            if len(args) < 5:
                raise self.parse_error(n, f"{name} needs a kernel, a grid, a block, shared bytes and a stream")
            self._launch(n, self.text(strip_parens(args[0])), args[1], args[2], args[3], args[5:])
            return
        if self.api is not None and name in self.api.checks:
            return  # the calls in it are looked at by themselves
        if self.api is None or not name.startswith(self.api.prefix):
            self._foreign(n, name, args)
            return
        word = name[len(self.api.prefix):]
        if word in ("Malloc", "MallocAsync") and len(args) >= 2:
            self._malloc(n, args)
        elif word in ("Memcpy", "MemcpyAsync") and len(args) >= 4:
            self._memcpy(n, args)
        elif word in _HARMLESS or word.startswith(_HARMLESS_STARTS):
            return
        else:
            self.oddity = self.oddity or self.unsupported(n, f"{name} in host code is not supported")

    def _foreign(self, n: Node, name: str, args: list[Node]) -> None:
        for a in args:
            for x in preorder(a):
                if x.type == "identifier" and (self.text(x) in self.buffers or self.text(x) in self.parameters):
                    self.oddity = self.oddity or self.unsupported(
                        n, f"the host code passes {self.text(x)} to {name}: not supported")

    def _malloc(self, n: Node, args: list[Node]) -> None:
        target = strip_parens(args[0])
        while target.type == "cast_expression":
            target = strip_parens(self.child(target, "value"))
        if target.type == "call_expression":
            inner = self.arguments(target)
            target = strip_parens(inner[0]) if inner else target
        if target.type != "pointer_expression" or self.tree.operator(target) != "&":
            raise self.unsupported(n, "this allocation is not understood", "Write it as Malloc(&pointer, bytes).")
        name = self.text(strip_parens(self.child(target, "argument")))
        if name not in self.buffers or self.buffers[name].bytes is not None:
            raise self.unsupported(n, f"{name} is not a plain local pointer that is allocated once")
        self.buffers[name].bytes = self._size(args[1])

    def _memcpy(self, n: Node, args: list[Node]) -> None:
        target, source = self._pointer_name(args[0]), self._pointer_name(args[1])
        kinds, size = {self.text(a).rsplit("::", 1)[-1] for a in args[3:]}, None
        assert self.api is not None
        try:
            size = self._size(args[2])
        except UnsupportedError as e:
            self.oddity = self.oddity or e
        if kinds & set(self.api.to_device) and target in self.buffers:
            self.buffers[target].copies_in.append(Copy(source if source in self.parameters else None, size, n))
            late = bool(self.sites)
        elif kinds & set(self.api.to_host) and source in self.buffers:
            self.buffers[source].copies_out.append(Copy(target if target in self.parameters else None, size, n))
            late = not self.sites
        else:
            late = True
        if late:
            self.oddity = self.oddity or self.unsupported(n, "this copy in the host code is not understood")

    def _pointer_name(self, node: Node) -> str:
        node = strip_parens(node)
        while node.type == "cast_expression":
            node = strip_parens(self.child(node, "value"))
        return self.text(node)

    def _launch(self, n: Node, kernel: str, grid: Node, block: Node, shared: Node | None, args: list[Node]) -> None:
        self.sites.append(LaunchSite(kernel, n, self._dim3(grid, n), self._dim3(block, n),
                                     self._size(shared) if shared is not None else None, self._passes(args)))

    def _launch_tasks(self, n: Node, kernel: str, parts: list[Node], args: list[Node]) -> None:
        """`kernel<<<dim, type, queue>>>`: dim counts tasks, the type says how many of them are one job."""
        if len(parts) < 2:
            raise self.parse_error(n, "a launch needs its extents and the type of its jobs")
        job, dim = self._job(parts[1]), self._dim3(parts[0], n)
        if job is None:
            raise self.unsupported(parts[1], f"{self.text(parts[1])} is no type of job that is known here")
        jobs = jobs_of(dim["x"], job)
        if jobs is None:
            raise self.unsupported(n, f"{self.text(parts[0])} is not a multiple of the {job.tasks} tasks of a {job.name}")
        x, y, z = (build.integer(v) for v in job.block)
        self.sites.append(LaunchSite(kernel, n, {**dim, "x": jobs}, {"x": x, "y": y, "z": z}, None, self._passes(args)))

    def _passes(self, args: list[Node]) -> list[str | Expr]:
        """The arguments of a launch: a pointer's name, or a value."""
        values: list[str | Expr] = []
        for a in args:
            name = self._pointer_name(a)
            if name in self.buffers or name in self.parameters or name in self.locals:
                values.append(name)
                continue
            with self.unhoisted():
                values.append(self.folded(self.expr(a)))
        return values


def _ones() -> dict[str, Expr]:
    return {"x": build.integer(1), "y": build.integer(1), "z": build.integer(1)}
