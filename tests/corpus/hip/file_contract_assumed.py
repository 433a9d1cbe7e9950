"""A contract that the person says."""

import numpy as np

FEATURES = ("contract", "padded shared memory", "2-D launch from sizes")
OPTIONS = {"assume": ["n % 32 == 0"]}


def inputs(rng):
    return {"in": rng.standard_normal(96 * 96).astype("f4"), "out": np.zeros(96 * 96, "f4"), "n": 96}


def reference(**given):
    n = given["n"]
    return {"out": given["in"].reshape(n, n).T.reshape(-1)}
