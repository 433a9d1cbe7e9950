"""Barriers in both branches: half of the block waits at each."""

FEATURES = ("divergent barrier",)
MESSAGE = "threads of one block wait at different barriers: thread (0,0,0) at line 9, thread (32,0,0) at line 12"
LINE = 9
