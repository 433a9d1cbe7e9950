import numpy as np

FEATURES = ("lambdas", "generic lambdas", "captures by reference")


def inputs(rng):
    degree, n = 4, 200
    return {"coefficients": rng.standard_normal(degree + 1).astype("f4"), "points": rng.uniform(1, 2, n).astype("f4"),
            "out": np.zeros(n, "f4"), "degree": degree, "n": n}


def reference(coefficients, points, out, degree, n):
    value, derivative = np.zeros(n, "f4"), np.zeros(n, "f4")
    for k in range(degree, -1, -1):
        derivative = derivative * points + value
        value = value * points + coefficients[k]
    return {"out": points - np.clip(value, -100, 100) / np.where(derivative == 0, 1, derivative)}
