import numpy as np

FEATURES = ("returns in loops", "references", "structs by value", "default member values")


def inputs(rng):
    n, queries = 45, 70
    return {"points": rng.standard_normal(n).astype("f4"), "where": (2 * rng.standard_normal(queries)).astype("f4"),
            "index": np.zeros(queries, "i4"), "distance": np.zeros(queries, "f4"), "n": n, "queries": queries, "radius": 0.0625}


def reference(points, where, index, distance, n, queries, radius):
    d = np.abs(points[None, :] - where[:, None])
    first = np.where((d <= np.float32(radius)).any(axis=1), (d <= np.float32(radius)).argmax(axis=1), d.argmin(axis=1))
    return {"index": first.astype("i4"), "distance": d[np.arange(queries), first]}
