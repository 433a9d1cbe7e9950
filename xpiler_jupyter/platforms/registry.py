"""Finds platforms by looking at the folders beside this file; nothing else lists them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
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
    """The platform called `name`, or a variant of it, its switches after the name: "name@switch@switch". Raises UsageError
    with the known names."""
    family, *switches = name.split("@")
    if family not in names():
        raise UsageError(f"there is no platform {family!r}", hint=f"Platforms: {', '.join(names())}.")
    module = importlib.import_module(f"{__package__}.{family}.platform")
    platform: Platform = module.PLATFORM
    unknown = next((w for w in switches if w not in platform.switches), None)
    if unknown is not None:
        raise UsageError(f"{platform.title} has no switch {unknown!r}",
                         hint=f"It has {', '.join(platform.switches) or 'none'}.")
    return module.variant(tuple(switches)) if switches else platform


def switched(switches: Sequence[str], *platforms: Platform) -> tuple[Platform, ...]:
    """The platforms, each with those of the switches that it has. Raises UsageError for one that none of them has."""
    for word in switches:
        if not any(word in p.switches for p in platforms):
            known = dict.fromkeys(w for p in platforms for w in p.switches)
            titles = " nor ".join(dict.fromkeys(p.title for p in platforms))
            raise UsageError(f"{'neither ' if ' nor ' in titles else ''}{titles} has {'' if ' nor ' in titles else 'no '}"
                             f"switch {word!r}", hint=f"Known: {', '.join(known)}." if known else None)
    return tuple(get("@".join((p.name, *(w for w in switches if w in p.switches)))) for p in platforms)


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
