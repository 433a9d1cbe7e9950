"""The rules of normal forms, tried on numbers: what a rule makes of values has the value of what it was made of."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xpiler_jupyter.dataflow.proof.algebra import Rules, apply, close, split_op
from xpiler_jupyter.dataflow.proof.values import App, Bag, In, Num, Value, identity
from xpiler_jupyter.dataflow.sets import DIM, isl_val, universe
from xpiler_jupyter.ir.types import SCALARS

HERE = universe(1).fix_val(DIM.set, 0, isl_val(5))  # one context
NAMES = ("a", "b", "c")
Tree = Any  # a name, a number, or (operator, operands)


def trees(kind: str, numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    words = ("+", "-", "*", "min", "max") + (("/",) if kind == "f32" else ("&", "|", "^"))
    return st.recursive(st.sampled_from(NAMES) | numbers.map(lambda x: ("number", x)),
                        lambda below: st.tuples(st.sampled_from(words), below, below) | st.tuples(st.just("-"), below),
                        max_leaves=8)


def value(t: Tree, kind: str, rules: Rules) -> Value:
    """The tree in normal form."""
    if isinstance(t, str):
        return In(t, identity(HERE))
    if t[0] == "number":
        return Num(t[1])
    return apply(t[0] + kind, tuple(value(x, kind, rules) for x in t[1:]), HERE, rules)


def wrap(x: Any, kind: str) -> Any:
    if kind == "f32":
        return x
    bits = SCALARS[kind].bits
    x %= 1 << bits
    return x - (1 << bits) if kind[0] == "i" and x >> (bits - 1) else x


def done(name: str, xs: list[Any], kind: str) -> Any:
    if name == "-" and len(xs) == 1:
        return wrap(-xs[0], kind)
    if name == "inverse":
        return 1 / xs[0]
    if name in ("min", "max"):
        return (min if name == "min" else max)(xs)
    out = xs[0]
    for x in xs[1:]:
        out = {"+": lambda p, q: p + q, "-": lambda p, q: p - q, "*": lambda p, q: p * q, "/": lambda p, q: p / q,
               "&": lambda p, q: p & q, "|": lambda p, q: p | q, "^": lambda p, q: p ^ q}[name](out, x)
    return wrap(out, kind)


def of_tree(t: Tree, kind: str, env: dict[str, Any]) -> Any:
    if isinstance(t, str):
        return env[t]
    if t[0] == "number":
        return wrap(Fraction(t[1]) if kind == "f32" else t[1], kind)
    return done(t[0], [of_tree(x, kind, env) for x in t[1:]], kind)


def of_value(v: Value, kind: str, env: dict[str, Any]) -> Any:
    if isinstance(v, Num):
        return Fraction(v.value) if kind == "f32" and math.isfinite(v.value) else wrap(v.value, kind)
    if isinstance(v, In):
        return env[v.slot]
    if isinstance(v, App):
        return done(split_op(v.op)[0], [of_value(x, kind, env) for x in v.args], kind)
    assert isinstance(v, Bag)
    terms: list[Any] = []
    for p in v.parts:
        assert p.index.wrap().is_singleton(), "every term here is there once, or merged with its like"
        terms.append(of_value(p.value, kind, env))
    return done(split_op(v.op)[0], terms, kind)


SMALL = st.fractions(min_value=-8, max_value=8, max_denominator=8)


@settings(max_examples=150, deadline=None)
@given(t=trees("f32", st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -4.0])), env=st.tuples(SMALL, SMALL, SMALL))
def test_real_numbers(t: Tree, env: tuple[Fraction, ...]) -> None:
    named = dict(zip(NAMES, env, strict=True))
    try:
        expected = of_tree(t, "f32", named)
    except ZeroDivisionError:
        assume(False)
    v = value(t, "f32", Rules())
    assume(not _merged(v))
    found = of_value(v, "f32", named)
    assert math.isclose(float(found), float(expected), rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=200, deadline=None)
@given(kind=st.sampled_from(["i8", "u8", "i32", "u32"]), data=st.data())
def test_integers_wrap(kind: str, data: st.DataObject) -> None:
    bits = SCALARS[kind].bits
    number = st.integers(0, (1 << bits) - 1).map(lambda x: wrap(x, kind))
    t = data.draw(trees(kind, number))
    named = {n: data.draw(number) for n in NAMES}
    v = value(t, kind, Rules())
    assume(not _merged(v))
    assert of_value(v, kind, named) == of_tree(t, kind, named)


def _merged(v: Value) -> bool:
    """Are four and more terms of one shape written as one part?"""
    if isinstance(v, Bag):
        return any(p.extra or _merged(p.value) for p in v.parts)
    return isinstance(v, App) and any(_merged(x) for x in v.args)


@given(x=st.integers(-(1 << 40), 1 << 40), target=st.sampled_from(["i8", "u8", "i16", "u16", "i32", "u32", "i64"]))
def test_whole_numbers_convert_as_in_c(x: int, target: str) -> None:
    assert apply(f"to {target} from i64", (Num(x),), HERE, Rules()) == Num(wrap(x, target))


@given(x=st.floats(), target=st.sampled_from(["i8", "i32", "u32"]))
def test_what_c_leaves_open_stays_open(x: float, target: str) -> None:
    got = apply(f"to {target} from f32", (Num(x),), HERE, Rules())
    fits = math.isfinite(x) and int(x) == wrap(int(x), target)
    assert (got == Num(int(x))) if fits else isinstance(got, App)


@given(a=st.floats(), b=st.floats())
def test_close_numbers_are_equal_or_round_alike(a: float, b: float) -> None:
    if close(a, b):
        assert a == b or abs(a - b) <= 6e-8 * max(abs(a), abs(b))
    assert not close(math.nan, b)


@given(x=st.integers(-300, 300), y=st.integers(-300, 300), op=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
def test_comparisons_of_numbers(x: int, y: int, op: str) -> None:
    word = {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y, "==": x == y, "!=": x != y}[op]
    assert apply(f"{op}i32", (Num(x), Num(y)), HERE, Rules()) == Num(word)
