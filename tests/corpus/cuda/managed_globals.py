import numpy as np

FEATURES = ("managed data", "device global data", "cudaMemcpyToSymbol")


def inputs(rng):
    return {"x": rng.standard_normal(200).astype("f4"), "y": np.zeros(200, "f4"), "factor": 2.5, "n": 200}


def reference(x, y, factor, n):
    return {"y": np.float32(factor) * np.roll(x, -3)}
