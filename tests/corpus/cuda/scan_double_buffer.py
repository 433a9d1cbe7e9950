import numpy as np

FEATURES = ("shared memory", "loop that steps by shifts", "barrier in a loop")


def inputs(rng):
    return {"in": rng.integers(-50, 50, 300).astype("i4"), "out": np.zeros(300, "i4"), "n": 300}


def reference(out, n, **rest):
    x = rest["in"]
    return {"out": np.concatenate([np.cumsum(x[k:k + 128]) for k in range(0, n, 128)]).astype("i4")}
