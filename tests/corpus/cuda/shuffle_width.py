"""Shuffles within parts of a warp, from a lane that each lane chooses."""

import numpy as np

FEATURES = ("warp shuffle", "shuffle width")


def inputs(rng):
    return {"x": rng.standard_normal(27 * 8).astype("f4"), "weight": rng.standard_normal(27).astype("f4"),
            "y": np.zeros(27 * 8, "f4"), "groups": 27}


def reference(x, weight, y, groups):
    x = x.reshape(groups, 8).astype("f8")
    return {"y": weight[:, None] * (np.roll(x, -1, axis=1) - x) + x[:, np.arange(8) ^ 4]}
