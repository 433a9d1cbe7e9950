"""The concrete syntax tree: words that the grammar need not see are masked by blanks of the same length first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import tree_sitter
import tree_sitter_cuda
from tree_sitter import Node

from ..errors import ParseError, UnsupportedError
from ..ir.nodes import Span
from ..platforms.base import Platform
from .preprocess import Prepared
from .tokens import Token

_LANGUAGE = tree_sitter.Language(tree_sitter_cuda.language())

# Said about a declaration and of no consequence for its meaning here, or kept as a `Mark`.
_PLAIN_WORDS = frozenset((
    "__restrict__", "__restrict", "restrict", "__forceinline__", "__forceinline", "__inline__", "__inline",
    "__noinline__",
    "__host__", "__device__", "__global__", "__managed__", "__grid_constant__", "register", "noexcept",
))
_WORDS_WITH_ARGUMENTS = frozenset((
    "__attribute__", "__attribute", "__declspec", "__align__", "alignas", "_Alignas", "__launch_bounds__",
    "__maxnreg__", "__cluster_dims__",
))
_CAST_WORDS = frozenset(("static_cast", "reinterpret_cast", "const_cast", "dynamic_cast", "template", "operator"))
_KNOWN_TEMPLATES = frozenset((
    "numeric_limits", "fragment", "vector", "array", "min", "max", "is_same", "is_same_v", "is_floating_point",
    "is_floating_point_v", "is_integral", "is_integral_v", "is_signed", "is_signed_v", "is_unsigned", "is_unsigned_v",
    "conditional", "conditional_t", "remove_reference", "remove_reference_t", "remove_cv", "remove_cv_t", "remove_const",
    "remove_const_t", "decay", "decay_t",
))
_TYPE_WORDS = frozenset((
    "void", "bool", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "half", "__half",
    "typename", "const", "size_t", "int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t",
    "uint64_t", "class",
))


@dataclass(frozen=True, slots=True)
class Mark:
    """A masked word. `anchor` is the offset of the next word that stayed; `words` are the tokens in its brackets."""

    anchor: int
    word: str
    words: tuple[Token, ...]
    at: int


class Tree:
    """A parsed text. Offsets of nodes count characters of `prepared.text`; `span` and the error makers speak of the
    original text."""

    def __init__(self, prepared: Prepared, platform: Platform) -> None:
        self.prepared, self.source = prepared, prepared.source
        self.marks: list[Mark] = []
        # Places of `<` that the grammar would take for a template's bracket: parsed as `>`, which binds the same.
        self.less_than: set[int] = set()
        # Names declared like `float (*p)[5]`: parsed as `float *p[5]`, since the grammar takes the first for a cast.
        self.row_pointers: set[int] = set()
        qualifiers = {m.qualifier for m in platform.memories if m.qualifier} | {"__shared__", "__constant__"}
        if platform.kernel_qualifier:
            qualifiers.add(platform.kernel_qualifier)
        self.text = self._mask(prepared.tokens, qualifiers)
        self.root = tree_sitter.Parser(_LANGUAGE).parse(self.text.encode("ascii", "replace")).root_node

    # -- masking -------------------------------------------------------------------------------------------------------

    def _mask(self, tokens: list[Token], qualifiers: set[str]) -> str:
        out: list[str] = []
        pending: list[tuple[str, tuple[Token, ...], int]] = []
        templates, braces = _template_names(tokens), _dim3_brackets(tokens) | _struct_brackets(tokens)
        rows, row_names = _row_pointer_brackets(tokens)
        at, k = 0, 0
        previous = Token("op", "", 0, 0)
        while k < len(tokens):
            t = tokens[k]
            end = k + 1
            masked = t.kind == "id" and (t.text in _PLAIN_WORDS or t.text in qualifiers)
            if t.kind == "id" and t.text in _WORDS_WITH_ARGUMENTS:
                masked, end = True, _after_brackets(tokens, k + 1)
            if masked:
                inner = tuple(x for x in tokens[k + 1:end] if x.kind != "space")[1:-1]
                pending.append((t.text, inner, at))
                for x in tokens[k:end]:
                    out.append("".join(c if c == "\n" else " " for c in x.text))
                    at += len(x.text)
                k = end
                continue
            # `dim3 grid(n, m)` reads like a function declaration; with braces it does not.
            text = " " if k in rows else braces.get(k, t.text)
            if k in row_names:
                self.row_pointers.add(at)
            if t.kind != "space":
                self.marks += [Mark(at, *p) for p in pending]
                pending.clear()
                if text == "<" and previous.kind == "id" and not self._opens_template(tokens, k, previous, templates):
                    self.less_than.add(at)
                    text = ">"
                previous = t
            out.append(text)
            at += len(text)
            k += 1
        return "".join(out)

    def _opens_template(self, tokens: list[Token], k: int, previous: Token, templates: set[str]) -> bool:
        if previous.text in _CAST_WORDS or previous.text in templates or previous.text in _KNOWN_TEMPLATES:
            return True
        after = next((t.text for t in tokens[k + 1:] if t.kind != "space"), "")
        return after in _TYPE_WORDS

    def marks_in(self, start: int, end: int) -> list[Mark]:
        """Masked words that belong to [start, end): those before it with nothing between, and those inside."""
        lo = bisect_left(self.marks, start, key=lambda m: m.anchor)
        out = []
        for m in self.marks[lo:]:
            if m.anchor > end:
                break
            out.append(m)
        return out

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def text_of(self, node: Node) -> str:
        return self.text[node.start_byte:node.end_byte]

    def operator(self, node: Node) -> str:
        """The operator of a binary, assignment, unary or update expression, as the person wrote it."""
        op = node.child_by_field_name("operator")
        if op is None:
            return ""
        return "<" if op.start_byte in self.less_than else self.text_of(op)

    def origin(self, node: Node) -> tuple[int, int]:
        """The node's character range in the original text."""
        return self.prepared.origin(node.start_byte, node.end_byte)

    def span(self, node: Node) -> Span:
        return self.source.span(*self.origin(node))

    def unsupported(self, node: Node, message: str, hint: str | None = None) -> UnsupportedError:
        return self.source.unsupported(self.origin(node)[0], message, hint)

    def parse_error(self, node: Node, message: str, hint: str | None = None) -> ParseError:
        return self.source.parse_error(self.origin(node)[0], message, hint)

    # -- syntax errors -------------------------------------------------------------------------------------------------

    def syntax_error(self, node: Node) -> ParseError | None:
        """The first syntax error below a node, in words, or None."""
        if not node.has_error:
            return None
        bad = next((n for n in _preorder(node) if n.is_missing or n.is_error), node)
        if bad.is_missing:
            # The grammar puts what is missing right behind the word before it, blanks skipped.
            end = len(self.text[:bad.start_byte].rstrip())
            at = self.prepared.origin(max(0, end - 1), end)[1] if end else 0
            what = "a name" if bad.type in ("identifier", "type_identifier", "field_identifier") else bad.type
            what = "a value" if what == "number_literal" else what
            return self.source.parse_error(min(at, max(0, len(self.source.text) - 1)), f"{what} is missing here")
        return self._error_node(bad)

    def _error_node(self, bad: Node) -> ParseError:
        start = bad.start_byte + len(self.text[bad.start_byte:]) - len(self.text[bad.start_byte:].lstrip())
        word = _first_word(self.text[start:])
        before = self.text[:start].rstrip()
        at = self.prepared.origin(start, start + 1)[0] if start < len(self.text) else max(0, len(self.source.text) - 1)
        if not word:
            return self.source.parse_error(at, "the text ends too early")
        operand_before = bool(before) and (before[-1].isalnum() or before[-1] in "_)]")
        if operand_before and (word[0].isalnum() or word[0] == "_") and _last_word(before) not in _TYPE_WORDS:
            return self.source.parse_error(at, f"a ; or an operator is missing before {word}")
        operator = _operator_before_nothing(self.text[start:])
        if operator:
            at, word = self.prepared.origin(start + operator, start + operator + 1)[0], self.text[start + operator]
        if word[0] in ";,)]}":
            return self.source.parse_error(at, f"an expression is missing before this {word[0]}")
        return self.source.parse_error(at, f"cannot read this: {word} does not fit here")


def named(node: Node) -> list[Node]:
    """The named children of a node."""
    return node.named_children


def field(node: Node, name: str) -> Node | None:
    return node.child_by_field_name(name)


def strip_parens(node: Node) -> Node:
    """The expression inside any number of parentheses."""
    while node.type == "parenthesized_expression" and node.named_child_count == 1:
        node = node.named_children[0]
    return node


def _preorder(node: Node) -> Iterator[Node]:
    todo = [node]
    while todo:
        n = todo.pop()
        yield n
        todo.extend(reversed(n.children))


def preorder(node: Node) -> Iterator[Node]:
    """The node and everything below it, in text order, without recursion."""
    return _preorder(node)


def _first_word(text: str) -> str:
    text = text.lstrip()
    k = 0
    while k < len(text) and (text[k].isalnum() or text[k] == "_"):
        k += 1
    return text[:max(k, 1)]


def _operator_before_nothing(text: str) -> int:
    """For `= ;` and the like: the offset of the `;`; else 0."""
    k = 0
    while k < len(text) and text[k] in "=+-*/%&|^<>!~?":
        k += 1
    rest = text[k:].lstrip()
    return len(text) - len(rest) if k and rest[:1] in (";", ",", ")", "]", "}") else 0


def _last_word(text: str) -> str:
    k = len(text)
    while k > 0 and (text[k - 1].isalnum() or text[k - 1] == "_"):
        k -= 1
    return text[k:]


def _after_brackets(tokens: list[Token], k: int) -> int:
    """The index after the bracket group that follows, or `k` when none does."""
    j = k
    while j < len(tokens) and tokens[j].kind == "space":
        j += 1
    if j >= len(tokens) or tokens[j].text != "(":
        return k
    depth = 0
    for i in range(j, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[i].text, 0) if tokens[i].kind == "op" else 0
        if depth == 0:
            return i + 1
    return k


def _dim3_brackets(tokens: list[Token]) -> dict[int, str]:
    """Braces to put in place of the brackets of `dim3 name(...)`, by token index."""
    out: dict[int, str] = {}
    words = [k for k, t in enumerate(tokens) if t.kind != "space"]
    for a, b, c, d in zip(words, words[1:], words[2:], words[3:], strict=False):
        if tokens[a].text == "dim3" and tokens[b].kind == "id" and tokens[c].text == "(":
            end = _after_brackets(tokens, b + 1)
            if tokens[d].text != ")" and tokens[d].text not in _TYPE_WORDS and end > c:
                out[c], out[end - 1] = "{", "}"
    return out


def _struct_brackets(tokens: list[Token]) -> dict[int, str]:
    """Braces to put in place of the brackets of `Struct name(...);` inside functions, by token index: the grammar may take
    it for the declaration of a function."""
    words = [k for k, t in enumerate(tokens) if t.kind != "space"]
    text = [tokens[k].text for k in words]
    structs = {b for a, b in pairwise(text) if a in ("struct", "class")}
    out: dict[int, str] = {}
    body = depth = 0  # how deep the innermost function's body begins, and how deep we are
    for j, word in enumerate(text):
        if word == "{":
            depth += 1
            if not body and j and text[j - 1] in (")", "const", "noexcept"):
                body = depth
        elif word == "}":
            body = 0 if depth == body else body
            depth -= 1
        if not body or word not in structs:
            continue
        k = j + 1
        if k < len(text) and text[k] == "<":
            open_ = 0
            while k < len(text):
                open_ += {"<": 1, ">": -1, ">>": -2}.get(text[k], 0)
                k += 1
                if open_ <= 0:
                    break
        if k + 2 < len(text) and tokens[words[k]].kind == "id" and text[k + 1] == "(" and text[k + 2] != ")":
            end = _after_brackets(tokens, words[k] + 1)
            after = next((t.text for t in tokens[end:] if t.kind != "space"), "")
            if after in (";", ","):
                out[words[k + 1]], out[end - 1] = "{", "}"
    return out


def _row_pointer_brackets(tokens: list[Token]) -> tuple[set[int], set[int]]:
    """Indices of the brackets of `type (*name)[`, and of these names."""
    brackets: set[int] = set()
    names: set[int] = set()
    words = [k for k, t in enumerate(tokens) if t.kind != "space"]
    for j, k in enumerate(words[:-6]):
        if tokens[k].text not in _TYPE_WORDS or tokens[words[j + 1]].text != "(" or tokens[words[j + 2]].text != "*":
            continue
        n = j + 3
        while n < len(words) - 2 and tokens[words[n]].text in ("const", "__restrict__", "__restrict"):
            n += 1
        if tokens[words[n]].kind == "id" and tokens[words[n + 1]].text == ")" and tokens[words[n + 2]].text == "[":
            brackets |= {words[j + 1], words[n + 1]}
            names.add(words[n])
    return brackets, names


def _template_names(tokens: list[Token]) -> set[str]:
    """Names declared by `template <...> ... name(`, `template <...> struct name`, `template <...> using name =` or
    `template <...> constexpr T name =`."""
    words = [t for t in tokens if t.kind != "space"]
    out: set[str] = set()
    for k, t in enumerate(words):
        if t.text != "template":
            continue
        depth = brackets = 0
        for j in range(k + 1, len(words) - 1):
            text = words[j].text
            depth += {"<": 1, ">": -1, "<<<": 3, ">>>": -3, ">>": -2}.get(text, 0)
            if text == "(" and (brackets or words[j - 1].text in _WORDS_WITH_ARGUMENTS):
                brackets += 1
                continue
            if brackets:
                brackets -= text == ")"
                continue
            if depth <= 0 and text in ("{", ";", "(", "="):
                break
            if depth <= 0 and words[j].kind == "id" and words[j + 1].text in ("(", "{", ":", "="):
                out.add(text)
    return out
