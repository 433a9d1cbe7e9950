"""All six reductions."""

import numpy as np

FEATURES = ("warp reduction",)


def inputs(rng):
    bits = rng.integers(0, 1 << 32, 320, dtype="u4") | np.uint32(0x10)
    bits[:32] &= np.uint32(0xF0F0)
    return {"x": rng.integers(-1000, 1000, 320).astype("i4"), "bits": bits, "sums": np.zeros(30, "i4"),
            "masks": np.zeros(30, "u4")}


def reference(x, bits, sums, masks):
    x, bits = x.reshape(10, 32), bits.reshape(10, 32)
    return {"sums": np.stack([x.sum(axis=1), x.min(axis=1), x.max(axis=1)], axis=1),
            "masks": np.stack([np.bitwise_and.reduce(bits, 1), np.bitwise_or.reduce(bits, 1),
                               np.bitwise_xor.reduce(bits, 1)], axis=1)}
