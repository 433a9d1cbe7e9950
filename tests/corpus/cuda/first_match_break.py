import numpy as np

FEATURES = ("break", "continue")


def inputs(rng):
    return {"x": rng.standard_normal(50 * 33).astype("f4"), "mask": rng.integers(0, 2, 50 * 33).astype("u1"),
            "threshold": (1.5 * rng.random(50) + 0.8).astype("f4"), "where": np.zeros(50, "i4"), "rows": 50, "cols": 33}


def reference(x, mask, threshold, where, rows, cols):
    hit = (x.reshape(rows, cols) > threshold[:, None]) & (mask.reshape(rows, cols) == 0)
    return {"where": np.where(hit.any(1), hit.argmax(1), -1).astype("i4")}
