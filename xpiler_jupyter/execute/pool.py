"""Warm workers, seen from the notebook's process: one run at a time each, as many as there are threads that ask."""

from __future__ import annotations

import atexit
import contextlib
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..errors import RunError
from .api import Array
from .compiler import compile_runtime

WORKER = Path(__file__).parent / "worker.py"
# Making pages anew costs more than most runs: shared memory is kept between them. What is above KEEP_BYTES is given back
# after the run, what is above SPARE_BYTES as soon as a run needs much less.
KEEP_BYTES = 2 << 30
SPARE_BYTES = 512 << 20


class Worker:
    """One zygote and the memory it shares with us."""

    def __init__(self) -> None:
        if not hasattr(os, "memfd_create"):
            raise RunError("the simulator runs on Linux only")
        runtime = compile_runtime()
        ours, theirs = socket.socketpair()
        environment = {k: os.environ[k] for k in ("LD_LIBRARY_PATH", "PYTHONHOME") if k in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-s", "-c",
             "import os,sys; os.dup2(int(sys.argv[2]), 3) if sys.argv[2] != '3' else None; "
             "exec(compile(open(sys.argv[3]).read(), 'worker', 'exec'))",
             str(runtime), str(theirs.fileno()), str(WORKER)],
            env=environment, start_new_session=True, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        theirs.close()
        self.link = ours
        self.link.settimeout(20)
        self.fd = os.memfd_create("xpiler-run")
        self.size = 0
        self.memory: mmap.mmap | None = None
        self.held: dict[int, Array] = {}  # what is known to lie in the memory still, by its place: see `SimulatorCompiled`
        try:
            self._line()
        except (OSError, ValueError):
            self.close()
            raise RunError("the worker process did not start") from None

    def share(self, size: int) -> mmap.mmap:
        """At least `size` bytes of memory that the next run sees at the same offsets."""
        if self.size > max(SPARE_BYTES, 16 * size):
            self._give_back()
        if self.memory is None or self.size < size:
            self._unmap()
            os.ftruncate(self.fd, size)
            self.memory, self.size = mmap.mmap(self.fd, size), size
        return self.memory

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Sends one request and waits. OSError when the zygote is gone or does not answer."""
        self.link.settimeout(request["seconds"] + 30)
        socket.send_fds(self.link, [json.dumps(request).encode() + b"\n"], [self.fd])
        return self._line()

    def shrink(self) -> None:
        """Gives large shared memory back."""
        if self.size > KEEP_BYTES:
            self._give_back()

    def _give_back(self) -> None:
        self._unmap()
        self.held = {}
        os.ftruncate(self.fd, 0)
        self.size = 0

    def close(self) -> None:
        """Ends the zygote and what it forked: it leads its own session."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self.link.close()
        self._unmap()
        with contextlib.suppress(OSError):
            os.close(self.fd)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)

    def _unmap(self) -> None:
        if self.memory is not None:
            with contextlib.suppress(BufferError):
                self.memory.close()
            self.memory = None

    def _line(self) -> dict[str, Any]:
        data = b""
        while not data.endswith(b"\n"):
            part = self.link.recv(4096)
            if not part:
                raise ConnectionError("the worker went away")
            data += part
        answer: dict[str, Any] = json.loads(data)
        return answer


class Pool:
    """Idle workers. `take` hands one out or starts one; a worker that failed is never given back."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()
        atexit.register(self.close)

    def take(self) -> Worker:
        with self._lock:
            if self._owner != os.getpid():  # after a fork the workers belong to the parent
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                worker = self._idle.pop()
                if worker.process.poll() is None:
                    return worker
                worker.close()
        return Worker()

    def give(self, worker: Worker) -> None:
        worker.shrink()
        with self._lock:
            if len(self._idle) < 8:
                self._idle.append(worker)
                return
        worker.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        if self._owner == os.getpid():
            for worker in idle:
                worker.close()


POOL = Pool()
