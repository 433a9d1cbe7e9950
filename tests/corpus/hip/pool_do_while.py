from itertools import pairwise

import numpy as np

FEATURES = ("do while", "while", "loop condition with &&", "early return")


def inputs(rng):
    return {"x": rng.integers(0, 2, 70 * 29).astype("i4"), "run": np.zeros(70, "i4"), "rows": 70, "cols": 29}


def reference(x, run, rows, cols):
    out = []
    for row in x.reshape(rows, cols):
        best = length = 1
        for a, b in pairwise(row):
            length = length + 1 if a == b else 1
            best = max(best, length)
        out.append(best)
    return {"run": np.array(out, "i4")}
