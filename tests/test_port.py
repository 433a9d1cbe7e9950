"""The port as a state machine: forward, decisions, edits, undo, saving; and that bad input never loses it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xpiler_jupyter.errors import ParseError, StateError, UsageError, WrongResultError, XpilerError
from xpiler_jupyter.port import Port
from xpiler_jupyter.record import Event

SCALE_ADD = """
void scale_add(const float* x, const float* y, float* out) {
  for (int i = 0; i < 1000; i++) {
    out[i] = 2.0f * x[i] + y[i];
  }
}
"""

TILE_SUM = """
__global__ void tile_sum(const float* x, float* sums, int n) {
  __shared__ float part[64];
  int i = blockIdx.x * 64 + threadIdx.x;
  part[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  for (int s = 32; s > 0; s /= 2) {
    if (threadIdx.x < s) {
      part[threadIdx.x] += part[threadIdx.x + s];
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    sums[blockIdx.x] = part[0];
  }
}

extern "C" void tile_sums(const float* x, float* sums, int n) {
  float *d_x, *d_sums;
  int blocks = (n + 63) / 64;
  cudaMalloc(&d_x, n * sizeof(float));
  cudaMalloc(&d_sums, blocks * sizeof(float));
  cudaMemcpy(d_x, x, n * sizeof(float), cudaMemcpyHostToDevice);
  tile_sum<<<blocks, 64>>>(d_x, d_sums, n);
  cudaMemcpy(sums, d_sums, blocks * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(d_x);
  cudaFree(d_sums);
}
"""


def test_c_becomes_cuda_and_runs() -> None:
    port = Port(SCALE_ADD, "cuda").run()
    assert port.finished and port.verdict.level == "proved_sizes"
    assert "__global__" in port.code and 'extern "C" void scale_add(' in port.code
    x, y = np.arange(1000, dtype=np.float32), np.ones(1000, dtype=np.float32)
    np.testing.assert_array_equal(port(x, y), 2 * x + y)


@pytest.mark.parametrize("target", ["c", "hip"])
def test_a_shared_memory_reduction_is_ported_with_its_barriers(target: str) -> None:
    port = Port(TILE_SUM, target).run()
    assert port.verdict.level == "proved", port.verdict
    x = np.arange(150, dtype=np.float32)
    got = port(x, np.zeros(3, np.float32), 150)
    np.testing.assert_allclose(got, [x[:64].sum(), x[64:128].sum(), x[128:].sum()])
    assert 'extern "C" void tile_sums(' in port.code


def test_every_step_carries_texts_and_evidence() -> None:
    port = Port(SCALE_ADD, "hip").run()
    assert "void scale_add(const float* x" in port.steps[0].before and port.source_text == SCALE_ADD
    for before, after in zip(port.steps, port.steps[1:], strict=False):
        assert after.before == before.after
    for step in port.steps:
        assert step.state == "accepted" and step.verdict.level in ("tested", "proved_sizes")
        assert {e.kind for e in step.evidence} >= {"compile", "test"}
    assert port.steps[-1].verdict.level == "proved_sizes"


def test_stepping_by_hand_and_undo() -> None:
    port = Port(SCALE_ADD, "cuda")
    first = port.next()
    assert first is not None and port.pending is first and port.code == SCALE_ADD
    with pytest.raises(StateError, match="waiting"):
        port.next()
    port.accept()
    assert port.code == first.after
    port.undo()
    assert port.pending is not None and port.code == SCALE_ADD
    port.undo()
    assert port.steps == ()
    with pytest.raises(StateError, match="nothing to undo"):
        port.undo()


def test_a_wrong_edit_is_caught_shown_and_not_accepted() -> None:
    port = Port(SCALE_ADD, "cuda").run()
    good = port.code
    step = port.edit(good.replace("2.0f * ", "2.5f * "))
    assert step.verdict.level == "wrong"
    failed = next(e for e in step.evidence if e.status == "fail")
    assert "out" in failed.detail
    with pytest.raises(StateError, match="wrong"):
        port.accept()
    port.reject()
    assert port.code == good


def test_a_right_edit_is_taken() -> None:
    port = Port(SCALE_ADD, "cuda").run()
    step = port.edit(port.code.replace("2.0f * ", "2 * "))
    assert step.engine == "edit" and step.verdict.level == "proved_sizes"
    port.accept()
    assert "2 * " in port.code and port.finished


def test_text_that_does_not_parse_changes_nothing() -> None:
    port = Port(SCALE_ADD, "cuda").run()
    steps, code = port.steps, port.code
    with pytest.raises(ParseError):
        port.edit(code.replace("{", "", 1))
    assert port.steps == steps and port.code == code


def test_editing_an_earlier_step_replays_the_later_ones() -> None:
    port = Port(SCALE_ADD, "cuda").run()
    assert len(port.steps) >= 2
    names = [s.pass_name for s in port.steps]
    port.edit(port.steps[0].after.replace("2.0f * ", "2 * "), step=0)
    assert [s.pass_name for s in port.steps] == ["edit", *names[1:]]
    assert all(s.state == "accepted" for s in port.steps) and "2.0f * " in port.code


def test_a_port_survives_saving(tmp_path: Path) -> None:
    port = Port(SCALE_ADD, "cuda", seed=7).run()
    port.save(tmp_path / "port.json")
    again = Port.load(tmp_path / "port.json")
    assert again.code == port.code and again.verdict == port.verdict and again.seed == 7
    assert [s.as_dict() for s in again.steps] == [s.as_dict() for s in port.steps]
    again.back_to(1)
    assert again.run().finished
    (tmp_path / "no.json").write_text("[1")
    with pytest.raises(UsageError, match="not a saved port"):
        Port.load(tmp_path / "no.json")


def test_events_tell_the_story_in_order() -> None:
    seen: list[Event] = []
    port = Port(SCALE_ADD, "cuda")
    port.on(seen.append)
    port.run()
    kinds = [e.kind for e in seen if e.kind != "progress"]
    assert kinds[0] == "source" and kinds[-1] == "done"
    assert kinds[1:-1] == ["proposed", "accepted"] * len(port.steps)


def test_an_unknown_device_is_said_at_once() -> None:
    with pytest.raises(UsageError, match="nowhere"):
        Port(SCALE_ADD, "cuda", device="nowhere")


def test_cancel_keeps_what_is_done() -> None:
    port = Port(SCALE_ADD, "cuda")
    port.on(lambda e: port.cancel() if e.kind == "accepted" else None)
    port.run()
    assert len(port.steps) == 1 and not port.finished
    port._listeners.clear()
    assert port.run().finished


@pytest.mark.parametrize("text", ["import numpy as np\nx = np.ones(3)\n", "void f(float* x) { for (int i = 0; i <", "", "int f();"])
def test_a_text_that_is_no_kernel_is_one_clear_error(text: str) -> None:
    with pytest.raises(XpilerError) as err:
        Port(text, "cuda")
    assert "Traceback" not in err.value.render()


def test_a_wrong_rule_would_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in a pass must not reach the result: the judge stands between."""
    from xpiler_jupyter.ir.nodes import Const
    from xpiler_jupyter.ir.visit import Rewriter
    from xpiler_jupyter.passes import _registry as registry

    class Spoil(Rewriter):
        def visit_Const(self, node: Const) -> Const:
            return Const(3.0, node.dtype) if node.value == 2.0 and node.dtype.is_float else node

    bind = registry.get("loop_bind")
    right = type(bind).apply

    def wrong(self: object, *args: object, **knobs: object) -> object:
        from dataclasses import replace

        result = right(self, *args, **knobs)  # type: ignore[arg-type]
        return replace(result, kernel=Spoil().visit(result.kernel))

    monkeypatch.setattr(type(bind), "apply", wrong)
    port = Port(SCALE_ADD, "cuda")
    with pytest.raises(WrongResultError):
        port.run()
    assert not port.finished and "__global__" not in port.code


PRODUCTS = """
void products(const float* x, const float* y, float* out) {
  for (int i = 0; i < 1000; i++) {
    out[i] = x[i] * y[i];
  }
}
"""


@pytest.mark.parametrize("allow", [(), ("int8",)])
def test_narrower_types_need_leave_and_are_written_on_the_verdict(allow: tuple[str, ...], tmp_path: Path) -> None:
    port = Port(PRODUCTS, "cuda", allow=allow).run()
    assert not any("integers in" in a for a in port.verdict.assumptions), "nothing narrower was used yet"
    text = port.code.replace("x[i] * y[i]", "(float)((int)(signed char)x[i] * (int)(signed char)y[i])")
    assert text != port.code
    step = port.edit(text)
    assert step.verdict.level == ("tested" if allow else "wrong"), step.verdict.detail
    if allow:
        port.accept()
        assert "values of x, y are integers in [-128, 127]" in port.verdict.assumptions
        port.save(tmp_path / "port.json")
        again = Port.load(tmp_path / "port.json")
        assert again.allow == ("int8",) and again.current is not None and again.current.uses == ("int8",)
    with pytest.raises(UsageError, match="no such type"):
        Port(PRODUCTS, "cuda", allow=["int9000"])


@pytest.mark.parametrize("target", ["bang", "vnni"])
def test_only_what_instrs_write_comes_back(target: str) -> None:
    text = 'extern "C" void add(const float* a, const float* b, float* c) { for (int i = 0; i < 64; i++) c[i] = a[i] + b[i]; }'
    port = Port(text, target)
    port.run()
    assert "_add" in port.code
    a, b = np.arange(64, dtype=np.float32), np.full(64, 2, np.float32)
    assert np.array_equal(port(a, b, np.zeros(64, np.float32)), a + b)
