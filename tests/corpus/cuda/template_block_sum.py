import numpy as np

FEATURES = ("templates", "static_assert", "host templates", "shared memory")


def inputs(rng):
    rows, cols = 5, 301
    return {"x": rng.standard_normal(rows * cols).astype("f4"), "out": np.zeros(rows, "f4"), "rows": rows, "cols": cols}


def reference(x, out, rows, cols):
    return {"out": x.reshape(rows, cols).astype("f8").sum(axis=1)}
