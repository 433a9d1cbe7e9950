"""A shuffle in a branch that half of the lanes take."""

FEATURES = ("warp shuffle", "divergent branch")
MESSAGE = "deadlock: thread (0,0,0) waits at line 9 for thread (16,0,0)"
LINE = 9
