"""A whole file; its launch and sizes stand in main."""

import numpy as np

FEATURES = ("whole file", "launch in main", "checking macro", "unknown headers")
OPTIONS = {"kernel": "gelu_kernel"}


def inputs(rng):
    return {"in": rng.standard_normal(1000).astype("f4"), "out": np.zeros(1000, "f4"), "count": 1000}


def reference(**given):
    v = given["in"].astype("f8")
    return {"out": (0.5 * v * (1 + np.tanh(0.79788456 * (v + 0.044715 * v**3)))).astype("f4")}
