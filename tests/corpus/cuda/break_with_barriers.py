import numpy as np

FEATURES = ("break beside barriers", "barrier in a loop", "shared memory")


def inputs(rng):
    q, _ = np.linalg.qr(rng.standard_normal((32, 32)))
    a = q @ np.diag(np.concatenate([[8.0], rng.random(31)])) @ q.T
    return {"a": a.astype("f4").reshape(-1), "v": np.ones(32, "f4"), "value": np.zeros(1, "f4"),
            "rounds": np.zeros(1, "i4"), "most": 50}


def reference(a, v, value, rounds, most):
    m, x, before, done = a.reshape(32, 32).astype("f8"), v.astype("f8"), 0.0, 0
    for _ in range(most):
        y = m @ x
        norm = np.linalg.norm(y)
        x = y / norm
        done += 1
        if abs(norm - before) < 1e-3 * norm:
            break
        before = norm
    return {"v": x.astype("f4"), "value": np.array([norm], "f4"), "rounds": np.array([done], "i4")}
