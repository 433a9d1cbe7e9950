"""The default plan for machines of few large cores that work on tiles in their own memories."""

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
    """One core does everything."""
    yield Move("loop_bind", target, {"serial": True})
