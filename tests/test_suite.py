"""Files of several kernels: what is ported together, how it moves step by step, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import xpiler_jupyter
from xpiler_jupyter.errors import UsageError, WrongResultError, XpilerError
from xpiler_jupyter.frontend.program import read_program
from xpiler_jupyter.ir.program import Fill, Move, Run
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port
from xpiler_jupyter.suite import Suite, start

CUDA = registry.get("cuda")
TWO = """
__global__ void square(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] * x[i];
}
__global__ void shift(float* y, float by, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] += by;
}
extern "C" void both(const float* x, float* y, int count) {
  float *a, *b;
  cudaMalloc(&a, count * sizeof(float));
  cudaMalloc(&b, count * sizeof(float));
  cudaMemcpy(a, x, count * sizeof(float), cudaMemcpyHostToDevice);
  int blocks = (count + 63) / 64;
  square<<<blocks, 64>>>(a, b, count);
  shift<<<blocks, 64>>>(b, 0.5f, count);
  cudaMemcpy(y, b, count * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(a);
  cudaFree(b);
}
"""


def test_a_host_function_is_read_as_a_whole() -> None:
    program = read_program(TWO, CUDA)
    assert program is not None and program.name == "both"
    assert [s.label for s in program.stages] == ["square", "shift"]
    assert [type(a) for a in program.acts] == [Move, Run, Run, Move]
    assert [b.name for b in program.buffers] == ["a", "b"]


def test_plain_c_works_on_the_callers_arrays() -> None:
    suite = start(TWO, "c").run()
    assert isinstance(suite, Suite) and suite.finished and suite.verdict.level == "tested"
    assert suite.code.count("static void") == 2 and "square(x, y, count);\n  shift(y, 0.5f, count);" in suite.code
    assert "malloc" not in suite.code and "memcpy" not in suite.code
    x = np.arange(7, dtype="f4")
    assert np.array_equal(suite(x, np.zeros(7, "f4"), 7), x * x + 0.5)
    assert all(s.pass_name.startswith(("square: ", "shift: ")) for s in suite.steps)


def test_a_buffer_that_only_the_kernels_see_is_allocated() -> None:
    text = TWO.replace("shift<<<blocks, 64>>>(b, 0.5f, count)", "square<<<blocks, 64>>>(b, a, count)") \
              .replace("cudaMemcpy(y, b", "cudaMemcpy(y, a")
    suite = start(text, "c").run()
    assert "float* b = (float*)malloc(count * sizeof(float));" in suite.code and "free(b);" in suite.code
    # a holds x first and the result at last: it is the caller's y, filled from x
    assert "memcpy(y, x, count * sizeof(float));" in suite.code
    assert suite.verdict.level == "tested"


def test_memory_that_is_filled_in_between() -> None:
    text = TWO.replace("square<<<", "cudaMemset(b, 0, count * sizeof(float));\n  square<<<", 1)
    program = read_program(text, CUDA)
    assert program is not None and isinstance(program.acts[1], Fill)
    suite = start(text, "hip").run()
    assert "hipMemset(b, 0, count * sizeof(float));" in suite.code and suite.verdict.level == "tested"


def test_the_same_kernel_twice_in_one_configuration_is_one_port() -> None:
    text = TWO.replace("shift<<<blocks, 64>>>(b, 0.5f, count);", "shift<<<blocks, 64>>>(b, 0.5f, count);\n"
                       "  shift<<<blocks, 64>>>(b, -2.0f, count);")
    suite = start(text, "hip").run()
    assert isinstance(suite, Suite) and len(suite.ports) == 2 and suite.code.count("__global__") == 2
    assert suite.code.count("<<<") == 3


def test_a_kernel_that_is_named_is_ported_alone() -> None:
    assert isinstance(start(TWO, "hip", kernel="shift"), Port)
    assert isinstance(start(TWO, "hip", kernel="both"), Suite)


def test_step_by_step_and_back() -> None:
    suite = start(TWO, "hip")
    assert suite.next() is not None and suite.pending is not None and not suite.finished
    suite.accept()
    assert [s.state for s in suite.steps] == ["accepted"] and suite.code == TWO
    suite.next()
    suite.accept()
    assert suite.finished and suite.next() is None and "__global__ void shift" in suite.code
    suite.undo()
    assert not suite.finished and suite.code == TWO


def test_it_is_saved_as_json(tmp_path: Path) -> None:
    suite = xpiler_jupyter.port(TWO, to="hip")
    suite.save(tmp_path / "port.json")
    kept = json.loads((tmp_path / "port.json").read_text())
    assert kept["kernel"] == "both" and kept["kernels"] == ["square", "shift"] and len(kept["ports"]) == 2
    assert kept["verdict"] == "tested" and any(e["kind"] == "test" for e in kept["evidence"])
    assert any(e["kind"] == "platform_compile" and e["status"] == "pass" for e in kept["evidence"])


def test_kernels_that_are_wrong_together_are_found() -> None:
    """Each kernel is as it should be, but the whole hands the wrong buffer on: end to end, that is seen."""
    suite = start(TWO, "hip")
    assert isinstance(suite, Suite)
    for port in suite.ports:
        port.run()
    acts = list(suite.program.acts)
    run = acts[2]
    assert isinstance(run, Run)
    acts[2] = Run(run.stage, {"y": "a"}, run.scalars)
    object.__setattr__(suite.program, "acts", tuple(acts))
    with pytest.raises(WrongResultError, match="together are wrong"):
        suite.run()
    assert suite.verdict.level == "wrong"


@pytest.mark.parametrize(("old", "new", "message"), [
    ("shift<<<", "for (int k = 0; k < 3; ++k) shift<<<", "under a loop"),
    ("shift<<<", "if (count > 9) shift<<<", "under a condition"),
    ("(b, 0.5f, count)", "(b + 1, 0.5f, count)", "pointer"),
    ("cudaMemcpy(a, x, count", "float* h = make(count); cudaMemcpy(a, h, count", "no.* parameter"),
    ("void both(const float* x", "int both(const float* x", "returns a value"),
    ('extern "C" void both(const float* x, float* y, int count) {',
     "int main() { float *x, *y; int count = 70;", "main launches several kernels"),
])
def test_what_is_not_ported_together_says_why(old: str, new: str, message: str) -> None:
    assert old in TWO
    with pytest.raises(UsageError, match=f"several kernels: square, shift; together they are not ported: .*{message}"):
        start(TWO.replace(old, new), "hip")
    assert isinstance(start(TWO.replace(old, new), "hip", kernel="square"), Port)


def test_a_kernel_that_cannot_be_ported_is_named() -> None:
    text = TWO.replace("y[i] += by;", "y[i] += by + __nonsense(i);")
    with pytest.raises(XpilerError, match="__nonsense"):
        start(text, "hip").run()
