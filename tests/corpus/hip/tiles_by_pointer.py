import numpy as np

FEATURES = ("pointer to array", "padded shared memory", "device function")


def inputs(rng):
    return {"in": rng.standard_normal(21 * 39).astype("f4"), "out": np.zeros(21 * 39, "f4"), "w": 39, "h": 21}


def reference(out, w, h, **rest):
    m = np.zeros((h, 48))
    m[:, :w] = rest["in"].reshape(h, w)
    sums = np.repeat(m.reshape(h, 3, 16).sum(2), 16, 1)
    return {"out": (m * sums)[:, :w].astype("f4").reshape(-1)}
