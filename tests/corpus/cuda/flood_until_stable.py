FEATURES = ("counting barriers", "while around barriers")


def inputs(rng):
    return {"wall": rng.integers(-1, 8, 3 * 96).astype("i4"), "label": rng.integers(0, 100, 3 * 96).astype("i4"), "rows": 3}


def reference(wall, label, rows):
    out = label.reshape(rows, 96).copy()
    for row, blocked in zip(out, wall.reshape(rows, 96) < 0, strict=True):
        start = 0
        for k in range(97):
            if k == 96 or blocked[k]:
                row[start:k] = row[start:k].max() if k > start else 0
                start = k + 1
    return {"label": out.reshape(-1)}
