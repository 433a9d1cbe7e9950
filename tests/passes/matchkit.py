"""What the tests of the matcher share: kernels in C with arrays in memories of a platform, and the proof by running."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from interp import NUMPY, run

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.ir.nodes import Alloc, For, InstrCall, Kernel
from xpiler_jupyter.ir.visit import Rewriter
from xpiler_jupyter.passes._match import Match, matched
from xpiler_jupyter.passes.base import loop_labels, replace_node
from xpiler_jupyter.platforms import registry as platforms


class Move(Rewriter):
    def __init__(self, where: dict[str, str]) -> None:
        self.where = where

    def visit_Alloc(self, s: Alloc) -> Alloc:
        return dataclasses.replace(s, memory=self.where.get(s.name, s.memory))


def kernel(platform: str, text: str, **where: str) -> Kernel:
    """The C function, as a kernel of the platform, with the named local arrays in the named memories."""
    plain = parse(f'extern "C" void k{text}', "c")
    return dataclasses.replace(Move(where).visit(plain), platform=platform)


def loop_of(k: Kernel, label: str) -> For:
    return loop_labels(k)[label]


def tried(k: Kernel, row: str, label: str = "i") -> Match | str:
    """The answer for one loop and one row."""
    platform = platforms.get(k.platform)
    found = platform.instr(row)
    assert found is not None, f"{k.platform} has no row {row}"
    return matched(k, loop_of(k, label), found, platform)


def taken(k: Kernel, row: str, label: str = "i", seed: int = 0, size: int = 4096, **scalars: int) -> InstrCall:
    """The call that the row gives; the kernel with it must compute the same as before, to the bit."""
    answer = tried(k, row, label)
    assert isinstance(answer, Match), answer
    put = replace_node(k, answer.covers[-1], answer.call)
    for needless in answer.covers[:-1]:
        put = replace_node(put, needless, ())
    same(k, with_meanings(put), seed, size, **scalars)
    return answer.call


def same(a: Kernel, b: Kernel, seed: int, size: int, **scalars: int) -> None:
    """Both kernels leave the same in every array."""
    rng = np.random.default_rng(seed)
    first: dict[str, Any] = {}
    for p in a.params:
        first[p.name] = rng.integers(-4, 5, size).astype(NUMPY[p.dtype.name]) if p.pointer else scalars[p.name]
    second = {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in first.items()}
    run(a, first)
    run(b, second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def refused(k: Kernel, row: str, *said: str, label: str = "i") -> None:
    """The row does not fit, and the reason says why."""
    answer = tried(k, row, label)
    assert isinstance(answer, str), answer
    for words in said:
        assert words in answer, answer
