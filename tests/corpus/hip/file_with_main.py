"""A whole file with a launch of three dimensions."""

import numpy as np

FEATURES = ("whole file", "launch in main", "3-D launch from sizes")
OPTIONS = {"kernel": "smooth"}


def inputs(rng):
    nx, ny, nz = 19, 11, 5
    return {"a": rng.standard_normal(nx * ny * nz).astype("f4"), "b": np.zeros(nx * ny * nz, "f4"), "nx": nx, "ny": ny,
            "nz": nz}


def reference(a, b, nx, ny, nz):
    v = a.reshape(nz, ny, nx).astype("f8")
    p = np.pad(v, ((0, 0), (1, 1), (1, 1)))
    got = v + p[:, 1:-1, :-2] + p[:, 1:-1, 2:] + p[:, :-2, 1:-1] + p[:, 2:, 1:-1]
    return {"b": (0.2 * got).astype("f4").reshape(-1)}
