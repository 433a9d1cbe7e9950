import numpy as np

FEATURES = ("do while", "loop condition with &&", "early return")


def inputs(rng):
    return {"a": (10 * rng.standard_normal(700)).astype("f4"), "root": np.zeros(700, "f4"), "n": 700}


def reference(a, root, n):
    return {"root": np.sqrt(np.maximum(a, 0))}
