"""A template that is launched for two types: the first one is taken, and said."""

import numpy as np

FEATURES = ("whole file", "templates", "several instances")


def inputs(rng):
    return {"state": rng.standard_normal(5000).astype("f4"), "drive": rng.standard_normal(5000).astype("f4"),
            "keep": 0.75, "n": 5000}


def reference(state, drive, keep, n):
    return {"state": (np.float32(keep) * state + np.float32(1 - keep) * drive).astype("f4")}
