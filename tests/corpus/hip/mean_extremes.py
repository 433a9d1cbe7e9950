import numpy as np

FEATURES = ("atomics", "rounding")


def inputs(rng):
    n = 3001
    return {"x": rng.standard_normal(n).astype("f4"), "segment": rng.integers(0, 11, n).astype("i4"), "sum": np.zeros(11, "f4"),
            "square": np.zeros(11), "lowest": np.full(11, 999, "i4"), "highest": np.full(11, -999, "i4"),
            "size": np.zeros(11, "i4"), "n": n}


def reference(x, segment, sum, square, lowest, highest, size, n):
    total, squares = np.zeros(11), np.zeros(11)
    np.add.at(total, segment, x)
    np.add.at(squares, segment, x.astype("f8") ** 2)
    rounded = np.rint(x * np.float32(16)).astype("i4")
    np.minimum.at(lowest, segment, rounded)
    np.maximum.at(highest, segment, rounded)
    return {"sum": total.astype("f4"), "square": squares, "lowest": lowest, "highest": highest,
            "size": np.bincount(segment, minlength=11).astype("i4")}
