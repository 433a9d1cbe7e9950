"""Short-hands for running little kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xpiler_jupyter.execute import Argument, Entry, Launch, Limits, RunResult, executor
from xpiler_jupyter.ir.types import F16, F32, F64, I32, I64, U32

TYPES = {"float16": F16, "float32": F32, "float64": F64, "int32": I32, "int64": I64, "uint32": U32}


def entry_for(function: str, values: dict[str, Any], launch: Launch | None = None) -> Entry:
    """The entry that fits the values: arrays are pointers, Python ints and floats scalars."""
    args = []
    for name, v in values.items():
        if isinstance(v, np.ndarray):
            args.append(Argument(name, TYPES[str(v.dtype)], True))
        else:
            args.append(Argument(name, I32 if isinstance(v, int) else F32, False))
    return Entry(function, tuple(args), launch)


def run(platform: str, text: str, function: str, *, grid: Any = None, block: Any = None, shared: int = 0,
        reverse: bool = False, limits: Limits = Limits(), **values: Any) -> RunResult:  # noqa: B008
    """Compiles and runs once on the simulator."""
    launch = None
    if grid is not None:
        def three(v: Any) -> tuple[int, int, int]:
            v = (v,) if isinstance(v, int) else tuple(v)
            return (*v, 1, 1)[:3]
        launch = Launch(three(grid), three(block), shared)
    compiled = executor(platform, "sim").compile(text, entry_for(function, values, launch))
    buffers = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
    scalars = {k: v for k, v in values.items() if not isinstance(v, np.ndarray)}
    return compiled.run(buffers, scalars, reverse=reverse, limits=limits)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
