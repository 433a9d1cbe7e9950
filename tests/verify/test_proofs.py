"""Proofs as evidence: what is proved at which sizes under which assumptions, what wrappers do to it, and that texts that
differ are never proved equal."""

from __future__ import annotations

import pytest

from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port
from xpiler_jupyter.running import subject_of
from xpiler_jupyter.verify.evidence import Evidence
from xpiler_jupyter.verify.proofs import Question, answers, first_proof
from xpiler_jupyter.verify.subject import Subject
from xpiler_jupyter.verify.verdict import verdict_of, verdict_of_proof
from xpiler_jupyter.verify.why import explained

SCALE = """
void scale(const float* x, float* y, float f, int n) {
  for (int i = 0; i < n; i++) {
    y[i] = f * x[i];
  }
}
"""
ON_DEVICE = """
__global__ void scale_kernel(const float* a, float* b, float g, int len) {
  int i = blockIdx.x * 128 + threadIdx.x;
  if (i < len) {
    b[i] = a[i] * g;
  }
}

extern "C" void scale(const float* x, float* y, float f, int n) {
  float *a, *b;
  cudaMalloc(&a, n * sizeof(float));
  cudaMalloc(&b, n * sizeof(float));
  cudaMemcpy(a, x, n * sizeof(float), cudaMemcpyHostToDevice);
  scale_kernel<<<(n + 127) / 128, 128>>>(a, b, f, n);
  cudaMemcpy(y, b, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(a);
  cudaFree(b);
}
"""
ROWS = """
void row_sums(const float* x, float* out) {
  for (int i = 0; i < 48; i++) {
    float s = 0.0f;
    for (int j = 0; j < 96; j++) {
      s += x[i * 96 + j];
    }
    out[i] = s;
  }
}
"""
IN_TILES = ROWS.replace("for (int j = 0; j < 96; j++) {\n      s += x[i * 96 + j];", """for (int t = 0; t < 6; t++) {
      for (int j = 15; j >= 0; j--) s += x[i * 96 + t * 16 + j];""")


def subject(text: str, platform: str = "c") -> Subject:
    return subject_of(text, registry.get(platform))


def best(a: Subject, b: Subject, scalars: dict[str, int | float] | None = None) -> Evidence:
    return list(answers(Question(a, b, scalars)))[-1]


def test_all_sizes_through_a_wrapper_of_other_names() -> None:
    found = best(subject(SCALE), subject(ON_DEVICE, "cuda"))
    assert found.status == "pass" and found.data["sizes"] == "all" and found.data["exact"], found
    verdict = verdict_of_proof(found)
    assert verdict.level == "proved" and verdict.number_model == "bit-exact"
    assert "sizes are at least 1, and no index overflows" in verdict.assumptions
    assert any("race" in a for a in verdict.assumptions)


def test_sizes_first_then_all() -> None:
    found = list(answers(Question(subject(SCALE), subject(ON_DEVICE, "cuda"), {"n": 1000, "f": 0.5})))
    assert [e.data["sizes"] for e in found] == ["these", "all"] and "n=1000" in found[0].detail


@pytest.mark.parametrize(("before", "after"), [
    ("(a, b, f, n)", "(a, b, 2.0f, n)"),  # another scalar
    ("(a, b, f, n)", "(b, a, f, n)"),  # buffers the other way round
    ("(a, b, f, n);", "(a, b, f, n - 1);"),  # one element too few
    ("i < len", "i < len - 1"),
    ("a[i] * g", "a[i] + g"),
    ("* 128 +", "* 127 +"),
    ("(n + 127) / 128, 128", "n / 128, 128"),
])
def test_what_differs_is_not_proved(before: str, after: str) -> None:
    assert before in ON_DEVICE
    other = subject(ON_DEVICE.replace(before, after), "cuda")
    for scalars in (None, {"n": 1000, "f": 0.5}):
        assert all(e.status != "pass" for e in answers(Question(subject(SCALE), other, scalars)))


def test_an_output_that_is_not_written_whole_and_not_copied_in() -> None:
    """Elements that the kernel skips come back as whatever the device's memory held."""
    some = SCALE.replace("i < n", "i < n / 2")
    device = ON_DEVICE.replace("i < len", "i < len / 2")
    found = best(subject(some), subject(device, "cuda"), {"n": 1000, "f": 0.5})
    assert found.status == "unknown" and "not known to be written whole" in found.detail
    copied = device.replace("  scale_kernel<<<", "  cudaMemcpy(b, y, n * sizeof(float), cudaMemcpyHostToDevice);\n  scale_kernel<<<")
    assert best(subject(some), subject(copied, "cuda"), {"n": 1000, "f": 0.5}).status == "pass"


def test_what_the_wrapper_fills_is_no_input() -> None:
    summed = SCALE.replace("y[i] =", "y[i] +=")
    filled = ON_DEVICE.replace("b[i] =", "b[i] +=").replace("  scale_kernel<<<", "  cudaMemset(b, 0, n * 4);\n  scale_kernel<<<")
    found = best(subject(summed), subject(filled, "cuda"), {"n": 1000, "f": 0.5})
    assert found.status == "unknown" and "only one of the two wrappers copies it in" in found.detail
    copied = filled.replace("cudaMemset(b, 0, n * 4)", "cudaMemcpy(b, y, n * sizeof(float), cudaMemcpyHostToDevice)")
    assert best(subject(summed), subject(copied, "cuda"), {"n": 1000, "f": 0.5}).status == "pass"


def test_sums_in_another_order_are_equal_as_real_numbers() -> None:
    found = best(subject(ROWS), subject(IN_TILES))
    assert found.status == "pass" and not found.data["exact"]
    assert any("any order" in a for a in found.data["assumptions"])
    assert best(subject(ROWS), subject(IN_TILES.replace("t < 6", "t < 5"))).status == "unknown"
    assert best(subject(ROWS), subject(IN_TILES.replace("t * 16", "t * 15"))).status == "unknown"


def test_other_interfaces_are_no_error() -> None:
    found = best(subject(SCALE), subject(ROWS))
    assert found.status == "unknown" and found.detail.startswith("not proved equal")
    three = "void f(const float* a, const float* b, float* c) { c[0] = a[0] + b[0]; }"
    assert "takes 3 buffers" in best(subject(ROWS), subject(three)).detail


def test_a_text_outside_the_language_is_no_error() -> None:
    plain = Subject("void row_sums(const float* x, float* out) { goto end; end: ; }", registry.get("c"), None, "row_sums")
    assert best(subject(ROWS), plain).status == "unknown"


def test_in_a_process_of_its_own() -> None:
    found = first_proof(Question(subject(ROWS), subject(IN_TILES)), 20.0)[0]
    assert found.status == "pass" and found.seconds < 20


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr("xpiler_jupyter.verify.proofs.prove", lambda *_: time.sleep(60))
    found = first_proof(Question(subject(ROWS), subject(IN_TILES)), 0.5)[0]
    assert found.status == "unknown" and "no answer within 0.5 s" in found.detail


# -- the verdict -------------------------------------------------------------------------------------------------------

PASSED = Evidence("test", "pass", "8 inputs agree", data={"number_model": "bit-exact"})
PROOF = Evidence("equivalence", "pass", "equal", data={"sizes": "these", "exact": True, "parallel": True, "assumptions": ["A"]})


def test_a_proof_needs_the_tests_too() -> None:
    assert verdict_of([PROOF]).level == "untested"
    assert verdict_of([Evidence("test", "unknown", "too large"), PROOF]).level == "untested"
    found = verdict_of([PASSED, PROOF])
    assert found.level == "proved_sizes" and found.number_model == "bit-exact" and "A" in found.assumptions


def test_safety_that_is_not_known_is_an_assumption() -> None:
    assert sum("not proved" in a for a in verdict_of([PASSED, PROOF]).assumptions) == 3
    safe = [Evidence(k, "pass", "") for k in ("races", "barriers", "bounds")]
    assert not any("not proved" in a for a in verdict_of([PASSED, *safe, PROOF]).assumptions)
    raced = Evidence("races", "fail", "threads 0 and 1 write x[0]")
    assert verdict_of([PASSED, raced, PROOF]).level == "wrong"


def test_a_failed_test_wins_and_says_so() -> None:
    found = verdict_of([Evidence("test", "fail", "y[3] is 1, expected 2"), PROOF])
    assert found.level == "wrong" and "bug of xpiler-jupyter" in found.detail


def test_real_arithmetic_stands_beside_what_was_measured() -> None:
    loose = Evidence("equivalence", "pass", "equal", data={"sizes": "all", "exact": False, "assumptions": []})
    assert verdict_of([PASSED, loose]).number_model == "real arithmetic; bit for bit equal on all tests"
    measured = Evidence("test", "pass", "", data={"number_model": "real arithmetic, max error 3 ulp"})
    assert verdict_of([measured, loose]).number_model == "real arithmetic, max error 3 ulp"
    assert verdict_of([measured, loose]).level == "proved"


def test_safety_at_some_sizes_is_not_safety_at_all() -> None:
    everywhere = Evidence("equivalence", "pass", "equal", data={"sizes": "all", "exact": True, "parallel": True})
    safe = [Evidence(k, "pass", "") for k in ("races", "barriers", "bounds")]
    assert any("other sizes" in a for a in verdict_of([PASSED, *safe, everywhere]).assumptions)


def test_a_violation_without_a_run_that_shows_it_takes_the_proof_away() -> None:
    raced = Evidence("races", "unknown", "threads 0 and 1 write x[0]", data={"violated": True})
    found = verdict_of([PASSED, raced, PROOF])
    assert found.level == "tested" and "write x[0]" in found.detail


# -- ports -------------------------------------------------------------------------------------------------------------


def test_a_port_without_proofs_is_tested() -> None:
    port = Port(ROWS, "cuda", prove=0).run()
    assert port.verdict.level == "tested"
    assert not any(e.kind in ("equivalence", "step") for s in port.steps for e in s.evidence)


def test_the_safety_of_a_port_is_proved_too() -> None:
    port = Port(ROWS, "cuda").run()
    assert {e.kind: e.status for e in port.steps[-1].evidence if e.kind in ("races", "bounds", "barriers")} == {
        "races": "pass", "bounds": "pass", "barriers": "pass"}
    assert port.verdict.level == "proved_sizes" and not any("not proved" in a for a in port.verdict.assumptions)


def test_steps_are_proved_when_someone_looks_at_each() -> None:
    port = Port(ROWS, "bang")
    while port.next() is not None:
        port.accept()
    kinds = [{e.kind: e.status for e in s.evidence} for s in port.steps]
    assert all(k.get("step", k.get("equivalence")) == "pass" for k in kinds), kinds
    assert all(s.verdict.reaches("proved_sizes") for s in port.steps)


def test_why_tells_what_outputs_are_made_of() -> None:
    lines = "\n".join(explained(Question(subject(ROWS), subject(IN_TILES))))
    assert "line 8 of the source: out[i] = sum over k = 0..95 of x[i, k]" in lines
    assert "of the port: out[i] = sum over k = 0..5, q = 0..15 of x[i, (15 + 16k - q)]" in lines
    port = Port(ROWS, "hip").run()
    assert "equal to the source" in port.why() and "loop_bind" in port.why()


def test_a_wrong_edit_is_wrong_and_not_proved() -> None:
    port = Port(ROWS, "hip").run()
    step = port.edit(port.code.replace("+=", "-="))
    assert step.verdict.level == "wrong" and "bug of" not in step.verdict.detail
