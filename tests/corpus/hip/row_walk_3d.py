import numpy as np

FEATURES = ("pointer bumping", "loop that counts down", "loop with several variables", "2-D launch")


def inputs(rng):
    return {"volume": rng.standard_normal(11 * 9 * 21).astype("f4"), "plane": np.zeros(9 * 21, "f4"), "nz": 11, "ny": 9,
            "nx": 21}


def reference(volume, plane, nz, ny, nx):
    return {"plane": volume.reshape(nz, ny * nx).astype("f8").sum(0).astype("f4")}
