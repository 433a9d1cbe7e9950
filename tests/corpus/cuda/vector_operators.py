import numpy as np

FEATURES = ("float3", "vector operators", "references", "device function")


def inputs(rng):
    return {"ray": rng.standard_normal(3 * 111).astype("f4"), "normal": rng.standard_normal(3 * 111).astype("f4"),
            "out": np.zeros(3 * 111, "f4"), "keep": 0.75, "n": 111}


def reference(ray, normal, out, keep, n):
    d, m = ray.reshape(n, 3).astype("f8"), normal.reshape(n, 3).astype("f8")
    return {"out": (keep * (d - 2 * (d * m).sum(1, keepdims=True) * m)).astype("f4").reshape(-1)}
