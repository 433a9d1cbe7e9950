"""A number of blocks that only the caller knows."""

import numpy as np

FEATURES = ("run-time sizes", "grid stride", "dynamic shared memory")


def inputs(rng):
    return {"x": rng.standard_normal(1000).astype("f4"), "y": np.zeros(1000, "f4"), "n": 1000, "blocks": 3}


def reference(x, y, n, blocks):
    padded = np.zeros(1024, "f4")
    padded[:n] = x
    rows = padded.reshape(-1, 128)
    return {"y": (0.5 * (rows + np.roll(rows, -1, axis=1))).reshape(-1)[:n].astype("f4")}
