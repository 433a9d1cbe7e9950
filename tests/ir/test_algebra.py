"""Normal forms: what they print as, what they prove, and that they never change a value."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interp import Env, Fault, evaluate
from strategies import index_exprs

from xpiler_jupyter.ir.algebra import Scope
from xpiler_jupyter.ir.build import add, binary, ceil_div, div, integer, loop, lt, mod, mul, sub, var
from xpiler_jupyter.ir.nodes import Binary, Block, Call, Cast, Const, Expr, Let, Unary, Var
from xpiler_jupyter.ir.simplify import simplify_expr
from xpiler_jupyter.ir.types import I32, I64, U32


def text(e: Expr) -> str:
    """C-like text with the brackets that C needs."""
    return _text(e)[0]


def _text(e: Expr) -> tuple[str, int]:
    match e:
        case Const():
            return str(e.value), 9
        case Var():
            return e.name, 9
        case Unary():
            return e.op + _text(e.x)[0], 8
        case Cast():
            return (_text(e.x) if e.implicit else (f"({e.dtype}){_text(e.x)[0]}", 8))
        case Call():
            return f"{e.fn}({', '.join(text(a) for a in e.args)})", 9
        case Binary():
            level = 5 if e.op in "*/%" else 4 if e.op in "+-" else 3
            (a, pa), (b, pb) = _text(e.a), _text(e.b)
            return f"{a if pa >= level else f'({a})'} {e.op} {b if pb > level else f'({b})'}", level
    raise AssertionError(e)


i, j, k, N, M, K, idx = (var(n) for n in ("i", "j", "k", "N", "M", "K", "idx"))
c = integer


def nest(**extents: int | Expr) -> Scope:
    scope = Scope()
    for name, hi in extents.items():
        scope = scope.loop(loop(name, integer(hi) if isinstance(hi, int) else hi, Block()))
    return scope


def normal(e: Expr, scope: Scope) -> str:
    return text(scope.expr(scope.poly(e)))


def test_strides_are_written_as_people_write_them() -> None:
    s = nest(i=N, j=M, k=K)
    assert normal(add(k, add(mul(K, j), mul(mul(i, K), M))), s) == "(i * M + j) * K + k"
    assert normal(add(add(c(3), mul(c(4), j)), mul(c(128), i)), s) == "i * 128 + j * 4 + 3"
    assert normal(sub(mul(i, c(2)), add(j, c(1))), s) == "i * 2 - j - 1"
    assert normal(sub(sub(N, c(1)), i), s) == "N - i - 1"
    assert normal(add(mul(add(i, c(1)), N), j), s) == "(i + 1) * N + j"


def test_flat_index_taken_apart_and_put_together() -> None:
    s = nest(idx=16 * 36 * 36 * 64)
    block, thread = div(idx, c(1024)), mod(idx, c(1024))
    hi_bits = binary(">>", thread, c(8))
    assert normal(div(add(mul(mod(block, c(81)), c(4)), hi_bits), c(9)), s) == "idx / 2304 % 36"
    assert normal(div(block, c(81)), s) == "idx / 82944"
    assert normal(mod(add(mul(block, c(16)), binary(">>", thread, c(6))), c(36)), s) == "idx / 64 % 36"
    assert normal(binary("&", thread, c(63)), s) == "idx % 64"
    assert normal(add(mul(block, c(1024)), thread), s) == "idx"
    assert normal(sub(idx, mul(div(idx, c(64)), c(64))), s) == "idx % 64"


def test_symbolic_digits() -> None:
    s = nest(i=N, j=M, k=K)
    flat = add(mul(add(mul(i, M), j), K), k)
    assert normal(mod(flat, K), s) == "k"
    assert normal(mod(div(flat, K), M), s) == "j"
    assert normal(div(flat, mul(K, M)), s) == "i"
    assert s.proves(lt(flat, mul(N, mul(M, K)))) is True
    assert s.proves(lt(flat, mul(mul(N, M), sub(K, c(1))))) is None


def test_division_of_what_may_be_negative_stays() -> None:
    s = Scope()
    assert normal(div(add(mul(i, c(4)), c(3)), c(4)), s) == "(i * 4 + 3) / 4"
    assert normal(div(mul(i, c(4)), c(4)), s) == "i"
    assert normal(mod(sub(i, c(1)), c(4)), nest(i=8)) == "(i - 1) % 4"
    assert normal(div(add(mul(i, c(4)), c(3)), c(4)), nest(i=8)) == "i"


def test_extent_of_a_grid_covers_its_elements() -> None:
    extent = mul(ceil_div(N, c(256)), c(256))
    assert Scope().proves(binary(">=", extent, N)) is True
    inside = Scope().loop(loop("i", ceil_div(N, c(256)), Block()))
    assert inside.proves(lt(c(0), N)) is True


def test_guards_and_lets_are_known() -> None:
    s = nest(i=ceil_div(N, c(256)), j=256).let(Let("idx", I32, add(mul(i, c(256)), j)))
    assert s.proves(lt(idx, N)) is None
    assert s.given(lt(idx, N)).proves(lt(add(mul(i, c(256)), j), N)) is True
    assert s.given(lt(idx, N), False).proves(lt(idx, N)) is False
    assert normal(div(idx, c(256)), s) == "i"


def test_size_names_stay_strides() -> None:
    ow = var("OW")
    s = Scope().let(Let("OW", I32, sub(N, c(2))))
    s = s.loop(loop("i", M, Block())).loop(loop("j", ow, Block()))
    assert normal(add(j, mul(i, ow)), s) == "i * OW + j"
    assert s.proves(lt(add(j, c(2)), N)) is True


def test_unsigned_is_integer_only_where_it_does_not_wrap() -> None:
    u = Var("u", U32)
    wraps = binary("-", u, Const(1, U32))
    assert Scope().proves(Binary("<", wraps, u, wraps.dtype)) is None
    small = Scope().loop(loop("i", c(10), Block()))
    e = binary("+", Cast(i, U32), Const(5, U32))
    assert small.bounds(e) == (5, 14)
    assert small.proves(binary("<", e, Const(15, U32))) is True


def test_wide_arithmetic_is_said_aloud() -> None:
    e = binary("*", Cast(i, I64), Cast(N, I64, implicit=True))
    assert text(Scope().expr(Scope().poly(e), I64)) == "(i64)N * i"


def test_a_rebound_name_forgets_what_was_known() -> None:
    s = nest(i=4, j=var("i"))
    assert s.proves(lt(j, c(3))) is True
    again = s.loop(loop("i", c(100), Block()))
    assert again.proves(lt(i, c(4))) is None
    assert again.proves(lt(j, c(3))) is None


@pytest.mark.parametrize("op", ["min", "max"])
def test_extrema(op: str) -> None:
    e = Call(op, (add(i, c(10)), j), I32)
    assert normal(e, nest(i=4, j=8)) == ("j" if op == "min" else "i + 10")
    s = Scope().loop(loop("i", Call("min", (N, c(8)), I32), Block()))
    assert s.proves(lt(i, c(8))) is True
    assert s.proves(lt(i, N)) is True


EXTENTS = {"i": 3, "j": 8, "k": 5}


@settings(max_examples=400, deadline=None)
@given(index_exprs(list(EXTENTS)))
def test_normal_form_and_simplification_keep_values(e: Expr) -> None:
    scope = nest(**EXTENTS)
    others = [scope.expr(scope.poly(e)), simplify_expr(e, scope)]
    low, high = scope.bounds(e)
    for values in itertools.product(*(range(n) for n in EXTENTS.values())):
        env = Env(dict(zip(EXTENTS, values, strict=True)), {})
        try:
            want = evaluate(e, env)
        except Fault:
            continue
        assert (low is None or low <= want) and (high is None or want <= high)
        for other in others:
            assert evaluate(other, env) == want, text(other)


@settings(max_examples=200, deadline=None)
@given(index_exprs(["i", "j", "n"]), st.integers(-9, 9))
def test_unknown_signs_keep_values(e: Expr, n: int) -> None:
    scope = Scope()
    other = simplify_expr(e, scope)
    for a, b in itertools.product((-7, -1, 0, 2, 9), repeat=2):
        env = Env({"i": a, "j": b, "n": n}, {})
        try:
            want = evaluate(e, env)
        except Fault:
            continue
        assert evaluate(other, env) == want, text(other)


@settings(max_examples=200, deadline=None)
@given(index_exprs(["i", "j"]), index_exprs(["i", "j"]), st.sampled_from(["<", "<=", "==", "!=", ">", ">="]))
def test_proofs_hold(a: Expr, b: Expr, op: str) -> None:
    scope = nest(i=4, j=7)
    cond = binary(op, a, b)
    claim = scope.proves(cond)
    under = scope.given(cond)
    again = [(under.proves(binary("<", i, c(n))), n) for n in (1, 3)]
    for values in itertools.product(range(4), range(7)):
        env = Env({"i": values[0], "j": values[1]}, {})
        try:
            holds = evaluate(cond, env)
        except Fault:
            continue
        assert claim is None or holds is claim
        if holds:
            assert all(known is None or known is (values[0] < n) for known, n in again)
