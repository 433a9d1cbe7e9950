"""An executor whose texts are names of Python functions: the judge's own logic, without a compiler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from xpiler_jupyter.errors import CompileError
from xpiler_jupyter.execute.api import Array, Entry, Fault, Limits, RunResult
from xpiler_jupyter.ir.build import add, binary, lt, mul, var
from xpiler_jupyter.ir.nodes import Block, Const, For, If, Kernel, Load, Param, Store
from xpiler_jupyter.ir.types import F32, I32
from xpiler_jupyter.platforms.base import Axis, Platform
from xpiler_jupyter.verify.subject import Subject

Body = Callable[[dict[str, Any], dict[str, Any], bool], None]


@dataclass
class FakeCompiled:
    body: Body
    entry: Entry
    log: str = ""

    def run(self, buffers: dict[str, Array], scalars: dict[str, Any], *, reverse: bool = False,
            limits: Limits | None = None) -> RunResult:
        work = {k: v.copy() for k, v in buffers.items()}
        given = dict(scalars)
        if self.entry.launch:
            given["grid"], given["block"] = self.entry.launch.grid, self.entry.launch.block
        try:
            with np.errstate(all="ignore"):
                self.body(work, given, reverse)
        except IndexError as err:
            return RunResult(fault=Fault("bounds", f"out-of-bounds access: {err}", line=3))
        return RunResult({k: v for k, v in work.items()}, 1e-6)


@dataclass
class FakeExecutor:
    """`bodies` maps a text to its function."""

    bodies: dict[str, Body]
    name: str = "fake"

    def compile(self, text: str, entry: Entry) -> FakeCompiled:
        if text not in self.bodies:
            raise CompileError("no such function", line=1, column=1)
        return FakeCompiled(self.bodies[text], entry)


PLAIN = Platform("plain", "Plain", "c", (".c",), (), (), 1, 1, "", {}, lambda k: "", __file__)  # type: ignore[arg-type]
GRID = Platform("grid", "Grid", "c", (".g",), (
    Axis("tid.x", "block", "tdim.x", 1024), Axis("bid.x", "grid", "bdim.x", 1 << 31)), (), 32, 1024, "__kernel__", {},
    lambda k: "", __file__)  # type: ignore[arg-type]


def pointer(name: str, const: bool = False) -> Param:
    return Param(name, F32, True, const)


def load(buffer: str, index: Any) -> Load:
    return Load(buffer, (index,), F32)


def store(buffer: str, index: Any, value: Any) -> Store:
    return Store(buffer, (index,), value, F32)


def loop(name: str, hi: Any, *body: Any) -> For:
    return For(name, Const(0, I32), hi, Const(1, I32), Block(body))


def elementwise(extent: Any = None) -> Kernel:
    """for i < n: C[i] = A[i] + B[i]"""
    n, i = var("n"), var("i")
    return Kernel("add", (pointer("A"), pointer("B"), pointer("C"), Param("n", I32)), Block((
        loop("i", extent or n, store("C", i, binary("+", load("A", i), load("B", i)))),)), "plain")


def product() -> Kernel:
    """C[m][n] = sum over k of A[m][k] * B[k][n], with free sizes."""
    i, j, k = var("i"), var("j"), var("k")
    size_m, size_n, size_k = var("M"), var("N"), var("K")
    place = add(mul(i, size_n), j)
    term = binary("*", load("A", add(mul(i, size_k), k)), load("B", add(mul(k, size_n), j)))
    return Kernel("gemm", (pointer("A"), pointer("B"), pointer("C"), *(Param(s, I32) for s in "MNK")), Block((
        loop("i", size_m, loop("j", size_n, store("C", place, Const(0.0, F32)),
                               loop("k", size_k, store("C", place, binary("+", load("C", place), term))))),)), "plain")


def launched(guard: Any, grid: Any, block: int = 256) -> Kernel:
    """One thread per element: if (idx < guard) C[idx] = A[idx]."""
    index = add(mul(var("bid.x"), Const(block, I32)), var("tid.x"))
    body: Any = store("C", index, load("A", index))
    if guard is not None:
        body = If(lt(index, guard), Block((body,)))
    inner = For("tid.x", Const(0, I32), Const(block, I32), Const(1, I32), Block((body,)), "parallel", "tid.x")
    return Kernel("copy", (pointer("A"), pointer("C")), Block((
        For("bid.x", Const(0, I32), grid, Const(1, I32), Block((inner,)), "parallel", "bid.x"),)), "grid",
        sizes=(Param("size", I32),))


def subject(name: str, kernel: Kernel | None, platform: Platform = PLAIN) -> Subject:
    return Subject(name, platform, kernel)
