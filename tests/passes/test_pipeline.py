"""pipeline: tiles in and out behind the computation, in-place tiles, clipped ones, refusals, the simulator's word."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from cachekit import apply, emit, kernel_of, refused, same
from hypothesis import given, settings
from hypothesis import strategies as st

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.execute.api import Argument, Entry, Launch
from xpiler_jupyter.execute.simulator import SimulatorExecutor
from xpiler_jupyter.ir.nodes import Kernel
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes._plan_behind import pipelined
from xpiler_jupyter.passes._script import after as moved
from xpiler_jupyter.platforms import registry as platforms

TASKS = "// launch: dim(4, 1, 1) Union1\n"
HEAD = TASKS + "__mlu_global__ void k(float* A, float* B, float* C, int n) {\n"
ADD = HEAD + """  __nram__ float a[64];
  __nram__ float b[64];
  __nram__ float c[64];
  for (int t = 0; t < 6; t++) {
    __memcpy(a, A + coreId * 384 + t * 64, 256, GDRAM2NRAM);
    __memcpy(b, B + coreId * 384 + t * 64, 256, GDRAM2NRAM);
    __bang_add(c, a, b, 64);
    __memcpy(C + coreId * 384 + t * 64, c, 256, NRAM2GDRAM);
  }
}"""
CLIPPED = HEAD + """  __nram__ float a[64];
  __nram__ float c[64];
  for (int t = coreId; t < (n + 63) / 64; t += 4) {
    int size = min(64, n - t * 64);
    __memcpy(a, A + t * 64, size * 4, GDRAM2NRAM);
    __bang_mul_scalar(c, a, 2.0f, size);
    __memcpy(C + t * 64, c, size * 4, NRAM2GDRAM);
  }
}"""
IN_PLACE = HEAD + """  __nram__ float a[64];
  for (int t = 0; t < 4; t++) {
    __memcpy(a, A + coreId * 256 + t * 64, 256, GDRAM2NRAM);
    __bang_add_scalar(a, a, 1.0f, 64);
    __memcpy(A + coreId * 256 + t * 64, a, 256, NRAM2GDRAM);
  }
}"""
SUM = HEAD + """  __nram__ float a[64];
  __nram__ float c[64];
  for (int r = 0; r < 3; r++) {
    __bang_write_zero(c, 64);
    for (int t = 0; t < n; t++) {
      __memcpy(a, A + t * 64, 256, GDRAM2NRAM);
      __bang_add(c, c, a, 64);
    }
    __memcpy(C + coreId * 192 + r * 64, c, 256, NRAM2GDRAM);
  }
}"""
FILL = HEAD + """  __nram__ float c[64];
  for (int t = 0; t < 6; t++) {
    __bang_write_value(c, 64, 1.0f);
    __bang_add_scalar(c, c, 0.5f, 64);
    __memcpy(C + coreId * 384 + t * 64, c, 256, NRAM2GDRAM);
  }
}"""
LENGTHS = {"A": 4 * 384, "B": 4 * 384, "C": 4 * 384}


def simulated(text: str, n: int) -> Any:
    """The strict simulator's word on the text: outputs, or a fault."""
    kernel = kernel_of(text, "bang")
    args = tuple(Argument(p.name, p.dtype, p.pointer) for p in kernel.params)
    run = SimulatorExecutor(platforms.get("bang")).compile(text, Entry("k", args, Launch((1, 1, 1), (4, 1, 1))))
    rng = np.random.default_rng(0)
    return run.run({x: rng.integers(-3, 4, LENGTHS[x]).astype(np.float32) for x in LENGTHS}, {"n": n})


@pytest.mark.parametrize(("name", "text", "loop"), [
    ("add", ADD, "t"), ("clipped", CLIPPED, "t"), ("in_place", IN_PLACE, "t"), ("sum", SUM, "t"), ("fill", FILL, "t"),
])
def test_the_same_numbers(golden: Any, name: str, text: str, loop: str) -> None:
    before = kernel_of(text, "bang")
    result = apply("pipeline", before, loop=loop)
    after = emit(result.kernel)
    golden(f"pipeline/{name}", after)
    for n in (1, 2, 7) if name == "sum" else (0, 1, 64, 300, 640) if name == "clipped" else (1,):
        same(before, result.kernel, LENGTHS, n=n)
        want, got = simulated(text, n), simulated(after, n)
        assert want.fault is None and got.fault is None, got.fault
        for x in LENGTHS:
            np.testing.assert_array_equal(got.outputs[x], want.outputs[x], err_msg=x)


@pytest.mark.parametrize("text", [ADD, SUM])
def test_a_missing_wait_is_caught(text: str) -> None:
    after = emit(apply("pipeline", kernel_of(text, "bang"), loop="t").kernel)
    assert simulated(after, 3).fault is None
    fault = simulated(after.replace("__sync_io();", "", 1), 3).fault
    assert fault is not None and "the asynchronous copy of line" in fault.message


def test_what_is_copied_in_and_out_waits_for_its_copy_out() -> None:
    text = emit(apply("pipeline", kernel_of(IN_PLACE, "bang"), loop="t").kernel)
    assert text.count("__memcpy_async") == 1 and re.search(r"__memcpy\(A [^;]*NRAM2GDRAM\);\s*__sync_io", text)


def test_a_copy_that_comes_after_other_work_moves_to_the_front() -> None:
    text = ADD.replace("    __memcpy(b, ", "    __bang_write_zero(c, 64);\n    __memcpy(b, ")
    result = apply("pipeline", kernel_of(text, "bang"), loop="t")
    assert "A, B" not in result.note and "a, b" in result.note
    same(kernel_of(text, "bang"), result.kernel, LENGTHS, n=1)


def test_a_fill_in_front_of_a_copy_goes_with_it() -> None:
    text = CLIPPED.replace("    __memcpy(a, ", "    __bang_write_zero(a, 64);\n    __memcpy(a, ").replace(
        "__bang_mul_scalar(c, a, 2.0f, size)", "__bang_mul_scalar(c, a, 2.0f, 64)")
    before = kernel_of(text, "bang")
    result = apply("pipeline", before, loop="t")
    assert emit(result.kernel).count("__bang_write_zero(&a[") == 2
    for n in (1, 100, 640):
        same(before, result.kernel, LENGTHS, n=n)


@pytest.mark.parametrize(("text", "match"), [
    (ADD.replace("6; t++", "1; t++"), "loop t runs once"),
    (ADD.replace("__bang_add(c, a, b, 64);", "if (A[t] > 9.0f) break;\n__bang_add(c, a, b, 64);"), "break"),
    (ADD.replace("__bang_add(c, a, b, 64);", "__sync_all();\n__bang_add(c, a, b, 64);"), "holds a barrier"),
    (ADD.replace("64];", "20000];"), r"two tiles each of a, b, c make 480000 bytes of nram, which has 393216"),
    (ADD.replace("__memcpy(a, A", "__memcpy_async(a, A").replace("__bang_add(", "__sync_io();\n__bang_add("),
     "has copies that run behind already"),
    (IN_PLACE.replace("A + coreId * 256 + t * 64, a", "A + coreId * 256 + t * 64 + 64, a"),
     "A is copied in and written in loop t: the second part feeds the first part of a later iteration"),
    (FILL.replace("    __bang_write_value(c, 64, 1.0f);\n", "").replace("  for", "  __bang_write_zero(c, 64);\n  for"),
     "c is used outside of loop t"),
    (SUM.replace("A + t * 64, 256", "A + t * 64, 128"), "an iteration of loop t may read from a what another one left there"),
    (ADD.replace("    __bang_add(c, a, b, 64);\n", "").replace("t * 64, c, 256", "t * 64, a, 256"),
     "loop t only copies"),
    ("__mlu_global__ void k(float* A) {\n  for (int t = 0; t < 6; t++) A[t] = 1.0f;\n}", "copies no tile of a buffer"),
])
def test_refusals(text: str, match: str) -> None:
    error = refused("pipeline", text, match, "bang", loop="t")
    assert error.message.startswith("pipeline: ")


def test_refused_where_nothing_runs_behind() -> None:
    refused("pipeline", "void k(float* A) { for (int t = 0; t < 6; t++) A[t] = 1; }", "no copies that run behind", loop="t")
    refused("pipeline", ADD, "stages must be 2", "bang", loop="t", stages=3)
    refused("pipeline", ADD, "there is no loop 'z'", "bang", loop="z")
    refused("pipeline", ADD, "there is no knob 'depth'", "bang", loop="t", depth=3)


def test_sites() -> None:
    bang = platforms.get("bang")
    assert registry.get("pipeline").sites(kernel_of(ADD, "bang"), bang) == [{"loop": "t"}]
    after = apply("pipeline", kernel_of(ADD, "bang"), loop="t").kernel
    assert registry.get("pipeline").sites(kernel_of(SUM, "bang"), bang)[-1] == {"loop": "t"}
    with pytest.raises(IllegalPassError, match="already"):
        apply("pipeline", after, loop="t")


NEST = HEAD + """  __nram__ float a[256];
  __nram__ float b[256];
  __nram__ float c[256];
  for (int r = 0; r < 2; r++) {
    __memcpy(b, B + r * 256, 1024, GDRAM2NRAM);
    for (int t = 0; t < 3; t++) {
      __memcpy(a, A + t * 256, 1024, GDRAM2NRAM);
      __bang_add(c, a, b, 256);
      __memcpy(C + r * 768 + t * 256, c, 1024, NRAM2GDRAM);
    }
  }
}"""


def test_the_plan_takes_the_inner_loop_and_leaves_small_tiles_alone() -> None:
    bang = platforms.get("bang")
    script = pipelined(kernel_of(NEST, "bang"), bang)
    move = next(script)
    assert move.knobs == {"loop": "t"}
    inner = moved(kernel_of(NEST, "bang"), move)
    outer = script.send(inner)
    assert outer.knobs == {"loop": "r"}
    with pytest.raises(IllegalPassError, match="run behind already") as refusal:
        moved(inner, outer)
    with pytest.raises(StopIteration) as end:
        script.throw(refusal.value)
    assert end.value.value == inner
    with pytest.raises(StopIteration):
        next(pipelined(kernel_of(ADD.replace("a[64]", "a[8]").replace("b[64]", "b[8]").replace("c[64]", "c[8]").replace(
            "256,", "32,").replace("b, 64)", "b, 8)"), "bang"), bang))


TILES = st.tuples(
    st.integers(2, 5),  # iterations
    st.sampled_from(["a", "b", "A"]),  # what is copied out, or back to its own place
    st.integers(-64, 64),  # how far off its own place
    st.booleans(),  # a second array
    st.booleans(),  # work before the copy
)


@settings(max_examples=30, deadline=None)
@given(TILES)
def test_random_loops(choice: tuple[int, str, int, bool, bool]) -> None:
    """Whatever the pass accepts computes the same, in the interpreter and on the simulator."""
    trips, out, off, second, early = choice
    target = f"A + {64 + off} + t * 64" if out == "A" else "C + t * 64"
    result = "b" if out == "b" and second else "a"
    lines = ["  __nram__ float a[64];", "  __nram__ float b[64];", f"  for (int t = 1; t < {trips}; t++) {{"]
    lines += ["    __bang_write_zero(b, 64);"] if early or not second else []
    lines += ["    __memcpy(a, A + 64 + t * 64, 256, GDRAM2NRAM);"]
    lines += ["    __memcpy(b, B + t * 32, 256, GDRAM2NRAM);"] if second else []
    lines += [f"    __bang_add({result}, a, b, 64);", f"    __memcpy({target}, {result}, 256, NRAM2GDRAM);", "  }", "}"]
    before: Kernel = kernel_of(HEAD.replace("dim(4, 1, 1) Union1", "dim(1, 1, 1) Block") + "\n".join(lines), "bang")
    try:
        after = apply("pipeline", before, loop="t").kernel
    except IllegalPassError:
        return
    same(before, after, LENGTHS, n=1)
