"""The default plan for processors: the outer parallel loop to threads, the inner one to the lanes of a vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..ir.nodes import Kernel
from ..platforms.base import Platform
from ._plan import Move
from ._script import Script


def scripts(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Iterator[Callable[[], Script]]:
    """Native plans, best first."""
    yield from ()


def literal(kernel: Kernel, target: Platform) -> Iterator[Move]:
    """The plain loops, as they are."""
    yield Move("loop_recovery", target)
