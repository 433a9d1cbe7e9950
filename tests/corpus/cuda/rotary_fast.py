import numpy as np

FEATURES = ("fast math", "cache hints")


def inputs(rng):
    rows, pairs = 7, 45
    return {"x": rng.standard_normal(rows * pairs * 2).astype("f4"), "y": np.zeros(rows * pairs * 2, "f4"), "base": 100.0,
            "rows": rows, "pairs": pairs}


def reference(x, y, base, rows, pairs):
    v = x.astype("f8").reshape(rows, 2, pairs)
    angle = np.arange(rows)[:, None] * base ** (-2.0 * np.arange(pairs) / pairs)
    s, c = np.sin(angle), np.cos(angle)
    a, b = v[:, 0], v[:, 1]
    out = np.stack([(a * c - b * s) / (1 + np.exp(-a)), (a * s + b * c) / np.sqrt(1 + b * b)], 1)
    return {"y": out.astype("f4").reshape(-1)}
