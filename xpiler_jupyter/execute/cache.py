"""Compiled texts on disk, by the hash of everything that went into them. Many processes may share one cache: an entry
appears whole, by a rename, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from ..kept import directory as directory

MAX_ENTRIES = 4000
_building: dict[str, threading.Lock] = {}
_building_lock = threading.Lock()


def key_of(*parts: str | bytes) -> str:
    """A hash of all parts, each with its length, so that no two lists of parts collide."""
    h = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(f"{len(data)}:".encode())
        h.update(data)
    return h.hexdigest()[:40]


def build(key: str, suffix: str, make: Callable[[Path], str]) -> tuple[Path, str]:
    """The file for `key` and the log of its build; a missing one is written by `make(path)`, which returns the log."""
    with _building_lock:
        mine = _building.setdefault(key, threading.Lock())
    try:
        with mine:  # whoever asks for what another thread is building waits for it
            return _build(key, suffix, make)
    finally:
        with _building_lock:
            _building.pop(key, None)


def _build(key: str, suffix: str, make: Callable[[Path], str]) -> tuple[Path, str]:
    folder = directory() / key[:2]
    path, log = folder / (key + suffix), folder / (key + ".log")
    with contextlib.suppress(OSError):
        text = log.read_text()
        if path.exists():
            return path, text
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as tmp:
        made = Path(tmp) / ("out" + suffix)
        text = make(made)
        noted = Path(tmp) / "log"
        noted.write_text(text)
        # The log last: whoever finds it finds the file too.
        os.replace(made, path)
        os.replace(noted, log)
    if key.startswith("00"):  # now and then
        _trim()
    return path, text


def _trim() -> None:
    """Drops the entries that were built longest ago once there are too many."""
    with contextlib.suppress(OSError):
        logs = sorted(directory().glob("*/*.log"), key=lambda p: p.stat().st_mtime)
        for log in logs[:max(0, len(logs) - MAX_ENTRIES)]:
            for p in log.parent.glob(log.stem + ".*"):
                p.unlink(missing_ok=True)
