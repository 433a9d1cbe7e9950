import numpy as np

FEATURES = ("padded shared memory", "several shared arrays", "early return behind a barrier", "2-D launch")


def inputs(rng):
    return {"in": rng.standard_normal(19 * 27).astype("f4"), "out": np.zeros(19 * 27, "f4"), "w": 27, "h": 19}


def reference(out, w, h, **rest):
    p = np.pad(rest["in"].reshape(h, w).astype("f8"), 2, mode="edge")
    s = sum(p[dy:dy + h, dx:dx + w] for dy in range(5) for dx in range(5))
    return {"out": (s / 25).astype("f4")}
