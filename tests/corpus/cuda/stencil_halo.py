import numpy as np

FEATURES = ("shared memory", "2-D launch", "early return behind a barrier")


def inputs(rng):
    return {"in": rng.standard_normal(37 * 21).astype("f4"), "out": np.zeros(37 * 21, "f4"), "w": 37, "h": 21}


def reference(out, w, h, **rest):
    p = np.pad(rest["in"].reshape(h, w).astype("f8"), 1)
    got = p[1:-1, :-2] + p[1:-1, 2:] + p[:-2, 1:-1] + p[2:, 1:-1] - 4 * p[1:-1, 1:-1]
    return {"out": got.astype("f4")}
