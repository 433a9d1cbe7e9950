import numpy as np

FEATURES = ("pointer bumping", "pointer comparison", "loop with several variables")
OPTIONS = {"assume": ["pitch >= cols"]}


def inputs(rng):
    return {"a": rng.standard_normal(29 * 45).astype("f4"), "b": rng.standard_normal(29 * 48).astype("f4"),
            "out": np.zeros(45, "f4"), "rows": 29, "cols": 45, "pitch": 48}


def reference(a, b, out, rows, cols, pitch):
    return {"out": (a.reshape(rows, cols).astype("f8") * b.reshape(rows, pitch)[:, :cols]).sum(0).astype("f4")}
