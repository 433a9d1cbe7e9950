import numpy as np

FEATURES = ("shared memory", "padded shared memory", "2-D launch")


def inputs(rng):
    return {"in": rng.standard_normal(50 * 70).astype("f4"), "out": np.zeros(50 * 70, "f4"), "width": 70, "height": 50}


def reference(out, width, height, **rest):
    return {"out": rest["in"].reshape(height, width).T.copy().reshape(-1)}
