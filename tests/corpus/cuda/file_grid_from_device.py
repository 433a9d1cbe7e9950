"""A launch that host code works out in a way that is not followed: the kernel's guard says how many threads there are."""

import numpy as np

FEATURES = ("whole file", "launch that is not understood", "initialiser with fewer braces")


def inputs(rng):
    return {"x": rng.standard_normal(2000).astype("f4"), "means": np.zeros(1000, "f4"), "pairs": 1000}


def reference(x, means, pairs):
    return {"means": ((x[0::2] + x[1::2]) / np.float32(2)).astype("f4")}
