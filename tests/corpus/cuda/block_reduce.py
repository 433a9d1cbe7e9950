"""The classic two stages: each warp by shuffles, the warps' sums through shared memory by the first warp."""

import numpy as np

FEATURES = ("warp shuffle", "shared memory", "device functions")


def inputs(rng):
    return {"x": rng.standard_normal(5003).astype("f4"), "part": np.zeros(8, "f4"), "n": 5003}


def reference(x, part, n):
    blocks = (np.arange(n) // 256) % 8
    return {"part": np.bincount(blocks, x.astype("f8") ** 2, 8)}
