import numpy as np

FEATURES = ("dynamic shared memory", "barrier in a loop")


def inputs(rng):
    return {"a": rng.integers(0, 4, 6 * 45).astype("i4"), "b": rng.integers(0, 4, 6 * 45).astype("i4"),
            "distance": np.zeros(6, "i4"), "pairs": 6, "length": 45}


def reference(a, b, distance, pairs, length):
    out = []
    for p in range(pairs):
        row = list(range(length + 1))
        for i, x in enumerate(a[p * length:(p + 1) * length], 1):
            new = [i]
            for j, y in enumerate(b[p * length:(p + 1) * length], 1):
                new.append(min(row[j - 1] + int(x != y), row[j] + 1, new[-1] + 1))
            row = new
        out.append(row[-1])
    return {"distance": np.array(out, "i4")}
