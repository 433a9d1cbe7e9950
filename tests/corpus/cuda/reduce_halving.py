import numpy as np

FEATURES = ("shared memory", "tree reduction", "loop that steps by shifts", "barrier in a loop")


def inputs(rng):
    return {"x": rng.standard_normal(1000).astype("f4"), "sums": np.zeros(8, "f4"), "n": 1000}


def reference(x, sums, n):
    return {"sums": np.concatenate([x, np.zeros(24, "f4")]).reshape(8, 128).astype("f8").sum(1).astype("f4")}
