import numpy as np

FEATURES = ("switch", "fall through", "early return")


def inputs(rng):
    return {"x": rng.standard_normal(70 * 35).astype("f4"), "sums": np.zeros(70, "f4"), "rows": 70, "cols": 35}


def reference(x, sums, rows, cols):
    return {"sums": x.reshape(rows, cols).sum(1)}
