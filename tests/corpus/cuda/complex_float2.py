import numpy as np

FEATURES = ("float2", "vector parameters", "device function")


def inputs(rng):
    return {"a": rng.standard_normal(602).astype("f4"), "b": rng.standard_normal(602).astype("f4"),
            "c": np.zeros(602, "f4"), "scale": 0.5, "n": 301}


def reference(a, b, c, scale, n):
    return {"c": (a.view("c8") * b.view("c8").conj() * np.float32(scale)).view("f4")}
