"""One kernel: its parameters, its body, and the axis loops around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..ir import build
from ..ir.nodes import AnyStmt, Block, Const, Expr, For, Host, Kernel, Param, Return, Var
from ..ir.types import I32
from ..ir.visit import fresh_name
from ..platforms.base import Platform
from .carved import Part
from .conditions import evaluate
from .context import Launched
from .file_data import FileData
from .functions import Function
from .host_facts import Symbol as Data
from .lane_types import settle_lanes
from .retype import retype_local_arrays
from .symbols import Moving, Pointer, Ptr, Value
from .tokens import Token
from .typenames import Declared
from .unit import Unit


@dataclass(slots=True)
class Launch:
    """How a kernel is started, in the kernel's own names where it has them.

    `extents` by axis name (absent: 1); `sizes` the host-only names they mention; `buffers` extents of buffer parameters
    by name; `host` the C ABI wrapper, if the text has one that we understand whole; `assume` what the host code makes
    sure of; `notes` what reading it took for granted, in words; `data` what it does to file-scope variables; `lost` the
    levels ("grid", "block") of which the text has a launch that is not understood: theirs are sizes, as without one."""

    extents: dict[str, Expr]
    shared_bytes: Expr | None = None
    sizes: tuple[Param, ...] = ()
    buffers: dict[str, Expr] = field(default_factory=dict)
    host: Host | None = None
    assume: list[Expr] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    data: dict[str, Data] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    def known(self, platform: Platform) -> dict[str, Expr]:
        """The extents by axis name; those of the levels that are not understood are sizes that someone must tell."""
        open_ones = {a.name: Var(a.extent_name, I32) for a in platform.axes if a.level in self.lost}
        return {**self.extents, **open_ones}


class Lowering(FileData):
    """Everything put together; one instance lowers one kernel."""

    def __init__(self, unit: Unit, f: Function, launch: Launch | None) -> None:
        launched = Launched(launch.known(unit.platform), launch.shared_bytes) if launch is not None else None
        super().__init__(unit, f, launched, {p.name for p in launch.sizes} if launch is not None else set())
        self.ever: set[str] = set()
        self.parts: dict[str, Part] = {}
        self.file_data: dict[str, Param] = {}
        self.host_data = launch.data if launch is not None else {}
        self.data_extents = launch.buffers if launch is not None else {}

    def fresh(self, base: str) -> str:
        name = super().fresh(base)
        self.ever.add(name)
        return name

    def snapshot(self) -> tuple[Any, ...]:
        return (super().snapshot(), set(self.ever))

    def restore(self, state: tuple[Any, ...]) -> None:
        inner, self.ever = state
        super().restore(inner)

    def fresh_everywhere(self, base: str) -> str:
        taken = self.ever | set().union(*self.visible)
        name = fresh_name(base, taken)
        self.ever.add(name)
        self.visible[0].add(name)
        return name

    def parameter(self, p: Declared, extent: Expr | None) -> Param:
        """Declare a kernel parameter; the IR's view of it."""
        assert p.name is not None
        name, t = self.text(p.name), p.type
        if t.struct is not None and not (t.pointers or t.dims):
            raise self.unsupported(p.name, f"the kernel parameter {name} of type {t.struct.name} is not supported")
        if t.base is None:
            raise self.unsupported(p.name, f"the parameter {name} has no element type (void)",
                                   "Give it one, such as float*.")
        if t.reference:
            raise self.unsupported(p.name, f"the kernel parameter {name} is a reference: not supported")
        if t.pointers > 1:
            raise self.unsupported(p.name, f"the parameter {name} is a pointer to pointers: not supported")
        if name in self.scopes[-1]:
            raise self.parse_error(p.name, f"two parameters are called {name}")
        info, span = self.info_of(p), self.span(p.name)
        self.fresh(name)
        if t.record is not None and (t.row or len(t.dims) > 1 or not (t.pointers or t.dims)):
            raise self.unsupported(p.name, f"the kernel parameter {name} of type {t.record.name} is not supported",
                                   "Pass a pointer to it, or its fields.")
        if not (t.pointers or t.dims or t.row):
            self.define(name, Value(Var(name, t.base)))
            if info.changes:
                self.define(name, self.cell(name, t.base, Var(name, t.base), p.name))
            return Param(name, t.base, const=t.const, span=span)
        dims = [None if d is None else self.constant(d, "an array dimension", p.name) for d in t.dims or (None, *t.row)]
        rest = tuple(d for d in dims[1:] if d is not None)
        if extent is None and all(d is not None for d in dims):
            total = 1
            own = self.scalar_count(t.struct, t.base, p.name) if t.struct is not None else 1
            for d in (*dims, len(t.record.fields) if t.record is not None else own):
                total *= d or 1
            extent = build.integer(total)
        ptr = Ptr(name, t.base, t.base, "flat", rest=rest, vector=len(t.record.fields) if t.record is not None else 0,
                  record=t.record)
        self.define(name, Pointer(ptr) if t.struct is None else self.seen_as_structs(t.struct, ptr, p.name))
        if t.struct is not None and info.changes:
            raise self.unsupported(p.name, f"{name} is a pointer to structs that moves: not supported", "Use an index.")
        if info.changes:
            if info.address:
                raise self.unsupported(p.name, f"the address of the pointer {name} is taken: not supported")
            cell = self.cell(name + "_offset", I32, build.integer(0), p.name)
            self.define(name, Moving(ptr, cell.buffer, I32, t.base))
        return Param(name, t.base, True, t.const, self.unit.is_restrict(p), extent, span=span)


def lower_kernel(unit: Unit, f: Function, launch: Launch | None) -> Kernel:
    """The kernel as IR.

    Args:
        unit: the text it stands in.
        f: the function.
        launch: how it is started; None when no one says, which makes the extents sizes of the kernel.
    Raises:
        XpilerError: located, naming what cannot be lowered.
    """
    if f.failure is not None:
        raise f.failure
    assert not f.is_template, "a template has no body before it is instantiated"
    if f.body is None:
        raise unit.tree.unsupported(f.node, f"{f.name} has no body")
    if f.result.base is not None or f.result.pointers:
        raise unit.tree.unsupported(f.node, "a kernel that returns a value is not supported",
                                    "Return it through a pointer.")
    low = Lowering(unit, f, launch)
    buffers: Mapping[str, Expr] = launch.buffers if launch is not None else {}
    params = tuple(low.parameter(p, buffers.get(unit.tree.text_of(p.name))) for p in f.params if p.name is not None)
    low.together(f)
    low.scopes.append({})
    for s in f.body.named_children:
        low.statement(s)
    stmts = low.prologue + low.out
    while stmts and isinstance(stmts[-1], Return):
        stmts.pop()
    low.settle_parts(stmts, (*params, *(launch.sizes if launch is not None else ())))
    body, sizes = _with_axes(low, unit.platform, launch, stmts)
    host = launch.host if launch is not None else None
    if low.file_data:
        params = (*params, *low.file_data.values())
        if host is None:
            name = next(iter(low.file_data))
            raise unit.tree.unsupported(unit.globals[name].declarator, f"the file-scope variable {name} is set by host code "
                                        "that is not here or not understood", "Pass it as a parameter.")
        host = replace(host, args=(*host.args, *low.data_arguments(f.node)))
    kernel = Kernel(f.name, params, body, unit.platform.name, sizes, host,
                    max_threads(low, f), tuple(launch.assume) if launch else (), tuple(launch.notes) if launch else (),
                    f.instance if f.template else "", span=unit.tree.span(f.node), comments=tuple(_comments_before(unit, f)))
    kernel = replace(kernel, body=settle_lanes(retype_local_arrays(kernel.body), unit.platform))
    if not low.views:
        return kernel
    from .views import split_views  # it reads meanings, which are lowered here

    return split_views(kernel, low.views, unit.source)


def _with_axes(low: Lowering, platform: Platform, launch: Launch | None,
               stmts: list[AnyStmt]) -> tuple[Block, tuple[Param, ...]]:
    """The body inside its axis loops, shared memory between grid and block; and the kernel's sizes."""
    sizes = list(launch.sizes) if launch is not None else []
    body = Block(tuple(stmts))
    for level in ("block", "grid"):
        if level == "grid" and low.shared:
            body = Block((*low.shared, *body.stmts))
        for axis in platform.axes:
            if axis.level != level:
                continue
            extent: Expr
            if launch is None or level in launch.lost:
                if axis.name not in low.mentioned:
                    continue
                extent = Var(axis.extent_name, I32)
                sizes.append(Param(axis.extent_name, I32))
            else:
                extent = build.convert(launch.extents.get(axis.name, build.integer(1)), I32)
                if axis.name not in low.mentioned and isinstance(extent, Const) and extent.value == 1:
                    continue
            body = Block((For(axis.name, build.integer(0), extent, build.integer(1), body, "parallel", axis.name),))
    if not platform.axes and low.shared:
        body = Block((*low.shared, *body.stmts))
    return body, tuple(sizes)


def max_threads(low: Lowering, f: Function) -> int | None:
    """The first number of `__launch_bounds__`."""
    if f.bounds is None:
        return None
    words: list[Token] = []
    depth = 0
    for t in f.bounds.words:
        depth += {"(": 1, ")": -1}.get(t.text, 0)
        if t.text == "," and depth == 0:
            break
        words.append(t)
    at = low.tree.prepared.origin(f.bounds.at, f.bounds.at + 1)[0]

    def known(name: str) -> list[Token] | None:
        symbol = low.find(name) or low.global_symbol(name, f.node)
        if isinstance(symbol, Value) and symbol.const is not None and symbol.const.dtype.is_integer:
            return [Token("num", str(symbol.const.value), 0, 0)]
        raise low.tree.source.unsupported(at, f"__launch_bounds__ with {name} is not supported", "Write the number.")

    value = evaluate(words, known, lambda m: low.tree.source.unsupported(at, f"__launch_bounds__: {m}"))
    if value <= 0:
        raise low.tree.source.unsupported(at, "__launch_bounds__ must be positive")
    return value


def _comments_before(unit: Unit, f: Function) -> list[str]:
    """Comments right in front of the function; the launch comment is not one of them, its content is the launch."""
    start = unit.tree.origin(f.node)[0]
    ends = [unit.tree.origin(g.node)[1] for g in unit.all_functions() if g.node.end_byte <= f.node.start_byte]
    after = max(ends, default=0)
    out = []
    for c in unit.tree.prepared.comments:
        if after <= c.start < start and c.text and not c.text.replace(" ", "").startswith("launch:"):
            out.append(c.text)
    return out

