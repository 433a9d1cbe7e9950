"""What host code tells about a kernel: buffers, copies, launches."""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from ..errors import XpilerError
from ..ir import build
from ..ir.nodes import Const, Expr
from ..ir.simplify import simplify_expr
from ..platforms.host_api import JobType
from .functions import Function

Struct = dict[str, "str | Expr | None"]  # what a struct of the host holds: a pointer's name, a value, or nothing known


@dataclass(slots=True)
class DeviceBuffer:
    """What one device pointer went through. `failure` says why its size is not known."""

    name: str
    node: Node
    bytes: Expr | None = None
    copies_in: list[Copy] = field(default_factory=list)
    copies_out: list[Copy] = field(default_factory=list)
    failure: XpilerError | None = None


@dataclass(slots=True)
class Copy:
    """One copy to the device (`inward`) or back: the host pointer's name and the bytes; `host` is None when it is no
    parameter, `buffer` when it is a file-scope variable."""

    host: str | None
    bytes: Expr | None
    node: Node
    buffer: DeviceBuffer | None
    inward: bool


@dataclass(slots=True)
class Symbol:
    """What host code does to a file-scope variable of the device: copies, or the number that it gives it."""

    node: Node
    copies: list[Copy] = field(default_factory=list)
    value: Expr | None = None


@dataclass(slots=True)
class Fill:
    """Device memory set to one byte."""

    buffer: DeviceBuffer
    value: int
    bytes: Expr
    node: Node


@dataclass(slots=True)
class LaunchSite:
    """One launch as read: extents by field, dynamic shared bytes, the arguments (a pointer's name, a value, or None for
    what is not understood), the conditions it stands under (None: one that is not understood). `failure` says why the
    extents of the levels in `lost` ("grid", "block", "shared") are not known."""

    kernel: str
    node: Node
    grid: dict[str, Expr]
    block: dict[str, Expr]
    shared: Expr | None
    args: list[str | Expr | None]
    guards: list[Expr | None] = field(default_factory=list)
    failure: XpilerError | None = None
    lost: set[str] = field(default_factory=set)
    function: Function | None = None  # the kernel, an instance if it is a template


def jobs_of(tasks: Expr, job: JobType) -> Expr | None:
    """How many jobs so many tasks are; None when the last one would not be whole."""
    if isinstance(tasks, Const):
        whole, rest = divmod(int(tasks.value), job.tasks)
        return None if rest else build.integer(whole)
    return simplify_expr(build.div(tasks, build.integer(job.tasks)))
