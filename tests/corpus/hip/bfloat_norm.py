import numpy as np

FEATURES = ("bfloat16", "shared memory", "rounding")


def _bits(x):
    wide = np.asarray(x, "f4").view("u4").astype("u8")
    return ((wide + 0x7FFF + ((wide >> 16) & 1)) >> 16).astype("u2")


def _value(bits):
    return (bits.astype("u4") << 16).view("f4").astype("f8")


def inputs(rng):
    rows, width = 9, 83
    return {"x": _bits(rng.standard_normal(rows * width)), "gain": _bits(rng.uniform(0.5, 2, width)),
            "y": np.zeros(rows * width, "u2"), "rows": rows, "width": width}


def reference(x, gain, y, rows, width):
    v = _value(x).reshape(rows, width)
    factor = 1 / np.sqrt((v ** 2).mean(1, keepdims=True) + 1e-5)
    return {"y": _bits((v * factor * _value(gain)).reshape(-1))}
