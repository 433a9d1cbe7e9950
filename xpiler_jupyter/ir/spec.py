"""The well-formedness rules of the kernel language, as code. Run between passes in tests and after every pass in a port.

What holds of every kernel: names are defined before use and once per scope; operand types agree; ranks fit; axis loops
are outermost, each axis once, from 0 by 1; shared buffers stand outside the block axes; barriers stand inside them.
"""

from __future__ import annotations

from ..errors import IRError
from .nodes import (
    Alloc,
    Barrier,
    Binary,
    Block,
    Break,
    Call,
    Cast,
    Const,
    Continue,
    Expr,
    For,
    If,
    InstrCall,
    Kernel,
    Let,
    Load,
    Node,
    Ref,
    Return,
    Select,
    Store,
    Unary,
    Var,
    While,
)
from .types import BOOL, ScalarType, integer_promotion

_ARITHMETIC = frozenset(("+", "-", "*", "/", "%", "&", "|", "^"))
_COMPARE = frozenset(("<", "<=", ">", ">=", "==", "!="))


class _Scope:
    """Names in sight: scalars with their type, buffers with type, rank and memory."""

    def __init__(self, outer: _Scope | None = None) -> None:
        self.scalars: dict[str, ScalarType] = dict(outer.scalars) if outer else {}
        self.buffers: dict[str, tuple[ScalarType, int, str]] = dict(outer.buffers) if outer else {}
        self.loops: int = outer.loops if outer else 0
        self.in_block_axis: bool = outer.in_block_axis if outer else False


def check(kernel: Kernel, block_axes: frozenset[str] = frozenset()) -> Kernel:
    """The kernel itself when it is well formed. `block_axes` names the axes whose threads share memory and barriers.
    Raises IRError at the first node that breaks a rule."""
    scope = _Scope()
    for p in kernel.params + kernel.sizes:
        if p.name in scope.scalars or p.name in scope.buffers:
            raise _broken(p, f"parameter {p.name!r} stands twice")
        if p.pointer:
            scope.buffers[p.name] = (p.dtype, 1, "global")
        else:
            scope.scalars[p.name] = p.dtype
    for p in kernel.params:
        if p.extent is not None:
            _expr(p.extent, scope)
    _Checker(block_axes).block(kernel.body, scope, outermost=True)
    _check_host(kernel)
    return kernel


def _broken(node: Node, rule: str) -> IRError:
    err = IRError.at(node, f"ill-formed kernel: {rule}")
    assert isinstance(err, IRError)
    return err


def _check_host(kernel: Kernel) -> None:
    if kernel.host is None:
        return
    by_name = {p.name: p for p in kernel.host.params}
    passed = {a.param: a for a in kernel.host.args}
    for p in kernel.params:
        if p.name not in passed:
            raise _broken(kernel.host, f"the wrapper passes nothing for {p.name!r}")
        arg = passed[p.name]
        if p.pointer and arg.source is not None and (arg.source not in by_name or not by_name[arg.source].pointer):
            raise _broken(arg, f"the wrapper has no buffer {arg.source!r}")
        if not p.pointer and arg.value is None:
            raise _broken(arg, f"the wrapper gives no value for {p.name!r}")
    for s in kernel.sizes:
        if s.name not in by_name:
            raise _broken(s, f"the launch uses {s.name!r}, which the wrapper does not receive")


class _Checker:
    def __init__(self, block_axes: frozenset[str]) -> None:
        self.axes: set[str] = set()
        self.block_axes = block_axes

    def block(self, b: Block, outer: _Scope, outermost: bool = False) -> None:
        scope = _Scope(outer)
        for s in b.stmts:
            self.stmt(s, scope, outermost)

    def stmt(self, s: Node, scope: _Scope, outermost: bool) -> None:
        if isinstance(s, Block):
            self.block(s, scope, outermost)
        elif isinstance(s, For):
            self._for(s, scope, outermost)
        elif isinstance(s, If):
            _expect(s.cond, BOOL, scope)
            self.block(s.then, scope)
            if s.orelse is not None:
                self.block(s.orelse, scope)
        elif isinstance(s, While):
            _expect(s.cond, BOOL, scope)
            inner = _Scope(scope)
            inner.loops += 1
            self.block(s.body, inner)
        elif isinstance(s, Let):
            _expect(s.value, s.dtype, scope)
            scope.scalars[s.name] = s.dtype
        elif isinstance(s, Alloc):
            for d in s.shape:
                _expr(d, scope)
            if s.memory == "shared" and scope.in_block_axis:
                raise _broken(s, f"shared buffer {s.name!r} stands inside the thread axes")
            scope.buffers[s.name] = (s.dtype, len(s.shape), s.memory)
        elif isinstance(s, Store):
            _place(s, s.buffer, s.indices, s.dtype, scope)
            _expect(s.value, s.dtype, scope)
        elif isinstance(s, Barrier):
            if self.block_axes & self.axes and not scope.in_block_axis:
                raise _broken(s, "a barrier outside the thread axes")
        elif isinstance(s, InstrCall):
            for a in s.args:
                _expr(a, scope)
        elif isinstance(s, Break | Continue):
            if not scope.loops:
                raise _broken(s, "break or continue outside a loop")
        elif not isinstance(s, Return):
            raise _broken(s, f"{type(s).__name__} is no statement")

    def _for(self, s: For, scope: _Scope, outermost: bool) -> None:
        for bound in (s.lo, s.hi, s.step):
            _expect(bound, s.dtype, scope)
        inner = _Scope(scope)
        if s.kind == "parallel":
            if s.axis is None or s.var != s.axis:
                raise _broken(s, f"the variable of an axis loop is the axis itself, not {s.var!r}")
            if s.axis in self.axes:
                raise _broken(s, f"axis {s.axis} is bound twice")
            if not outermost:
                raise _broken(s, f"axis {s.axis} is bound below a serial loop or a branch")
            if not (isinstance(s.lo, Const) and s.lo.value == 0 and isinstance(s.step, Const) and s.step.value == 1):
                raise _broken(s, f"axis {s.axis} does not run from 0 by 1")
            self.axes.add(s.axis)
            inner.in_block_axis = inner.in_block_axis or s.axis in self.block_axes
        else:
            inner.loops += 1
        inner.scalars[s.var] = s.dtype
        self.block(s.body, inner, outermost and s.kind == "parallel")


def _expect(e: Expr, dtype: ScalarType, scope: _Scope) -> None:
    _expr(e, scope)
    if e.dtype != dtype:
        raise _broken(e, f"{type(e).__name__} has type {e.dtype}, not {dtype}")


def _place(node: Node, buffer: str, indices: tuple[Expr, ...], dtype: ScalarType, scope: _Scope) -> None:
    if buffer not in scope.buffers:
        raise _broken(node, f"buffer {buffer!r} is not in scope")
    stored, rank, _ = scope.buffers[buffer]
    if len(indices) != rank:
        raise _broken(node, f"buffer {buffer!r} has rank {rank}, not {len(indices)}")
    if stored != dtype and stored.bits != dtype.bits:
        raise _broken(node, f"buffer {buffer!r} of {stored} cannot be seen as {dtype}")
    for i in indices:
        _expr(i, scope)
        if not i.dtype.is_integer:
            raise _broken(i, f"an index of {buffer!r} is {i.dtype}")


def _expr(e: Expr, scope: _Scope) -> None:
    if isinstance(e, Var):
        known = scope.scalars.get(e.name)
        if known is None:
            raise _broken(e, f"{e.name!r} is not in scope")
        if known != e.dtype:
            raise _broken(e, f"{e.name!r} is {known}, not {e.dtype}")
    elif isinstance(e, Load | Ref):
        _place(e, e.buffer, e.indices, e.dtype, scope)
    elif isinstance(e, Unary):
        _expr(e.x, scope)
        if (e.op == "!" and (e.dtype != BOOL or e.x.dtype != BOOL)) or (e.op != "!" and e.dtype != e.x.dtype):
            raise _broken(e, f"{e.op} of {e.x.dtype} gives {e.dtype}")
    elif isinstance(e, Binary):
        _expr(e.a, scope)
        _expr(e.b, scope)
        _binary(e)
    elif isinstance(e, Select):
        _expect(e.cond, BOOL, scope)
        _expect(e.a, e.dtype, scope)
        _expect(e.b, e.dtype, scope)
    elif isinstance(e, Cast):
        _expr(e.x, scope)
    elif isinstance(e, Call):
        for a in e.args:
            _expr(a, scope)
    elif isinstance(e, Const):
        kind = bool if e.dtype == BOOL else float if e.dtype.is_float else int
        if type(e.value) is not kind:
            raise _broken(e, f"constant {e.value!r} has type {e.dtype}")
    else:
        raise _broken(e, f"{type(e).__name__} is no expression")


def _binary(e: Binary) -> None:
    a, b = e.a.dtype, e.b.dtype
    if e.op in ("&&", "||"):
        fine = a == b == e.dtype == BOOL
    elif e.op in _COMPARE:
        fine = a == b and e.dtype == BOOL
    elif e.op in ("<<", ">>"):
        fine = a == e.dtype and a.is_integer and b.is_integer
    else:
        fine = e.op in _ARITHMETIC and a == b == e.dtype and integer_promotion(a) == a
    if not fine:
        raise _broken(e, f"{a} {e.op} {b} gives {e.dtype}")
