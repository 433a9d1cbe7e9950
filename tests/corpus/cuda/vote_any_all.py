"""The three votes on integers."""

import numpy as np

FEATURES = ("warp vote", "warp match")


def inputs(rng):
    x = rng.integers(-2, 60, 256).astype("i4")
    x[64:96] = np.abs(x[64:96]) // 3
    return {"x": x, "some": np.full(8, 7, "i4"), "every": np.full(8, 7, "i4"), "peers": np.zeros(256, "i4"), "limit": 40}


def reference(x, some, every, peers, limit):
    rows = x.reshape(8, 32)
    return {"some": (rows < 0).any(axis=1).astype("i4"), "every": (rows < limit).all(axis=1).astype("i4"),
            "peers": (rows[:, :, None] == rows[:, None, :]).sum(axis=2).ravel()}
