import numpy as np

FEATURES = ("counting barriers",)


def inputs(rng):
    return {"x": rng.standard_normal(500).astype("f4"), "limit": 0.5, "counts": np.zeros(8, "i4"),
            "flags": np.zeros(8, "i4"), "n": 500}


def reference(x, limit, counts, flags, n):
    parts = [x[k:k + 64] for k in range(0, n, 64)]
    return {"counts": np.array([(p > limit).sum() for p in parts], "i4"),
            "flags": np.array([2 * bool((p > -2).all()) + bool((p > 2).any()) for p in parts], "i4")}
