import numpy as np

FEATURES = ("class templates", "structs with arrays", "if constexpr", "static constexpr", "sizeof", "deduced arguments")


def inputs(rng):
    n = 1001
    return {"x": rng.standard_normal(n).astype("f4"), "y": np.zeros(n, "f4"), "n": n}


def reference(x, y, n):
    return {"y": x / (1 + np.abs(x)) + np.float32(1)}
