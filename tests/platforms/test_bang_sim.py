"""The BANG simulator as a whole: geometry, memories, waits, and pairs of texts of which one is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from xpiler_jupyter.errors import CompileError
from xpiler_jupyter.ir.types import F32, I32
from xpiler_jupyter.platforms.bang import simgen
from xpiler_jupyter.platforms.registry import get

simulator = pytest.importorskip("xpiler_jupyter.execute.simulator")
api = pytest.importorskip("xpiler_jupyter.execute.api")


def run(text: str, n: int = 64, jobs: int = 1, cores: int = 1, clusters: int = 1, header: str = "sim.hpp", **kind: Any) -> Any:
    """Runs `k(a, b, out)` on floats 0 .. n-1, their reverse, and an output of the same length."""
    platform = replace(get("bang"), simulator=simgen.TARGET.with_name(header))
    args = tuple(api.Argument(x, F32, True) for x in ("a", "b", "out"))
    entry = api.Entry("k", args, api.Launch((jobs, 1, 1), (cores, clusters, 1)))
    a = np.arange(n, dtype=np.float32)
    buffers = {"a": a, "b": a[::-1].copy(), "out": np.full(n, -1, np.float32)}
    return simulator.SimulatorExecutor(platform).compile(f"{text}// {header}\n", entry).run(buffers, {}, **kind)


def kernel(body: str, arrays: str = "__nram__ float x[64]; __nram__ float y[64]; __wram__ float w[64];") -> str:
    return f'extern "C" __mlu_global__ void k(float* a, float* b, float* out) {{\n{arrays}\n{body}\n}}\n'


LOAD = "__memcpy(x, a, 256, GDRAM2NRAM); __memcpy(y, b, 256, GDRAM2NRAM);\n"
STORE = "\n__memcpy(out, x, 256, NRAM2GDRAM);"

PAIRS = [  # accepted, refused, words of the message
    ("__bang_add(x, x, y, 64);", "__bang_add(x, x, b, 64);", "__bang_add: src1 must lie in NRAM, it lies in GDRAM ('b')"),
    ("__bang_add(x + 32, x + 32, y, 32);", "__bang_add(x + 33, x + 33, y, 32);", "its array has 124 left"),
    ("__bang_add(x, x, y, 64);", "__bang_add(x, x, y, 0);", "elem_count must be greater than zero"),
    ("__bang_add(x, x, y, 32);", "__bang_add(x + 1, x, y, 32);", "dst overlaps src0 without beginning"),
    ("__bang_sumpool(x, y, 1, 8, 8, 2, 2, 2, 2);", "__bang_sumpool(x, x, 1, 8, 8, 2, 2, 2, 2);", "dst overlaps src"),
    ("__memcpy(w, x, 64, NRAM2WRAM);", "__memcpy(w, x, 60, NRAM2WRAM);", "size must be divisible by 16"),
    ("__memcpy(x, a, 256, GDRAM2NRAM);", "__memcpy(x, a, 256, NRAM2NRAM);", "src must lie in NRAM"),
    ("__memcpy(x, a, 64, GDRAM2NRAM, 64, 64, 3);", "__memcpy(x, a, 64, GDRAM2NRAM, 64, 64, 4);", "its array has 256 left"),
    ("__memcpy(x, a, 4, GDRAM2NRAM, 4, 8, 31);", "__memcpy(x, a, 4, GDRAM2NRAM, 2, 8, 31);", "dst_stride must be at least"),
    ("__memcpy(x, a + 32, 128, GDRAM2NRAM);", "__memcpy(x, a + 32, 132, GDRAM2NRAM);", "'a'"),
    ("__bang_transpose(x, y, 4, 16);", "__bang_transpose(x, y, 4, 17);", "writes 272 bytes of dst"),
    ("__memcpy_async(x, a, 256, GDRAM2NRAM); __sync_io(); __bang_add(x, x, y, 64);",
     "__memcpy_async(x, a, 256, GDRAM2NRAM); __sync_move(); __bang_add(x, x, y, 64);", "the asynchronous copy of line 4 may still write"),
    ("__memcpy_async(out, x, 256, NRAM2GDRAM); __sync(); __bang_add(x, x, y, 64);",
     "__memcpy_async(out, x, 256, NRAM2GDRAM); __bang_add(x, x, y, 64);", "may still read"),
    ("__bang_cycle_add(x, x, y, 64, 16);", "__bang_cycle_add(x, x, y, 64, 24);", "must be divisible by seg_elem_count"),
]


@pytest.mark.parametrize(("good", "bad", "words"), PAIRS, ids=lambda x: x[:40] if isinstance(x, str) else "")
def test_of_two_texts_one_is_refused(good: str, bad: str, words: str) -> None:
    assert run(kernel(LOAD + good + STORE)).fault is None
    fault = run(kernel(LOAD + bad + STORE)).fault
    assert fault is not None and words in fault.message and fault.line == 4, fault


def test_the_flat_simulator_lets_it_pass() -> None:
    out = run(kernel(LOAD + "__bang_add(x, x, b, 64);" + STORE), header="sim_flat.hpp")
    assert out.fault is None and np.array_equal(out.outputs["out"], np.full(64, 63.0))


def test_arrays_begin_as_nan_on_every_core() -> None:
    text = kernel("if (coreId) __bang_write_zero(x, 4);\n__memcpy(out + taskId * 4, x, 16, NRAM2GDRAM);\n"
                  "__bang_write_zero(x, 64);", "__nram__ float x[64];")
    out = run(text, 16, cores=4).outputs["out"]
    assert np.isnan(out[:4]).all() and (out[4:] == 0).all()


def test_places_of_tasks() -> None:
    text = kernel("out[taskId] = taskIdX * 1000 + clusterId * 10 + coreId + 100000 * (taskDim == 32 && clusterDim == 4 && "
                  "coreDim == 4);", "")
    out = run(text, 32, jobs=2, cores=4, clusters=4).outputs["out"]
    assert list(out) == [100000 + t * 1000 + (t % 16 // 4) * 10 + t % 4 for t in range(32)]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_cluster_shares_its_sram_and_keeps_nram_across_waits(reverse: bool) -> None:
    text = kernel("__memcpy(x, a + taskId * 4, 16, GDRAM2NRAM);\n__memcpy(s + coreId * 4, x, 16, NRAM2SRAM);\n"
                  "__sync_cluster();\n__memcpy(y, s + (coreId + 1) % 4 * 4, 16, SRAM2NRAM);\n"
                  "__bang_mul_scalar(y, y, 100.0f, 4);\n__bang_add(x, x, y, 4);\n__sync_all();\n"
                  "__memcpy(out + taskId * 4, x, 16, NRAM2GDRAM);",
                  "__nram__ float x[4]; __nram__ float y[4]; __mlu_shared__ float s[16];")
    result = run(text, 64, cores=4, clusters=4, reverse=reverse)
    a = np.arange(64, dtype=np.float32).reshape(4, 4, 4)
    assert result.fault is None, result.fault
    assert np.array_equal(result.outputs["out"], (a + 100 * np.roll(a, -1, 1)).ravel())


def test_an_asynchronous_copy_is_there_after_the_wait_only() -> None:
    text = kernel("__bang_write_zero(x, 64);\n__memcpy_async(x, a, 256, GDRAM2NRAM);\nfloat early = x[5];\n__sync_io();\n"
                  "out[0] = early; out[1] = x[5];", "__nram__ float x[64];")
    out = run(text).outputs["out"]
    assert np.isnan(out[0]) and out[1] == 5


def test_what_does_not_fit_and_what_cannot_be_launched() -> None:
    fits, big = "__nram__ char x[393216];", "__nram__ char x[393217];"
    assert run(kernel("x[0] = 1;", fits)).fault is None
    fault = run(kernel("x[0] = 1;", big)).fault
    assert fault.kind == "capacity" and "a program may use 393216" in fault.message
    assert run(kernel("", ""), cores=3).fault.kind == "launch"


def test_cores_that_meet_at_different_calls() -> None:
    fault = run(kernel("if (coreId == 0) __sync_all();\nelse\n  __sync_all();", ""), cores=4).fault
    assert fault is not None and fault.kind == "barrier"
    assert run(kernel("if (coreId == 0) __sync_all();\nelse\n  __sync_all();", ""), cores=4, header="sim_flat.hpp").fault is None


def test_wrong_types_do_not_compile() -> None:
    with pytest.raises(CompileError, match="no matching function"):
        run(kernel("__bang_add(x, (int*)y, y, 64);"))
    with pytest.raises(CompileError, match="memory core"):
        run(kernel("if (__is_mpu()) return;"))


def test_weights_by_columns_or_as_they_are() -> None:
    body = (LOAD + "__memcpy(w, y, 256, NRAM2WRAM);\n__bang_mlp(z, x, w, {h}, {w});\n__memcpy(out, z, 16, NRAM2GDRAM);")
    arrays = "__nram__ float x[64]; __nram__ float y[64]; __nram__ float z[16]; __wram__ float w[64];"
    a, b = np.arange(64.0), np.arange(64.0)[::-1]
    strict = run(kernel(body.format(h=4, w=16), arrays)).outputs["out"][:4]
    assert np.array_equal(strict, b.reshape(4, 16) @ a[:16])
    flat = run(kernel(body.format(h=16, w=4), arrays), header="sim_flat.hpp").outputs["out"][:4]
    assert np.array_equal(flat, a[:16] @ b.reshape(16, 4))


def test_a_wrapper_launches_its_kernel() -> None:
    platform = replace(get("bang"), simulator=simgen.TARGET.with_name("sim.hpp"))
    text = """__mlu_entry__ void add(float* a, float* out, int n) {
  __nram__ float x[16];
  __memcpy(x, a + taskId * 16, 64, GDRAM2NRAM);
  __bang_add_scalar(x, x, 1.0f, 16);
  __memcpy(out + taskId * 16, x, 64, NRAM2GDRAM);
}
extern "C" void add_kernel(float* a, float* out, int n) {
  float *d, *e;
  cnrtMalloc((void**)&d, n * 4); cnrtMalloc((void**)&e, n * 4);
  cnrtMemcpy(d, a, n * 4, cnrtMemcpyHostToDev);
  cnrtQueue_t queue; cnrtQueueCreate(&queue);
  cnrtDim3_t dim = {8, 1, 1};
  add<<<dim, cnrtFuncTypeUnion1, queue>>>(d, e, n);
  cnrtQueueSync(queue);
  cnrtMemcpy(out, e, n * 4, cnrtMemcpyDevToHost);
  cnrtFree(d); cnrtFree(e);
}
"""
    entry = api.Entry("add_kernel", (api.Argument("a", F32, True), api.Argument("out", F32, True), api.Argument("n", I32, False)))
    a = np.arange(128, dtype=np.float32)
    result = simulator.SimulatorExecutor(platform).compile(text, entry).run({"a": a, "out": np.zeros_like(a)}, {"n": 128})
    assert result.fault is None and np.array_equal(result.outputs["out"], a + 1), result.fault
