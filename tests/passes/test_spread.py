"""Loops over the cores of one job: equal shares, legal jobs, a text that reads back."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import Const, For, Kernel
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry, planner
from xpiler_jupyter.passes._spread import spread
from xpiler_jupyter.platforms.registry import get

BANG = get("bang")


def spread_out(text: str) -> Kernel:
    """The kernel at the end of the literal plan."""
    kernel = parse(text, "c")
    steps = spread(kernel, BANG)
    move = next(steps, None)
    while move is not None:
        kernel = simplify(_registry.get(move.pass_name).apply(kernel, move.target, **move.knobs).kernel)
        try:
            move = steps.send(kernel)
        except StopIteration:
            move = None
    return kernel


def axes(kernel: Kernel) -> dict[str | None, int]:
    return {n.axis: int(n.hi.value) for n in walk(kernel.body)
            if isinstance(n, For) and n.kind == "parallel" and isinstance(n.hi, Const)}


def scale(*extents: int | str) -> str:
    """A loop nest with these extents around B[flat] = A[flat] * 2."""
    names = "ijkl"[:len(extents)]
    flat = names[0]
    for name, e in zip(names[1:], extents[1:], strict=True):
        flat = f"({flat}) * {e} + {name}"
    loops = "".join(f"for (int {x} = 0; {x} < {e}; {x}++) " for x, e in zip(names, extents, strict=True))
    return f'extern "C" void f(const float* A, float* B, int n) {{ {loops} B[{flat}] = A[{flat}] * 2.0f; }}'


@pytest.mark.parametrize(("extents", "job"), [
    ((64,), {"clusterId": 4, "coreId": 4}),
    ((18, 128), {"clusterId": 4, "coreId": 4}),
    ((16,), {"clusterId": 4, "coreId": 4}),
    ((9,), {"clusterId": 2, "coreId": 4}),
    ((3,), {"coreId": 4}),
    ((4,), {"coreId": 4}),
    ((2, 3, 128), {"clusterId": 4, "coreId": 4}),
    (("n",), {"clusterId": 4, "coreId": 4}),
    ((3, "n"), {"clusterId": 4, "coreId": 4}),
])
def test_every_job_is_legal_and_the_text_reads_back(extents: tuple[int | str, ...], job: dict[str, int]) -> None:
    kernel = spread_out(scale(*extents))
    assert axes(kernel) == job
    text = BANG.emit(kernel)
    again = parse(text, "bang")
    assert axes(again) == job and BANG.emit(again) == text


def test_cores_too_many_do_nothing() -> None:
    assert "if (coreId < 3) {" in BANG.emit(spread_out(scale(3)))
    kernel = _registry.get("loop_bind").apply(parse(scale(2, 5), "c"), BANG, bind={"i": "clusterId"}).kernel
    assert axes(kernel) == {"clusterId": 2, "coreId": 4} and "if (coreId < 1) {" in BANG.emit(kernel)


def test_nothing_parallel_means_one_core() -> None:
    text = 'extern "C" void f(float* A) { for (int i = 1; i < 64; i++) A[i] += A[i - 1]; }'
    kernel = parse(text, "c")
    with pytest.raises(IllegalPassError, match="no outer loop is parallel"):
        next(spread(kernel, BANG))
    assert [m.knobs for m in planner.moves(kernel, BANG, ())] == [{"serial": True}]
