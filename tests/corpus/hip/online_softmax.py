import numpy as np

FEATURES = ("structs", "structs by value", "templates", "references", "shared memory")


def inputs(rng):
    rows, cols = 3, 131
    return {"x": rng.standard_normal(rows * cols).astype("f4"), "y": np.zeros(rows * cols, "f4"), "rows": rows, "cols": cols}


def reference(x, y, rows, cols):
    e = np.exp(x.reshape(rows, cols).astype("f8") - x.reshape(rows, cols).max(axis=1, keepdims=True))
    return {"y": e / e.sum(axis=1, keepdims=True)}
