import numpy as np

FEATURES = ("uchar4", "vector parameters", "2-D launch")


def inputs(rng):
    return {"in": rng.integers(0, 256, 37 * 19 * 4).astype("u1"), "swapped": np.zeros(37 * 19 * 4, "u1"),
            "out": np.zeros(37 * 19, "u1"), "w": 37, "h": 19}


def reference(swapped, out, w, h, **rest):
    p = rest["in"].reshape(-1, 4).astype("i4")
    turned = np.stack([p[:, 2], p[:, 1], p[:, 0], np.full(w * h, 255)], 1)
    return {"out": ((p[:, 0] * 77 + p[:, 1] * 150 + p[:, 2] * 29) >> 8).astype("u1"),
            "swapped": turned.astype("u1").reshape(-1)}
