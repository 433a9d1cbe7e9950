"""Simplification: what it removes, and that random kernels mean the same afterwards."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from strategies import assert_same, kernels, plain

from xpiler_jupyter.ir.build import add, binary, ceil_div, integer, loop, lt, mul, scalar, var
from xpiler_jupyter.ir.nodes import Alloc, Block, Break, Cast, Const, If, Kernel, Let, Load, Return, Store, Var
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.ir.types import F32, I32, U32

c = integer
i, j, n, idx = var("i"), var("j"), var("n"), var("idx")


def put(index: object, value: object = 1.0) -> Store:
    return Store("A", (index,), Const(value, F32) if isinstance(value, float) else value, F32)  # type: ignore[arg-type]


def body(kernel: Kernel) -> tuple[object, ...]:
    return kernel.body.stmts


def guarded_loop(hi: object, bound: object) -> Kernel:
    return plain(loop("i", hi, Block((If(lt(i, bound), Block((put(i),))),))))  # type: ignore[arg-type]


def test_proved_guard_goes() -> None:
    assert body(simplify(guarded_loop(c(8), c(8)))) == (loop("i", c(8), Block((put(i),))),)


def test_refuted_guard_takes_the_loop_with_it() -> None:
    assert body(simplify(plain(loop("i", c(8), Block((If(lt(c(9), i), Block((put(i),))),)))))) == ()


def test_guard_merges_into_the_bound_when_it_is_smaller() -> None:
    assert body(simplify(guarded_loop(c(8), c(5)))) == (loop("i", c(5), Block((put(i),))),)
    covered = mul(ceil_div(n, c(256)), c(256))
    assert body(simplify(guarded_loop(covered, n))) == (loop("i", n, Block((put(i),))),)


def test_guard_stays_when_the_order_is_unknown() -> None:
    kernel = guarded_loop(c(8), n)
    assert simplify(kernel) is kernel


def test_lower_bound_merges() -> None:
    kernel = plain(loop("i", c(8), Block((If(binary(">=", i, c(2)), Block((put(i),))),))))
    assert body(simplify(kernel)) == (loop("i", c(8), Block((put(i),)), lo=c(2)),)


def test_guard_through_a_let() -> None:
    inner = Block((Let("idx", I32, mul(i, c(4))), If(lt(idx, c(14)), Block((put(idx),)))))
    out = simplify(plain(loop("i", c(8), inner)))
    assert body(out) == (loop("i", c(4), Block((Let("idx", I32, mul(i, c(4))), put(idx)))),)


def test_flat_thread_index_gives_the_block_back() -> None:
    flat = Let("idx", I32, add(mul(i, c(256)), j))
    inner = Block((flat, put(binary("/", idx, c(256))), put(binary("%", idx, c(256)))))
    out = simplify(plain(loop("i", n, Block((loop("j", c(256), inner),)))))
    assert body(out) == (loop("i", n, Block((loop("j", c(256), Block((put(i), put(j)))),))),)


def test_guards_on_all_that_is_seen_become_the_bound() -> None:
    work = (Alloc("s", F32, ()), Store("s", (), Load("B", (n,), F32), F32))
    inner = loop("j", c(3), Block((If(lt(i, c(6)), Block((Store("s", (), Load("B", (j,), F32), F32),))),)))
    seen = If(lt(binary("/", i, c(2)), c(3)), Block((put(i, scalar("s", F32)),)))
    kernel = plain(loop("i", c(8), Block((*work, inner, seen))))
    plain_inner = loop("j", c(3), Block((Store("s", (), Load("B", (j,), F32), F32),)))
    out = simplify(kernel)
    assert body(out) == (loop("i", c(6), Block((*work, plain_inner, put(i, scalar("s", F32))))),)
    assert_same(kernel, out, n=1)


def test_a_guard_on_a_part_of_what_is_seen_stays() -> None:
    kernel = plain(loop("i", c(8), Block((put(n), If(lt(i, c(6)), Block((put(i),)))))))
    assert simplify(kernel) is kernel


def test_quotients_leave_comparisons() -> None:
    kernel = plain(loop("i", c(64), Block((If(lt(binary("/", i, c(4)), n), Block((put(n),))), put(i)))))
    (first, _) = body(simplify(kernel))[0].body.stmts  # type: ignore[attr-defined]
    assert first.cond == lt(i, mul(n, c(4)))


def test_single_and_empty_loops() -> None:
    assert body(simplify(plain(loop("i", c(1), Block((put(add(i, n)),)))))) == (put(n),)
    assert body(simplify(plain(loop("i", c(0), Block((put(i),)))))) == ()
    kernel = plain(loop("i", c(1), Block((If(lt(n, c(2)), Block((Break(),))), put(i)))))
    assert len(body(simplify(kernel))) == 1


def test_unrolled_bodies_do_not_clash() -> None:
    once = Block((Let("x", F32, Load("B", (i,), F32)), put(i, Var("x", F32))))
    kernel = plain(loop("i", c(1), once), loop("i", c(1), once))
    out = simplify(kernel)
    assert [s.name for s in body(out) if isinstance(s, Let)] == ["x", "x_1"]
    assert_same(kernel, check(out), n=1)


def test_dead_code() -> None:
    kernel = plain(Let("x", I32, n), Alloc("t", F32, ()), Store("t", (), Const(1.0, F32), F32), put(n))
    assert body(simplify(kernel)) == (put(n),)
    counter = plain(Alloc("t", F32, ()), Store("t", (), Const(1.0, F32), F32),
                    Store("t", (), binary("+", scalar("t", F32), Const(1.0, F32)), F32), put(n))
    assert body(simplify(counter)) == (put(n),)


def test_the_loop_takes_the_name_of_its_let() -> None:
    kernel = plain(loop("b", n, Block((Let("row", I32, var("b")), put(var("row"))))))
    assert body(simplify(kernel)) == (loop("row", n, Block((put(var("row")),))),)


def test_an_axis_keeps_its_extent_and_its_name() -> None:
    inner = Block((Let("bs", I32, var("blockIdx.x")), put(var("bs"))))
    kernel = plain(loop("blockIdx.x", c(1), inner, "parallel", "blockIdx.x"))
    assert simplify(kernel) is kernel


def test_early_return_is_a_guard_for_the_rest() -> None:
    kernel = plain(If(binary(">=", n, c(4)), Block((Return(),))), If(lt(n, c(4)), Block((put(n),))))
    assert body(simplify(kernel))[1] == put(n)


def test_floats_are_left_alone() -> None:
    zero = Const(0.0, F32)
    kernel = plain(put(n, binary("+", Load("B", (n,), F32), zero)), put(n, binary("*", Load("B", (n,), F32), zero)),
                   If(binary("==", Load("B", (n,), F32), Load("B", (n,), F32)), Block((put(n),))))
    assert simplify(kernel) is kernel


def test_a_loop_that_runs_has_positive_bounds() -> None:
    m = var("m")
    guarded = Block((If(lt(i, mul(n, m)), Block((put(i),))),))
    kernel = plain(loop("i", n, Block((loop("j", m, guarded),))), scalars=("n", "m"))
    inside = loop("j", m, Block((put(i),)))
    assert body(simplify(kernel)) == (loop("i", n, Block((inside,))),)


def test_an_unsigned_quotient_stays_unsigned() -> None:
    """`(int)(x / 8)` of an unsigned x from 2^31 on is not `(int)x / 8`."""
    x = Load("B", (i,), U32)
    kernel = plain(loop("i", n, Block((Store("C", (i,), Cast(binary("/", x, Const(8, U32)), I32), I32),))))
    (store,) = body(simplify(kernel))[0].body.stmts  # type: ignore[attr-defined]
    assert store.value == Cast(binary("/", x, Const(8, U32)), I32)


@pytest.mark.parametrize("size", [0, 1, 4])
@settings(max_examples=60, deadline=None)
@given(kernels())
def test_random_kernels_mean_the_same(size: int, kernel: Kernel) -> None:
    check(kernel)
    assert_same(kernel, check(simplify(kernel)), n=size)
