import numpy as np

FEATURES = ("switch", "barrier in a branch", "loop that multiplies")


def inputs(rng):
    return {"x": rng.integers(-50, 50, 150).astype("i4"), "y": np.zeros(150, "i4"), "n": 150, "mode": 0}


def reference(x, y, n, mode):
    return {"y": np.concatenate([np.cumsum(x[k:k + 64]) for k in range(0, n, 64)]).astype("i4")}
