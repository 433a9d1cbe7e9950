import numpy as np

FEATURES = ("atomics", "shared memory", "bit tricks")


def inputs(rng):
    return {"keys": rng.integers(0, 2**32, 777, dtype="u4"), "members": np.zeros(32, "u4"), "parity": np.zeros(32, "u4"),
            "common": np.full(1, 0xFFFFFFFF, "u4"), "n": 777}


def reference(keys, members, parity, common, n):
    for key in keys & 1023:
        members[key >> 5] |= np.uint32(1) << (key & np.uint32(31))
        parity[key >> 5] ^= np.uint32(1) << (key & np.uint32(31))
    return {"members": members, "parity": parity, "common": common & np.bitwise_and.reduce(keys | np.uint32(7))}
