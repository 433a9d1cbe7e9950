FEATURES = ("atomics", "order of threads")
MESSAGE = "depends on the order of its threads: which value from before a thread gets from this atomic update, or what it leaves"
LINE = 7
