"""What kind of work an instr does, told from its meaning: for counting what a port uses, and for the order of pages.

matrix: sums of products of two operands (products of fragments, convolutions, dot products of packed bytes).
vector: anything else over more than one element. copy: elements move or repeat, no value is computed. scalar: single
values. sync: nothing but waiting.
"""

from __future__ import annotations

import re
from collections import Counter

from .base import Platform
from .instr import Instr

KINDS = ("matrix", "vector", "copy", "scalar", "sync")

_INDEX = re.compile(r"\[[^\[\]]*\]")
_PRODUCTS = re.compile(r"\+=[^;]*\*")
_STORED = re.compile(r"(?<![=<>!+\-*/&|^])=(?!=)([^;]*);")
_VALUE = re.compile(r"(?:\([\w ]+\))?[\w.]+$")
_DECIDES = re.compile(r"\bif\b|[-+*/&|^%<>]=")
_LOOP_HEAD = re.compile(r"\bfor\s*\([^;]*;[^;]*;[^;{}]*?\)\s*(?=[\w{(])")
_SKIPPED = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*(?:<[^<>;(){}]*>\s*)?\(")


def kind_of(row: Instr) -> str:
    """One of KINDS."""
    if not row.meaning.strip():
        return "sync"
    if all(not o.shape and o.extent in ("", "1") for o in row.operands):
        return "scalar"
    text = _LOOP_HEAD.sub("", row.meaning)
    while _INDEX.search(text):
        text = _INDEX.sub("", text)
    if _PRODUCTS.search(text):
        return "matrix"
    converts = len({o.dtype for o in row.operands if o.memory}) > 1
    if not converts and not _DECIDES.search(text) and all(_moves(value.strip()) for value in _STORED.findall(text)):
        return "copy"
    return "vector"


def _moves(value: str) -> bool:
    """Whether a stored value is an element, a constant, or a choice between such."""
    condition, question, rest = value.partition("?")
    if not question:
        return _VALUE.match(value) is not None
    return "k" in re.findall(r"\w+", condition) and all(_moves(part.strip(" ()")) for part in rest.split(":"))


def used(text: str, platform: Platform) -> dict[str, int]:
    """How many calls of the platform's instrs a kernel text has, per kind; comments and literals do not count."""
    found: Counter[str] = Counter()
    for word in _CALL.findall(_SKIPPED.sub(" ", text)):
        rows = platform.overloads(word)
        if rows:
            found[kind_of(rows[0])] += 1
    return {k: found[k] for k in KINDS if found[k]}
