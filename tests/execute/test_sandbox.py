"""What a hostile or broken text can do: nothing that the next run notices."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from xpiler_jupyter.execute import Limits, RunResult, executor

from .conftest import entry_for, run

SYSCALL = """
static long call(long n, long a, long b, long c) {
  long r;
  register long r10 __asm__("r10") = 0;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return r;
}
"""
x86 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="system calls of x86-64")


def attack(body: str, **limits: float) -> RunResult:
    text = SYSCALL + 'extern "C" void f(int* A) {\n  A[0] = 1;\n' + body + "\n}\n"
    return run("c", text, "f", A=np.zeros(4, np.int32), limits=Limits(**limits))  # type: ignore[arg-type]


def still_works() -> None:
    r = run("c", 'extern "C" void f(int* A) { A[0] = 7; }', "f", A=np.zeros(1, np.int32))
    assert r.fault is None and r.outputs["A"][0] == 7


@x86
@pytest.mark.parametrize("body,word", [
    ("call(57, 0, 0, 0);", "fork"), ("call(56, 0x11, 0, 0);", "clone"), ("call(41, 2, 1, 0);", "socket"),
    ('call(59, (long)"/bin/sh", 0, 0);', "execve"), ('call(2, (long)"/tmp/x", 0x41, 0644);', "open"),
    ('call(257, -100, (long)"/etc/passwd", 0);', "openat"), ("call(62, 1, 9, 0);", "kill"),
    ('call(1, 1, (long)"hello", 5);', "write"), ("call(9, 0, 4096, 7);", "mmap"), ("call(101, 0, 0, 0);", "ptrace"),
    ("call(13, 11, 0, 0);", "sigaction"), ('call(87, (long)"/tmp/x", 0, 0);', "unlink"),
])
def test_system_calls_are_forbidden(body: str, word: str) -> None:
    f = attack(body).fault
    assert f is not None and f.kind == "forbidden" and word in f.message and f.line is not None, f
    still_works()


@pytest.mark.parametrize("declaration,body,word", [
    ("int fork(void);", "fork()", ""), ("int system(const char*);", 'system("touch /tmp/owned")', ""),
    ("int socket(int, int, int);", "socket(2, 1, 0)", "socket"),
])
def test_libc_is_no_way_around(declaration: str, body: str, word: str) -> None:
    text = f'extern "C" {declaration}\nextern "C" void f(int* A) {{\n  A[0] = {body};\n}}'
    f = run("c", text, "f", A=np.zeros(1, np.int32)).fault
    assert f is not None and f.kind == "forbidden" and word in f.message
    assert f.line == 3
    assert not Path("/tmp/owned").exists()


def test_static_constructors_run_behind_the_filter() -> None:
    text = """extern "C" int socket(int, int, int);
static int s = socket(2, 1, 0);
extern "C" void f(int* A) { A[0] = s; }"""
    f = run("c", text, "f", A=np.zeros(1, np.int32)).fault
    assert f is not None and f.kind == "forbidden"


@pytest.mark.parametrize("body,kind,words", [
    ("int* p = (int*)malloc(40ull << 30); p[0] = 1;", "memory", "40 GiB"),
    ("exit(3);", "crash", "exit(3)"),
    ("abort();", "crash", "abort"),
    ("assert(A[0] == 2);", "crash", "A[0] == 2"),
    ("for (;;) A[1]++;", "timeout", "0.4 s"),
    ("__builtin_trap();", "bounds", ""),
    ("free(A);", "crash", "freed"),
    ("((void (*)())A)();", "bounds", ""),
])
def test_other_ways_to_die(body: str, kind: str, words: str) -> None:
    f = attack(body, seconds=0.4).fault
    assert f is not None and f.kind == kind and words in f.message, f
    still_works()


def test_many_small_allocations_hit_the_limit() -> None:
    f = attack("for (;;) malloc(16 << 20);", memory_bytes=100 << 20).fault
    assert f is not None and f.kind == "memory" and "100 MiB" in f.message
    still_works()


@x86
def test_a_text_that_scribbles_over_the_stack_dies_alone() -> None:
    f = attack("char* p = (char*)__builtin_frame_address(0); for (long i = 0; i < 1 << 20; i++) p[i] = 1;").fault
    assert f is not None
    still_works()


def test_a_killed_zygote_is_replaced() -> None:
    from xpiler_jupyter.execute.pool import POOL

    still_works()
    worker = POOL.take()
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    POOL.give(worker)
    still_works()


def test_interrupt_ends_the_run() -> None:
    compiled = executor("c", "sim").compile('extern "C" void f(int* A) { for (;;) A[0]++; }',
                                            entry_for("f", {"A": np.zeros(1, np.int32)}))
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        compiled.run({"A": np.zeros(1, np.int32)}, {}, limits=Limits(seconds=20))
    still_works()


def test_many_threads_at_once() -> None:
    text = 'extern "C" void f(int* A, int n) { for (int i = 0; i < 100; i++) A[i] += n; }'
    a = np.arange(100, dtype=np.int32)
    compiled = executor("c", "sim").compile(text, entry_for("f", {"A": a, "n": 1}))
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(10):
            r = compiled.run({"A": a}, {"n": k})
            if r.fault or not (r.outputs["A"] == a + k).all():
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_the_environment_is_empty() -> None:
    os.environ["XPILER_SECRET_FOR_TEST"] = "do-not-leak"
    text = """extern "C" char** environ;
extern "C" void f(int* A) {
  A[0] = 0;
  for (char** e = environ; e && *e; e++) A[0] += strlen(*e) > 10 && (*e)[7] == 'S';
}"""
    r = run("c", text, "f", A=np.zeros(1, np.int32))
    assert r.fault is None and r.outputs["A"][0] == 0
