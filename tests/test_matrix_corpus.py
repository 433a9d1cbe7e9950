"""Kernels of ours that use AMD's matrix instructions: what recovery makes of them, and whole ports to other platforms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import InstrCall
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.hip.device import compile_check
from xpiler_jupyter.port import Port

FILES = sorted(p for p in (Path(__file__).parent / "corpus" / "hip").glob("*.hip") if "_mfma_" in p.read_text())
HIP, C = registry.get("hip"), registry.meeting_point()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_loops_are_over_rows_and_columns(path: Path, golden: Callable[[str, str], None]) -> None:
    text = path.read_text()
    assert compile_check(text).status == "pass"
    kernel = parse(text, "hip")
    assert any(isinstance(n, InstrCall) for n in walk(kernel.body))
    printed = HIP.emit(kernel)
    assert HIP.emit(parse(printed, "hip")) == printed
    assert compile_check(printed).status == "pass"
    golden(f"loop_recovery/{path.stem}", C.emit(passes.get("loop_recovery").apply(kernel, C).kernel))


@pytest.mark.parametrize(("name", "target"), [("gemm_f16_32x32x8_lds", "c"), ("gemm_i8_16x16x16", "cuda"),
                                              ("gemm_f32_16x16x4", "cuda")])
def test_a_whole_port(name: str, target: str) -> None:
    path = next(p for p in FILES if p.stem == name)
    port = Port(path.read_text(), target).run()
    assert port.finished and port.verdict.reaches("tested"), port.verdict
    assert "mfma" not in port.code


