import numpy as np

FEATURES = ("half precision", "packed halves", "reinterpreted pointers")


def inputs(rng):
    n = 901
    return {"x": rng.standard_normal(n).astype("f2"), "y": np.zeros(n, "f2"), "scale": 1.5, "bias": 0.25, "n": n}


def reference(x, y, scale, bias, n):
    even, odd = x[0:n - 1:2], x[1::2]
    out = np.zeros(n, "f2")
    for k, v, b in ((0, even, bias), (1, odd, -bias)):
        r = (v.astype("f8") * np.float16(scale) + np.float64(np.float16(b))).astype("f2")
        r = np.maximum(r, np.float16(-1))
        if k == 0:
            r = (r.astype("f4") + v.astype("f4")).astype("f2")
        out[k:n - 1 + k:2][:len(v)] = r + v * v
    out[n - 1] = x[n - 1] * np.float16(scale)
    return {"y": out}
