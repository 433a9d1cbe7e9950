"""A file as people paste it, includes, harness and main, in a cell."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parent.parent / "corpus"


def test_a_kernel_of_a_pasted_file(shell) -> None:
    text = (CORPUS / "cuda" / "file_with_main.cu").read_text()
    shell.run_cell_magic("xpile", "--to hip --kernel gelu_kernel -o p", text)
    port = shell.user_ns["p"]
    assert port.finished and port.error is None and "grid((count + 191) / 192) block(192)" in port.code
    assert "main" not in port.code and "vector" not in port.code


def test_a_pasted_file_of_several_kernels(shell) -> None:
    text = (CORPUS / "hip" / "file_gemm_bias.hip").read_text()
    shell.run_cell_magic("xpile", "--to c -o p", text)
    suite = shell.user_ns["p"]
    assert suite.finished and suite.code.count("static void") == 2
    from xpiler_jupyter.notebook.display import bundle

    shown = bundle(suite)
    assert "gemm: loop_recovery" in shown["text/plain"] and "bias_relu: loop_recovery" in shown["text/html"]


def test_what_callers_make_sure_of(shell) -> None:
    text = (CORPUS / "hip" / "file_contract_assumed.hip").read_text()
    shell.run_cell_magic("xpile", "--to cuda --assume 'n % 32 == 0' -o p", text)
    assert "n % 32 == 0" in shell.user_ns["p"].verdict.assumptions
