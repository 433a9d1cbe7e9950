"""Work in a process that can be killed: answers, endings, time."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from xpiler_jupyter.execute.aside import Aside


def gone(pid: int) -> bool:
    """The process has ended and was waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def counting(last: int, pause: float = 0.0) -> Iterator[int]:
    for k in range(last + 1):
        yield k
        time.sleep(pause)


def test_the_last_answer_counts() -> None:
    work = Aside(lambda: counting(3), 20.0)
    assert work.wait() == 3 and work.answers == [0, 1, 2, 3]
    assert work.failure == "" and not work.running and gone(work.pid)


def test_long_answers_arrive_whole() -> None:
    assert Aside(lambda: iter(["x" * 1_000_000]), 20.0).wait() == "x" * 1_000_000


def test_what_hangs_is_killed_and_its_answers_kept() -> None:
    began = time.monotonic()
    work = Aside(lambda: counting(3, pause=30.0), 0.5)
    assert work.wait() == 0 and work.failure == "no answer in time"
    assert time.monotonic() - began < 10 and gone(work.pid)


def test_waiting_a_little_leaves_it_running() -> None:
    work = Aside(lambda: counting(1, pause=30.0), 60.0)
    assert work.wait(0.5) == 0 and work.running
    work.stop()
    assert gone(work.pid) and work.wait() == 0


def test_an_exception_is_told() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("no such thing")

    work = Aside(fails, 20.0)
    assert work.wait() == 1 and work.failure == "ValueError: no such thing"


def test_a_process_that_dies_has_no_answer() -> None:
    def dies() -> Iterator[int]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield 1

    assert Aside(dies, 20.0).wait() is None


def test_too_much_memory_ends_it() -> None:
    work: Aside[int] = Aside(lambda: iter([len(bytearray(1 << 40))]), 20.0)
    assert work.wait() is None and work.failure.startswith("MemoryError")


def test_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Aside(lambda: counting(1, pause=30.0), 60.0)
    before = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            work.wait()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert gone(work.pid)


def test_files_of_others_are_not_kept_open() -> None:
    """Who waits for the end of a pipe of this process must not wait for the forked one."""
    read, write = os.pipe()
    work = Aside(lambda: counting(1, pause=30.0), 60.0)
    assert work.wait(0.5) == 0
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)
    work.stop()
