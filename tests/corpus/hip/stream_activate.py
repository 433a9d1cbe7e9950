import numpy as np

FEATURES = ("cache hints", "bit tricks", "unrolled loops")


def inputs(rng):
    n = 1030
    return {"in": rng.standard_normal(n).astype("f4"), "out": np.zeros(n, "f4"), "slope": 0.5, "n": n}


def reference(out, slope, n, **given):
    v = given["in"].astype("f8")
    t = 0.5 * v * (1 + np.tanh(0.79788456 * (v + 0.044715 * v ** 3)))
    return {"out": np.where(v < 0, slope * t, np.minimum(t, 6)).astype("f4")}
