"""Layer norm: warps stride over the rows, the shuffles are written out."""

import numpy as np

FEATURES = ("warp shuffle", "grid-stride loop", "device functions")


def inputs(rng):
    return {"x": rng.standard_normal(29 * 50).astype("f4"), "gamma": rng.standard_normal(50).astype("f4"),
            "beta": rng.standard_normal(50).astype("f4"), "y": np.zeros(29 * 50, "f4"), "rows": 29, "cols": 50, "eps": 1e-3}


def reference(x, gamma, beta, y, rows, cols, eps):
    x = x.reshape(rows, cols).astype("f8")
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return {"y": (x - mean) / np.sqrt(var + eps) * gamma + beta}
