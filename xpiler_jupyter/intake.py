"""What a port or a run starts from: the kernel in a text, with the launch and the sizes that the person said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from .errors import XpilerError
from .frontend import parse
from .frontend.program import read_program
from .frontend.said import condition
from .ir.nodes import Const, Kernel
from .ir.program import Program
from .ir.types import I32
from .passes._covering import with_launch
from .platforms.base import Platform
from .platforms.expr_text import ExprText


def take_in(text: str, platform: Platform, kernel: str | None, shape: dict[str, int],
            assume: Iterable[str] = (), with_: Mapping[str, str] | None = None) -> tuple[Kernel, tuple[str, ...]]:
    """The kernel of a text, an instance by `with_` if it is a template, and what was assumed to complete it: a kernel
    without a launch gets the one that its guards ask for; buffers get the lengths in `shape` where the text says none;
    conditions in `assume` join those that the host code checks. Raises XpilerError with the place."""
    return completed(parse(text, platform, kernel, with_), platform, shape, assume)


def completed(kernel: Kernel, platform: Platform, shape: dict[str, int],
              assume: Iterable[str] = ()) -> tuple[Kernel, tuple[str, ...]]:
    """What `take_in` does, for a kernel that was read already."""
    found, guessed = with_launch(kernel, platform, shape)
    found = replace(found, assume=(*found.assume, *(condition(a, found, platform) for a in assume)))
    assumed = (*guessed, *found.notes, *conditions(found, platform))
    params = tuple(replace(p, extent=Const(shape[p.name], I32)) if p.pointer and p.extent is None and p.name in shape else p
                   for p in found.params)
    return (found if params == found.params else replace(found, params=params)), assumed


def conditions(kernel: Kernel, platform: Platform) -> tuple[str, ...]:
    """What callers keep, as a person says it: the suffixes of C's numbers add nothing."""
    return tuple(re.sub(r"\b(\d+)[uUlL]+\b", r"\1", ExprText(platform).expr(e)) for e in kernel.assume)


def remaining_shape(kernel: Kernel, platform: Platform, shape: dict[str, int]) -> dict[str, int]:
    """`shape` without the launch extents that are in the kernel by now."""
    names = {p.name for p in kernel.params + kernel.sizes}
    names |= {p.name for p in kernel.host.params} if kernel.host else set()
    extents = {a.extent_name for a in platform.axes}
    return {k: v for k, v in shape.items() if k in names or k not in extents}


def program_in(text: str, platform: Platform, kernel: str | None) -> tuple[Program | None, XpilerError | None]:
    """The host function of a text that runs several kernels in sequence, if none of them is named (or that function is);
    and why it cannot be read as such, where there is one."""
    if text.count("<<<") + text.count("LaunchKernelGGL") < 2 or (kernel is not None and "#" in kernel):
        return None, None
    try:
        return read_program(text, platform, kernel), None
    except XpilerError as err:
        return None, err


def parsed(text: str, platform: str) -> Kernel | None:
    """The kernel of a text of ours; None when someone edited it out of the language."""
    try:
        return parse(text, platform)
    except XpilerError:
        return None
