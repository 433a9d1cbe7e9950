"""A kernel that comes without a launch gets the one that its guards ask for, or keeps its extents as parameters."""

from __future__ import annotations

import pytest

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.passes._covering import with_launch
from xpiler_jupyter.platforms.registry import get

CUDA = get("cuda")


def launch(body: str, params: str = "float* x, int n, int m", shape: dict[str, int] | None = None) -> str:
    kernel, _ = with_launch(parse(f"__global__ void k({params}) {{ {body} }}", CUDA), CUDA, shape or {})
    return next(line for line in CUDA.emit(kernel).splitlines() if "launch:" in line).removeprefix("// launch: ")


@pytest.mark.parametrize(("body", "expected"), [
    ("int i = blockDim.x * blockIdx.x + threadIdx.x; if (i < n) x[i] = 1;", "grid((n + 255) / 256) block(256)"),
    ("int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= n) return; x[i] = 1;", "grid((n + 255) / 256) block(256)"),
    ("for (int i = threadIdx.x + blockIdx.x * blockDim.x; i < n; i += blockDim.x * gridDim.x) x[i] = 1;",
     "grid((n + 255) / 256) block(256)"),
    ("int r = blockIdx.x; if (r < n) for (int c = threadIdx.x; c < m; c += blockDim.x) x[r * m + c] = 1;",
     "grid(n) block(256)"),
    ("int c = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;"
     " if (r < n && c < m) x[r * m + c] = 1;", "grid((m + 15) / 16, (n + 15) / 16) block(16, 16)"),
])
def test_guards_say_the_launch(body: str, expected: str) -> None:
    assert launch(body) == expected


@pytest.mark.parametrize("body", [
    "x[blockIdx.x * blockDim.x + threadIdx.x] = 1;",  # nothing bounds it
    "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < (int)x[0]) x[i] = 1;",  # bounded by data
    "x[threadIdx.x] = 1;",
])
def test_without_a_guard_nothing_is_assumed(body: str) -> None:
    assert "Dim.x" in launch(body)


def test_the_persons_word_comes_first() -> None:
    body = "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] = 1;"
    assert launch(body, shape={"blockDim.x": 64}) == "grid((n + 63) / 64) block(64)"
    assert launch(body, shape={"blockDim.x": 64, "gridDim.x": 3}) == "grid(3) block(64)"
    assert launch("x[threadIdx.x] = 1;", shape={"blockDim.x": 32}) == "grid(1) block(32)"


def test_what_was_assumed_is_said() -> None:
    text = "__global__ void k(float* x, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] = 1; }"
    kernel, assumed = with_launch(parse(text, CUDA), CUDA, {})
    assert assumed and "blocks of 256 threads" in assumed[0] and kernel.sizes == ()
    told = text + "\n// launch: grid((n + 63) / 64) block(64)"
    assert with_launch(parse(told, CUDA), CUDA, {})[1] == ()
