"""The judge's own logic: accept/reject pairs for each check, on Python stand-ins for kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from verify_fakes import GRID, FakeExecutor, elementwise, launched, product, subject

from xpiler_jupyter.errors import SourceFaultError, UsageError
from xpiler_jupyter.ir.build import add, binary, var
from xpiler_jupyter.ir.nodes import Const
from xpiler_jupyter.ir.types import I32
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.verdict import verdict_of


def plus(b: Any, s: Any, reverse: bool) -> None:
    n = s["n"]
    b["C"][:n] = b["A"][:n] + b["B"][:n]


def swapped(b: Any, s: Any, reverse: bool) -> None:
    n = s["n"]
    b["C"][:n] = b["B"][:n] + b["A"][:n]


def zeros(b: Any, s: Any, reverse: bool) -> None:
    b["C"][:s["n"]] = 0


def copies(b: Any, s: Any, reverse: bool) -> None:
    b["C"][:s["n"]] = b["A"][:s["n"]]


def half_written(b: Any, s: Any, reverse: bool) -> None:
    n = s["n"] // 2
    b["C"][:n] = b["A"][:n] + b["B"][:n]


def stale(b: Any, s: Any, reverse: bool) -> None:
    n = s["n"]
    b["C"][:n] = b["C"][:n] * 0 + b["A"][:n] + b["B"][:n]


def spoils_input(b: Any, s: Any, reverse: bool) -> None:
    plus(b, s, reverse)
    b["A"][s["n"] - 1] += 1


def ascending_only(b: Any, s: Any, reverse: bool) -> None:
    plus(b, s, reverse)
    if reverse:
        b["C"][0] = 0


def wrong_tail(b: Any, s: Any, reverse: bool) -> None:
    n = s["n"] - s["n"] % 16
    b["C"][:n] = b["A"][:n] + b["B"][:n]
    b["C"][n:s["n"]] = b["A"][n:s["n"]]


def off_by_one(b: Any, s: Any, reverse: bool) -> None:
    plus(b, s, reverse)
    if s["n"] >= b["C"].size:
        raise IndexError(f"C[{s['n']}]")


def swallows_nan(b: Any, s: Any, reverse: bool) -> None:
    n = s["n"]
    b["C"][:n] = np.nan_to_num(b["A"][:n] + b["B"][:n])


def abuses_tolerance(b: Any, s: Any, reverse: bool) -> None:
    n = s["n"]
    b["C"][:n] = (b["A"][:n] + b["B"][:n]) * np.float32(1 + 1e-4)


def racing(b: Any, s: Any, reverse: bool) -> None:
    plus(b, s, reverse)
    b["C"][0] = 1 if reverse else 2


def faulting(b: Any, s: Any, reverse: bool) -> None:
    raise IndexError("A[-1]")


BODIES = {f.__name__: f for f in (plus, swapped, zeros, copies, half_written, stale, spoils_input, ascending_only,
                                  wrong_tail, off_by_one, swallows_nan, abuses_tolerance, racing, faulting)}
EXECUTOR = FakeExecutor(BODIES)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(subject("plus", elementwise()), executors=lambda p: EXECUTOR)


def level(judge: Judge, name: str) -> tuple[str, str]:
    verdict = verdict_of(judge.test(subject(name, elementwise())), judge.assumptions)
    return verdict.level, verdict.detail


@pytest.mark.parametrize("name", ["plus", "swapped"])
def test_accepts(judge: Judge, name: str) -> None:
    assert level(judge, name)[0] == "tested"


@pytest.mark.parametrize(("name", "words"), [
    ("zeros", "expected"), ("copies", "expected"), ("half_written", "not written"), ("stale", "expected"),
    ("spoils_input", "is an input"), ("ascending_only", "descending"), ("wrong_tail", "expected"),
    ("off_by_one", "out-of-bounds"), ("swallows_nan", "special"), ("abuses_tolerance", "within"),
    ("missing", "no such function"),
])
def test_rejects(judge: Judge, name: str, words: str) -> None:
    verdict, detail = level(judge, name)
    assert verdict == "wrong"
    assert words in detail


def test_the_source_is_bit_exact_with_itself(judge: Judge) -> None:
    assert verdict_of(judge.test(subject("plus", elementwise()))).number_model == "bit-exact"


def test_gate_and_seed_are_in_the_evidence(judge: Judge) -> None:
    kinds = {e.kind: e for e in judge.evidence}
    assert kinds["triviality"].status == "pass"
    assert kinds["source"].data["seed"] == 0
    labels = [s["label"] for s in kinds["source"].data["sizes"]]
    assert labels[0] == "representative" and "small" in labels


def test_a_source_that_is_trivial_does_not_pass_the_gate() -> None:
    judge = Judge(subject("copies", elementwise()), executors=lambda p: EXECUTOR)
    assert judge.gate.status == "unknown"
    assert "copy of A" in judge.gate.detail
    assert "cannot tell" in level(judge, "copies")[1]


@pytest.mark.parametrize(("name", "words"), [("racing", "order of its threads"), ("faulting", "at fault")])
def test_a_wrong_source_is_refused(name: str, words: str) -> None:
    with pytest.raises(SourceFaultError, match=words):
        Judge(subject(name, elementwise()), executors=lambda p: EXECUTOR)


def test_reference_function_is_compared() -> None:
    good = Judge(subject("plus", elementwise()), ref=lambda a, b: a + b, executors=lambda p: EXECUTOR)
    assert [e.status for e in good.evidence if e.kind == "ref"] == ["pass"]
    bad = Judge(subject("plus", elementwise()), ref=lambda a, b: a - b, executors=lambda p: EXECUTOR)
    assert [e.status for e in bad.evidence if e.kind == "ref"] == ["fail"]


def test_unknown_shape_names_are_refused() -> None:
    with pytest.raises(UsageError, match="does not have"):
        Judge(subject("plus", elementwise()), shape={"zz": 3}, executors=lambda p: EXECUTOR)


def test_the_persons_sizes_win() -> None:
    judge = Judge(subject("plus", elementwise()), shape={"n": 77}, executors=lambda p: EXECUTOR)
    assert {r.case.size.scalars["n"] for r in judge.references} == {77}


# -- floats ------------------------------------------------------------------------------------------------------------


def gemm(b: Any, s: Any, reverse: bool) -> None:
    m, n, k = s["M"], s["N"], s["K"]
    out = b["C"][:m * n].reshape(m, n)
    out[:] = 0
    for i in range(k):
        out += b["A"][:m * k].reshape(m, k)[:, i:i + 1] * b["B"][:k * n].reshape(k, n)[i]


def reassociated(b: Any, s: Any, reverse: bool) -> None:
    m, n, k = s["M"], s["N"], s["K"]
    out = b["C"][:m * n].reshape(m, n)
    out[:] = 0
    for i in reversed(range(k)):
        out += b["A"][:m * k].reshape(m, k)[:, i:i + 1] * b["B"][:k * n].reshape(k, n)[i]


def drops_a_term(b: Any, s: Any, reverse: bool) -> None:
    m, n, k = s["M"], s["N"], s["K"]
    a = b["A"][:m * k].reshape(m, k).copy()
    a[:, k // 2] = 0
    b["C"][:m * n] = (a @ b["B"][:k * n].reshape(k, n)).ravel()


def transposed(b: Any, s: Any, reverse: bool) -> None:
    m, n, k = s["M"], s["N"], s["K"]
    b["C"][:m * n] = (b["A"][:m * k].reshape(m, k) @ b["B"][:k * n].reshape(n, k).T).ravel()


def test_a_reassociated_sum_passes_and_a_dropped_term_does_not() -> None:
    executor = FakeExecutor({f.__name__: f for f in (gemm, reassociated, drops_a_term, transposed)})
    judge = Judge(subject("gemm", product()), executors=lambda p: executor)
    sizes = judge.sizes.sets[0].scalars
    assert len(set(sizes.values())) == 3, "swapped dimensions must show"
    good = verdict_of(judge.test(subject("reassociated", product())))
    assert good.level == "tested" and good.number_model.startswith("real arithmetic")
    for name in ("drops_a_term", "transposed"):
        assert verdict_of(judge.test(subject(name, product()))).level == "wrong"


# -- launches ----------------------------------------------------------------------------------------------------------


def by_threads(b: Any, s: Any, reverse: bool) -> None:
    count = s["grid"][0] * s["block"][0]
    n = min(count, 4608)
    if n > b["C"].size:
        raise IndexError(f"C[{b['C'].size}]")
    b["C"][:n] = b["A"][:n]


def test_a_launch_is_evaluated_and_covers_its_guard() -> None:
    grid = binary("/", add(var("size"), Const(255, I32)), Const(256, I32))
    kernel = launched(Const(4608, I32), grid)
    executor = FakeExecutor({"by_threads": by_threads})
    judge = Judge(subject("by_threads", kernel, GRID), executors=lambda p: executor)
    assert judge.sizes.sets[0].scalars["size"] == 4608
    assert {s.label for s in judge.sizes.sets} >= {"representative", "tail"}
