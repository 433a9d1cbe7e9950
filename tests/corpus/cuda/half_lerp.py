import numpy as np

FEATURES = ("half precision", "cache hints")


def inputs(rng):
    n = 1003
    return {"a": rng.standard_normal(n).astype("f2"), "b": rng.standard_normal(n).astype("f2"), "out": np.zeros(n, "f2"),
            "weight": 0.3, "n": n}


def reference(a, b, out, weight, n):
    w = np.float16(weight)
    d = b - a
    r = (np.float64(w) * d.astype("f8") + a.astype("f8")).astype("f2")
    r = np.where(r < 0, r * np.float16(0.125), r)
    return {"out": np.minimum(r + np.abs(d), np.float16(4))}
