"""The zygote: a small process without the site packages that forks once per run. Started as a script, alone; it
imports nothing of ours. Protocol on file descriptor 3 (a Unix stream socket): one JSON line per request with the shared
memory as ancillary data, one JSON line back.

What a kernel text does happens in the forked child, behind rlimits and a system call filter; this process only waits.
"""

import array
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any


def main() -> None:
    runtime = sys.argv[1]
    link = socket.socket(fileno=3)
    for name in ("libm.so.6", "libdl.so.2"):  # what kernels call; in musl all of it is in libc
        with contextlib.suppress(OSError):
            ctypes.CDLL(name, ctypes.RTLD_GLOBAL)
    xrt = ctypes.CDLL(runtime, ctypes.RTLD_GLOBAL)
    xrt.xrt_child.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p]
    xrt.xrt_reserve()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as f:
        f.write("1000")  # when memory runs out, the kernel under test goes first
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    link.sendall(b'{"ready":1}\n')
    while True:
        data, ancillary, _flags, _addr = link.recvmsg(65536, socket.CMSG_SPACE(4))
        if not data:
            return
        fds = array.array("i")
        for _level, _type, payload in ancillary:
            fds.frombytes(payload[:4])
        request = json.loads(data)
        link.sendall((json.dumps(run(xrt, link, fds[0], request)) + "\n").encode())
        os.close(fds[0])


def run(xrt: Any, link: socket.socket, memory: int, request: dict[str, Any]) -> dict[str, int]:
    """Forks, waits, kills at the limit or when the other side goes away."""
    library = request["library"].encode()
    pid = os.fork()
    if pid == 0:
        try:
            link.close()
            xrt.xrt_child(memory, request["control"], library)
        finally:
            os._exit(3)
    status = wait(pid, link, request["seconds"] + 0.5)
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0}


def wait(pid: int, link: socket.socket, seconds: float) -> int:
    """The child's exit status. Its own timer ends it with a line number; `seconds` is for a child that cannot."""
    try:
        watch = os.pidfd_open(pid)
    except (OSError, AttributeError):  # an old kernel: look now and then
        end = time.monotonic() + seconds
        while (done := os.waitpid(pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > end or select.select([link], [], [], 0.0005)[0]:
                os.kill(pid, signal.SIGKILL)
                return os.waitpid(pid, 0)[1]
        return done[1]
    try:
        both: list[Any] = [watch, link]
        if watch not in select.select(both, [], [], seconds)[0]:
            os.kill(pid, signal.SIGKILL)
    finally:
        os.close(watch)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    main()
