import numpy as np

FEATURES = ("float4", "float3", "vector parameters", "shared memory")


def inputs(rng):
    return {"body": rng.random(100 * 4).astype("f4"), "force": np.zeros(400, "f4"), "n": 100}


def reference(body, force, n):
    b = body.reshape(n, 4).astype("f8")
    d = b[None, :, :3] - b[:, None, :3]
    s = b[None, :, 3] / ((d ** 2).sum(2) + 0.01) ** 1.5
    out = np.zeros((n, 4))
    out[:, :3] = (d * s[:, :, None]).sum(1)
    return {"force": out.astype("f4").reshape(-1)}
