"""Which statements are updates: a variable combined with something by an operator whose terms may come in any order."""

from __future__ import annotations

from .model import Apply, Choose, Get, Read, Statement, Tree


def update_of(s: Statement, kind: str) -> tuple[str, int, Tree] | None:
    """(operator, read of the accumulator, contribution) of `x = x op e` with an operator whose terms may be reordered."""
    t, word = s.tree, kind
    narrow = isinstance(t, Apply) and t.op.startswith(f"to {kind} from ") and kind[0] in "iu"
    if isinstance(t, Apply) and narrow:  # x = (T)((W)x op e) is x op (T)e for integers: they wrap alike
        word, t = t.op.split()[-1], t.args[0]
        if word[0] not in "iu" or int(word[1:]) < int(kind[1:]):
            return None
    if not isinstance(t, Apply) or len(t.args) != 2:
        return None
    op = t.op.removesuffix(word)
    if op not in ("+", "-", "*", "min", "max", "&", "|", "^") or t.op == op or (narrow and op in ("min", "max")):
        return None
    for a, b in ((0, 1),) if op == "-" else ((0, 1), (1, 0)):
        x, e = t.args[a], t.args[b]
        if narrow:
            if not isinstance(x, Apply) or x.op != f"to {word} from {kind}":
                continue
            x, e = x.args[0], Apply(f"to {kind} from {word}", (e,))
        if isinstance(x, Get) and _same_place(s, s.reads[x.read]) and not _mentions(e, x.read):
            return ("+" + kind, x.read, Apply(f"-{kind}", (e,))) if op == "-" else (op + kind, x.read, e)
    return None


def _same_place(s: Statement, read: Read) -> bool:
    """Does the statement read the element that it writes?"""
    if read.buffer != s.buffer:
        return False
    if s.flat is not None and read.flat is not None and s.flat == read.flat:
        return True
    return s.element is not None and read.element is not None and bool(read.element.is_equal(s.element))


def _mentions(t: Tree, read: int) -> bool:
    if isinstance(t, Get):
        return t.read == read
    if isinstance(t, Apply):
        return any(_mentions(a, read) for a in t.args)
    return isinstance(t, Choose) and (_mentions(t.a, read) or _mentions(t.b, read))
