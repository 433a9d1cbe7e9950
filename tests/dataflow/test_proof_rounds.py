"""Recurrences, counters, masks, choices and what lanes share: wrong variants that must not come out equal, and some that are
equal."""

from __future__ import annotations

import pytest
from proof_kit import asked, c, cuda

WHOLE = "const float* A, const float* B, int* C"

DIFFER = {
    "a counter that some rounds skip": (
        c("int n = 0; for (int i = 0; i < 8; i++) { if (i < 3) continue; C[n] = A[i]; n += 1; }"),
        c("for (int i = 3; i < 8; i++) C[i] = A[i];")),
    "a counter behind a continue": (
        c("int n = 0; for (int i = 0; i < 8; i++) { C[i] = A[n]; if (i < 3) continue; n += 1; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i];")),
    "a counter behind a continue on data": (
        c("int n = 0; for (int i = 0; i < 8; i++) { C[i] = A[n]; if (B[i] > 0.0f) continue; n += 1; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i];")),
    "a counter that counts on a condition": (
        c("int n = 0; for (int i = 0; i < 8; i++) { C[i] = A[n]; if (B[i] > 0.0f) n += 1; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i];")),
    "a counter of two loops": (
        c("int n = 0; for (int i = 0; i < 4; i++) { for (int k = 0; k < 2; k++) { C[i*2+k] = A[n]; n += 1; } n += 1; "
          "}"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i];")),
    "a counter before it is used": (
        c("int n = 0; for (int i = 0; i < 8; i++) { n += 1; C[i] = A[n]; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i];")),
    "a counter that is set back": (
        c("int n = 0; for (int i = 0; i < 8; i++) { C[i] = A[n]; n += 1; if (i == 3) n = 0; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i];")),
    "a counter of eight bits": (
        c("unsigned char n = 250; for (int i = 0; i < 8; i++) { C[i] = A[n]; n += 1; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[250+i];")),
    "halves against ones": (
        c("int d = 8; while (d > 0) { C[d] = A[d]; d = d/2; }"),
        c("for (int d = 8; d > 0; d--) C[d] = A[d];")),
    "every other round": (
        c("int d = 0; while (d < 8) { C[d] = A[d]; d += 2; }"),
        c("for (int d = 0; d < 8; d++) C[d] = A[d];")),
    "where a while loop ends": (
        c("int d = 0; while (d < 8) { d += 3; } C[0] = A[d];"),
        c("C[0] = A[8];")),
    "coefficients backwards": (
        c("float s = 0.0f; for (int k = 0; k < 8; k++) s = s*B[0]+A[k]; C[0] = s;"),
        c("float s = 0.0f; for (int k = 0; k < 8; k++) s = s*B[0]+A[7-k]; C[0] = s;")),
    "a recurrence from another start": (
        c("float s = 0.0f; for (int k = 0; k < 8; k++) s = s*B[0]+A[k]; C[0] = s;"),
        c("float s = 1.0f; for (int k = 0; k < 8; k++) s = s*B[0]+A[k]; C[0] = s;")),
    "a recurrence without its first round": (
        c("float s = 0.0f; for (int k = 0; k < 8; k++) s = s*B[0]+A[k]; C[0] = s;"),
        c("float s = 0.0f; for (int k = 1; k < 8; k++) s = s*B[0]+A[k]; C[0] = s;")),
    "a recurrence by another factor": (
        c("float s = 0.0f; for (int k = 0; k < 80; k++) s = s*B[0]+A[k]; C[0] = s;"),
        c("float s = 0.0f; for (int k = 0; k < 80; k++) s = s*B[1]+A[k]; C[0] = s;")),
    "a long recurrence from another start": (
        c("float s = 0.0f; for (int k = 0; k < 80; k++) s = s*B[0]+A[k]; C[0] = s;"),
        c("float s = B[1]; for (int k = 0; k < 80; k++) s = s*B[0]+A[k]; C[0] = s;")),
    "a recurrence with one wrong round": (
        c("float s = 0.0f; for (int k = 0; k < 80; k++) s = s*B[0]+A[k]; C[0] = s;"),
        c("float s = 0.0f; for (int k = 0; k < 80; k++) s = s*B[0]+A[k == 40 ? 41 : k]; C[0] = s;")),
    "one round too few": (
        c("float s = B[0]; for (int k = 0; k < 80; k++) s = sqrtf(s); C[0] = s;"),
        c("float s = B[0]; for (int k = 0; k < 79; k++) s = sqrtf(s); C[0] = s;")),
    "two states swapped": (
        c("float s = A[0], t = A[1]; for (int k = 0; k < 80; k++) { float n = sqrtf(t); t = expf(s); s = n; } C[0] = "
          "s; C[1] = t;"),
        c("float s = A[0], t = A[1]; for (int k = 0; k < 80; k++) { float n = sqrtf(t); t = expf(s); s = n; } C[0] = "
          "t; C[1] = s;")),
    "two states in turn": (
        c("float s = A[0], t = A[1]; for (int k = 0; k < 80; k++) { float n = sqrtf(t); t = expf(s); s = n; } C[0] = "
          "s; C[1] = t;"),
        c("float s = A[0], t = A[1]; for (int k = 0; k < 80; k++) { s = sqrtf(t); t = expf(s); } C[0] = s; C[1] = t;")),
    "a sum not put away the last time": (
        c("float s = 0, y = 0; for (int o = 0; o < 4; o++) { s = y; for (int k = 0; k < 8; k++) s += A[o*8+k]; y = "
          "s; } C[0] = y;"),
        c("float s = 0, y = 0; for (int o = 0; o < 4; o++) { s = y; for (int k = 0; k < 8; k++) s += A[o*8+k]; if (o "
          "< 3) y = s; } C[0] = y;")),
    "a sum taken up over the same terms": (
        c("float s = 0, y = 0; for (int o = 0; o < 4; o++) { s = y; for (int k = 0; k < 8; k++) s += A[o*8+k]; y = "
          "s; } C[0] = y;"),
        c("float s = 0, y = 0; for (int o = 0; o < 4; o++) { s = y; for (int k = 0; k < 8; k++) s += A[k]; y = s; } "
          "C[0] = y;")),
    "the same terms four times": (
        c("float s = 0, y = 0; for (int o = 0; o < 4; o++) { s = y; for (int k = 0; k < 8; k++) s += A[k]; y = s; } "
          "C[0] = y;"),
        c("float s = 0; for (int k = 0; k < 8; k++) s += A[k]; C[0] = s;")),
    "a sum put away half-way": (
        c("float s = 0, y = 0; for (int o = 0; o < 4; o++) { s = y; for (int k = 0; k < 8; k++) { s += A[o*8+k]; if "
          "(k == 3) y = s; } } C[0] = s;"),
        c("float s = 0; for (int k = 0; k < 32; k++) s += A[k]; C[0] = s;")),
    "a start that depends on the place": (
        c("for (int i = 0; i < 8; i++) { float s = i < 4 ? A[i] : B[i]; for (int k = 0; k < 4; k++) s += A[8+k]; "
          "C[i] = s; }"),
        c("for (int i = 0; i < 8; i++) { float s = i < 5 ? A[i] : B[i]; for (int k = 0; k < 4; k++) s += A[8+k]; "
          "C[i] = s; }")),
    "a neighbour's bit": (
        c("for (int i = 0; i < 8; i++) { unsigned m = 0; for (int k = 0; k < 32; k++) m |= (A[k] > 0.0f ? 1u : 0u) "
          "<< k; C[i] = ((m >> i)&1u) ? 1.0f : 0.0f; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i+1] > 0.0f ? 1.0f : 0.0f;")),
    "bits that share a place": (
        c("for (int i = 0; i < 8; i++) { unsigned m = 0; for (int k = 0; k < 32; k++) m |= (A[k] > 0.0f ? 1u : 0u) "
          "<< (k/2); C[i] = ((m >> i)&1u) ? 1.0f : 0.0f; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[2*i] > 0.0f ? 1.0f : 0.0f;")),
    "a mask with a bit of its own": (
        c("for (int i = 0; i < 8; i++) { unsigned m = 2u; for (int k = 0; k < 32; k++) m |= (A[k] > 0.0f ? 1u : 0u) "
          "<< k; C[i] = ((m >> i)&1u) ? 1.0f : 0.0f; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i] > 0.0f ? 1.0f : 0.0f;")),
    "two bits each": (
        c("for (int i = 0; i < 8; i++) { unsigned m = 0; for (int k = 0; k < 8; k++) m |= (A[k] > 0.0f ? 3u : 0u) << "
          "k; C[i] = ((m >> i)&1u) ? 1.0f : 0.0f; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i] > 0.0f ? 1.0f : 0.0f;")),
    "bits beyond the mask": (
        c("for (int i = 0; i < 8; i++) { unsigned char m = 0; for (int k = 0; k < 16; k++) m |= (unsigned "
          "char)((A[k] > 0.0f ? 1u : 0u) << k); C[i] = ((m >> (i+8))&1u) ? 1.0f : 0.0f; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i+8] > 0.0f ? 1.0f : 0.0f;")),
    "conditions in another order": (
        c("for (int i = 0; i < 8; i++) C[i] = A[i] > 0.0f ? B[i] : (B[i] > 0.0f ? 1.0f : 2.0f);"),
        c("for (int i = 0; i < 8; i++) C[i] = B[i] > 0.0f ? (A[i] > 0.0f ? B[i] : 1.0f) : 2.0f;")),
    "the sides of a condition": (
        c("for (int i = 0; i < 8; i++) { if (A[i] > 0.0f) C[i] = 1.0f; else C[i] = 2.0f; }"),
        c("for (int i = 0; i < 8; i++) { C[i] = 1.0f; if (A[i] > 0.0f) C[i] = 2.0f; }")),
    "a condition that changes what it asks": (
        c("for (int i = 0; i < 8; i++) { float x = A[i]; if (x > 0.0f) { x = -1.0f; C[i] = x; } else C[i] = 2.0f; }"),
        c("for (int i = 0; i < 8; i++) { float x = A[i]; if (x > 0.0f) { x = -1.0f; C[i] = x; } if (!(x > 0.0f)) "
          "C[i] = 2.0f; }")),
    "a condition on what was just stored": (
        c("for (int i = 0; i < 8; i++) { if (C[i] > 0.0f) C[i] = -1.0f; if (C[i] < 0.0f) C[i] = 3.0f; }"),
        c("for (int i = 0; i < 8; i++) { bool p = C[i] > 0.0f, q = C[i] < 0.0f; if (p) C[i] = -1.0f; if (q) C[i] = "
          "3.0f; }")),
    "a minimum by hand": (
        c("for (int i = 0; i < 8; i++) { float m = B[i]; if (A[i] > m) m = A[i]; C[i] = m; }"),
        c("for (int i = 0; i < 8; i++) { float m = B[i]; if (A[i] < m) m = A[i]; C[i] = m; }")),
    "the last of the largest": (
        c("int b = 0; float m = A[0]; for (int k = 1; k < 8; k++) if (A[k] > m) { m = A[k]; b = k; } C[0] = b;", WHOLE),
        c("int b = 0; float m = A[0]; for (int k = 1; k < 8; k++) if (A[k] >= m) { m = A[k]; b = k; } C[0] = b;", WHOLE)),
    "the last one above the first": (
        c("int b = 0; float m = A[0]; for (int k = 1; k < 8; k++) if (A[k] > m) { m = A[k]; b = k; } C[0] = b;", WHOLE),
        c("int b = 0; float m = A[0]; for (int k = 1; k < 8; k++) if (A[k] > m) { b = k; } C[0] = b;", WHOLE)),
    "sums up to but without": (
        c("float s = 0; for (int k = 0; k < 8; k++) { s += A[k]; C[k] = s; }"),
        c("float s = 0; for (int k = 0; k < 8; k++) { C[k] = s; s += A[k]; }")),
    "sums of all": (
        c("float s = 0; for (int k = 0; k < 8; k++) { s += A[k]; C[k] = s; }"),
        c("for (int k = 0; k < 8; k++) { float s = 0; for (int j = 0; j <= 7; j++) s += A[j]; C[k] = s; }")),
    "a product of sums": (
        c("float s = 0; for (int k = 0; k < 8; k++) s += A[k]*B[k]; C[0] = s;"),
        c("float s = 0, t = 0; for (int k = 0; k < 8; k++) { s += A[k]; t += B[k]; } C[0] = s*t;")),
    "pairs with themselves": (
        c("float s = 0; for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) s += A[i]*B[j]; C[0] = s;"),
        c("float s = 0; for (int i = 0; i < 8; i++) for (int j = 0; j < 8; j++) s += A[i]*B[i]; C[0] = s;")),
    "terms five times for four": (
        c("float s = 0; for (int i = 0; i < 8; i++) for (int j = 0; j < 4; j++) s += A[i]; C[0] = s;"),
        c("float s = 0; for (int i = 0; i < 8; i++) for (int j = 0; j < 5; j++) s += A[i]; C[0] = s;")),
    "terms as often as their number": (
        c("float s = 0; for (int i = 0; i < 8; i++) for (int j = 0; j < 4; j++) s += A[i]; C[0] = s;"),
        c("float s = 0; for (int i = 0; i < 8; i++) for (int j = 0; j <= i; j++) s += A[i]; C[0] = s;")),
    "nine ones for eight": (
        c("float s = 0; for (int i = 0; i < 8; i++) s += 1.0f; C[0] = s;"),
        c("float s = 0; for (int i = 0; i < 9; i++) s += 1.0f; C[0] = s;")),
    "products of one factor fewer": (
        c("for (int i = 0; i < 4; i++) { float s = 0; for (int k = 0; k < 8; k++) { float p = 1.0f; for (int j = 0; "
          "j <= k; j++) p *= A[j]; s += p; } C[i] = s; }"),
        c("for (int i = 0; i < 4; i++) { float s = 0; for (int k = 0; k < 8; k++) { float p = 1.0f; for (int j = 0; "
          "j < k; j++) p *= A[j]; s += p; } C[i] = s; }")),
    "a maximum over fewer": (
        c("float s = 0; for (int k = 0; k < 8; k++) { float m = A[k]; for (int j = 0; j < 4; j++) m = fmaxf(m, "
          "B[k*4+j]); s += m; } C[0] = s;"),
        c("float s = 0; for (int k = 0; k < 8; k++) { float m = A[k]; for (int j = 0; j < 4; j++) m = fmaxf(m, "
          "B[k*4+(j < 3 ? j : 2)]); s += m; } C[0] = s;")),
    "a maximum over one more": (
        c("float s = 0; for (int k = 0; k < 8; k++) { float m = A[k]; for (int j = 0; j < k; j++) m = fmaxf(m, "
          "B[j]); s += m; } C[0] = s;"),
        c("float s = 0; for (int k = 0; k < 8; k++) { float m = A[k]; for (int j = 0; j <= k; j++) m = fmaxf(m, "
          "B[j]); s += m; } C[0] = s;")),
    "through half precision": (
        c("for (int i = 0; i < 8; i++) C[i] = (float)(_Float16)A[i];"),
        c("for (int i = 0; i < 8; i++) C[i] = A[i];")),
    "any for how many": (
        c("int n = 0; for (int k = 0; k < 8; k++) n += A[k] > 0.0f; C[0] = n;", WHOLE),
        c("int n = 0; for (int k = 0; k < 8; k++) n |= A[k] > 0.0f; C[0] = n;", WHOLE)),
    "another lane": (
        cuda("float v = A[threadIdx.x]; v += __shfl_xor_sync(0xffffffffu, v, 1); C[threadIdx.x] = v;", 32),
        cuda("float v = A[threadIdx.x]; v += __shfl_xor_sync(0xffffffffu, v, 2); C[threadIdx.x] = v;", 32)),
    "a warp without its last lane": (
        cuda("float v = A[threadIdx.x]; for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d); if "
          "(threadIdx.x == 0) C[0] = v;", 32),
        c("float s = 0; for (int k = 0; k < 31; k++) s += A[k]; C[0] = s;")),
    "a sum that only the first lane has": (
        cuda("float v = A[threadIdx.x]; for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d); "
          "C[threadIdx.x] = v;", 32),
        c("float s = 0; for (int k = 0; k < 32; k++) s += A[k]; for (int k = 0; k < 32; k++) C[k] = s;")),
    "added to what was there": (
        cuda("atomicAdd(&C[0], A[threadIdx.x]);", 32),
        c("float s = 0; for (int k = 0; k < 32; k++) s += A[k]; C[0] = s;")),
    "shared memory of another block": (
        cuda("__shared__ float t[32]; if (blockIdx.x == 0) t[threadIdx.x] = A[threadIdx.x]; __syncthreads(); "
          "C[blockIdx.x*32+threadIdx.x] = t[31-threadIdx.x];", 32, 2),
        c("for (int b = 0; b < 2; b++) for (int x = 0; x < 32; x++) C[b*32+x] = A[31-x];")),
}

SAME = {
    "a counter in steps of two": (
        c("int n = 0; for (int i = 0; i < 8; i++) { C[i] = A[n]; n += 2; }"),
        c("for (int i = 0; i < 8; i++) C[i] = A[2*i];")),
    "a recurrence in tiles": (
        c("float s = 0.0f; for (int k = 0; k < 80; k++) s = s*B[0]+A[k]; C[0] = s;"),
        c("float s = 0.0f; for (int o = 0; o < 10; o++) for (int k = 0; k < 8; k++) s = A[o*8+k]+B[0]*s; C[0] = s;")),
    "a sum put away and taken up": (
        c("float s = 0, y = 0; for (int o = 0; o < 4; o++) { s = y; for (int k = 0; k < 8; k++) s += A[o*8+k]; y = "
          "s; } C[0] = y;"),
        c("float s = 0; for (int k = 0; k < 32; k++) s += A[k]; C[0] = s;")),
    "sums up to": (
        c("float s = 0; for (int k = 0; k < 8; k++) { s += A[k]; C[k] = s; }"),
        c("for (int k = 0; k < 8; k++) { float s = 0; for (int j = 0; j <= k; j++) s += A[j]; C[k] = s; }")),
    "atomic sums": (
        cuda("atomicAdd(&C[0], A[threadIdx.x]);", 32),
        c("for (int k = 0; k < 32; k++) C[0] += A[k];")),
}


@pytest.mark.parametrize("name", DIFFER)
def test_a_wrong_variant_is_not_equal(name: str) -> None:
    a, b = DIFFER[name]
    assert not asked(a, b).equal
    assert not asked(b, a).equal


@pytest.mark.parametrize("name", SAME)
def test_a_right_variant_is(name: str) -> None:
    a, b = SAME[name]
    assert (found := asked(a, b)).equal, found.reason
