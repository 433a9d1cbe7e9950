import numpy as np

FEATURES = ("thread-dependent trip count", "barrier in a loop", "shared memory")


def inputs(rng):
    return {"x": rng.integers(-50, 50, 5 * 192).astype("i4"), "y": np.zeros(5 * 192, "i4"), "rows": 5, "cols": 192}


def reference(x, y, rows, cols):
    return {"y": np.cumsum(x.reshape(rows, cols), 1).astype("i4").reshape(-1)}
