import numpy as np

FEATURES = ("early return before barriers", "shared memory")


def inputs(rng):
    return {"x": rng.standard_normal(201).astype("f4"), "y": np.zeros(201, "f4"), "n": 201}


def reference(x, y, n):
    left = np.concatenate([[np.float32(0)], x[:-1] * x[:-1]])
    left[::64] = 0
    return {"y": left - x}
