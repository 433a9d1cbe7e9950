"""What the outputs of a program are made of, in words: for a person who asks why two programs are equal, or are not."""

from __future__ import annotations

import re
from dataclasses import dataclass

import islpy as isl

from ..sets import DIM, Map, TooHard, bounded
from .algebra import Rules, split_op
from .expand import Expander
from .model import Program, Unknown
from .values import App, Bag, In, Num, Part, Place, Value

OUTER, INNER = "ijlmnop", "kqrstuvwxyz"  # names for the indices of an element, and of terms
MANY = 3  # cases of one output that are told
LONG = 400  # characters of one formula
_WORDS = {"+": "sum", "*": "product", "max": "maximum", "min": "minimum"}


@dataclass(frozen=True, slots=True)
class Made:
    """One case of one output: `line` of the text writes `element` last, and what it writes is `formula`."""

    slot: str
    line: int | None
    element: str
    formula: str


def made(program: Program, budget: int) -> list[Made]:
    """What each output is made of. Raises Unknown, TooHard."""
    expander = Expander(program, Rules())
    out: list[Made] = []
    slots = {n: p.slot for n, p in program.places.items() if p.slot is not None}
    try:
        with bounded(budget):
            for slot in sorted({slots[s.buffer] for s in program.statements if s.buffer in slots}):
                for s, m in expander.flow.last(slot):
                    span = getattr(s.node, "span", None)
                    pieces = expander.instance(s, m)
                    names = list(OUTER[:int(m.dim(DIM.in_))])
                    element = f"{slot}[{', '.join(names)}]"
                    for _, value in pieces[:MANY]:
                        out.append(Made(slot, span.line if span else None, element, formula(value, names)))
                    if len(pieces) > MANY:
                        out.append(Made(slot, span.line if span else None, element, f"... {len(pieces) - MANY} more cases"))
    except TooHard:
        raise Unknown("what the outputs are made of is too hard to work out in time") from None
    return out


def formula(v: Value, names: list[str]) -> str:
    """The value in a context whose indices have these names."""
    text = _formula(v, names)
    return text if len(text) <= LONG else f"{text[:LONG]} ..."


def _formula(v: Value, names: list[str]) -> str:
    if isinstance(v, Num):
        return f"{v.value:g}" if isinstance(v.value, float) else str(v.value)
    if isinstance(v, In):
        return f"{v.slot}[{_places(v.at, names)}]"
    if isinstance(v, Place):
        return f"({_places(v.at, names)})"
    if isinstance(v, App):
        name = split_op(v.op)[0].split(" ")[0] if not v.op.startswith(("gather ", "value ")) else v.op.split(" ", 1)[1]
        args = [_formula(a, names) for a in v.args]
        if v.op.startswith("gather "):
            return f"{name}[{', '.join(args)}]"
        if name == "inverse":
            return f"1 / {args[0]}" if isinstance(v.args[0], In | Num | App) else f"1 / ({args[0]})"
        if len(args) == 2 and not name[:1].isalpha():
            return f"({args[0]} {name} {args[1]})"
        return f"{name}({', '.join(args)})" if args else name
    if not isinstance(v, Bag):
        return "a value that is built on itself, round by round"
    op = split_op(v.op)[0]
    parts = [_part(op, p, names) for p in v.parts]
    if len(parts) == 1:
        return parts[0]
    return f"({f' {op} '.join(parts)})" if not op[:1].isalpha() else f"{op}({', '.join(parts)})"


def _part(op: str, p: Part, names: list[str]) -> str:
    if not p.extra:
        return _formula(p.value, names)
    new = [n for n in INNER if n not in names][:p.extra]
    domain = p.index.range()
    ranges = []
    for k, n in enumerate(new):
        try:
            lo, hi = domain.dim_min_val(k), domain.dim_max_val(k)
            ranges.append(f"{n} = {lo}..{hi}" if lo.is_int() and hi.is_int() else n)
        except isl.Error:
            ranges.append(n)
    if not p.index.is_equal(Map.from_domain_and_range(p.index.domain(), domain)):
        ranges.append("some of these")  # which depends on the element
    return f"{_WORDS.get(op, op)} over {', '.join(ranges)} of {_formula(p.value, [*names, *new])}"


def _places(m: Map, names: list[str]) -> str:
    """Where a relation leads, as formulas over the names."""
    for k, n in enumerate(names[:int(m.dim(DIM.in_))]):
        m = m.set_dim_name(DIM.in_, k, n)
    try:
        text = str(isl.PwMultiAff.from_map(m.coalesce()))
    except isl.Error:
        return "..."
    found = re.search(r"-> \[(.*?)\](?: :|;| \})", text)
    if found is None:
        return "..."
    return re.sub(r"\((\w+)\)", r"\1", found[1])
