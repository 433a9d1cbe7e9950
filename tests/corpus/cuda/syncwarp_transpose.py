"""Barriers of a warp."""

import numpy as np

FEATURES = ("barrier of a warp", "shared memory")


def inputs(rng):
    return {"x": rng.standard_normal(601).astype("f4"), "y": np.zeros(601, "f4"), "n": 601}


def reference(x, y, n):
    padded = np.zeros(768, "f4")
    padded[:n] = x
    return {"y": padded.reshape(-1, 32)[:, ::-1].ravel()[:n]}
