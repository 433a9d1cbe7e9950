FEATURES = ("templates", "static_assert")
MESSAGE = "a static_assert of the text fails: BLOCK must be a power of two"
LINE = 4
