"""Which loops may be run in part: what the first iterations write must be what the whole kernel leaves there."""

from __future__ import annotations

import pytest

from xpiler_jupyter.dataflow.prefix import keeps_prefix
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.passes.base import loop_labels


def refusal(body: str, loop: str = "i") -> str:
    kernel = parse(f'extern "C" void f(float* A, float* B, float* C, int n, int m) {{ {body} }}', "c")
    return keeps_prefix(kernel, loop_labels(kernel)[loop]).reason


@pytest.mark.parametrize("body", [
    "for (int i = 0; i < n; i++) A[i] = B[i];",
    "float s = 0; for (int i = 0; i < n; i++) { s += B[i]; A[i] = s; }",  # serial, and still the first ones are final
    "float t[8]; t[0] = B[0]; for (int i = 0; i < n; i++) { t[(i + 1) % 2] = B[i + 1]; A[i] = t[i % 2]; }",
    "for (int i = 0; i < n; i++) for (int j = 0; j < m; j++) A[i * m + j] += B[j];",
    "for (int i = 0; i < n; i++) A[i] = A[i + 1];",
    "for (int i = 0; i < n; i++) A[n - i] = A[i];",
    "for (int b = 0; b < 4; b++) { float t[64]; for (int i = 0; i < 64; i++) { t[i] = B[i]; A[b * 64 + i] = t[i]; } }",
])
def test_the_first_iterations_alone(body: str) -> None:
    assert refusal(body) == ""


@pytest.mark.parametrize(("body", "words"), [
    ("for (int i = 0; i < n; i++) A[0] += B[i];", "A is written in one iteration of loop i and written in a later one"),
    ("for (int i = 0; i < n; i++) A[i / 2] = B[i];", "written in a later one"),
    ("for (int i = 0; i < n; i++) A[i] = B[i]; A[3] = 0;", "A is written outside of loop i"),
    ("for (int i = 0; i < n; i++) A[i] = 0; for (int j = 0; j < n; j++) C[j] = A[j];", "is read outside of loop i"),
    ("float s = 0; for (int i = 0; i < n; i++) s += B[i]; A[0] = s;", "A is written outside of loop i"),
    ("for (int j = 0; j < 4; j++) for (int i = 0; i < 8; i++) A[j * 8 + i] = j ? A[(j - 1) * 8 + 7 - i] : 0;",
     "A is read in one iteration of loop i and written in a later one"),
    ("float t[8]; for (int j = 0; j < 8; j++) t[j] = 0; for (int j2 = 0; j2 < 4; j2++) for (int i = 0; i < 8; i++) "
     "{ A[j2 * 8 + i] = t[7 - i]; t[i] = B[i]; }", "t carries values out of loop i"),
    ("for (int i = 0; i < n; i++) { if (B[i] > 0) break; A[i] = 1; }", "loop i may end early"),
])
def test_what_is_left_out_would_be_missed(body: str, words: str) -> None:
    assert words in refusal(body)
