"""Work for other programs (compilers) that is begun before its result is asked for, while this thread goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Threads that mostly wait for a compiler; a forked process has its own."""
    return ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1), thread_name_prefix="xpiler-ahead")


def begin(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begins a call. Whoever asks for the result gets what it raised; what nobody asks for is lost with it."""
    return _threads(os.getpid()).submit(call, *args, **kwargs)
