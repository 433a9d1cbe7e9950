"""Bit functions, at values from all sizes, zero among them."""

import numpy as np

FEATURES = ("bit functions", "population count")


def inputs(rng):
    x = rng.integers(0, 1 << 32, 203, dtype="u4") >> rng.integers(0, 32, 203).astype("u4")
    x[:4] = [0, 1, 1 << 31, 0xFFFFFFFF]
    return {"x": x, "counts": np.zeros(812, "i4"), "reversed": np.zeros(203, "u4"), "n": 203}


def reference(x, counts, reversed, n):
    rows, turned = [], []
    for v in map(int, x):
        wide = v << 32 | v >> 7
        rows.append([v.bit_count(), (v & -v).bit_length(), 32 - (v >> 3).bit_length(),
                     wide.bit_count() + 100 * (64 - wide.bit_length())])
        turned.append(int(f"{v:032b}"[::-1], 2))
    return {"counts": np.array(rows), "reversed": np.array(turned, "u4")}
