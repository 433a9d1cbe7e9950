"""Finds platforms by looking at the folders beside this file; nothing else lists them."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from ..errors import UsageError
from .base import Platform


@cache
def names() -> tuple[str, ...]:
    """Names of all platforms, sorted."""
    here = Path(__file__).parent
    return tuple(sorted(p.parent.name for p in here.glob("*/platform.py")))


@cache
def get(name: str) -> Platform:
    """The platform called `name`. Raises UsageError with the known names."""
    if name not in names():
        raise UsageError(f"there is no platform {name!r}", hint=f"Platforms: {', '.join(names())}.")
    platform: Platform = importlib.import_module(f"{__package__}.{name}.platform").PLATFORM
    return platform


@cache
def meeting_point() -> Platform:
    """The platform without axes that recovery leads to and binding starts from."""
    return next(p for p in map(get, names()) if p.meeting_point)


def detect(text: str, filename: str | None = None) -> Platform:
    """The platform a text is written for: by its words first, then its file name; plain C when nothing tells."""
    device = any(p.kernel_qualifier and p.kernel_qualifier in text for p in map(get, names()))

    def score(p: Platform) -> int:
        if any(word in text for word in p.markers):
            return 3
        if filename and filename.endswith(p.suffixes) and bool(p.kernel_qualifier) == device:
            return 2
        return 1 if any(word in text for word in p.weak_markers) else 0

    best = max(map(get, names()), key=score)
    return best if score(best) else meeting_point()
