import numpy as np

FEATURES = ("structs", "member functions", "structs by value", "shared memory")


def inputs(rng):
    rows, cols = 4, 150
    return {"x": rng.standard_normal(rows * cols).astype("f4"), "mean": np.zeros(rows, "f4"), "var": np.zeros(rows, "f4"),
            "rows": rows, "cols": cols}


def reference(x, mean, var, rows, cols):
    x = x.reshape(rows, cols).astype("f8")
    return {"mean": x.mean(axis=1), "var": x.var(axis=1, ddof=1)}
