"""Operations that two programs may write in ways that mean the same number and round differently."""

from __future__ import annotations

from collections.abc import Iterator

from .algebra import split_op
from .model import Apply, Choose, Number, Program, Tree

_KINDS = ("f16", "bf16", "f32", "f64")
WORDS = "quotients, roots and powers are written differently, and round differently"


def written_alike(a: Program, b: Program) -> bool:
    """Do both programs use the same of those operations that have another spelling?"""
    return _spellings(a) == _spellings(b)


def _spellings(p: Program) -> set[str]:
    return {word for s in p.statements for word in _of(s.tree)}


def _of(t: Tree) -> Iterator[str]:
    if isinstance(t, Choose):
        yield from _of(t.a)
        yield from _of(t.b)
    elif isinstance(t, Apply):
        name, kind = split_op(t.op)
        if kind in _KINDS and name == "/":
            yield "upside down" if isinstance(t.args[0], Number) else "quotient"
        elif kind in _KINDS and name in ("rsqrt", "sqrt", "pow"):
            yield name
        for x in t.args:
            yield from _of(x)
