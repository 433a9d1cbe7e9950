import numpy as np

FEATURES = ("float4", "vector operators", "vector parameters")


def inputs(rng):
    return {"place": rng.random(4 * 90).astype("f4"), "speed": rng.random(4 * 90).astype("f4"),
            "rest": rng.random(4 * 90).astype("f4"), "k": 1.5, "dt": 0.125, "n": 90}


def reference(place, speed, rest, k, dt, n):
    k, dt = np.float32(k), np.float32(dt)
    v = (speed - (place - rest) * (k * dt)) * np.float32(0.99)
    return {"place": place + v * dt, "speed": v}
