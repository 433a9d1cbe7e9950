"""A contract that the host function checks: an assumption of the verdict."""

import numpy as np

FEATURES = ("contract",)


def inputs(rng):
    return {"x": rng.standard_normal(1280).astype("f4"), "y": np.zeros(1280, "f4"), "a": 1.5, "n": 1280}


def reference(x, y, a, n):
    return {"y": np.float32(a) * x}
