import numpy as np

FEATURES = ("constant memory", "bit tricks")
LEVELS = np.array([-1, -.7, -.52, -.39, -.28, -.18, -.09, 0, .08, .16, .25, .34, .44, .56, .72, 1], "f4")


def inputs(rng):
    return {"packed": rng.integers(0, 256, 350).astype("u1"), "scale": rng.random(22).astype("f4"),
            "out": np.zeros(699, "f4"), "n": 699}


def reference(packed, scale, out, n):
    codes = np.stack([packed & 15, packed >> 4], 1).reshape(-1)[:n]
    return {"out": LEVELS[codes] * np.repeat(scale, 32)[:n]}
