"""What a platform's `device.py` module offers, and how it is reached without naming a platform.

A module `platforms/<name>/device.py` may define `compile_check(text) -> CheckResult`, `devices() -> list[str]` and
`device_executor(device) -> Executor`; a missing module or function means: no such check, no such device.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ..platforms import registry
from ..platforms.base import Platform


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Whether the platform's real compiler takes a text. `status`: "pass", "fail" or "skip" (the compiler is not here;
    `detail` says what to install). `data` holds line and column of a failure, registers, shared memory and spills."""

    status: str
    detail: str
    seconds: float = 0.0
    log: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def named(platform: Platform | str) -> Platform:
    """The platform value for a value or a name."""
    return registry.get(platform) if isinstance(platform, str) else platform


def device_module(platform: Platform | str) -> ModuleType | None:
    """The device module of a platform, None when it has none."""
    name = f"{registry.__package__}.{named(platform).family}.device"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def compile_check(platform: Platform | str, text: str) -> CheckResult:
    """Compiles the text with the platform's own compiler, no device needed."""
    module = device_module(platform)
    check = getattr(module, "compile_check", None)
    if check is None:
        return CheckResult("skip", "this platform has no compile check")
    result: CheckResult = check(text)
    return result
