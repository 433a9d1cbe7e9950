import numpy as np

FEATURES = ("structs", "structs passed by value", "arrays of structs", "operators")


def inputs(rng):
    count = 301
    return {"position": rng.standard_normal(3 * count).astype("f4"), "velocity": rng.standard_normal(3 * count).astype("f4"),
            "energy": np.zeros(count, "f4"), "dt": 0.125, "drag": 0.5, "count": count}


def reference(position, velocity, energy, dt, drag, count):
    v = velocity.reshape(-1, 3).astype("f8") * (1 - drag * dt)
    v[:, 1] -= 9.81 * dt
    return {"position": position.reshape(-1, 3) + v * dt, "velocity": v, "energy": 0.5 * (v * v).sum(axis=1)}
