"""The default plan for processors: the outer parallel loop to threads, the inner one to the lanes of a vector."""

from __future__ import annotations

from collections.abc import Iterator

from ..ir.nodes import Kernel
from ..platforms.base import Platform
from ._plan import Move


def lanes_plan(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """The plain loops, as they are."""
    yield Move("loop_recovery", target)
