"""Where the judge runs things: the simulators always, a real device when there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..execute import available_devices, compile_check, executor
from ..execute.api import Executor
from ..execute.check import CheckResult
from ..platforms.base import Platform

Executors = Callable[[Platform], Executor]


@dataclass(frozen=True, slots=True)
class Places:
    """`simulator` runs texts of a platform on the host; `device` is a real one or None; `check` asks the platform's own
    compiler."""

    simulator: Executors
    device: Callable[[Platform], Executor | None] = lambda platform: None
    check: Callable[[Platform, str], CheckResult | None] = lambda platform, text: None


def real_places(device: str = "auto") -> Places:
    """The simulators, the platform's compiler, and a device: "auto" takes the first there is, "sim" none."""

    def on_device(platform: Platform) -> Executor | None:
        if device == "sim":
            return None
        here = available_devices(platform)[1:]
        if device == "auto":
            return executor(platform, here[0]) if here else None
        return executor(platform, device) if device in here else None

    return Places(lambda platform: executor(platform, "sim"), on_device, compile_check)
