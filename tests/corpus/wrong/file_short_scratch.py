"""A buffer between two kernels that is too short."""

FEATURES = ("several kernels", "out of bounds")
MESSAGE = "out-of-bounds"
LINE = 13
