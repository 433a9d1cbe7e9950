import numpy as np

FEATURES = ("float4", "reinterpret loads", "__ldg")


def inputs(rng):
    return {"a": rng.standard_normal(1003).astype("f4"), "b": rng.standard_normal(1003).astype("f4"),
            "c": np.zeros(1003, "f4"), "n": 1003}


def reference(a, b, c, n):
    return {"c": a + b}
