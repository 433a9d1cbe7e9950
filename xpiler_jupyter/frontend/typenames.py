"""Type words and declarators of the C family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace

from tree_sitter import Node

from ..ir.types import BF16, BOOL, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from ..platforms.base import Platform
from .refusals import short, type_refusal
from .struct_types import StructType
from .symbols import Record
from .tree import Tree, field
from .vector_types import vector_lanes

NAMES: dict[str, ScalarType] = {
    "bool": BOOL, "_Bool": BOOL, "char": I8, "int": I32, "float": F32, "double": F64,
    "int8_t": I8, "int16_t": I16, "int32_t": I32, "int64_t": I64, "uint8_t": U8, "uint16_t": U16, "uint32_t": U32,
    "uint64_t": U64, "size_t": U64, "ssize_t": I64, "ptrdiff_t": I64, "intptr_t": I64, "uintptr_t": U64,
    "int8": I8, "int16": I16, "int32": I32, "int64": I64, "uint8": U8, "uint16": U16, "uint32": U32, "uint64": U64,
    "uchar": U8, "ushort": U16, "uint": U32, "ulong": U64,
    "half": F16, "__half": F16, "_Float16": F16, "__fp16": F16, "float16_t": F16,
    "__nv_bfloat16": BF16, "nv_bfloat16": BF16, "__hip_bfloat16": BF16, "hip_bfloat16": BF16, "__bf16": BF16,
    "bfloat16_t": BF16, "bfloat16": BF16,
}


@dataclass(frozen=True, slots=True)
class CType:
    """A type as declared: `base` None is void; `auto` leaves the base to the initialiser. `dims` are the nodes of array
    dimensions, outermost first (None: `[]`); `row` those below a pointer to an array, as in `float (*p)[4]`. `lanes` is
    the number of elements of a vector type, 0 for a scalar; `vector` the bytes of a vector register, whose base is None.
    `record` is a type with fields; its base is the one type that they have, None where they differ.
    `struct` is a struct of the text, whose base is None."""

    base: ScalarType | None
    pointers: int = 0
    const: bool = False
    reference: bool = False
    dims: tuple[Node | None, ...] = ()
    row: tuple[Node | None, ...] = ()
    auto: bool = False
    lanes: int = 0
    vector: int = 0
    record: Record | None = None
    struct: StructType | None = None

    def words(self) -> str:
        """The type as C++ writes it, for messages and the names of instances."""
        named = self.struct or self.record
        inner = named.name if named is not None else "auto" if self.auto else _words(self.base)
        return ("const " if self.const and self.pointers else "") + inner + "*" * self.pointers


def _words(t: ScalarType | None) -> str:
    if t is None:
        return "void"
    return next((name for name, known in _SPELLED.items() if known == t), None) or next(k for k, v in NAMES.items() if v == t)


_SPELLED = {"unsigned char": U8, "signed char": I8, "short": I16, "unsigned short": U16, "unsigned int": U32, "long long": I64,
            "unsigned long long": U64, "__half": F16, "__nv_bfloat16": BF16}


@dataclass(frozen=True, slots=True)
class Declared:
    """One declarator: its name node, its type, and the node of its initialiser."""

    name: Node | None
    type: CType
    init: Node | None
    function: bool = False
    params: Node | None = None


class Types:
    """Reads types of one tree. `aliases` are typedefs and `using` of the file (text order is not checked), `scopes` those
    of the functions being read, innermost last: template arguments among them. `composed` makes the type of a name with
    template arguments or of a qualified name; it needs to know constants, so whoever lowers provides it."""

    def __init__(self, tree: Tree, platform: Platform) -> None:
        self.tree = tree
        self.own = {**{w: CType(t) for w, t in platform.type_names.items()},
                    **{w: CType(None, vector=size) for w, size in platform.vectors.items()}}
        for word, (element, count) in platform.short_vectors.items():
            fields = tuple((name, element) for name in "xyzw"[:count])
            self.own[word] = CType(element, record=Record(word, fields))
        self.aliases: dict[str, CType] = {}
        self.scopes: list[dict[str, CType]] = []
        self.composed: Callable[[Node], CType | None] = lambda node: None

    def within(self, composed: Callable[[Node], CType | None]) -> Types:
        """The same file's types with scopes of their own."""
        inner = copy(self)
        inner.scopes, inner.composed = [], composed
        return inner

    @contextmanager
    def inside(self, names: Mapping[str, CType]) -> Iterator[None]:
        """Nothing but these names and those of the file: a function's own scope."""
        outer, self.scopes = self.scopes, [dict(names)]
        try:
            yield
        finally:
            self.scopes = outer

    def named(self, name: str) -> CType | None:
        """What a plain name stands for, None when it is no type."""
        local = next((s[name] for s in reversed(self.scopes) if name in s), None)
        if local is not None:
            return local
        if name in self.aliases:
            return self.aliases[name]
        return CType(NAMES[name]) if name in NAMES else self.own.get(name)

    def is_type(self, name: str) -> bool:
        return self.named(name) is not None

    def made_by(self, name: str) -> Record | None:
        """The record that a function such as `make_float4` makes."""
        own = self.own.get(name.removeprefix("make_")) if name.startswith("make_") else None
        return own.record if own is not None else None

    def base(self, node: Node) -> CType:
        """The type named by a type specifier node. Raises UnsupportedError naming a type outside the language."""
        text = " ".join(self.tree.text_of(node).split())
        if node.type == "sized_type_specifier":
            return CType(self._sized(node, text))
        if node.type == "placeholder_type_specifier":
            return CType(None, auto=True)
        name = text.removeprefix("std::").removeprefix("::")
        if name == "void":
            return CType(None)
        found = self.named(name) or self.composed(node)
        if found is not None:
            return found
        message, hint = type_refusal(text)
        raise self.tree.unsupported(node, message, hint)

    def base_named(self, name: str) -> ScalarType | None:
        """The scalar type of a name, None when it is none."""
        found = self.named(name)
        return found.base if found is not None and not (found.pointers or found.lanes) else None

    def sized(self, words: list[str]) -> ScalarType | None:
        """The type that `unsigned`, `long` and their kin make; None when they make none."""
        if not set(words) & {"unsigned", "signed", "short", "long"}:
            return None
        unsigned = "unsigned" in words
        rest = sorted(w for w in words if w not in ("unsigned", "signed", "int", "const"))
        table = {(): (I32, U32), ("char",): (I8, U8), ("short",): (I16, U16), ("long",): (I64, U64),
                 ("long", "long"): (I64, U64)}
        got = table.get(tuple(rest))
        return got[unsigned] if got is not None else None

    def _sized(self, node: Node, text: str) -> ScalarType:
        got = self.sized(text.split())
        if got is None:
            message, hint = type_refusal(text)
            raise self.tree.unsupported(node, message, hint)
        return got

    def specifier(self, node: Node, vectors: bool = False) -> CType:
        """The type in front of the declarators of a declaration, parameter or type descriptor. Raises UnsupportedError
        for a vector type unless the caller knows what to do with `vectors`."""
        type_node = field(node, "type")
        if type_node is None:
            raise self.tree.unsupported(node, "a declaration without a type is not supported")
        if type_node.type in ("struct_specifier", "class_specifier", "union_specifier", "enum_specifier"):
            name = field(type_node, "name")
            known = self.named(self.tree.text_of(name)) if name is not None else self.composed(type_node)
            if known is not None:
                return replace(known, const="const" in (self.tree.text_of(c) for c in node.children))
            what = type_node.type.split("_")[0]
            raise self.tree.unsupported(type_node, f"a {what} is not supported", "Pass its members one by one.")
        base = self.base(type_node)
        words = [self.tree.text_of(c) for c in node.children if c.type == "type_qualifier"]
        if "volatile" in words:
            raise self.tree.unsupported(node, "volatile is not supported",
                                        "Code that relies on threads in lock step needs a barrier instead.")
        lanes = vector_lanes(self.tree, node, base, self.base_named)
        if lanes and not vectors:
            raise self.tree.unsupported(type_node, f"the vector type {short(self.tree.text_of(type_node))} is not supported "
                                        "here", "Only variables of a kernel may have it.")
        const = base.const or "const" in words or "constexpr" in words
        return replace(base, const=const, lanes=lanes)

    def declarator(self, node: Node | None, base: CType) -> Declared:
        """What one declarator makes of the base type."""
        if node is None:
            return Declared(None, base, None)
        t, kind = self.tree, node.type
        if kind == "init_declarator":
            inner = self.declarator(field(node, "declarator"), base)
            return Declared(inner.name, inner.type, field(node, "value"), inner.function, inner.params)
        if kind in ("identifier", "type_identifier", "field_identifier", "operator_name", "template_function"):
            return Declared(node, base, None)
        inner_node = field(node, "declarator")
        if inner_node is None and kind.endswith(("reference_declarator", "parenthesized_declarator")):
            inner_node = next((c for c in node.named_children if c.type.endswith(("declarator", "identifier"))), None)
        if kind in ("pointer_declarator", "abstract_pointer_declarator"):
            if base.dims:
                raise t.unsupported(node, "an array of pointers is not supported")
            pointed = replace(base, pointers=base.pointers + 1, reference=False, dims=(), lanes=0)
            return self._row_pointer(inner_node, pointed) or self.declarator(inner_node, pointed)
        if kind in ("reference_declarator", "abstract_reference_declarator"):
            if t.text_of(node).startswith("&&") and not base.auto:  # auto&& takes what it is given
                raise t.unsupported(node, "an rvalue reference is not supported")
            return self.declarator(inner_node, replace(base, reference=True))
        if kind in ("array_declarator", "abstract_array_declarator"):
            return self._array(node, inner_node, base)
        if kind in ("parenthesized_declarator", "abstract_parenthesized_declarator"):
            return self.declarator(inner_node, base)
        if kind in ("function_declarator", "abstract_function_declarator", "lambda_declarator"):
            got = self.declarator(inner_node, base)
            return Declared(got.name, got.type, None, True, field(node, "parameters"))
        raise t.unsupported(node, f"the declaration `{short(t.text_of(node))}` is not supported")

    def _row_pointer(self, node: Node | None, base: CType) -> Declared | None:
        """`float (*p)[5]`, whose brackets were masked (see `Tree.row_pointers`)."""
        dims: list[Node | None] = []
        while node is not None and node.type == "array_declarator":
            dims.insert(0, field(node, "size"))
            node = field(node, "declarator")
        if node is None or node.start_byte not in self.tree.row_pointers or not dims:
            return None
        return Declared(node, replace(base, reference=False, dims=(), row=tuple(dims), lanes=0, vector=0), None)

    def _array(self, node: Node, inner: Node | None, base: CType) -> Declared:
        """`x[a][b]` nests with the outermost dimension innermost; `(*x)[b]` is a pointer to a row."""
        dims: list[Node | None] = []
        at: Node | None = node
        while at is not None and at.type in ("array_declarator", "abstract_array_declarator"):
            dims.insert(0, field(at, "size"))
            at = field(at, "declarator")
        core = at
        while core is not None and core.type in ("parenthesized_declarator", "abstract_parenthesized_declarator"):
            core = next((c for c in core.named_children), None)
        if core is not None and core.type in ("pointer_declarator", "abstract_pointer_declarator"):
            if base.pointers:
                raise self.tree.unsupported(node, "a pointer to an array of pointers is not supported")
            return self.declarator(core, replace(base, reference=False, dims=(), row=tuple(dims), lanes=0, vector=0))
        if core is not None and core.type == "reference_declarator":
            return self.declarator(core, replace(base, reference=True, dims=tuple(dims), row=(), lanes=0, vector=0))
        if base.pointers:
            raise self.tree.unsupported(node, "an array of pointers is not supported")
        return self.declarator(at, replace(base, dims=tuple(dims), row=(), lanes=0, vector=0))

    def descriptor(self, node: Node) -> CType:
        """The type written in a cast or sizeof."""
        return self.declarator(field(node, "declarator"), self.specifier(node)).type
