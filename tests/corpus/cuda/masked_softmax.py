import numpy as np

FEATURES = ("early return before barriers", "tree reduction", "loop that divides", "shared memory")


def inputs(rng):
    return {"x": rng.standard_normal(7 * 83).astype("f4"), "lengths": np.array([83, 0, 1, 64, 65, 100, 40], "i4"),
            "y": np.zeros(7 * 83, "f4"), "rows": 7, "cols": 83}


def reference(x, lengths, y, rows, cols):
    out = np.zeros((rows, cols))
    for r, n in enumerate(np.minimum(lengths, cols)):
        if n > 0:
            e = np.exp(x.reshape(rows, cols)[r, :n].astype("f8") - x.reshape(rows, cols)[r, :n].max())
            out[r, :n] = e / e.sum()
    return {"y": out.astype("f4").reshape(-1)}
