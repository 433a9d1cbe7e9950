import numpy as np

FEATURES = ("float4", "reinterpret loads", "shared memory")


def inputs(rng):
    return {"x": rng.standard_normal(9 * 128).astype("f4"), "y": np.zeros(9 * 128, "f4"), "rows": 9}


def reference(x, y, rows):
    m = x.reshape(rows, 128)
    return {"y": m * (np.float32(1) / np.abs(m).max(1, keepdims=True))}
