import numpy as np

FEATURES = ("char4", "int2", "vector parameters")


def inputs(rng):
    return {"a": rng.integers(-128, 128, 75 * 5 * 4).astype("i1"), "b": rng.integers(-128, 128, 20).astype("i1"),
            "out": np.zeros(75, "i4"), "rows": 75, "quads": 5}


def reference(a, b, out, rows, quads):
    m = a.reshape(rows, 4 * quads).astype("i4")
    return {"out": m @ b.astype("i4") + m[:, 0] - m[:, -1]}
