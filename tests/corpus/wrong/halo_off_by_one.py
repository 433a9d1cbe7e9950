"""A shared array with one element too few."""

FEATURES = ("off by one", "shared memory")
MESSAGE = "index outside the array 's'"
LINE = 10
