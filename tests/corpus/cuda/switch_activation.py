import numpy as np

FEATURES = ("switch", "device function", "early return")


def inputs(rng):
    return {"x": rng.standard_normal(1000).astype("f4"), "y": np.zeros(1000, "f4"), "n": 1000, "kind": 2}


def reference(x, y, n, kind):
    return {"y": np.where(x > 0, x, np.float32(0.1) * x)}
