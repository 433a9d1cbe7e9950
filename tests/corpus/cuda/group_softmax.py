"""Softmax by tiles of a block."""

import numpy as np

FEATURES = ("cooperative groups", "warp shuffle")


def inputs(rng):
    return {"x": rng.standard_normal(11 * 45).astype("f4"), "y": np.zeros(11 * 45, "f4"), "rows": 11, "cols": 45}


def reference(x, y, rows, cols):
    x = x.reshape(rows, cols).astype("f8")
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return {"y": e / e.sum(axis=1, keepdims=True)}
