"""OpenMP threads: a loop with a pragma, printed, read, bound and recovered."""

from __future__ import annotations

import pytest

from xpiler_jupyter.errors import IllegalPassError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir import spec
from xpiler_jupyter.ir.nodes import For
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _plan_lanes
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry

VNNI, C = registry.get("vnni"), registry.get("c")
TEXT = """extern "C" void add(const float* A, float* C) {{
  #pragma omp {pragma}
  for (int i = 0; i < 1024; i++) {{
    C[i] = A[i] + 1.0f;
  }}
}}
"""
ROWS = """extern "C" void rows(const float* A, float* C) {
  float row[8];
  for (int i = 0; i < 4096; i++) {
    for (int j = 0; j < 8; j++) row[j] = A[i * 8 + j];
    float sum = 0.0f;
    for (int j = 0; j < 8; j++) sum += row[7 - j];
    C[i] = sum;
  }
  row[0] = 1.0f;
  C[0] += row[0];
}
"""


def _kinds(text: str) -> list[str]:
    return [n.kind for n in walk(parse(text, VNNI).body) if isinstance(n, For)]


@pytest.mark.parametrize(("pragma", "kind"), [
    ("parallel for", "threads"), ("parallel for simd schedule(static)", "threads"), ("simd", "serial"),
    ("parallel for reduction(+:x)", "serial"), ("parallel for private(x)", "serial"),
])
def test_a_pragma_says_who_runs_the_loop(pragma: str, kind: str) -> None:
    text = TEXT.format(pragma=pragma)
    assert _kinds(text) == [kind]
    printed = VNNI.emit(parse(text, VNNI))
    assert ("#pragma omp parallel for\n" in printed) == (kind == "threads")
    assert VNNI.emit(parse(printed, VNNI)) == printed


def test_a_bound_loop_keeps_its_place_and_takes_its_private_array_inside() -> None:
    kernel = parse(ROWS, C)
    bound = passes.get("loop_bind").apply(kernel, VNNI, bind={"i": "thread"}).kernel
    text = VNNI.emit(spec.check(bound))
    inside = text.partition("#pragma omp parallel for\n  for (int i = 0; i < 4096; i++) {\n")[2]
    assert inside.lstrip().startswith("float row_1[8];")
    assert "row[0] = 1.0f;" in inside
    back = passes.get("loop_recovery").apply(bound, C)
    assert not back.assumptions
    assert "omp" not in C.emit(spec.check(back.kernel))


def test_a_loop_whose_iterations_depend_on_each_other_is_not_shared() -> None:
    kernel = parse('extern "C" void sum(const float* A, float* C) { for (int i = 0; i < 64; i++) C[0] += A[i]; }', C)
    with pytest.raises(IllegalPassError, match="would race"):
        passes.get("loop_bind").apply(kernel, VNNI, bind={"i": "thread"})


def test_a_race_in_the_source_is_an_assumption_of_the_recovered_kernel() -> None:
    kernel = parse(TEXT.format(pragma="parallel for").replace("C[i]", "C[i / 2]"), VNNI)
    assert any("race" in a for a in passes.get("loop_recovery").apply(kernel, C).assumptions)


def test_a_port_without_intrinsics_says_so_and_shares_work_that_is_worth_it() -> None:
    text = 'extern "C" void f(const float* A, float* C) {{ for (int i = 0; i < {}; i++) C[i] = A[i]; }}'
    big = list(_plan_lanes.literal(parse(text.format(65536), C), VNNI))
    assert [m.pass_name for m in big] == ["loop_bind", "loop_recovery"]
    small = parse(text.format(3), C)
    literal = list(_plan_lanes.literal(small, VNNI))
    assert [m.pass_name for m in literal] == ["loop_recovery"]
    done = passes.get("loop_recovery").apply(small, VNNI, **literal[0].knobs).kernel
    assert "// Plain loops, no AVX-512 instructions: " in VNNI.emit(done)
