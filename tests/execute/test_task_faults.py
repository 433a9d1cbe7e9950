"""What a kernel does wrong on cores with memories of their own: kind, line, core, and the arrays in question."""

from __future__ import annotations

import numpy as np
import pytest

from xpiler_jupyter.execute import RunResult

from .conftest import run

N = 64
HEAD = 'extern "C" __mlu_global__ void k(float* a, float* b, float* out) {\n'
LOAD = "  __nram__ float x[64];\n  __memcpy(x, a, 256, GDRAM2NRAM);\n"
STORE = "  __memcpy(out, x, 256, NRAM2GDRAM);\n}\n"


def start(text: str, jobs: int = 1, cores: int = 1, clusters: int = 1) -> RunResult:
    data = np.arange(N, dtype=np.float32)
    return run("bang", text, "k", grid=jobs, block=(cores, clusters, 1), a=data, b=data, out=np.zeros(N, np.float32))


def test_a_right_kernel_has_no_fault() -> None:
    result = start(HEAD + LOAD + "  __bang_add(x, x, x, 64);\n" + STORE)
    assert result.fault is None and np.array_equal(result.outputs["out"], 2 * np.arange(N))


@pytest.mark.parametrize(("body", "kind", "words", "line"), [
    ("  __bang_add(x, x, b, 64);\n", "operand", "src1 must lie in NRAM, it lies in GDRAM ('b')", 4),
    ("  __bang_add(x, x, x, 0);\n", "operand", "elem_count must be greater than zero", 4),
    ("\n  __bang_add(x + 33, x, x, 32);\n", "bounds", "writes 128 bytes of dst, its array has 124 left there", 5),
    ("  __memcpy_async(x, b, 256, GDRAM2NRAM);\n  __bang_add(x, x, x, 64);\n", "race", "the asynchronous copy of line 4", 5),
    ("  out[coreId * 100] = x[0];\n", "bounds", "out-of-bounds write", 4),
])
def test_operands_and_bounds(body: str, kind: str, words: str, line: int) -> None:
    fault = start(HEAD + LOAD + body + STORE, cores=4).fault
    assert fault is not None and (fault.kind, fault.line) == (kind, line)
    assert words in fault.message and f"(line {line}, coreId " in fault.message


def test_the_core_and_the_buffer_are_named() -> None:
    fault = start(HEAD + "  if (clusterId == 1 && coreId == 2)\n    a[1 << 20] = 1.0f;\n}\n", cores=4, clusters=2).fault
    assert fault is not None and fault.buffer == "a" and fault.thread == (2, 1, 0)
    assert fault.message.endswith("(line 3, coreId 2, clusterId 1)")


@pytest.mark.parametrize(("word", "most"), [("__nram__", 393216), ("__wram__", 524288), ("__mlu_shared__", 1966080)])
def test_a_memory_that_is_full_names_its_arrays(word: str, most: int) -> None:
    text = HEAD + f"\n  {word} char big[{most}];\n{{}}  big[0] = 1;\n}}\n"
    assert start(text.replace("{}", "")).fault is None
    fault = start(text.replace("{}", f"  {word} float more[4][4];\n  more[0][0] = 1;\n")).fault
    assert fault is not None and (fault.kind, fault.line) == ("capacity", 3)
    assert f"a program may use {most} on mtp_592: big, more (line 3)" in fault.message


@pytest.mark.parametrize(("cores", "clusters"), [(3, 1), (4, 3), (1, 2), (4, 32)])
def test_a_shape_that_no_job_has(cores: int, clusters: int) -> None:
    fault = start(HEAD + "}\n", cores=cores, clusters=clusters).fault
    assert fault is not None and fault.kind == "launch"
    assert f"a job of {clusters} clusters x {cores} cores" in fault.message
