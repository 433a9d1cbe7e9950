import numpy as np

FEATURES = ("lambdas", "range-for", "namespaces", "constexpr")


def inputs(rng):
    width, height = 37, 21
    return {"in": rng.standard_normal(width * height).astype("f4"), "out": np.zeros(width * height, "f4"),
            "width": width, "height": height, "weight": 0.125}


def reference(**given):
    width, height = given["width"], given["height"]
    a = given["in"].reshape(height, width).astype("f8")
    p = np.pad(a, 1, mode="edge")
    around = p[1:-1, :-2] + p[1:-1, 2:] + p[:-2, 1:-1] + p[2:, 1:-1]
    return {"out": a + given["weight"] * (around - 4 * a)}
