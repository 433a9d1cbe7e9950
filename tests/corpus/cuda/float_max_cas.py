import numpy as np

FEATURES = ("atomics", "compare and swap", "bit tricks", "device functions")


def inputs(rng):
    rows, channels = 217, 13
    return {"x": rng.standard_normal(rows * channels).astype("f4"), "largest": np.zeros(channels, "f4"),
            "bits": np.zeros(channels, "i4"), "rows": rows, "channels": channels}


def reference(x, largest, bits, rows, channels):
    top = np.abs(x.reshape(rows, channels)).max(0)
    return {"largest": top, "bits": top.view("i4")}
