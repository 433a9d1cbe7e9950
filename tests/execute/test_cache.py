"""The compile cache and the ways to choose compiler and folder."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from xpiler_jupyter.errors import CompileError
from xpiler_jupyter.execute import cache, executor

from .conftest import entry_for

TEXT = 'extern "C" void f(float* A) { A[0] = A[0] * 2 + sqrtf(A[1]); }'
ENTRY = entry_for("f", {"A": np.zeros(2, np.float32)})


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XPILER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_second_compile_is_a_lookup(fresh: Path) -> None:
    first = executor("c", "sim").compile(TEXT, ENTRY)
    made = first.library.stat().st_mtime_ns  # type: ignore[attr-defined]
    second = executor("c", "sim").compile(TEXT, ENTRY)
    assert second.library.stat().st_mtime_ns == made  # type: ignore[attr-defined]
    assert first.library == second.library and str(first.library).startswith(str(fresh))  # type: ignore[attr-defined]
    other = executor("c", "sim").compile(TEXT.replace("2", "3"), ENTRY)
    assert other.library != first.library  # type: ignore[attr-defined]


def _compile(k: int) -> str:
    return str(executor("c", "sim").compile(TEXT, ENTRY).library)  # type: ignore[attr-defined]


def test_processes_share_it(fresh: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_compile, range(8)))) == 1
    assert not [p for p in fresh.rglob("tmp*")], "nothing half-built stays behind"


def test_a_broken_entry_is_built_again(fresh: Path) -> None:
    library = executor("c", "sim").compile(TEXT, ENTRY).library  # type: ignore[attr-defined]
    library.unlink()
    again = executor("c", "sim").compile(TEXT, ENTRY)
    assert again.run({"A": np.array([1, 4], np.float32)}, {}).outputs["A"][0] == 4


def test_a_failed_build_leaves_nothing(fresh: Path) -> None:
    with pytest.raises(CompileError):
        executor("c", "sim").compile("void f(", ENTRY)
    assert not list(fresh.rglob("*.so"))


def test_keys_do_not_collide() -> None:
    assert cache.key_of("ab", "c") != cache.key_of("a", "bc")


@pytest.mark.skipif(not shutil.which("g++"), reason="no g++ here")
def test_a_system_compiler_when_asked(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPILER_CXX", "g++")
    a = np.array([3, 4], np.float32)
    assert executor("c", "sim").compile(TEXT, ENTRY).run({"A": a}, {}).outputs["A"][0] == 8
    text = """__global__ void k(float* A) {
  __shared__ float s[64];
  s[threadIdx.x] = A[threadIdx.x];
  __syncthreads();
  A[threadIdx.x] = s[63 - threadIdx.x];
}"""
    from xpiler_jupyter.execute import Launch
    b = np.arange(64, dtype=np.float32)
    k = executor("cuda", "sim").compile(text, entry_for("k", {"A": b}, Launch((1, 1, 1), (64, 1, 1))))
    assert (k.run({"A": b}, {}).outputs["A"] == b[::-1]).all()
    with pytest.raises(CompileError) as e:
        executor("c", "sim").compile("\n  int f = g;", ENTRY)
    assert e.value.line == 2
    monkeypatch.setenv("XPILER_CXX", "no-such-compiler")
    with pytest.raises(CompileError, match="no-such-compiler"):
        executor("c", "sim").compile(TEXT, ENTRY)


def test_a_read_only_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPILER_CACHE", "/proc/nowhere")
    assert os.access(cache.directory(), os.W_OK)
