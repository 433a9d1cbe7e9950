import numpy as np

FEATURES = ("atomics", "early return")


def inputs(rng):
    count, width, rows = 203, 19, 31
    return {"grad": rng.standard_normal(count * width).astype("f4"), "row": rng.integers(0, rows, count).astype("i4"),
            "table": rng.standard_normal(rows * width).astype("f4"), "count": count, "width": width, "rows": rows}


def reference(grad, row, table, count, width, rows):
    out = table.astype("f8").reshape(rows, width)
    np.add.at(out, row, grad.reshape(count, width))
    return {"table": out.astype("f4").reshape(-1)}
