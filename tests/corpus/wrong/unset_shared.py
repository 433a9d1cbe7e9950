"""A shared scalar that is added to before anyone sets it."""

FEATURES = ("uninitialised read", "shared memory")
MESSAGE = "the source reads local memory that it never wrote: sums[0]"
LINE = None
