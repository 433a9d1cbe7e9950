"""What numbers, types and conversions may not do: every pair here differs for some input (or is not known to be the same),
so none of them may come out equal. Next to each stand variants that are equal, so that a refusal means something."""

from __future__ import annotations

import pytest
from proof_kit import asked, c

INTS = "const int* A, const int* B, int* C"
LONGS = "const long* A, const int* B, long* C"
DOUBLES = "const double* A, const double* B, double* C"
FLOATS = "const float* A, const float* B, float* C"


def each(value: str, params: str = INTS) -> str:
    """C[i] = value for some i."""
    return c(f"for (int i = 0; i < 8; i++) C[i] = {value};", params)


def block(text: str, params: str = INTS) -> str:
    return c(f"for (int i = 0; i < 8; i++) {{ {text} }}", params)


DIFFER = {
    "an unsigned product wraps": (
        c("for (unsigned i = 0; i < 100; i++) C[i] = (int)((i * 2654435761u) >> 16);", INTS),
        c("for (int i = 0; i < 100; i++) C[i] = (int)(((long)i * 2654435761l) >> 16);", INTS)),
    "an unsigned difference wraps in a condition": (
        each("((unsigned)(i - 4) < 3u) ? A[i] : B[i]"), each("(i - 4 < 3) ? A[i] : B[i]")),
    "a conversion drops high bits": (
        c("for (long i = 0; i < 8; i++) C[i] = (long)(unsigned)(i * 4294967297l);", LONGS),
        c("for (long i = 0; i < 8; i++) C[i] = i * 4294967297l;", LONGS)),
    "a sum in a narrower type": (block("long x = A[i]; x = (long)((int)x + B[i]); C[i] = x;", LONGS),
                                 block("long x = A[i]; x = x + B[i]; C[i] = x;", LONGS)),
    "a sum modulo 2^32": (block("long x = A[i]; x = (long)((unsigned)x + (unsigned)B[i]); C[i] = x;", LONGS),
                          block("long x = A[i]; x = x + (long)(unsigned)B[i]; C[i] = x;", LONGS)),
    "300 as a byte": (each("(int)(unsigned char)300"), each("300")),
    "200 as a signed byte": (each("(int)(signed char)200"), each("200")),
    "minus one without sign is large": (each("(unsigned)(B[i] * 0 - 1) < 1u ? 1 : 0"), each("1")),
    "0u - 1u is large": (block("unsigned t = 0u; t = t - 1u; C[i] = t > 5u ? 1 : 0;"), each("0")),
    "a real number becomes whole": (each("(float)(int)A[i]", FLOATS), each("A[i]", FLOATS)),
    "rounding before adding": (each("(int)(A[i] + 0.5f)", "const float* A, const float* B, int* C"),
                               each("(int)A[i] + (int)0.5f", "const float* A, const float* B, int* C")),
    "a whole number that no float is": (each("(int)(float)16777217"), each("16777217")),
    "the low byte only": (each("(int)(unsigned char)A[i]"), each("A[i]")),
    "the sign of a byte": (each("(int)(unsigned char)A[i]"), each("(int)(signed char)A[i]")),
    "a byte variable": (block("unsigned char t = (unsigned char)A[i]; C[i] = t;"), each("A[i]")),
    "sums of bytes wrap": (
        block("unsigned char s = 0; for (int k = 0; k < 9; k++) s = (unsigned char)(s + A[i * 9 + k]); C[i] = s;"),
        block("int s = 0; for (int k = 0; k < 9; k++) s = s + A[i * 9 + k]; C[i] = s;")),
    "division of negative numbers truncates": (each("(i - 4) / 3"), each("(i + 2) / 3 - 2")),
    "a shift rounds down": (each("(i - 4) >> 1"), each("(i - 4) / 2")),
    "a remainder of negative numbers": (each("(i - 4) % 3"), each("((i - 4) % 3 + 3) % 3")),
    "a shift of data rounds down": (each("A[i] >> 1"), each("A[i] / 2")),
    "unsigned division of data": (each("(int)((unsigned)A[i] / 2u)"), each("A[i] / 2")),
    "an unsigned shift of data": (each("(int)((unsigned)A[i] >> 1)"), each("A[i] >> 1")),
    "the larger without sign": (each("(int)((unsigned)A[i] > (unsigned)B[i] ? (unsigned)A[i] : (unsigned)B[i])"),
                                each("A[i] > B[i] ? A[i] : B[i]")),
    "chosen by another order": (each("(unsigned)A[i] > (unsigned)B[i] ? A[i] : B[i]"), each("A[i] > B[i] ? A[i] : B[i]")),
    "a product in int": (each("(long)A[i] * B[i]", "const int* A, const int* B, long* C"),
                         each("(long)(A[i] * B[i])", "const int* A, const int* B, long* C")),
    "zero by zero": (each("0.0f / 0.0f", FLOATS), each("0.0f", FLOATS)),
    "NaN is not itself": (each("NAN", FLOATS), each("0.0f", FLOATS)),
    "x / x": (each("A[i] / A[i]", FLOATS), each("1.0f", FLOATS)),
    "constants of double": (each("A[i] * 1.0000000001", DOUBLES), each("A[i] * 1.0", DOUBLES)),
    "a double below -FLT_MAX": (
        block("double s = -3.5e38; for (int k = 0; k < 8; k++) s = fmax(s, A[i * 8 + k]); C[i] = s;", DOUBLES),
        block("double s = A[i * 8]; for (int k = 0; k < 8; k++) s = fmax(s, A[i * 8 + k]); C[i] = s;", DOUBLES)),
    "a floor that is not the lowest": (
        block("float s = 0.0f; for (int k = 0; k < 8; k++) s = fmaxf(s, A[i * 8 + k]); C[i] = s;", FLOATS),
        block("float s = A[i * 8]; for (int k = 0; k < 8; k++) s = fmaxf(s, A[i * 8 + k]); C[i] = s;", FLOATS)),
    "exclusive or with itself": (each("A[i] ^ A[i]"), each("A[i]")),
    "exclusive or twice over": (
        block("int s = 0; for (int k = 0; k < 4; k++) s ^= A[k]; C[i] = s;"),
        block("int s = 0; for (int k = 0; k < 4; k++) s ^= A[k]; for (int k = 0; k < 4; k++) s ^= A[k]; C[i] = s;")),
    "x + x": (each("A[i] + A[i]"), each("A[i]")),
    "x * x": (each("A[i] * A[i]", FLOATS), each("A[i]", FLOATS)),
    "a wrong constant": (each("A[i] * 0.5f", FLOATS), each("A[i] * 0.25f", FLOATS)),
    "a wrong sign": (each("A[i] - B[i]", FLOATS), each("B[i] - A[i]", FLOATS)),
    "divided the wrong way": (each("A[i] / B[i]", FLOATS), each("B[i] / A[i]", FLOATS)),
    "another function": (each("expf(A[i])", FLOATS), each("exp2f(A[i])", FLOATS)),
    "abs is not the number": (each("fabsf(A[i])", FLOATS), each("A[i]", FLOATS)),
    "min for max": (each("fminf(A[i], B[i])", FLOATS), each("fmaxf(A[i], B[i])", FLOATS)),
    "floor for trunc": (each("floorf(A[i])", FLOATS), each("truncf(A[i])", FLOATS)),
    "a condition the other way round": (each("A[i] < B[i] ? A[i] : 2.0f", FLOATS), each("A[i] < B[i] ? 2.0f : A[i]", FLOATS)),
    "less for less or equal": (each("A[i] < B[i] ? 1.0f : 2.0f", FLOATS), each("A[i] <= B[i] ? 1.0f : 2.0f", FLOATS)),
    "the larger of the wrong two": (each("A[i] < B[i] ? B[i] : A[i]", FLOATS), each("A[i] < B[i] ? A[i] : B[i]", FLOATS)),
    "overlapping choices": (each("i < 4 ? A[i] : (i < 6 ? B[i] : 0)"), each("i < 6 ? (i < 4 ? B[i] : A[i]) : 0")),
    "a choice one further": (each("i < 4 ? A[i] : B[i]"), each("i < 5 ? A[i] : B[i]")),
    "a whole number as bits": (each("*(int*)&B[i]", "const int* A, const float* B, int* C"),
                               each("(int)B[i]", "const int* A, const float* B, int* C")),
    "an index as a value": (each("i"), each("i + 1")),
    "an index in another type": (each("(int)(signed char)(i * 40)"), each("i * 40")),
}

SAME = {
    "a wrapped product both times": (
        c("for (unsigned i = 0; i < 100; i++) C[i] = (int)((i * 2654435761u) >> 16);", INTS),
        c("for (int g = 0; g < 10; g++) for (int j = 0; j < 10; j++)"
          " C[g * 10 + j] = (int)(((unsigned)(g * 10 + j) * 2654435761u) >> 16);", INTS)),
    "an unsigned index that stays small": (c("for (unsigned i = 0; i < 8; i++) C[i + 1u - 1u] = A[i];", INTS), each("A[i]")),
    "300 as a byte": (each("(int)(unsigned char)300"), each("44")),
    "0u - 1u": (block("unsigned t = 0u; t = t - 1u; C[i] = t > 5u ? 1 : 0;"), each("1")),
    "sums of bytes": (
        block("unsigned char s = 0; for (int k = 0; k < 9; k++) s = (unsigned char)(s + A[i * 9 + k]); C[i] = s;"),
        block("unsigned char s = 0; for (int k = 8; k >= 0; k--) s = (unsigned char)(s + A[i * 9 + k]); C[i] = s;")),
    "a shift of what is not negative": (each("i >> 1"), each("i / 2")),
    "a remainder and its quotient": (each("i / 3 * 3 + i % 3"), each("i")),
    "maximum of itself": (each("fmaxf(A[i], A[i])", FLOATS), each("A[i]", FLOATS)),
    "a maximum by hand": (each("A[i] < B[i] ? B[i] : A[i]", FLOATS), each("fmaxf(A[i], B[i])", FLOATS)),
    "from minus infinity": (
        block("double s = -INFINITY; for (int k = 0; k < 8; k++) s = fmax(s, A[i * 8 + k]); C[i] = s;", DOUBLES),
        block("double s = A[i * 8]; for (int k = 0; k < 8; k++) s = fmax(s, A[i * 8 + k]); C[i] = s;", DOUBLES)),
    "from the lowest float": (
        block("float s = -3.402823466e+38f; for (int k = 0; k < 8; k++) s = fmaxf(s, A[i * 8 + k]); C[i] = s;", FLOATS),
        block("float s = A[i * 8]; for (int k = 1; k < 8; k++) s = fmaxf(s, A[i * 8 + k]); C[i] = s;", FLOATS)),
    "terms in another order": (each("A[i] + B[i]", FLOATS), each("B[i] + A[i]", FLOATS)),
    "minus a difference": (each("A[i] - B[i]", FLOATS), each("-B[i] + A[i]", FLOATS)),
    "nothing added": (each("A[i] * 1.0f + 0.0f", FLOATS), each("A[i]", FLOATS)),
    "a root upside down": (each("1.0f / sqrtf(A[i])", FLOATS), each("rsqrtf(A[i])", FLOATS)),
    "a square": (each("powf(A[i], 2.0f)", FLOATS), each("A[i] * A[i]", FLOATS)),
    "not less": (each("!(A[i] < B[i]) ? 1.0f : 2.0f", FLOATS), each("A[i] < B[i] ? 2.0f : 1.0f", FLOATS)),
    "greater": (each("A[i] > B[i] ? 1.0f : 2.0f", FLOATS), each("B[i] < A[i] ? 1.0f : 2.0f", FLOATS)),
    "cases in another order": (each("i < 4 ? A[i] : (i < 6 ? B[i] : 0)"), each("i >= 6 ? 0 : (i >= 4 ? B[i] : A[i])")),
}


@pytest.mark.parametrize("name", DIFFER)
def test_what_may_differ_is_not_equal(name: str) -> None:
    a, b = DIFFER[name]
    assert asked(a, a).equal == (name != "NaN is not itself"), "the pair must fail because the two differ"
    assert not asked(a, b).equal
    assert not asked(b, a).equal


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same_is_equal(name: str) -> None:
    a, b = SAME[name]
    assert (found := asked(a, b)).equal, found.reason
    assert (found := asked(b, a)).equal, found.reason
