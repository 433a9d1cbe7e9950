import numpy as np

FEATURES = ("loop that counts down", "pointer bumping", "early return")


def inputs(rng):
    return {"coefficients": rng.standard_normal(6).astype("f4"), "degree": 5,
            "x": (2 * rng.random(333) - 1).astype("f4"), "y": np.zeros(333, "f4"), "n": 333}


def reference(coefficients, degree, x, y, n):
    return {"y": np.polyval(coefficients[::-1].astype("f8"), x.astype("f8")).astype("f4")}
