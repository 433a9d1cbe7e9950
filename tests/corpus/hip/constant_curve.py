import numpy as np

FEATURES = ("constant memory", "float4", "hipMemcpyToSymbol")


def inputs(rng):
    return {"x": (4 * rng.random(777) - 2).astype("f4"), "coefficients": rng.standard_normal(32).astype("f4"),
            "y": np.zeros(777, "f4"), "from": -2.0, "to": 2.0, "n": 777}


def reference(x, coefficients, y, to, n, **rest):
    low, high = np.float32(rest["from"]), np.float32(to)
    t = (x - low) / (high - low) * np.float32(8)
    piece = np.clip(t.astype("i4"), 0, 7)
    u = t - piece.astype("f4")
    c = coefficients.reshape(8, 4)[piece]
    return {"y": ((c[:, 3] * u + c[:, 2]) * u + c[:, 1]) * u + c[:, 0]}
