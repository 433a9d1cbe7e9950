import numpy as np

FEATURES = ("while", "loop condition with &&", "early return")


def inputs(rng):
    return {"start": rng.integers(1, 500, 300).astype("i4"), "steps": np.zeros(300, "i4"), "n": 300, "limit": 60}


def reference(start, steps, n, limit):
    out = np.zeros(n, "i4")
    for i, v in enumerate(start.tolist()):
        count = 0
        while v != 1 and count < limit:
            v = 3 * v + 1 if v % 2 else v // 2
            count += 1
        out[i] = count
    return {"steps": out}
