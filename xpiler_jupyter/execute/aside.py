"""Work in a forked process of its own, which can be killed: for what may run long, or need much memory."""

from __future__ import annotations

import gc
import os
import pickle
import resource
import select
import signal
import time
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MEMORY = 4 << 30  # bytes that the process may take on top of what it was born with


class Aside(Generic[T]):
    """Runs `call` in a forked process at once, while this one goes on. `call` gives answers, each better than the one
    before; the last that came in time counts. They travel pickled; what `call` works on needs no travelling.

    Args:
        call: makes the answers. An exception in it ends the process; the answers before it count.
        seconds: after which the process is killed.
    """

    def __init__(self, call: Callable[[], Iterable[T]], seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.answers: list[T] = []
        self.failure = ""  # what ended the process, in words; "" while it runs and after a good end
        self._bytes = b""
        self._read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _live(call, write, seconds)
        os.close(write)
        self._end = weakref.finalize(self, _kill, self.pid, self._read)

    @property
    def running(self) -> bool:
        return self._end.alive

    def wait(self, seconds: float | None = None) -> T | None:
        """The best answer once the process is done or its time is up; None when there is none. With `seconds`, the best
        one so far after that long. KeyboardInterrupt ends the process."""
        until = self.ends if seconds is None else min(self.ends, time.monotonic() + seconds)
        try:
            while self.running:
                left = until - time.monotonic()
                if select.select([self._read], [], [], max(0.0, left))[0]:
                    self._take(os.read(self._read, 1 << 16))
                elif until >= self.ends:
                    self.stop()
                    self.failure = "no answer in time"
                else:
                    break
        except BaseException:
            self.stop()
            raise
        return self.answers[-1] if self.answers else None

    def stop(self) -> None:
        """Kills the process. The answers that came are kept."""
        self._end()

    def _take(self, data: bytes) -> None:
        if not data:
            self.stop()
            return
        self._bytes += data
        while len(self._bytes) >= 8 and len(self._bytes) >= 8 + (size := int.from_bytes(self._bytes[:8], "little")):
            good, value = pickle.loads(self._bytes[8:8 + size])
            self._bytes = self._bytes[8 + size:]
            if good:
                self.answers.append(value)
            else:
                self.failure = value


def _kill(pid: int, fd: int) -> None:
    os.close(fd)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _live(call: Callable[[], Iterable[Any]], write: int, seconds: float) -> None:
    """The life of the forked process. It keeps none of the files that the other has open: whoever waits for the end of
    one of those must not wait for us."""
    status = 1
    try:
        gc.disable()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nothing, fd)
        os.closerange(3, write)
        os.closerange(write + 1, os.sysconf("SC_OPEN_MAX"))
        _limit(seconds)
        for answer in call():
            _send(write, (True, answer))
        status = 0
    except BaseException as err:  # the process ends here: what went wrong is told to the one that waits
        with suppress(OSError):
            _send(write, (False, f"{type(err).__name__}: {err}"))
    finally:
        os._exit(status)


def _limit(seconds: float) -> None:
    """Also when nobody is left to kill it, it ends."""
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/statm") as f:
            born = int(f.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (born + MEMORY, born + MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 4))


def _send(fd: int, value: Any) -> None:
    data = pickle.dumps(value)
    data = len(data).to_bytes(8, "little") + data
    while data:
        data = data[os.write(fd, data):]
