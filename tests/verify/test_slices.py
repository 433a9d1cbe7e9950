"""Candidates whose launch is one job have no blocks to leave out: their cores run the first iterations of their shares,
or fewer of the cores run. What is wrong there is found; which part ran is on the evidence."""

from __future__ import annotations

import pytest

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.verify import slices
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.sizes import SizeSet
from xpiler_jupyter.verify.subject import Subject
from xpiler_jupyter.verify.verdict import verdict_of

ROWS = """extern "C" void rows(const float* x, float* y) {
  for (int i = 0; i < 8192; i++) {
    float s = 0.0f;
    for (int k = 0; k < 8192; k++) s += x[i * 8192 + k];
    for (int k = 0; k < 8192; k++) y[i * 8192 + k] = x[i * 8192 + k] - s;
  }
}
"""

# 16 cores, 512 rows each, the next row fetched while this one is summed: no iteration is independent of the one before.
JOB = """__mlu_global__ void rows_kernel(const float* x, float* y) {
  __nram__ float tile[2][8192];
  __memcpy(&tile[0][0], x + (clusterId * 4 + coreId) * 4194304, 32768, GDRAM2NRAM);
  for (int r = 0; r < 512; r++) {
    if (r + 1 < 512) {
      __memcpy_async(&tile[(r + 1) % 2][0], x + (clusterId * 4 + coreId) * 4194304 + (r + 1) * 8192, 32768, GDRAM2NRAM);
    }
    float s = 0.0f;
    for (int k = 0; k < 8192; k++) s += tile[r % 2][k];
    for (int k = 0; k < 8192; k++) y[((clusterId * 4 + coreId) * 512 + r) * 8192 + k] = tile[r % 2][k] - s;
    __sync_io();
  }
}
extern "C" void rows(const float* x, float* y) {
  float* d_x;
  cnrtMalloc((void**)&d_x, 67108864 * sizeof(float));
  cnrtMemcpy(d_x, x, 67108864 * sizeof(float), cnrtMemcpyHostToDev);
  float* d_y;
  cnrtMalloc((void**)&d_y, 67108864 * sizeof(float));
  cnrtDim3_t dim = {16, 1, 1};
  cnrtQueue_t queue;
  cnrtQueueCreate(&queue);
  rows_kernel<<<dim, cnrtFuncTypeUnion4, queue>>>(d_x, d_y);
  cnrtQueueSync(queue);
  cnrtMemcpy(y, d_y, 67108864 * sizeof(float), cnrtMemcpyDevToHost);
  cnrtFree(d_x);
  cnrtFree(d_y);
  cnrtQueueDestroy(queue);
}
"""


def job(text: str = JOB) -> Subject:
    platform = registry.get("bang")
    return Subject(text, platform, with_meanings(parse(text, platform)))


def cut(text: str) -> slices.Slice | None:
    return slices.cut(job(text), SizeSet({}, {}))


@pytest.fixture(scope="module")
def judge() -> Judge:
    platform = registry.get("c")
    return Judge(Subject(ROWS, platform, parse(ROWS, platform)), device="sim")


def test_a_job_runs_the_first_rows_of_its_first_cores(judge: Judge) -> None:
    verdict = verdict_of(judge.test(job()))
    assert verdict.level == "tested"
    assert "source only i < " in verdict.detail and "candidate only clusterId < 1 of 4" in verdict.detail
    assert "r < " in verdict.detail and "elements compared" in verdict.detail


@pytest.mark.parametrize(("right", "wrong"), [
    ("- s;", "+ s;"),
    ("tile[r % 2][k] - s", "tile[r % 2][8191 - k] - s"),
    ("* 512 + r) * 8192 + k]", "* 512 + r) * 8192 + k / 2 * 2]"),  # odd elements are not written, even ones wrong
])
def test_what_is_wrong_in_the_slice_is_found(judge: Judge, right: str, wrong: str) -> None:
    assert right in JOB
    assert verdict_of(judge.test(job(JOB.replace(right, wrong)))).level == "wrong"


def test_what_is_wrong_outside_the_slice_is_not_claimed(judge: Judge) -> None:
    """Nothing is said of the last row; the detail says which rows were run."""
    verdict = verdict_of(judge.test(job(JOB.replace("- s;", "- (r == 511 ? 0.0f : s);"))))
    assert verdict.level == "tested" and "too large to run whole" in verdict.detail


def test_a_text_that_asks_how_many_cores_there_are_runs_on_all_of_them() -> None:
    part = cut(JOB.replace("r + 1 < 512", "r + 1 < 128 * coreDim"))
    assert part is None or "clusterId" not in part.words


@pytest.mark.parametrize("wrong", [
    JOB.replace("__sync_io();\n", "__sync_io();\n    y[7] = s;\n"),  # later rows overwrite what earlier ones wrote
    JOB.replace("    __sync_io();\n  }\n", "    __sync_io();\n  }\n  y[7] = 0.0f;\n"),  # written when the loop is over
])
def test_no_slice_of_what_later_iterations_overwrite(wrong: str) -> None:
    assert wrong != JOB and cut(wrong) is None
