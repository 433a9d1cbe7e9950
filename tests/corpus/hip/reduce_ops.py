import numpy as np

FEATURES = ("class templates", "functors", "static members", "numeric_limits", "namespaces", "default arguments")


def inputs(rng):
    rows, cols = 3, 203
    return {"x": rng.standard_normal(rows * cols), "sums": np.zeros(rows), "maxima": np.zeros(rows), "rows": rows, "cols": cols}


def reference(x, sums, maxima, rows, cols):
    return {"sums": x.reshape(rows, cols).sum(axis=1), "maxima": x.reshape(rows, cols).max(axis=1)}
