"""A file as a person pastes it into a cell: #includes, macros, timers, host code and main included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[[str], Any]
CORPUS = Path(__file__).parents[1] / "corpus"


@pytest.mark.parametrize(("file", "target", "kernel"), [
    ("cuda/file_with_main.cu", "hip", "gelu_kernel"),
    ("cuda/file_two_instances.cu", "hip", ""),
    ("cuda/file_grid_from_device.cu", "c", ""),
])
def test_a_pasted_file_is_ported(run: Run, file: str, target: str, kernel: str) -> None:
    text = (CORPUS / file).read_text()
    named = f" --kernel {kernel}" if kernel else ""
    ran = run(f"%%xpile --to {target}{named}\n{text}")
    assert ran.success and ran.value.finished, ran.err
    assert ran.value.verdict.reaches("tested"), ran.value.verdict
    assert "int main" not in ran.value.code and "#include <vector>" not in ran.value.code


def test_a_kernel_that_the_file_does_not_have(run: Run) -> None:
    text = (CORPUS / "cuda/file_with_main.cu").read_text()
    ran = run(f"%%xpile --to hip --kernel relu_kernel\n{text}")
    assert not ran.success and "relu_kernel" in ran.err and "gelu_kernel" in ran.err and "Traceback" not in ran.err
