"""Seeded mutants: small wrong edits of a kernel, to measure what the judge catches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.nodes import Barrier, Binary, Call, Const, Expr, For, If, Kernel, Load, Node, Select, Store
from ..ir.types import I32
from ..ir.visit import map_children, walk
from .mutant_edits import Surroundings, wider_edits

SWAPS = {"+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "&&": "||", "||": "&&"}
COMPARISONS = {"<": ("<=", ">"), "<=": ("<", ">="), ">": (">=", "<"), ">=": (">", "<="), "==": ("!=",), "!=": ("==",)}
CALLS = {"max": "min", "min": "max", "sin": "cos", "cos": "sin", "exp": "exp2", "floor": "ceil", "ceil": "floor"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong edit: which kind, in words, at which line of the text the kernel came from."""

    kind: str
    words: str
    line: int | None
    kernel: Kernel


def mutants(kernel: Kernel, seed: int = 0, count: int | None = None) -> list[Mutant]:
    """Distinct mutants of `kernel` in a random order that `seed` fixes; every kind comes up before one repeats."""
    rng = np.random.default_rng(seed)
    by_kind: dict[str, list[Mutant]] = {}
    seen = {kernel.body}
    around = Surroundings.of(kernel)
    for place, node in enumerate(walk(kernel.body)):
        for kind, words, new in (*_edits(node), *wider_edits(node, around)):
            body = replace_at(kernel.body, place, new)
            if body in seen:
                continue
            seen.add(body)
            line = node.span.line if node.span else None
            by_kind.setdefault(kind, []).append(Mutant(kind, words, line, dataclasses.replace(kernel, body=body)))
    queues = [[group[i] for i in rng.permutation(len(group))] for _, group in sorted(by_kind.items())]
    out: list[Mutant] = []
    while queues and (count is None or len(out) < count):
        for queue in queues:
            out.append(queue.pop())
        queues = [q for q in queues if q]
    return out[:count]


def _edits(node: Node) -> Iterator[tuple[str, str, Any]]:
    """(kind, words, replacement) for one node; the replacement of a statement may be a tuple of statements."""
    if isinstance(node, For):
        kind = "launch" if node.kind == "parallel" else "bound"
        yield kind, f"{node.var} stops one early", dataclasses.replace(node, hi=_plus(node.hi, -1))
        yield kind, f"{node.var} runs one further", dataclasses.replace(node, hi=_plus(node.hi, 1))
        if node.kind != "parallel":
            yield kind, f"{node.var} starts one late", dataclasses.replace(node, lo=_plus(node.lo, 1))
    elif isinstance(node, Load | Store) and node.indices:
        last = node.indices[-1]
        for step in (1, -1):
            moved = (*node.indices[:-1], _plus(last, step))
            yield "offset", f"index of {node.buffer} off by {step}", dataclasses.replace(node, indices=moved)
        if isinstance(last, Binary):
            for place, part in enumerate(walk(last)):
                if isinstance(part, Binary) and part.op == "*" and isinstance(part.b, Const):
                    wrong = dataclasses.replace(part, b=_plus(part.b, 1))
                    moved = (*node.indices[:-1], replace_at(last, place, wrong))
                    yield "stride", f"stride of {node.buffer} off by one", dataclasses.replace(node, indices=moved)
    if isinstance(node, Store):
        yield "store", f"a store to {node.buffer} is missing", ()
    elif isinstance(node, Binary) and node.op in COMPARISONS:
        for op in COMPARISONS[node.op]:
            yield "comparison", f"{node.op} became {op}", dataclasses.replace(node, op=op)
    elif isinstance(node, Binary) and node.op in SWAPS and (node.dtype.is_integer or node.op in "+-*/"):
        yield "operator", f"{node.op} became {SWAPS[node.op]}", dataclasses.replace(node, op=SWAPS[node.op])
    elif isinstance(node, Call) and node.fn in CALLS and len(node.args) in (1, 2):
        yield "operator", f"{node.fn} became {CALLS[node.fn]}", dataclasses.replace(node, fn=CALLS[node.fn])
    elif isinstance(node, Const) and node.dtype.is_float and np.isfinite(node.value):
        yield "constant", f"{node.value} became {float(node.value) * 1.5 + 0.5}", \
            dataclasses.replace(node, value=float(node.value) * 1.5 + 0.5)
    elif isinstance(node, If) and node.orelse is None:
        yield "guard", "a guard is missing", node.then.stmts
    elif isinstance(node, Select):
        yield "select", "the sides of ?: are swapped", dataclasses.replace(node, a=node.b, b=node.a)
    elif isinstance(node, Barrier):
        yield "barrier", "a barrier is missing", ()


def _plus(e: Expr, step: int) -> Expr:
    if isinstance(e, Const):
        return dataclasses.replace(e, value=int(e.value) + step)
    return Binary("+" if step > 0 else "-", e, Const(abs(step), e.dtype if e.dtype.is_integer else I32), e.dtype)


def replace_at(root: Any, place: int, new: Any) -> Any:
    """`root` with the node at position `place` of `walk(root)` replaced (a tuple splices into a statement list). By
    position, because equal nodes may be one object."""
    counter = -1

    def visit(node: Node) -> Any:
        nonlocal counter
        counter += 1
        if counter == place:
            counter += sum(1 for _ in walk(node)) - 1
            return new
        return map_children(node, visit)

    return visit(root)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the judge said of one mutant: "caught", "equivalent" (passes a much larger set as well: to be reviewed),
    "missed" (the larger set catches it), "unprintable"."""

    mutant: Mutant
    result: str
    detail: str


def grade(mutant: Mutant, emit: Callable[[Kernel], str], test: Callable[[str, Kernel], tuple[str, str]],
          test_more: Callable[[str, Kernel], tuple[str, str]]) -> Outcome:
    """Judges one mutant; `test` and `test_more` give (verdict level, detail) for a text."""
    try:
        text = emit(mutant.kernel)
    except Exception as err:  # an emitter may refuse what no front end would produce
        return Outcome(mutant, "unprintable", str(err))
    level, detail = test(text, mutant.kernel)
    if level == "wrong":
        return Outcome(mutant, "caught", detail)
    level, more = test_more(text, mutant.kernel)
    if level == "wrong":
        return Outcome(mutant, "missed", more)
    return Outcome(mutant, "equivalent", detail)



