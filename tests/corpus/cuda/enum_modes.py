import numpy as np

FEATURES = ("enum class", "overloads", "default arguments", "typedef and using", "constexpr functions", "templates")


def inputs(rng):
    n = 250
    return {"x": rng.standard_normal(n).astype("f4"), "y": np.zeros(n, "f4"), "halves": np.zeros(n, "i4"), "n": n}


def reference(x, y, halves, n):
    wide = sum(np.roll(x.astype("f8"), k) for k in range(-2, 3)) / 5
    return {"y": x + (wide - x) * 0.25, "halves": (np.arange(n) + n) // 2}
