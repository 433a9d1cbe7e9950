"""A softmax per row."""

import numpy as np

FEATURES = ("early return", "several loops")


def inputs(rng):
    return {"x": rng.standard_normal(40 * 24).astype("f4"), "y": np.zeros(40 * 24, "f4")}


def reference(x, y):
    rows = x.reshape(40, 24).astype("f8")
    e = np.exp(rows - rows.max(axis=1, keepdims=True))
    return {"y": e / e.sum(axis=1, keepdims=True)}
