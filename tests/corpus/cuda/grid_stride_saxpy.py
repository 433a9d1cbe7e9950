FEATURES = ("grid-stride loop",)


def inputs(rng):
    return {"n": 1003, "a": 1.75, "x": rng.standard_normal(1003).astype("f4"), "y": rng.standard_normal(1003).astype("f4")}


def reference(n, a, x, y):
    return {"y": x * x.dtype.type(a) + y}
