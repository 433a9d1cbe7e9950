"""Compaction by votes: the place of a lane's value is the number of voters below it."""

import numpy as np

FEATURES = ("warp vote", "population count", "lane mask")


def inputs(rng):
    return {"x": rng.standard_normal(205).astype("f4"), "packed": np.zeros(224, "f4"), "counts": np.zeros(7, "i4"), "n": 205}


def reference(x, packed, counts, n):
    packed, counts = packed.copy(), counts.copy()
    for w in range(7):
        kept = [v for v in x[w * 32:(w + 1) * 32] if v > 0]
        packed[w * 32:w * 32 + len(kept)] = kept
        counts[w] = len(kept)
    return {"packed": packed, "counts": counts}
