"""The kernel language: frozen, typed, with a source span on every node.

Two families. Expressions are pure. Statements act on buffers. A scalar that changes is a buffer of rank 0; a scalar
that does not is a `Let`. Parallelism is a `For` over an axis of the platform, outermost in the body: the extent of that
loop *is* the launch. C semantics hold: integer division truncates, unsigned wraps, every expression carries its type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .types import BOOL, I32, ScalarType


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the source text: byte offsets [start, end), and 1-based line and column of the start."""

    start: int
    end: int
    line: int
    column: int


class _Hashed:
    """Room for a node's hash: expressions and kernels are keys of many tables, and hashing a deep tree costs. Not
    a dataclass field, so it is neither compared, copied nor pickled (string hashes differ between processes)."""

    __slots__ = ("_hash",)
    _hash: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(_Hashed):
    span: Span | None = field(default=None, compare=False, repr=False)


# -- expressions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Const(Node):
    """A literal. `value` is a bool, an int or a float, according to `dtype`."""

    value: bool | int | float
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Var(Node):
    """A name that does not change: a loop variable, a `Let`, a scalar parameter, or an axis such as "threadIdx.x"."""

    name: str
    dtype: ScalarType = I32


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`op` is one of - ! ~ ."""

    op: str
    x: Expr
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """C's binary operators. Operands of arithmetic and comparison already have one common type (see `Cast.implicit`);
    shifts keep their left type; `&&` and `||` short-circuit. Comparisons and logic have dtype bool."""

    op: str
    a: Expr
    b: Expr
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Select(Node):
    """C's `cond ? a : b`: only the chosen side is evaluated."""

    cond: Expr
    a: Expr
    b: Expr
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """Value conversion. `implicit` marks one that the C text leaves unsaid; the printer leaves it unsaid where it can."""

    x: Expr
    dtype: ScalarType
    implicit: bool = False


@dataclass(frozen=True, slots=True)
class Load(Node):
    """Read `buffer[indices]`. When `dtype` differs from the buffer's element type (same size), the bits are
    reinterpreted, as `((int*)buffer)[i]` does. Rank 0: `indices` is empty."""

    buffer: str
    indices: tuple[Expr, ...]
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A pure function under its canonical name: C's <math.h> name without type suffix ("exp", "sqrt", "max", "fma").
    Integer and float `min`/`max`/`abs` share one name; float max/min are fmax/fmin (a NaN operand loses).
    The dtype of the call is the type it computes in. Fast variants keep their own names ("__expf")."""

    fn: str
    args: tuple[Expr, ...]
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """A place in a buffer, as an operand of an `InstrCall`: the address of `buffer[indices]`."""

    buffer: str
    indices: tuple[Expr, ...]
    dtype: ScalarType


Expr = Const | Var | Unary | Binary | Select | Cast | Load | Call | Ref



def _hash_once(cls: type[Node]) -> None:
    plain = cls.__hash__

    def hashed(self: Node) -> int:
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", plain(self))
            return self._hash

    cls.__hash__ = hashed  # type: ignore[assignment, method-assign]


# -- statements --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Stmt(Node):
    comments: tuple[str, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Block(Node):
    """Statements in order. The scope of a `Let` or an `Alloc` is the rest of its block."""

    stmts: tuple[AnyStmt, ...] = ()


ForKind = Literal["serial", "parallel", "unrolled", "threads"]


@dataclass(frozen=True, slots=True)
class For(Stmt):
    """`for (var = lo; var < hi; var += step)`, step > 0. `kind` "parallel" runs over `axis` of the platform, has
    lo 0 and step 1, and its `var` is the axis' own name, e.g. "blockIdx.x" (a `Let` gives it another). "threads" is an
    ordinary loop, anywhere, whose iterations the threads of a processor share (`Platform.loop_axis`)."""

    var: str
    lo: Expr
    hi: Expr
    step: Expr
    body: Block
    kind: ForKind = "serial"
    axis: str | None = None
    dtype: ScalarType = I32


@dataclass(frozen=True, slots=True)
class While(Stmt):
    cond: Expr
    body: Block


@dataclass(frozen=True, slots=True)
class If(Stmt):
    cond: Expr
    then: Block
    orelse: Block | None = None


@dataclass(frozen=True, slots=True)
class Let(Stmt):
    """A scalar that is set once: `const T name = value;`."""

    name: str
    dtype: ScalarType
    value: Expr


@dataclass(frozen=True, slots=True)
class Alloc(Stmt):
    """A buffer local to the block it stands in. `memory` is a memory of the platform: "local" (private to the thread,
    the only one in plain C) or e.g. "shared". A shared Alloc stands between the block axes and the thread axes.
    Contents start undefined, unless `zeroed`."""

    name: str
    dtype: ScalarType
    shape: tuple[Expr, ...]
    memory: str = "local"
    zeroed: bool = False


@dataclass(frozen=True, slots=True)
class Store(Stmt):
    """`buffer[indices] = value`. `x += e` is a Store whose value adds to a Load of the same place. `dtype` is the type
    of the access (see `Load`); the value has that type. `atomic`: part of an atomic update, which no other thread comes in
    between; only in kernels whose instrs are written out for analyses, and never printed."""

    buffer: str
    indices: tuple[Expr, ...]
    value: Expr
    dtype: ScalarType
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Barrier(Stmt):
    """All threads of `scope` ("block", "warp") arrive before any leaves, and see each other's writes."""

    scope: str = "block"


@dataclass(frozen=True, slots=True)
class InstrCall(Stmt):
    """An intrinsic of the platform's table, with `Ref` and scalar operands."""

    instr: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Return(Stmt):
    """Ends this thread (or the whole kernel on a platform without axes)."""


@dataclass(frozen=True, slots=True)
class Break(Stmt):
    pass


@dataclass(frozen=True, slots=True)
class Continue(Stmt):
    pass


AnyStmt = For | While | If | Let | Alloc | Store | Barrier | InstrCall | Return | Break | Continue | Block

# -- kernels -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Param(Node):
    """A parameter. A buffer (`pointer`) has an `extent` in elements if it is known, over scalar names in scope."""

    name: str
    dtype: ScalarType
    pointer: bool = False
    const: bool = False
    restrict: bool = False
    extent: Expr | None = None


@dataclass(frozen=True, slots=True)
class HostArg(Node):
    """What the host wrapper passes for one parameter of the kernel: for a buffer the wrapper's pointer parameter
    (`source`) with the directions copied, or None for scratch it allocates itself; for a scalar an expression. `fill` is
    what each byte of a buffer is set to before the launch, instead of being copied in."""

    param: str
    source: str | None = None
    value: Expr | None = None
    copy_in: bool = True
    copy_out: bool = True
    fill: int | None = None


@dataclass(frozen=True, slots=True)
class Host(Node):
    """The C ABI function around a device kernel: its name, its parameters in order, what it passes to the kernel."""

    name: str
    params: tuple[Param, ...]
    args: tuple[HostArg, ...]


@dataclass(frozen=True, slots=True)
class Kernel(Node):
    """One kernel on one platform.

    `params` are the device function's. `sizes` are scalars that only the launch extents (and buffer extents) mention:
    parameters of the host wrapper that the device function never receives. On a platform without a host/device split
    (plain C) `host` is None and `sizes` empty. `max_threads` is a launch bound stated in the source. `assume` are
    conditions over scalars that callers keep (from host code, or the person's word); `notes` say in words what reading
    the text took for granted. `instance` is how the text that it was read from names it, where
    that is not its name: `k<float, 256>`.
    """

    name: str
    params: tuple[Param, ...]
    body: Block
    platform: str
    sizes: tuple[Param, ...] = ()
    host: Host | None = None
    max_threads: int | None = None
    assume: tuple[Expr, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    instance: str = field(default="", compare=False)
    comments: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def param(self, name: str) -> Param | None:
        """The parameter or size called `name`, or None."""
        return next((p for p in self.params + self.sizes if p.name == name), None)


for _cls in (Const, Var, Unary, Binary, Select, Cast, Load, Call, Ref, Block, For, While, If, Let, Alloc, Store, InstrCall,
             Param, HostArg, Host, Kernel):
    _hash_once(_cls)


def const_int(value: int, dtype: ScalarType = I32) -> Const:
    return Const(value, dtype)


def const_bool(value: bool) -> Const:
    return Const(value, BOOL)
