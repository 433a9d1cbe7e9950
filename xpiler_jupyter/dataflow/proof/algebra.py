"""Building values in normal form. Every rule is an identity of real numbers (of integers modulo 2^n where the type is one);
`Rules` notes which rules were needed that floating point keeps only up to rounding, or only for finite numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ...ir.types import SCALARS
from ..sets import DIM, Set
from .bits import tested_bit, truth
from .merge import merged
from .ranges import wrapped_to
from .values import App, Bag, In, Num, Part, Value, as_map, moved, unit, wrapped

_BAGS = ("+", "*", "min", "max", "&", "|", "^")
_FLOATS = ("f16", "bf16", "f32", "f64")


FLT_MAX = 3.4028234e38
DBL_MAX = 1.7976931348623157e308
EXACT_IN_FLOAT = 1 << 24  # whole numbers up to here are floats


@dataclass(slots=True)
class Rules:
    """What the normal forms rest on. `largest`: no number of the programs is beyond it, infinities apart."""

    largest: float = FLT_MAX
    finite: bool = False  # 0 * x = 0
    words: set[str] = field(default_factory=set)


def split_op(op: str) -> tuple[str, str]:
    """("+", "f32") of "+f32"."""
    for kind in ("bf16", "f16", "f32", "f64", "bool", *(f"{k}{b}" for k in "iu" for b in (8, 16, 32, 64))):
        if op.endswith(kind) and op != kind:
            return op[:-len(kind)].rstrip(), kind
    return op, ""


def neutral(op: str, v: Value, largest: float = FLT_MAX) -> bool:
    """Does a term change nothing? `largest` is no smaller than any number."""
    if not isinstance(v, Num):
        return False
    name, kind = split_op(op)
    x = v.value
    if name == "max":
        return kind in _FLOATS and float(x) <= -largest
    if name == "min":
        return kind in _FLOATS and float(x) >= largest
    return x == {"+": 0, "*": 1, "|": 0, "^": 0, "&": -1}.get(name)


def bag(op: str, parts: list[Part], domain: Set, rules: Rules) -> Value:
    """The bag of these terms in the context `domain`, flattened and without what changes nothing."""
    name, kind = split_op(op)
    flat: list[Part] = []
    numbers: list[bool | int | float] = []
    for p in parts:
        if neutral(op, p.value, rules.largest):
            if name in ("min", "max") and isinstance(p.value, Num) and math.isfinite(p.value.value):
                rules.words.add("no value is beyond the largest float")
            continue
        if isinstance(p.value, Bag) and p.value.op == op:
            inside = wrapped(p.index) if p.extra else p.index.domain()
            n = p.index.dim(DIM.in_)
            flat.extend(Part(as_map(wrapped(q.index.intersect_domain(inside)), n), q.value) for q in p.value.parts)
            continue
        flat.append(p)
    if name in ("+", "min", "max"):
        flat = merged(flat, domain)
    kept: list[Part] = []
    for p in flat:
        if isinstance(p.value, Num) and not p.extra and name in ("+", "*") and domain.is_subset(p.index.domain()):
            numbers.append(p.value.value)
        else:
            kept.append(p)
    if numbers:
        total: bool | int | float = sum(numbers) if name == "+" else math.prod(numbers)
        if kind[:1] in ("i", "u"):
            total = _wrapped(int(total), kind)
        if name == "*" and total == 0 and not any(_endless(p.value, kind) for p in kept):
            rules.finite = rules.finite or kind in _FLOATS
            return Num(0.0 if kind in _FLOATS else 0)
        if not neutral(op, Num(total)):
            kept.append(Part(unit(domain), Num(total)))
    if not kept:
        return Num({"+": 0, "*": 1, "max": -math.inf, "min": math.inf, "|": 0, "^": 0, "&": -1}[name])
    if len(kept) == 1 and domain.is_subset(kept[0].index.domain()) and kept[0].index.is_single_valued():
        p = kept[0]
        return p.value if not p.extra else moved(p.value, domain.identity().flat_range_product(p.index))
    return Bag(op, tuple(kept))


def apply(op: str, args: tuple[Value, ...], domain: Set, rules: Rules) -> Value:
    """The function of these values in normal form."""
    name, kind = split_op(op)
    real = kind in _FLOATS

    def both(word: str, *vs: Value) -> Value:
        return bag(word + kind, [Part(unit(domain), v) for v in vs], domain, rules)

    minus = Num(-1.0 if real else -1)
    if name in _BAGS and len(args) == 2 and kind:
        return both(name, *args)
    if name == "-" and kind != "bool":
        return both("*", minus, args[0]) if len(args) == 1 else both("+", args[0], both("*", minus, args[1]))
    if name == "/" and real:
        return both("*", args[0], _inverse(args[1], kind))
    if name == "rsqrt":
        return _inverse(App(f"sqrt {kind}", args), kind)
    if name == "sqrt" and isinstance(args[0], Num) and float(args[0].value) >= 0:
        return Num(math.sqrt(float(args[0].value)))
    if name == "pow" and isinstance(args[1], Num) and args[1].value in (2, 3, 4):
        return both("*", *[args[0]] * int(args[1].value))
    if name in ("==", "!=") and isinstance(args[1], Num) and args[1].value == 0:
        holds = tested_bit(args[0], domain) or truth(args[0])
        if holds is not None:
            return holds if name == "!=" else apply("!bool", (holds,), domain, rules)
    if name == "select":
        return _select(args, domain, rules)
    if name.startswith("to ") and isinstance(args[0], Num):
        return _converted(op, args[0])
    if name in ("<", "<=", ">", ">=", "==", "!=") and all(isinstance(a, Num) for a in args):
        x, y = (a.value for a in args if isinstance(a, Num))
        return Num({"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}[name])
    if name in ("&&", "||") and len(args) == 2:
        for a, b in (args, args[::-1]):
            if isinstance(a, Num):
                return b if bool(a.value) == (name == "&&") else a
    if name == "!" and isinstance(args[0], Num):
        return Num(not args[0].value)
    if name in (">", ">="):  # one direction only
        return App({">": "<", ">=": "<="}[name] + kind, args[::-1])
    return App(op, args)


def _endless(v: Value, kind: str) -> bool:
    """Is it 1 / 0?"""
    return isinstance(v, App) and v.op == f"inverse {kind}" and isinstance(v.args[0], Num)


def _inverse(v: Value, kind: str) -> Value:
    if isinstance(v, Num) and v.value != 0:
        return Num(1.0 / float(v.value))
    if isinstance(v, App) and v.op == f"inverse {kind}":
        return v.args[0]
    return App(f"inverse {kind}", (v,))


def _converted(op: str, v: Num) -> Value:
    """A number of another type, rounded as C does where that is simple."""
    target = op.split()[1]
    if target == "f32":
        exact = isinstance(v.value, float) or abs(v.value) <= EXACT_IN_FLOAT
        return Num(float(v.value)) if exact else App(op, (v,))
    if target in ("f16", "bf16"):
        return v if float(v.value) in (0.0, 1.0, -1.0) else App(op, (v,))
    if target == "bool":
        return Num(bool(v.value))
    if isinstance(v.value, float) and not (math.isfinite(v.value) and int(v.value) == _wrapped(int(v.value), target)):
        return App(op, (v,))  # C leaves open what this is
    return Num(_wrapped(int(v.value), target))


def _wrapped(x: int, kind: str) -> int:
    return wrapped_to(x, SCALARS[kind])


def _select(args: tuple[Value, ...], domain: Set, rules: Rules) -> Value:
    cond, a, b = args
    if isinstance(cond, Num):
        return a if cond.value else b
    if isinstance(cond, App) and split_op(cond.op)[0] == "!":
        return _select((cond.args[0], b, a), domain, rules)
    if isinstance(cond, App) and len(cond.args) == 2:
        name, kind = split_op(cond.op)
        x, y = cond.args
        if name in ("<", "<=") and kind in _FLOATS:
            # x < y ? y : x is the larger one, x < y ? x : y the smaller (NaN apart)
            for word, lo, hi in (("max", a, b), ("min", b, a)):
                if same(lo, y) and same(hi, x):
                    rules.words.add("comparisons of NaN")
                    return bag(word + kind, [Part(unit(domain), x), Part(unit(domain), y)], domain, rules)
    if isinstance(a, App) and a.op == "select" and same(a.args[0], cond):
        a = a.args[1]
    if isinstance(b, App) and b.op == "select" and same(b.args[0], cond):
        b = b.args[2]
    return a if same(a, b) else App("select", (cond, a, b))


def close(a: bool | int | float, b: bool | int | float) -> bool:
    """The same number, or one and its rounding to float."""
    return a == b or ((isinstance(a, float) or isinstance(b, float)) and math.isclose(a, b, rel_tol=6e-8))


def same(a: Value, b: Value) -> bool:
    """Plainly the same value, without looking far."""
    if a is b:
        return True
    if isinstance(a, Num) and isinstance(b, Num):
        return a.value == b.value
    if isinstance(a, In) and isinstance(b, In):
        return a.slot == b.slot and bool(a.at.is_equal(b.at))
    if isinstance(a, App) and isinstance(b, App):
        return a.op == b.op and len(a.args) == len(b.args) and all(same(x, y) for x, y in zip(a.args, b.args, strict=True))
    if isinstance(a, Bag) and isinstance(b, Bag):
        return a.op == b.op and len(a.parts) == len(b.parts) and all(
            p.index.is_equal(q.index) and same(p.value, q.value) for p, q in zip(a.parts, b.parts, strict=True))
    return False
