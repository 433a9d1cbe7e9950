"""Shuffles and votes without a mask, and a condition on the device that the text is compiled for."""

import numpy as np

FEATURES = ("shuffles without a mask", "votes", "#if on the compiler")


def inputs(rng):
    rows, columns = 37, 45
    return {"x": rng.standard_normal(rows * columns).astype("f4"), "sums": np.zeros(rows, "f4"),
            "positive": np.zeros(rows, "i4"), "rows": rows, "columns": columns}


def reference(x, sums, positive, rows, columns):
    table = x.reshape(rows, columns)
    return {"sums": table.sum(axis=1, dtype="f4"), "positive": (table[:, :32] > 0).sum(axis=1).astype("i4")}
