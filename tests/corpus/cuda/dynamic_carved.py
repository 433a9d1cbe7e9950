import numpy as np

FEATURES = ("dynamic shared memory", "shared memory of several types")


def inputs(rng):
    return {"x": rng.standard_normal(5 * 77).astype("f4"), "out": np.zeros(5 * 77, "f4"),
            "positives": np.zeros(5, "i4"), "rows": 5, "cols": 77}


def reference(x, out, positives, rows, cols):
    m = x.reshape(rows, cols)
    rank = np.abs(m).argsort(1, kind="stable").argsort(1) + 1
    return {"out": np.where(m > 0, rank, -rank).astype("f4"), "positives": (m > 0).sum(1).astype("i4")}
