"""Which names of a function change, and where: decides between a `Let` and a rank-0 buffer."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from .tree import Tree, strip_parens
from .tree import field as child

_SCOPES = frozenset((
    "compound_statement", "for_statement", "while_statement", "do_statement", "if_statement", "switch_statement",
    "case_statement", "else_clause",
))


_NAMING = ("declarator", "identifier")


@dataclass(slots=True)
class Info:
    """One declared name. `reads` are start offsets of its uses, `writes` the nodes that assign to it; `address`: it is
    changed through a reference or pointer, `pointed`: by a pointer."""

    name: str
    block: int
    has_init: bool
    reads: list[int] = field(default_factory=list)
    writes: list[Node] = field(default_factory=list)
    address: bool = False
    parts: list[Node] = field(default_factory=list)  # what changes a member of it
    pointed: bool = False
    loops: list[Node] = field(default_factory=list)  # `for` statements whose init assigns it

    @property
    def changes(self) -> bool:
        return bool(self.writes or self.parts) or self.address

    @property
    def counts_loops_only(self) -> bool:
        """Every use stands in a `for` that sets it first, and no such loop contains another."""
        if self.has_init or self.address or not self.loops:
            return False
        spans = [(n.start_byte, n.end_byte) for n in self.loops]
        if any(a != b and a[0] <= b[0] and b[1] <= a[1] for a in spans for b in spans):
            return False
        uses = self.reads + [w.start_byte for w in self.writes]
        return all(any(lo <= u < hi for lo, hi in spans) for u in uses)

    @property
    def set_once(self) -> bool:
        """Declared empty, then assigned by one plain statement of the same block, then only read."""
        if self.has_init or self.address or self.parts or len(self.writes) != 1 or self.loops:
            return False
        w = self.writes[0]
        plain = w.type == "assignment_expression" and w.parent is not None and w.parent.type == "expression_statement"
        if not plain or w.parent is None or w.parent.parent is None or w.parent.parent.id != self.block:
            return False
        return w.child_by_field_name("operator") is not None and all(r >= w.end_byte for r in self.reads)


class Usage:
    """The names declared in one function, by the offset of the declaring name."""

    def __init__(self, tree: Tree, function: Node, by_reference: dict[str, tuple[bool, ...]],
                 constant_members: frozenset[str] = frozenset()) -> None:
        """`by_reference` tells for each function of the text which of its parameters are non-const references, of member
        functions with a dot in front; `constant_members` are names that only const member functions have."""
        self.tree, self.by_reference, self.constant_members = tree, by_reference, constant_members
        self.info: dict[int, Info] = {}
        self._scopes: list[dict[str, Info]] = [{}]
        self._blocks: list[int] = [function.id]
        declarator = child(function, "declarator")
        while declarator is not None and declarator.type != "function_declarator":
            declarator = child(declarator, "declarator") or next(iter(declarator.named_children), None)
        params = child(declarator, "parameters") if declarator is not None else None
        for p in params.named_children if params is not None else ():
            self._declare(child(p, "declarator"), True)
        self._lambdas: dict[str, tuple[bool, ...]] = {}  # which parameters of named lambdas are references
        body = child(function, "body")
        if body is not None:
            self._visit(body)

    def of(self, name: Node) -> Info:
        """What is known of the name that `name` declares."""
        return self.info.get(name.start_byte) or Info(self.tree.text_of(name), 0, True, address=True)

    # -- walking -------------------------------------------------------------------------------------------------------

    def _declare(self, declarator: Node | None, has_init: bool) -> None:
        while declarator is not None and declarator.type not in ("identifier", "type_identifier", "field_identifier"):
            inner = child(declarator, "declarator")
            if inner is None:
                inner = next((c for c in declarator.named_children if c.type.endswith(_NAMING)), None)
            declarator = inner
        if declarator is not None:
            name = self.tree.text_of(declarator)
            info = Info(name, self._blocks[-1], has_init)
            self.info[declarator.start_byte] = self._scopes[-1][name] = info

    def _find(self, name: str) -> Info | None:
        return next((s[name] for s in reversed(self._scopes) if name in s), None)

    def _visit(self, node: Node) -> None:
        if node.type in _SCOPES:
            self._scopes.append({})
            self._blocks.append(node.id)
            if node.type == "for_statement":
                self._for_init(node)
            for c in node.named_children:
                self._visit(c)
            self._scopes.pop()
            self._blocks.pop()
        elif node.type == "declaration":
            self._declaration(node)
        elif node.type == "identifier":
            info = self._find(self.tree.text_of(node))
            if info is not None:
                info.reads.append(node.start_byte)
        elif node.type == "assignment_expression":
            self._write(child(node, "left"), node, self.tree.operator(node) != "=")
            right = child(node, "right")
            if right is not None:
                self._visit(right)
        elif node.type == "update_expression":
            self._write(child(node, "argument"), node, True)
        elif node.type == "pointer_expression" and self.tree.operator(node) == "&":
            self._address(child(node, "argument"), True)
        elif node.type == "call_expression":
            self._call(node)
        elif node.type == "lambda_expression":
            self._lambda(node)
        elif node.type == "for_range_loop":
            self._range(node)
        else:
            for c in node.named_children:
                self._visit(c)

    def _lambda(self, node: Node) -> None:
        """Its parameters are its own; what it writes around it counts."""
        self._scopes.append({})
        self._blocks.append(node.id)
        listed = next((n for n in node.named_children if n.type.endswith("declarator")), None)
        params = child(listed, "parameters") if listed is not None else None
        for p in params.named_children if params is not None else ():
            self._declare(child(p, "declarator"), True)
        for c in node.named_children:
            if c.type != "lambda_declarator" and c.type != "abstract_function_declarator":
                self._visit(c)
        self._scopes.pop()
        self._blocks.pop()

    def _range(self, node: Node) -> None:
        """`for (auto& x : a)`: whoever writes x writes a."""
        right, declarator, body = child(node, "right"), child(node, "declarator"), child(node, "body")
        if right is not None:
            self._visit(right)
            if declarator is not None and declarator.type == "reference_declarator":
                self._address(right)
        self._scopes.append({})
        self._declare(declarator, True)
        if body is not None:
            self._visit(body)
        self._scopes.pop()

    def _for_init(self, node: Node) -> None:
        init = child(node, "initializer")
        todo = [init] if init is not None else []
        while todo:
            n = todo.pop()
            if n.type == "comma_expression":
                todo += [c for c in (child(n, "left"), child(n, "right")) if c is not None]
            elif n.type == "assignment_expression" and self.tree.operator(n) == "=":
                left = child(n, "left")
                info = self._find(self.tree.text_of(left)) if left is not None and left.type == "identifier" else None
                if info is not None:
                    info.loops.append(node)

    def _declaration(self, node: Node) -> None:
        for d in node.children_by_field_name("declarator"):
            value = child(d, "value") if d.type == "init_declarator" else None
            if value is not None:
                self._visit(value)
                if value.type == "lambda_expression":
                    self._lambdas[_declared_name(self.tree, d)] = reference_flags(self.tree, value)
                elif d.type == "init_declarator" and "&" in self.tree.text[d.start_byte:value.start_byte]:
                    self._address(value)  # a reference: whoever writes it writes what it refers to
            self._declare(d, value is not None)

    def _write(self, target: Node | None, node: Node, reads_too: bool) -> None:
        if target is None:
            return
        target = strip_parens(target)
        while target.type == "field_expression" and (inner := child(target, "argument")) is not None \
                and "->" not in self.tree.text[inner.end_byte:target.end_byte]:
            target, reads_too = strip_parens(inner), reads_too or inner.type != "identifier"
        info = self._find(self.tree.text_of(target)) if target.type == "identifier" else None
        if info is None:
            self._part(target, node)
            self._visit(target)
            return
        info.writes.append(node)
        if reads_too:
            info.reads.append(target.start_byte)

    def _part(self, target: Node, node: Node) -> None:
        """A write to `x.member`, `x.member[i]`, ...: `x` changes."""
        inside = False
        while target.type in ("field_expression", "subscript_expression", "parenthesized_expression"):
            inside = target.type == "field_expression" and any(c.type == "." for c in target.children)
            deeper = child(target, "argument") or next(iter(target.named_children), None)
            if deeper is None:
                return
            target = deeper
        info = self._find(self.tree.text_of(target)) if target.type == "identifier" else None
        if info is not None and inside:
            info.parts.append(node)

    def _address(self, node: Node | None, pointed: bool = False) -> None:
        if node is None:
            return
        inner = strip_parens(node)
        while inner.type == "field_expression" and (base := child(inner, "argument")) is not None \
                and "->" not in self.tree.text[base.end_byte:inner.end_byte]:
            inner = strip_parens(base)
        info = self._find(self.tree.text_of(inner)) if inner.type == "identifier" else None
        if info is not None:
            info.address = True
            info.pointed = info.pointed or pointed
            info.reads.append(inner.start_byte)
        else:
            self._part(inner, inner)
            self._visit(node)

    def _call(self, node: Node) -> None:
        function, arguments = child(node, "function"), child(node, "arguments")
        name = self.tree.text_of(function) if function is not None else ""
        references = self._lambdas.get(name) or self.by_reference.get(name.split("<")[0].split("::")[-1], ())
        if function is not None and function.type == "field_expression":
            member = child(function, "field")
            word = self.tree.text_of(member).split("<")[0] if member is not None else ""
            references = self.by_reference.get("." + word, ())
            base = child(function, "argument")
            if base is not None and word not in self.constant_members:
                self._address(base) if base.type == "identifier" else self._part(base, node)
        if function is not None and function.type not in ("identifier", "qualified_identifier"):
            self._visit(function)
        for k, a in enumerate(arguments.named_children if arguments is not None else ()):
            if k < len(references) and references[k]:
                self._address(a)
            else:
                self._visit(a)


def reference_flags(tree: Tree, function: Node) -> tuple[bool, ...]:
    """Which parameters of a function or lambda are references that it may write through."""
    declarator = child(function, "declarator")
    while declarator is not None and child(declarator, "parameters") is None:
        declarator = child(declarator, "declarator") or next((c for c in declarator.named_children
                                                              if c.type.endswith("declarator")), None)
    params = child(declarator, "parameters") if declarator is not None else None
    out = []
    for p in params.named_children if params is not None else ():
        d, described = child(p, "declarator"), child(p, "type")
        constant = any(c.type == "type_qualifier" and tree.text_of(c) == "const" for c in p.children)
        out.append(d is not None and described is not None and not constant and d.type == "reference_declarator")
    return tuple(out)


def _declared_name(tree: Tree, d: Node) -> str:
    inner = child(d, "declarator")
    return tree.text_of(inner) if inner is not None else ""
