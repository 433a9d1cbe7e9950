"""Shuffles of width 32 on waves of 64."""

import numpy as np

FEATURES = ("warp shuffle", "shuffle width")


def inputs(rng):
    return {"x": rng.integers(-99, 99, 384).astype("i4"), "y": np.zeros(384, "i4")}


def reference(x, y):
    rows = x.reshape(12, 32)
    before = np.concatenate([rows[:, :1], rows[:, :-1]], axis=1)
    return {"y": rows.sum(axis=1, keepdims=True) - rows[:, :1] + before}
