import numpy as np

FEATURES = ("pointer bumping", "pointer comparison", "while")


def inputs(rng):
    return {"x": rng.standard_normal(90 * 37).astype("f4"), "norm": np.zeros(90, "f4"), "rows": 90, "cols": 37}


def reference(x, norm, rows, cols):
    return {"norm": np.sqrt((x.reshape(rows, cols).astype("f8") ** 2).sum(1)).astype("f4")}
