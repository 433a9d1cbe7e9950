import numpy as np

FEATURES = ("bit tricks", "integer intrinsics", "early return")


def inputs(rng):
    n = 777
    return {"x": rng.uniform(-9, 9, n).astype("f4"), "a": rng.integers(-2**31, 2**31, n).astype("i4"),
            "b": rng.integers(-2**31, 2**31, n).astype("i4"), "power": np.zeros(n, "f4"), "hash": np.zeros(n, "u4"),
            "dot": np.zeros(n, "i4"), "n": n}


def reference(x, a, b, power, hash, dot, n):
    whole = np.floor(x).astype("i4")
    rest = (x - whole.astype("f4")).astype("f8")
    inner = np.float32(1) * (rest * np.float32(0.3371894) + np.float32(0.657636)).astype("f4")
    p = (rest * inner + np.float32(1.0017247)).astype("f4")
    h = a.astype("u4") * np.uint32(2654435761)
    h ^= h >> np.uint32(15)
    high = ((h.astype("u8") * 1000) >> 32).astype("u4")
    perm = ((h >> 8 & 255) << 16 | (b.astype("u4") >> 8 & 255) << 24).astype("u4")
    bytes_a, bytes_b = a.view("i1").reshape(n, 4).astype("i8"), b.view("i1").reshape(n, 4).astype("i8")
    total = (bytes_a * bytes_b).sum(1) + (np.arange(n) & 7) + (a.astype("i8") * b.astype("i8") >> 32)
    total = total - ((h & 0xFFFFFF).astype("i8") * 3)
    return {"power": (p.view("i4") + (whole << 23)).view("f4"), "hash": high | perm,
            "dot": (total & 0xFFFFFFFF).astype("u4").view("i4")}
