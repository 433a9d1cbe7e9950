import numpy as np

FEATURES = ("pointers that trade places", "dynamic shared memory", "barrier in a loop")


def inputs(rng):
    return {"data": rng.standard_normal(5 * 64).astype("f4"), "blocks": 5, "rounds": 7}


def reference(data, blocks, rounds):
    m = data.reshape(blocks, 64)
    for _ in range(rounds):
        p = np.pad(m, ((0, 0), (1, 1)), mode="edge")
        m = np.float32(0.25) * p[:, :-2] + np.float32(0.5) * m + np.float32(0.25) * p[:, 2:]
    return {"data": m.reshape(-1)}
