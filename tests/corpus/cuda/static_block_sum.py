"""Block sums by template functions, twice in one kernel, with a block of three warps."""

import numpy as np

FEATURES = ("warp shuffle", "templates", "static shared memory")


def inputs(rng):
    return {"x": rng.standard_normal(9 * 211).astype("f4"), "stats": np.zeros(18, "f4"), "rows": 9, "cols": 211}


def reference(x, stats, rows, cols):
    x = x.reshape(rows, cols).astype("f8")
    return {"stats": np.stack([x.mean(axis=1), x.var(axis=1)], axis=1)}
