import numpy as np

FEATURES = ("constant memory", "cudaMemcpyToSymbol")


def inputs(rng):
    return {"x": rng.standard_normal(501).astype("f4"), "filter": rng.standard_normal(7).astype("f4"),
            "y": np.zeros(501, "f4"), "n": 501}


def reference(x, filter, y, n):
    return {"y": np.convolve(x.astype("f8"), filter[::-1].astype("f8"), "same").astype("f4")}
