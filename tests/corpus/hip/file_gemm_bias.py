"""Two kernels in sequence, the second one in place, with a main around that no simulator compiles."""

import numpy as np

FEATURES = ("several kernels", "whole file", "2-D launch from sizes")


def inputs(rng):
    M, N, K = 37, 21, 19
    return {"A": rng.standard_normal(M * K).astype("f4"), "B": rng.standard_normal(K * N).astype("f4"),
            "bias": rng.standard_normal(N).astype("f4"), "C": np.zeros(M * N, "f4"), "M": M, "N": N, "K": K}


def reference(A, B, bias, C, M, N, K):
    got = A.reshape(M, K).astype("f8") @ B.reshape(K, N) + bias
    return {"C": np.maximum(got, 0).astype("f4").reshape(-1)}
