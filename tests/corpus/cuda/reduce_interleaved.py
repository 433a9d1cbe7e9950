import numpy as np

FEATURES = ("shared memory", "tree reduction", "loop that multiplies", "early return before barriers")


def inputs(rng):
    return {"x": rng.standard_normal(9 * 150).astype("f4"), "best": np.zeros(9, "f4"), "where": np.zeros(9, "i4"),
            "rows": 9, "cols": 150}


def reference(x, best, where, rows, cols):
    m = x.reshape(rows, cols)
    return {"best": m.max(1), "where": m.argmax(1).astype("i4")}
