"""Variants of a platform: other architectures' memories, intrinsics and macros, and the tolerant simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xpiler_jupyter.errors import UsageError, XpilerError
from xpiler_jupyter.execute import executor
from xpiler_jupyter.execute.api import Argument, Entry, Launch
from xpiler_jupyter.frontend.module import parse
from xpiler_jupyter.ir.types import F32
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port

ADD = """extern "C" void add(const float* A, const float* B, float* C) {
  for (int i = 0; i < 90000; i++) C[i] = A[i] + B[i];
}"""
HEAD = 'extern "C" __mlu_global__ void k(float* a, float* b, float* out) {\n__nram__ float x[64];\n'
PAST = HEAD + "__memcpy(x, a, 256, GDRAM2NRAM);\n__bang_add(x, x, b, 64);\n__memcpy(out, x, 256, NRAM2GDRAM);\n}"
NUMBER = HEAD + "if (coreId == 0) out[0] = __BANG_ARCH__ + __MLU_NRAM_SIZE__;\n}"


def run(name: str, text: str) -> Any:
    entry = Entry("k", tuple(Argument(x, F32, True) for x in ("a", "b", "out")), Launch((1, 1, 1), (1, 1, 1)))
    arrays = {x: np.full(64, 2, np.float32) for x in ("a", "b", "out")}
    return executor(registry.get(name), "sim").compile(text, entry).run(arrays, {})


def capacity(name: str) -> int | None:
    memory = registry.get(name).memory("nram")
    assert memory is not None
    return memory.capacity


def test_the_usual_one_needs_no_word() -> None:
    assert registry.get("bang@mtp_592") is registry.get("bang")
    assert registry.get("bang@flat@mtp_372").name == registry.get("bang@mtp_372@flat").name == "bang@mtp_372@flat"
    assert "bang@mtp_372" not in registry.names() and registry.get("bang@mtp_372").family == "bang"


def test_memories_and_rows_follow_the_architecture() -> None:
    sizes = {a: capacity(f"bang@{a}") for a in ("mtp_290", "mtp_372", "mtp_592")}
    assert sizes == {"mtp_290": 384 << 10, "mtp_372": 640 << 10, "mtp_592": 384 << 10}
    newest = next(r for r in registry.get("bang").instrs if r.arch == ("mtp_592",))
    assert registry.get("bang@mtp_372").instr(newest.name) is None
    assert registry.get("bang@mtp_372").instr("__bang_add.f32") is registry.get("bang").instr("__bang_add.f32")


@pytest.mark.parametrize(("name", "value"), [("bang", 592 + 512), ("bang@mtp_372", 372 + 768), ("bang@mtp_290", 290 + 512)])
def test_the_simulator_is_that_of_the_architecture(name: str, value: int) -> None:
    assert run(name, NUMBER).outputs["out"][0] == value


def test_a_kernel_belongs_to_its_variant() -> None:
    platform = registry.get("bang@mtp_372")
    kernel = parse(PAST.replace("x, b, 64", "x, x, 64"), platform)
    assert kernel.platform == "bang@mtp_372"
    assert platform.emit(kernel) == registry.get("bang").emit(parse(PAST.replace("x, b, 64", "x, x, 64"), "bang"))


def test_flat_does_not_check_operands() -> None:
    strict, flat = run("bang", PAST), run("bang@flat", PAST)
    assert strict.fault is not None and "src1 must lie in NRAM" in strict.fault.message
    assert flat.fault is None and flat.outputs["out"][5] == 4


def test_a_port_to_another_architecture() -> None:
    texts = {}
    for arch in ("mtp_290", "mtp_372", None):
        port = Port(ADD, "bang", arch=arch, device="sim").run()
        assert port.finished and port.verdict.reaches("tested")
        texts[arch] = port.code
    assert "for mtp_372" in Port(ADD, "bang", arch="mtp_372").target.title
    assert "__bang_add(" in texts["mtp_372"]


def test_a_saved_port_keeps_its_architecture(tmp_path: Any) -> None:
    port = Port(ADD, "bang", arch="mtp_372")
    port.save(tmp_path / "port.json")
    assert Port.load(tmp_path / "port.json").target is port.target


@pytest.mark.parametrize(("name", "match"), [
    ("bang@mtp_999", "Cambricon BANG C has no switch 'mtp_999'"),
    ("c@flat", "has no switch 'flat'"),
    ("bang@mtp_290@mtp_372", "which architecture"),
    ("bong@flat", "there is no platform 'bong'"),
])
def test_unknown_switches(name: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        registry.get(name)


def test_a_switch_that_neither_side_has() -> None:
    with pytest.raises(XpilerError, match="neither plain C nor NVIDIA CUDA has switch 'mtp_372'"):
        Port(ADD, "cuda", arch="mtp_372")
    with pytest.raises(XpilerError, match="neither plain C nor NVIDIA CUDA has switch 'flat'"):
        Port(ADD, "cuda", flat=True)
