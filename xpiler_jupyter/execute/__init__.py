"""Runs kernel texts: on a host simulator always, on a device when there is one, behind one interface."""

from __future__ import annotations

from ..errors import UsageError
from ..platforms.base import Platform
from .api import Argument, Compiled, Entry, Executor, Fault, Launch, Limits, RunResult
from .check import CheckResult, compile_check, device_module, named
from .simulator import SimulatorExecutor

__all__ = ["Argument", "CheckResult", "Compiled", "Entry", "Executor", "Fault", "Launch", "Limits", "RunResult",
           "SimulatorExecutor", "available_devices", "compile_check",
           "device_module", "executor"]


def available_devices(platform: Platform | str | None = None) -> list[str]:
    """Names that `executor` takes: "sim" first, then the real devices of the platform (of all of them when None)."""
    from ..platforms import registry
    names = registry.names() if platform is None else (named(platform).family,)
    found = ["sim"]
    for name in names:
        devices = getattr(device_module(name), "devices", None)
        found += devices() if devices else []
    return found


def executor(platform: Platform | str, device: str = "auto") -> Executor:
    """Where texts of a platform run. "auto": its first real device if there is one, else the simulator; "sim"; or one
    of `available_devices`. Raises UsageError for a device that is not here."""
    value = named(platform)
    if device == "sim":
        return SimulatorExecutor(value)
    here = available_devices(value)[1:]
    if device == "auto" and not here:
        return SimulatorExecutor(value)
    chosen = here[0] if device == "auto" else device
    if chosen not in here:
        raise UsageError(f"there is no device {device!r} for {value.title}",
                         hint=f"Devices: {', '.join(['auto', 'sim', *here])}.")
    found: Executor = device_module(value).device_executor(chosen)  # type: ignore[union-attr]
    return found
