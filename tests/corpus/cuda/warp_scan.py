"""Inclusive sums by shuffling up."""

import numpy as np

FEATURES = ("warp shuffle", "loop that doubles")


def inputs(rng):
    return {"x": rng.integers(-50, 50, 333).astype("i4"), "y": np.zeros(333, "i4"), "n": 333}


def reference(x, y, n):
    return {"y": np.concatenate([np.cumsum(x[k:k + 32]) for k in range(0, n, 32)])}
