"""What a name of the text stands for while a kernel is lowered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tree_sitter import Node

from ..ir import build
from ..ir.nodes import Const, Expr
from ..ir.types import I32, I64, ScalarType
from .struct_types import StructType

if TYPE_CHECKING:
    from .functions import Function
    from .typenames import CType

Layout = Literal["flat", "rows", "delinear", "scalar"]


@dataclass(frozen=True, slots=True)
class Record:
    """A type made of named scalars, such as float4: its word and its fields in order."""

    name: str
    fields: tuple[tuple[str, ScalarType], ...]

    @property
    def element(self) -> ScalarType | None:
        """The one type that all fields have; None when they differ."""
        types = {t for _, t in self.fields}
        return types.pop() if len(types) == 1 else None

    def place(self, field: str) -> int | None:
        """Which field has this name; None when none has."""
        return next((k for k, (name, _) in enumerate(self.fields) if name == field), None)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The value of a record, an expression per field. One that lies in memory has `Load`s, which are its place too."""

    record: Record
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Ptr:
    """A place in a buffer that can still be moved and indexed.

    `dtype` is the type it is read as, `stored` the buffer's element type. `layout` says how to index: "flat" for rank 1
    with `rest` as dimensions that only the text knows; "rows" for a local array, `prefix` being indices already given
    and `rest` the dimensions below; "delinear" for a local array seen as one long row; "scalar" for a rank-0 buffer. Seen as
    vectors it moves by `vector` elements; what it points to is a `record`, or else only instrs can use it.
    """

    buffer: str
    dtype: ScalarType
    stored: ScalarType
    layout: Layout = "flat"
    offset: Expr = Const(0, I32)  # noqa: RUF009 - frozen
    prefix: tuple[Expr, ...] = ()
    rest: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    vector: int = 0
    record: Record | None = None

    def moved(self, by: Expr) -> Ptr:
        return replace(self, offset=index_sum(self.offset, by))

    def step(self) -> int:
        """Elements that one step of this pointer covers."""
        n = 1
        for d in self.rest:
            n *= d
        return n

    def row(self, index: Expr) -> Ptr:
        """The sub-array at `index` of a pointer to arrays, decayed."""
        if self.layout == "flat":
            at = build.mul(index_sum(self.offset, index), build.integer(self.rest[0]))
            return replace(self, offset=at, rest=self.rest[1:])
        at = index_sum(self.offset, index)
        return replace(self, prefix=(*self.prefix, at), offset=build.integer(0), rest=self.rest[1:])

    def indices(self, index: Expr) -> tuple[Expr, ...]:
        """The buffer's indices of element `index`, seen from here."""
        at = index_sum(self.offset, index)
        if self.layout == "scalar":
            return ()
        if self.layout == "rows":
            return (*self.prefix, at)
        if self.layout == "delinear":
            return self._split(at)
        return (at,)

    def _split(self, at: Expr) -> tuple[Expr, ...]:
        out: list[Expr] = []
        for d in reversed(self.shape[1:]):
            out.insert(0, build.mod(at, build.integer(d)))
            at = build.div(at, build.integer(d))
        return (at, *out)

    def whole(self) -> Ptr:
        """This local array as one long row of elements, from its first one."""
        if len(self.shape) <= 1 or self.layout == "flat":
            return replace(self, rest=()) if self.layout == "flat" else self
        return replace(self, layout="delinear", prefix=(), offset=build.integer(0), rest=())


def index_sum(a: Expr, b: Expr) -> Expr:
    """`a + b` as pointer arithmetic does it: no unsigned wrap, so mixed or unsigned types meet in 64 bits."""
    if isinstance(a, Const) and a.value == 0:
        return b
    if isinstance(b, Const) and b.value == 0:
        return a
    if (isinstance(b, Const) and int(b.value) >= 0) or a.dtype == b.dtype == I32:
        return build.add(a, b)
    if a.dtype == b.dtype and a.dtype.kind == "int":
        return build.add(a, b)
    return build.add(build.convert(a, I64), build.convert(b, I64))


@dataclass(frozen=True, slots=True)
class Value:
    """A name that does not change. `const` is its value when known now."""

    expr: Expr
    const: Const | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A scalar that changes: a rank-0 buffer."""

    buffer: str
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Place:
    """An element that can be read and written; also what a C++ reference stands for."""

    buffer: str
    indices: tuple[Expr, ...]
    dtype: ScalarType


@dataclass(frozen=True, slots=True)
class Array:
    """A local or shared array; as a value it decays to `ptr`."""

    ptr: Ptr


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer variable that is set once."""

    ptr: Ptr


@dataclass(frozen=True, slots=True)
class Moving:
    """A pointer variable that moves: `base` plus the integer of type `dtype` in the rank-0 buffer `cell`. A pointer
    that is declared empty has no base until its first assignment. `element` is what it points to (None: void)."""

    base: Ptr | None
    cell: str
    dtype: ScalarType
    element: ScalarType | None = None


@dataclass(frozen=True, slots=True)
class Unset:
    """A scalar that is declared without a value. `loop`: it only ever counts `for` loops; otherwise its one assignment
    makes it a `Value` (a `pointer`: a `Pointer`)."""

    dtype: ScalarType
    loop: bool
    pointer: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """A value that only instrs touch, or an array of them (`dims`). `declared` is its type without name spaces."""

    buffer: str
    dtype: ScalarType
    declared: str
    shape: tuple[int, ...]
    dims: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Struct:
    """A struct: one symbol per member. A variable's members are buffers or, where nothing changes them, values; those of
    a value that a call gave may be either. A pointer to one struct is the struct itself. `fresh`: it is a value whose
    buffers nothing else names."""

    type: StructType
    members: Mapping[str, Symbol]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Structs:
    """An array of structs, or a pointer into one: a pointer per member, all of which move together. `packed` is the
    number of elements of one struct where the members lie side by side in one buffer, 0 where each has its own."""

    type: StructType
    members: Mapping[str, Ptr | Structs]
    packed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A lambda with the names that it sees."""

    node: Node
    function: Function
    scopes: tuple[dict[str, Symbol], ...]
    types: tuple[dict[str, CType], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Members:
    """A variable of record type: what each field is. `buffer`: the array of its fields, for one that has an address."""

    record: Record
    fields: tuple[Value | Cell | Place, ...]
    buffer: str = ""


Symbol = Value | Cell | Place | Array | Pointer | Moving | Unset | Fragment | Members | Struct | Structs | Closure
Got = Expr | Ptr | Bundle
Operand = Got | Struct | Structs | Closure
