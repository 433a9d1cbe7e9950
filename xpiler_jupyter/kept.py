"""Where the package keeps what it can make again, and values read from its own tables, kept from one run to the next."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import pickle
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterable
from functools import cache as once
from pathlib import Path
from typing import Any

WRITE_AFTER = 256  # values that a process holds back at most


@once
def _default(override: str | None, xdg: str | None, home: str) -> Path:
    root = Path(override) if override else Path(xdg or Path(home) / ".cache") / "xpiler-jupyter"
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=root):
            return root
    except OSError:  # a read-only home: a private folder for this process
        return Path(tempfile.mkdtemp(prefix="xpiler-"))


def directory() -> Path:
    """The cache folder: XPILER_CACHE, else the user's cache home."""
    return _default(os.environ.get("XPILER_CACHE"), os.environ.get("XDG_CACHE_HOME"), os.path.expanduser("~"))


class Kept:
    """Values by text, in one file of the user's own cache folder. The file belongs to the code that made the values: other
    `sources` (files of the package), other Python, another file. Whatever goes wrong with it, the values are made anew.

    Values are pickles, as the folder holds libraries that are loaded: nobody else may write there.
    """

    def __init__(self, name: str, sources: Iterable[Path]) -> None:
        h = hashlib.sha256(repr(sys.version_info).encode())
        for path in sorted(sources):  # now, while the code that is loaded is the code that is there
            at = path.stat()
            h.update(f"{path} {at.st_size} {at.st_mtime_ns}".encode())
        self.name, self.stamp = name, h.hexdigest()[:24]
        self._db: sqlite3.Connection | None = None
        self._new: dict[str, bytes] = {}
        self._lock, self._pid, self._broken = threading.Lock(), os.getpid(), False

    def get(self, text: str) -> Any:
        """The value, None when there is none."""
        found: Any = None
        with self._lock:
            db = self._open()
            if db is not None:
                try:
                    found = db.execute("SELECT value FROM kept WHERE key = ?", (_key(text),)).fetchone()
                except sqlite3.Error:  # another process writes just now, or the file is damaged
                    self._broken = True
        if found is None:
            return None
        try:
            return pickle.loads(found[0])
        except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, TypeError):
            return None

    def put(self, text: str, value: Any) -> None:
        with self._lock:
            if not self._new:
                atexit.register(self.write)
            self._new[_key(text)] = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            full = len(self._new) >= WRITE_AFTER
        if full:
            self.write()

    def write(self) -> None:
        """Writes what is new."""
        with self._lock:
            atexit.unregister(self.write)
            db, new = self._open(), self._new
            self._new = {}
            if db is not None and new:
                try:
                    with db:
                        db.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?)", new.items())
                except sqlite3.Error:
                    self._broken = True

    def _open(self) -> sqlite3.Connection | None:
        if self._broken or self._pid != os.getpid():  # a fork does not share its parent's connection
            return None
        if self._db is None:
            path = directory() / f"{self.name}-{self.stamp}.db"
            try:
                if not path.exists():
                    for old in directory().glob(f"{self.name}-*.db"):
                        with contextlib.suppress(OSError):
                            old.unlink()
                self._db = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
                self._db.execute("PRAGMA synchronous = OFF")  # what a crash loses is made again
                self._db.execute("CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
            except (sqlite3.Error, OSError):
                self._broken = True
        return self._db if not self._broken else None


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
