import numpy as np

FEATURES = ("atomics", "compare and swap", "bit tricks", "device functions")


def inputs(rng):
    return {"x": rng.standard_normal(1337).astype("f4"), "best": np.zeros(1, "u8"), "same": np.zeros(1, "u8"), "n": 1337}


def reference(x, best, same, n):
    bits = x.view("u4")
    key = np.where(bits >> 31 != 0, ~bits, bits | np.uint32(0x80000000)).astype("u8")
    word = (key << np.uint64(32)) | (0x7FFFFFFF - np.arange(n)).astype("u8")
    return {"best": word.max(keepdims=True), "same": word.max(keepdims=True)}
