"""A memory of which each cluster of a job has its own: recovered as one array per cluster, filled by its own cores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cachekit import apply, kernel_of
from interp import run

from xpiler_jupyter.execute.api import Argument, Entry, Launch
from xpiler_jupyter.execute.simulator import SimulatorExecutor
from xpiler_jupyter.frontend.meanings import with_meanings
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.platforms import registry as platforms

HEAD = "// launch: dim({n}, 1, 1) Union{u}\n__mlu_global__ void k(const float* A, float* C) {{\n"
ROTATE = HEAD + """  __mlu_shared__ float s[4];
  s[coreId] = A[taskId];
  __sync_all();
  C[taskId] = s[(coreId + 1) % 4];
}}"""
SUMS = HEAD + """  for (int t = 0; t < 3; t++)
    for (int i = 0; i < 8; i++)
      C[taskId * 24 + t * 8 + i] = A[clusterId * 24 + t * 8 + i] + A[clusterId * 24 + t * 8 + i + coreId];
}}"""


def simulated(text: str, clusters: int, length: int) -> Any:
    entry = Entry("k", tuple(Argument(p.name, p.dtype, True) for p in kernel_of(text, "bang").params),
                  Launch((1, 1, 1), (4, clusters, 1)))
    arrays = {"A": np.arange(length, dtype=np.float32), "C": np.zeros(length, np.float32)}
    result = SimulatorExecutor(platforms.get("bang")).compile(text, entry).run(arrays, {})
    assert result.fault is None, result.fault
    return result.outputs["C"]


@pytest.mark.parametrize("clusters", [1, 2, 4])
def test_each_cluster_has_its_own(clusters: int) -> None:
    text = ROTATE.format(n=4 * clusters, u=clusters)
    c = registry.get("loop_recovery").apply(kernel_of(text, "bang"), platforms.get("c")).kernel
    arrays = {"A": np.arange(4 * clusters, dtype=np.float32), "C": np.zeros(4 * clusters, np.float32)}
    run(with_meanings(c), arrays)
    np.testing.assert_array_equal(arrays["C"], simulated(text, clusters, 4 * clusters))


def test_a_dimension_per_cluster() -> None:
    two = registry.get("loop_recovery").apply(kernel_of(ROTATE.format(n=8, u=2), "bang"), platforms.get("c")).kernel
    one = registry.get("loop_recovery").apply(kernel_of(ROTATE.format(n=4, u=1), "bang"), platforms.get("c")).kernel
    emit = platforms.get("c").emit
    assert "float s[2][4];" in emit(two) and "float s[4];" in emit(one)


@pytest.mark.parametrize("clusters", [1, 2])
def test_the_cores_of_a_cluster_fill_it(clusters: int) -> None:
    text = SUMS.format(n=4 * clusters, u=clusters)
    before = kernel_of(text, "bang")
    result = apply("cache", before, buffer="A", memory="sram", at="t")
    after = platforms.get("bang").emit(result.kernel)
    assert "__mlu_shared__" in after
    length = 4 * clusters * 24
    np.testing.assert_array_equal(simulated(after, clusters, length), simulated(text, clusters, length))
