"""A tree reduction without the barrier between its rounds."""

FEATURES = ("missing barrier", "race", "tree reduction")
MESSAGE = "the source's result depends on the order of its threads: sums[0]"
LINE = None
