"""What the tests of the memory passes share: a kernel's text through a pass, checked, and run before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from interp import run

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.frontend.module import parse
from xpiler_jupyter.ir.nodes import Kernel
from xpiler_jupyter.ir.spec import check
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes.base import PassResult
from xpiler_jupyter.platforms import registry as platforms


def kernel_of(text: str, platform: str = "c") -> Kernel:
    """The kernel of a text; in plain C the signature may be left to `void k(...)`."""
    return parse(text if platform != "c" else f'extern "C" {text}', platforms.get(platform))


def apply(name: str, kernel: Kernel, /, **knobs: Any) -> PassResult:
    """The pass on the kernel's own platform, its result checked."""
    platform = platforms.get(kernel.platform)
    result = registry.get(name).apply(kernel, platform, **knobs)
    check(result.kernel, frozenset(a.name for a in platform.axes if a.level == "block"))
    return result


def emit(kernel: Kernel) -> str:
    return platforms.get(kernel.platform).emit(kernel)


def outputs(kernel: Kernel, sizes: dict[str, int], lengths: dict[str, int], seed: int = 0) -> dict[str, Any]:
    """The buffers after a run of the interpreter, which is strict about what is out of bounds or never written."""
    rng = np.random.default_rng(seed)
    args: dict[str, Any] = {}
    for p in kernel.params + kernel.sizes:
        if p.pointer:
            kind = {"f32": np.float32, "f16": np.float16, "i32": np.int32, "i8": np.int8}[p.dtype.name]
            args[p.name] = rng.integers(-3, 4, lengths[p.name]).astype(kind)
        else:
            args[p.name] = sizes[p.name]
    run(with_meanings(kernel), args)
    return {p.name: args[p.name] for p in kernel.params if p.pointer}


def same(before: Kernel, after: Kernel, lengths: dict[str, int], **sizes: int) -> None:
    """Both leave the same bits in every buffer, none of which is longer than the kernel needs."""
    want, got = outputs(before, sizes, lengths), outputs(after, sizes, lengths)
    for name in want:
        np.testing.assert_array_equal(got[name], want[name], err_msg=name)


def refused(name: str, text: str, match: str, platform: str = "c", /, **knobs: Any) -> IllegalPassError:
    with pytest.raises(IllegalPassError, match=match) as caught:
        apply(name, kernel_of(text, platform), **knobs)
    return caught.value
