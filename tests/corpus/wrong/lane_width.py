"""A vote of 64 lanes taken for one of 32."""

FEATURES = ("lane width", "warp vote")
MESSAGE = "the result depends on the lane width: threadIdx.x & 31 counts on 32 lanes"
LINE = 6
