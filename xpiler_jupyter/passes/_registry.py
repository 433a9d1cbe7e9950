"""Finds passes by looking at the files beside this one; nothing else lists them."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from ..errors import UsageError
from .base import Pass

_NOT_PASSES = {"base", "planner"}


@cache
def names() -> tuple[str, ...]:
    """Names of all passes, sorted. Files that start with an underscore are helpers."""
    files = (p.stem for p in Path(__file__).parent.glob("*.py"))
    return tuple(sorted(n for n in files if n not in _NOT_PASSES and not n.startswith("_")))


@cache
def get(name: str) -> Pass:
    """The pass called `name`. Raises UsageError with the known names."""
    if name not in names():
        raise UsageError(f"there is no pass {name!r}", hint=f"Passes: {', '.join(names())}.")
    found: Pass = importlib.import_module(f"{__package__}.{name}").PASS
    return found
