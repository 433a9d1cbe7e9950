"""Every site that a loop pass offers on a random kernel is refused with a reason or keeps every bit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from strategies import assert_same, grids, kernels

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.ir.nodes import Kernel
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes.base import loop_labels
from xpiler_jupyter.platforms import registry as platforms

PASSES = ("loop_split", "loop_fuse", "loop_reorder", "loop_expansion", "loop_contraction")
EXTRA = {"loop_split": ({"factor": 2}, {"factor": 3})}


@pytest.mark.parametrize("name", PASSES)
@settings(max_examples=40, deadline=None)
@given(kernels())
def test_sites_keep_the_meaning(name: str, kernel: Kernel) -> None:
    target = platforms.meeting_point()
    found = registry.get(name)
    sites = found.sites(kernel, target)
    if name == "loop_split":
        sites += [{"loop": label, **more} for label in loop_labels(kernel) for more in EXTRA[name]]
    for knobs in sites[:6]:
        try:
            result = found.apply(kernel, target, **knobs)
        except IllegalPassError as refusal:
            assert str(refusal).startswith(f"{name}: ") or ": " in str(refusal)
            continue
        for n in (0, 1, 4):
            assert_same(kernel, check(result.kernel), n=n)


@settings(max_examples=25, deadline=None)
@given(grids())
def test_grids_fuse_and_come_apart_again(kernel: Kernel) -> None:
    target = platforms.meeting_point()
    check(kernel)
    fused = registry.get("loop_fuse").apply(kernel, target, outer="b").kernel
    loop = loop_labels(fused)
    assert len(loop) <= 1
    chain = [check(simplify(kernel)), check(fused)]
    if loop:
        try:
            knobs = {"loop": next(iter(loop)), "digits": "auto"}
            chain.append(check(registry.get("loop_split").apply(fused, target, **knobs).kernel))
        except IllegalPassError:
            pass
    for n in (0, 5, 24):
        for after in chain:
            assert_same(kernel, after, n=n)
