"""Pairs of kernels that are equal, and next to each the ways to get it wrong: the order of loops and threads, tiles, sums in
parts, memories, guards. No wrong one may come out equal, whichever of the two is asked about first."""

from __future__ import annotations

import pytest
from proof_kit import asked, c, cuda

SUM = c("for (int i = 0; i < 16; i++) { float s = 0.0f; for (int k = 0; k < 32; k++) s += A[i * 32 + k]; C[i] = s; }")
COPY = c("for (int i = 0; i < 64; i++) C[i] = A[i];")
MATMUL = c("""for (int i = 0; i < 16; i++) for (int j = 0; j < 16; j++) {
  float s = 0.0f; for (int k = 0; k < 16; k++) s += A[i * 16 + k] * B[k * 16 + j]; C[i * 16 + j] = s; }""")
REVERSED = cuda("__shared__ float t[64]; int x = threadIdx.x; t[x] = A[x]; __syncthreads(); C[x] = t[63 - x];")
SCALE = c("for (int i = 0; i < 61; i++) C[i] = A[i] * 2.0f;")
PAD = c("""for (int i = 0; i < 64; i++) { float s = 0.0f;
  for (int k = 0; k < 3; k++) { int p = i + k - 1; s += (p >= 0 && p < 64) ? A[p] * B[k] : 0.0f; } C[i] = s; }""")
POOL = c("""for (int i = 0; i < 8; i++) { float m = A[i * 4]; for (int k = 1; k < 4; k++) m = fmaxf(m, A[i * 4 + k]); C[i] = m; }""")
SOFTMAX = """for (int r = 0; r < 4; r++) { float m = A[r * 8]; for (int k = 1; k < 8; k++) m = fmaxf(m, A[r * 8 + k]);
  float s = 0.0f; for (int k = 0; k < 8; k++) s += expf(A[r * 8 + k] - m);
  for (int k = 0; k < 8; k++) C[r * 8 + k] = expf(A[r * 8 + k] - m) / s; }"""
NORM = """for (int r = 0; r < 4; r++) { float s = 0.0f; for (int k = 0; k < 8; k++) s += A[r * 8 + k]; float mean = s / 8.0f;
  float v = 0.0f; for (int k = 0; k < 8; k++) { float d = A[r * 8 + k] - mean; v += d * d; }
  float inv = 1.0f / sqrtf(v / 8.0f + 1e-5f); for (int k = 0; k < 8; k++) C[r * 8 + k] = (A[r * 8 + k] - mean) * inv * B[k]; }"""
TREE = """__shared__ float t[64]; int x = threadIdx.x; t[x] = A[x]; __syncthreads();
  for (int d = 32; d > 0; d /= 2) { if (x < d) t[x] += t[x + d]; __syncthreads(); } if (x == 0) C[0] = t[0];"""
TOTAL = c("float s = 0.0f; for (int k = 0; k < 64; k++) s += A[k]; C[0] = s;")
GATHER = "const int* I, const float* A, float* C"
IF = c("for (int i = 0; i < 64; i++) { if (A[i] > 0.0f) C[i] = B[i]; }")
TILED = """__shared__ float ta[8][8], tb[8][8]; int x = threadIdx.x % 8, y = threadIdx.x / 8;
  int i = blockIdx.x / 2 * 8 + y, j = blockIdx.x % 2 * 8 + x; float s = 0.0f;
  for (int k = 0; k < 16; k += 8) { ta[y][x] = A[i * 16 + k + x]; tb[y][x] = B[(k + y) * 16 + j]; __syncthreads();
    for (int q = 0; q < 8; q++) s += ta[y][q] * tb[q][x]; __syncthreads(); } C[i * 16 + j] = s;"""


def tiled(old: str = "", new: str = "") -> str:
    assert old in TILED
    return cuda(TILED.replace(old, new) if old else TILED, 64, 4)


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


SAME = {
    "split": (COPY, c("for (int o = 0; o < 8; o++) for (int i = 0; i < 8; i++) C[o * 8 + i] = A[o * 8 + i];")),
    "fused": (c("for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) C[i * 8 + j] = A[i * 8 + j];"), COPY),
    "backwards": (COPY, c("for (int i = 63; i >= 0; i--) C[i] = A[i];")),
    "strided": (COPY, c("for (int o = 0; o < 4; o++) for (int i = o; i < 64; i += 4) C[i] = A[i];")),
    "threads": (COPY, cuda("C[threadIdx.x] = A[threadIdx.x];")),
    "grid stride": (COPY, cuda("for (int i = blockIdx.x * 8 + threadIdx.x; i < 64; i += 16) C[i] = A[i];", 8, 2)),
    "written twice": (COPY, c("for (int i = 0; i < 64; i++) C[i] = B[i]; for (int i = 0; i < 64; i++) C[i] = A[i];")),
    "through an array": (COPY, c("float t[64]; for (int i = 0; i < 64; i++) t[i] = A[i];"
                                 " for (int i = 0; i < 64; i++) C[i] = t[i];")),
    "reused array": (COPY, c("float t[8]; for (int o = 0; o < 8; o++) { for (int i = 0; i < 8; i++) t[7 - i] = A[o * 8 + i];"
                             " for (int i = 0; i < 8; i++) C[o * 8 + i] = t[7 - i]; }")),
    "tail by guard": (SCALE, cuda("int i = blockIdx.x * 16 + threadIdx.x; if (i < 61) C[i] = A[i] * 2.0f;", 16, 4)),
    "early return": (SCALE, cuda("int i = blockIdx.x * 16 + threadIdx.x; if (i >= 61) return; C[i] = A[i] * 2.0f;", 16, 4)),
    "padded tail": (SCALE, c("""for (int o = 0; o < 61; o += 8) { float t[8];
        for (int i = 0; i < 8; i++) t[i] = o + i < 61 ? A[o + i] : 0.0f; for (int i = 0; i < 8; i++) t[i] = t[i] * 2.0f;
        for (int i = 0; i < 8; i++) if (o + i < 61) C[o + i] = t[i]; }""")),
    "shared memory": (c("for (int i = 0; i < 64; i++) C[i] = A[63 - i];"), REVERSED),
    "sum backwards": (SUM, changed(SUM, "for (int k = 0; k < 32; k++)", "for (int k = 31; k >= 0; k--)")),
    "sum in tiles": (SUM, c("""for (int i = 0; i < 16; i++) { float s = 0.0f;
        for (int o = 0; o < 4; o++) for (int k = 0; k < 8; k++) s += A[i * 32 + o * 8 + k]; C[i] = s; }""")),
    "partial sums": (SUM, c("""for (int i = 0; i < 16; i++) { float p[4]; for (int o = 0; o < 4; o++) p[o] = 0.0f;
        for (int k = 0; k < 32; k++) p[k % 4] += A[i * 32 + k]; C[i] = p[0] + p[1] + p[2] + p[3]; }""")),
    "sum in the output": (SUM, c("""for (int i = 0; i < 16; i++) C[i] = 0.0f;
        for (int k = 0; k < 32; k++) for (int i = 0; i < 16; i++) C[i] += A[i * 32 + k];""")),
    "sum with padding": (SUM, c("""for (int i = 0; i < 16; i++) { float s = 0.0f;
        for (int k = 0; k < 40; k++) s += k < 32 ? A[i * 32 + k] : 0.0f; C[i] = s; }""")),
    "unrolled by four": (SUM, c("""for (int i = 0; i < 16; i++) { float s = 0.0f; for (int k = 0; k < 32; k += 4)
        { s += A[i * 32 + k]; s += A[i * 32 + k + 1]; s += A[i * 32 + k + 2]; s += A[i * 32 + k + 3]; } C[i] = s; }""")),
    "tree": (TOTAL, cuda(TREE)),
    "matmul, loops in another order": (MATMUL, c("""for (int i = 0; i < 256; i++) C[i] = 0.0f;
        for (int k = 0; k < 16; k++) for (int i = 0; i < 16; i++) for (int j = 0; j < 16; j++)
        C[i * 16 + j] += A[i * 16 + k] * B[k * 16 + j];""")),
    "matmul in tiles": (MATMUL, tiled()),
    "windows that stop at the border": (PAD, c("""for (int i = 0; i < 64; i++) { float s = 0.0f;
        for (int k = 0; k < 3; k++) { int p = i + k - 1; if (p >= 0 && p < 64) s += A[p] * B[k]; } C[i] = s; }""")),
    "pooling from minus infinity": (POOL, c("""for (int i = 0; i < 8; i++) { float m = -INFINITY;
        for (int k = 3; k >= 0; k--) if (A[i * 4 + k] > m) m = A[i * 4 + k]; C[i] = m; }""")),
    "a maximum over overlapping halves": (POOL, c("""for (int i = 0; i < 8; i++) {
        float m = fmaxf(A[i * 4], fmaxf(A[i * 4 + 1], A[i * 4 + 2])), n = fmaxf(A[i * 4 + 1], fmaxf(A[i * 4 + 2], A[i * 4 + 3]));
        C[i] = fmaxf(m, n); }""")),
    "softmax by exponentials in an array": (c(SOFTMAX), c("""float e[8]; for (int r = 0; r < 4; r++) { float m = -INFINITY;
        for (int k = 0; k < 8; k++) m = fmaxf(m, A[r * 8 + k]);
        float s = 0.0f; for (int k = 0; k < 8; k++) { e[k] = expf(A[r * 8 + k] - m); s += e[k]; }
        for (int k = 0; k < 8; k++) C[r * 8 + k] = e[k] / s; }""")),
    "layer norm by reciprocal root": (c(NORM), c(NORM.replace("1.0f / sqrtf(v / 8.0f + 1e-5f)", "rsqrtf(v * 0.125f + 1e-5f)"))),
    "gather": (c("for (int i = 0; i < 64; i++) C[i] = A[I[i]];", GATHER),
               c("for (int i = 63; i >= 0; i--) { int at = I[i]; C[i] = A[at]; }", GATHER)),
    "stores on a condition": (IF, c("for (int i = 0; i < 64; i++) { bool b = A[i] > 0.0f; if (b) C[i] = B[i]; }")),
    "a condition as a choice": (IF, c("for (int i = 0; i < 64; i++) C[i] = A[i] > 0.0f ? B[i] : C[i];")),
    "in place": (c("for (int i = 0; i < 64; i++) C[i] = C[i] * 2.0f;"),
                 cuda("C[threadIdx.x] = C[threadIdx.x] * 2.0f;")),
    "chained places": (c("for (int i = 1; i < 8; i++) C[i] = C[i - 1];"), c("for (int i = 1; i < 8; i++) C[i] = C[0];")),
}

DIFFER = {
    "one tile too few": (COPY, c("for (int o = 0; o < 7; o++) for (int i = 0; i < 8; i++) C[o * 8 + i] = A[o * 8 + i];")),
    "tiles with a gap": (COPY, c("for (int o = 0; o < 8; o++) for (int i = 0; i < 7; i++) C[o * 8 + i] = A[o * 8 + i];")),
    "one element further": (COPY, c("for (int i = 0; i < 65; i++) C[i] = A[i];")),
    "nothing at all": (COPY, c("for (int i = 0; i < 0; i++) C[i] = A[i];")),
    "a swapped index": (c("for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) C[i * 8 + j] = A[i * 8 + j];"),
                        c("for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) C[i * 8 + j] = A[j * 8 + i];")),
    "a wrong stride": (c("for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) C[i * 8 + j] = A[i * 8 + j];"),
                       c("for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) C[i * 8 + j] = A[i * 9 + j];")),
    "another buffer": (COPY, changed(COPY, "A[i]", "B[i]")),
    "moved by one": (COPY, changed(COPY, "A[i]", "A[i + 1]")),
    "the other store last": (c("for (int i = 0; i < 64; i++) { C[i] = A[i]; C[i] = B[i]; }"), COPY),
    "overwritten in part": (COPY, c("for (int i = 0; i < 64; i++) C[i] = A[i]; C[63] = B[63];")),
    "guard off by one": (SCALE, cuda("int i = blockIdx.x * 16 + threadIdx.x; if (i <= 61) C[i] = A[i] * 2.0f;", 16, 4)),
    "guard one early": (SCALE, cuda("int i = blockIdx.x * 16 + threadIdx.x; if (i < 60) C[i] = A[i] * 2.0f;", 16, 4)),
    "early return too early": (SCALE, cuda("int i = blockIdx.x * 16 + threadIdx.x; if (i >= 60) return; C[i] = A[i] * 2.0f;",
                                           16, 4)),
    "one block too few": (SCALE, cuda("int i = blockIdx.x * 16 + threadIdx.x; if (i < 61) C[i] = A[i] * 2.0f;", 16, 3)),
    "padding written": (SCALE, c("for (int i = 0; i < 64; i++) C[i] = i < 61 ? A[i] * 2.0f : 0.0f;")),
    "wrong place in shared memory": (c("for (int i = 0; i < 64; i++) C[i] = A[63 - i];"),
                                     changed(REVERSED, "t[63 - x]", "t[62 - x]")),
    "barrier missing": (REVERSED, changed(REVERSED, "__syncthreads();", "")),
    "tree without a barrier": (TOTAL, cuda("""__shared__ float t[64]; int x = threadIdx.x; t[x] = A[x];
        for (int d = 32; d > 0; d /= 2) { if (x < d) t[x] += t[x + d]; } if (x == 0) C[0] = t[0];""")),
    "tree that starts low": (TOTAL, cuda(changed(TREE, "int d = 32", "int d = 16"))),
    "tree that stops early": (TOTAL, cuda(changed(TREE, "d > 0", "d > 1"))),
    "tree with a narrow guard": (TOTAL, cuda(changed(TREE, "x < d", "x < d - 1"))),
    "array not refilled": (COPY, c("float t[8]; for (int o = 0; o < 8; o++) { if (o == 0) for (int i = 0; i < 8; i++) t[i] = A[i];"
                                   " for (int i = 0; i < 8; i++) C[o * 8 + i] = t[i]; }")),
    "sum without its last": (SUM, changed(SUM, "k < 32", "k < 31")),
    "sum without its first": (SUM, changed(SUM, "int k = 0", "int k = 1")),
    "sum one further": (SUM, changed(SUM, "k < 32", "k < 33")),
    "sum of every other": (SUM, changed(SUM, "k++", "k += 2")),
    "sum twice over": (SUM, changed(SUM, "s += A[i * 32 + k];", "{ s += A[i * 32 + k]; s += A[i * 32 + k]; }")),
    "one term twice": (SUM, changed(SUM, "C[i] = s", "s += A[i * 32]; C[i] = s")),
    "one term for another": (SUM, c("""for (int i = 0; i < 16; i++) { float s = 0.0f;
        for (int k = 0; k < 32; k++) s += A[i * 32 + (k == 5 ? 6 : k)]; C[i] = s; }""")),
    "overlapping tiles": (SUM, c("""for (int i = 0; i < 16; i++) { float s = 0.0f;
        for (int o = 0; o < 4; o++) for (int k = 0; k < 9; k++) if (o * 8 + k < 32) s += A[i * 32 + o * 8 + k]; C[i] = s; }""")),
    "neighbouring rows": (SUM, changed(SUM, "A[i * 32 + k]", "A[k * 16 + i]")),
    "wrong start": (SUM, changed(SUM, "float s = 0.0f", "float s = 1.0f")),
    "start outside of the loop": (SUM, c("float s = 0.0f; for (int i = 0; i < 16; i++)"
                                         " { for (int k = 0; k < 32; k++) s += A[i * 32 + k]; C[i] = s; }")),
    "not started": (SUM, changed(SUM, "float s = 0.0f", "float s")),
    "a partial sum left out": (SUM, c("""for (int i = 0; i < 16; i++) { float p[4]; for (int o = 0; o < 4; o++) p[o] = 0.0f;
        for (int k = 0; k < 32; k++) p[k % 4] += A[i * 32 + k]; C[i] = p[0] + p[1] + p[2] + p[2]; }""")),
    "padding with one": (SUM, c("""for (int i = 0; i < 16; i++) { float s = 0.0f;
        for (int k = 0; k < 40; k++) s += k < 32 ? A[i * 32 + k] : 1.0f; C[i] = s; }""")),
    "on top of what was there": (SUM, c("for (int k = 0; k < 32; k++) for (int i = 0; i < 16; i++) C[i] += A[i * 32 + k];")),
    "product for sum": (SUM, changed(changed(SUM, "s += A[i * 32 + k]", "s *= A[i * 32 + k]"), "s = 0.0f", "s = 1.0f")),
    "a factor in part of the terms": (
        c("""for (int i = 0; i < 4; i++) { float s = 0.0f; for (int k = 0; k < 8; k++)
          { float p = A[i * 8 + k]; if (k < 3) p = p * 2.0f; p = p * B[k]; s += p; } C[i] = s; }"""),
        c("""for (int i = 0; i < 4; i++) { float s = 0.0f; for (int k = 0; k < 8; k++)
          { float p = A[i * 8 + k]; if (k < 5) p = p * 2.0f; p = p * B[k]; s += p; } C[i] = s; }""")),
    "matmul by the transposed": (MATMUL, changed(MATMUL, "B[k * 16 + j]", "B[j * 16 + k]")),
    "matmul, factors of two sums": (MATMUL, changed(MATMUL, "A[i * 16 + k] * B[k * 16 + j]", "A[i * 16 + k] * B[(15 - k) * 16 + j]")),
    "tile loaded transposed": (MATMUL, tiled("ta[y][x] = A", "ta[x][y] = A")),
    "tiles one step too few": (MATMUL, tiled("k < 16", "k < 8")),
    "wrong tile of the second": (MATMUL, tiled("B[(k + y) * 16 + j]", "B[y * 16 + j]")),
    "tile not read whole": (MATMUL, tiled("q < 8", "q < 7")),
    "no barrier after the load": (MATMUL, tiled("+ j]; __syncthreads();", "+ j];")),
    "window moved": (PAD, changed(PAD, "i + k - 1", "i + k")),
    "border off by one": (PAD, changed(PAD, "p < 64", "p < 63")),
    "border read": (PAD, changed(PAD, "p >= 0 && p < 64", "p >= -1 && p < 64")),
    "pooling from zero": (POOL, changed(POOL, "float m = A[i * 4]", "float m = 0.0f")),
    "minimum for maximum": (POOL, changed(POOL, "fmaxf", "fminf")),
    "pool too small": (POOL, changed(POOL, "k < 4", "k < 3")),
    "softmax without the shift in the sum": (c(SOFTMAX), c(changed(SOFTMAX, "s += expf(A[r * 8 + k] - m)", "s += expf(A[r * 8 + k])"))),
    "softmax over another row": (c(SOFTMAX), c(changed(SOFTMAX, "m = fmaxf(m, A[r * 8 + k])", "m = fmaxf(m, A[k])"))),
    "softmax, sum too short": (c(SOFTMAX), c(changed(SOFTMAX, "int k = 0; k < 8; k++) s", "int k = 1; k < 8; k++) s"))),
    "norm by another count": (c(NORM), c(changed(NORM, "s / 8.0f", "s / 7.0f"))),
    "norm with another epsilon": (c(NORM), c(changed(NORM, "1e-5f", "1e-6f"))),
    "norm without centring": (c(NORM), c(changed(NORM, "float d = A[r * 8 + k] - mean", "float d = A[r * 8 + k]"))),
    "norm by the variance": (c(NORM), c(changed(NORM, "1.0f / sqrtf(v / 8.0f + 1e-5f)", "1.0f / (v / 8.0f + 1e-5f)"))),
    "gather at the next": (c("for (int i = 0; i < 64; i++) C[i] = A[I[i]];", GATHER),
                           c("for (int i = 0; i < 64; i++) C[i] = A[I[i] + 1];", GATHER)),
    "gather by another index": (c("for (int i = 0; i < 64; i++) C[i] = A[I[i]];", GATHER),
                                c("for (int i = 0; i < 64; i++) C[i] = A[I[63 - i]];", GATHER)),
    "condition on another": (IF, changed(IF, "A[i] > 0.0f", "B[i] > 0.0f")),
    "condition reversed": (IF, changed(IF, "A[i] > 0.0f", "A[i] < 0.0f")),
    "condition dropped": (IF, changed(IF, "if (A[i] > 0.0f) ", "")),
    "zero where the condition fails": (IF, c("for (int i = 0; i < 64; i++) C[i] = A[i] > 0.0f ? B[i] : 0.0f;")),
    "an array never written": (COPY, c("float t[64]; for (int i = 0; i < 64; i++) C[i] = t[i];")),
    "an array written in part": (COPY, c("float t[64]; for (int i = 0; i < 63; i++) t[i] = A[i];"
                                         " for (int i = 0; i < 64; i++) C[i] = t[i];")),
    "two arrays never written": (c("float t[64]; for (int i = 0; i < 64; i++) C[i] = t[i];"),
                                 c("float t[64]; for (int i = 0; i < 64; i++) C[i] = t[i];")),
    "an array of the iteration before": (
        COPY, c("for (int i = 0; i < 64; i++) { float t[2]; t[i % 2] = A[i]; C[i] = i == 0 ? t[0] : t[1 - i % 2]; }")),
    "moved along in the other direction": (c("for (int i = 1; i < 8; i++) C[i] = C[i - 1];"),
                                           c("for (int i = 7; i > 0; i--) C[i] = C[i - 1];")),
    "read after it was overwritten": (c("for (int i = 0; i < 8; i++) C[i] = C[7 - i];"),
                                      c("float t[8]; for (int i = 0; i < 8; i++) t[i] = C[i];"
                                        " for (int i = 0; i < 8; i++) C[i] = t[7 - i];")),
}


@pytest.mark.parametrize("name", SAME)
def test_equal_kernels_are_proved_equal(name: str) -> None:
    a, b = SAME[name]
    assert (found := asked(a, b)).equal, found.reason
    assert (found := asked(b, a)).equal, found.reason


@pytest.mark.parametrize("name", DIFFER)
def test_different_kernels_are_not(name: str) -> None:
    a, b = DIFFER[name]
    assert not asked(a, b).equal
    assert not asked(b, a).equal


ROWS = "const float* A, float* C, int n, int m"
SIZES = {"n": 5, "m": 7}
BY_ROWS = c("for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) C[i * m + j] = A[i * m + j];", ROWS)


@pytest.mark.parametrize("sizes", [SIZES, {"m": 7}], ids=["known", "one open"])
def test_loops_in_another_order_at_any_height(sizes: dict[str, int]) -> None:
    order = c("for (int j = 0; j < m; j++) for (int i = 0; i < n; i++) C[i * m + j] = A[i * m + j];", ROWS)
    assert asked(BY_ROWS, order, **sizes).equal
    assert asked(order, BY_ROWS, **sizes).equal


@pytest.mark.parametrize("sizes", [SIZES, {}, {"m": 7}], ids=["known", "open", "one open"])
def test_no_size_makes_a_wrong_kernel_equal(sizes: dict[str, int]) -> None:
    for wrong in (changed(BY_ROWS, "i < n", "i < n - 1"), changed(BY_ROWS, "A[i * m + j]", "A[i * n + j]"),
                  changed(BY_ROWS, "j < m", "j < n"), changed(BY_ROWS, "A[i * m + j]", "A[j * m + i]")):
        assert not asked(BY_ROWS, wrong, **sizes).equal
        assert not asked(wrong, BY_ROWS, **sizes).equal


def test_two_sizes_are_not_mixed_up() -> None:
    n = c("for (int i = 0; i < n; i++) C[i] = A[i];", ROWS)
    m = c("for (int i = 0; i < m; i++) C[i] = A[i];", ROWS)
    assert not asked(n, m).equal
    assert asked(n, m, n=6, m=6).equal, "at these sizes they are equal"
    assert not asked(n, m, n=5, m=6).equal


def test_a_reordered_sum_is_said_to_be_one() -> None:
    a, b = SAME["sum backwards"]
    assert asked(a, b).reordered
    assert not asked(*SAME["split"]).reordered


def test_online_softmax_is_not_called_different() -> None:
    online = c("""for (int r = 0; r < 4; r++) { float m = -INFINITY, s = 0.0f;
        for (int k = 0; k < 8; k++) { float x = A[r * 8 + k]; float n = fmaxf(m, x); s = s * expf(m - n) + expf(x - n); m = n; }
        for (int k = 0; k < 8; k++) C[r * 8 + k] = expf(A[r * 8 + k] - m) / s; }""")
    found = asked(c(SOFTMAX), online)
    assert found.equal or found.reason
