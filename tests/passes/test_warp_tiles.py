"""A tile of a matrix product for a warp: what the text looks like, that it computes the same, and what is refused."""

from __future__ import annotations

import pytest

from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import InstrCall, Kernel
from xpiler_jupyter.ir.simplify import simplify
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as registry
from xpiler_jupyter.passes._contraction import Contraction, contraction
from xpiler_jupyter.passes._warp_rows import matrix_units
from xpiler_jupyter.passes._warp_tiles import warp_tile
from xpiler_jupyter.passes.base import loop_labels
from xpiler_jupyter.platforms import registry as platforms
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.subject import Subject
from xpiler_jupyter.verify.verdict import verdict_of

C, CUDA = platforms.meeting_point(), platforms.get("cuda")
BODY = "sum += (float)A[i * 48 + k] * (float)B[k * 64 + j];"


def product(body: str = BODY, start: str = "0.0f", end: str = "sum", rows: int = 32, cols: int = 64, depth: int = 48,
            types: tuple[str, str] = ("_Float16", "float")) -> str:
    factor, out = types
    return f"""extern "C" void mm(const {factor}* A, const {factor}* B, {out}* C, const float* bias) {{
  for (int i = 0; i < {rows}; i++) {{
    for (int j = 0; j < {cols}; j++) {{
      {out} sum = {start};
      for (int k = 0; k < {depth}; k++) {{
        {body}
      }}
      C[i * {cols} + j] = {end};
    }}
  }}
}}
"""


def bound(text: str, tile: tuple[int, int] = (16, 16)) -> Kernel:
    """The kernel with one thread for each tile of the result."""
    kernel = parse(text, C)
    for name, knobs in (("loop_split", {"loop": "i", "factor": tile[0]}), ("loop_split", {"loop": "j", "factor": tile[1]}),
                        ("loop_reorder", {"order": ["i_outer", "j_outer", "i_inner", "j_inner"]}),
                        ("loop_bind", {"bind": {"i_outer": "blockIdx.y", "j_outer": "blockIdx.x"}})):
        kernel = simplify(registry.get(name).apply(kernel, CUDA, **knobs).kernel)
    return kernel


def tile(text: str, shape: tuple[int, int] = (16, 16), allow: tuple[str, ...] = ()) -> Kernel | str:
    kernel = bound(text, shape)
    made = warp_tile(kernel, loop_labels(kernel)["i_inner"], CUDA, allow)
    return made if isinstance(made, str) else simplify(made[0])


def verdict(source: str, after: Kernel) -> str:
    """How far the text of `after` gets when it is judged against the source."""
    judge = Judge(Subject(source, C, parse(source, C)))
    return verdict_of(judge.test(Subject(CUDA.emit(after), CUDA, None)), ()).level


@pytest.mark.parametrize("text", [
    product(),
    product(start="C[i * 64 + j]", end="sum"),
    product(end="sum * 0.5f + 1.0f"),
    product("sum += (float)A[k * 32 + i] * (float)B[j * 48 + k];"),  # both transposed
    product("sum += B[k * 64 + j] * A[i * 48 + k];", types=("double", "double")),
], ids=["plain", "goes-on", "scaled", "transposed", "double"])
def test_a_tile_runs_on_the_tensor_cores(text: str) -> None:
    if "double" in text:
        made = tile(text, (8, 8))
    else:
        made = tile(text)
    assert isinstance(made, Kernel), made
    assert "mma_sync" in CUDA.emit(made)
    assert verdict(text, made) == "tested"


@pytest.mark.parametrize(("text", "why"), [
    (product("sum += A[i * 48 + k] * B[k * 64 + j];", types=("float", "float")), "needs --allow tf32"),
    (product("sum += A[i * 48 + k] * B[k * 64 + j];", types=("int8_t", "int"), start="0"), "addresses"),
    (product(depth=40), "multiple of 16"),
    (product(end="sum + bias[j]"), "differ from element to element"),
    (product("sum += (float)A[i * 48 + k] * (float)B[k * 64 + j] * 2.0f;"), "not a sum of products"),
    (product("sum += (float)A[i * 48 + k] * (float)B[i * 64 + k];"), "do not move with"),
    (product("sum += (float)A[i * 48 + k] * (float)B[k * 65 + j];"), "addresses"),
], ids=["float", "int8", "depth", "bias", "factor", "index", "aligned"])
def test_what_does_not_fit_is_said(text: str, why: str) -> None:
    made = tile(text)
    assert isinstance(made, str) and why in made


def test_floats_may_use_tf32_when_allowed() -> None:
    made = tile(product("sum += A[i * 48 + k] * B[k * 64 + j];", types=("float", "float")), allow=("tf32",))
    assert isinstance(made, Kernel)
    assert any(isinstance(n, InstrCall) and "tf32" in n.instr for n in walk(made.body))


def test_sums_over_several_loops() -> None:
    text = """extern "C" void conv(const float* X, const float* W, float* Y) {
      for (int x = 0; x < 16; x++) for (int o = 0; o < 16; o++) {
        Y[x * 16 + o] = 0.0f;
        for (int d = 0; d < 3; d++) for (int c = 0; c < 16; c++)
          Y[x * 16 + o] += X[(x + d) * 16 + c] * W[(d * 16 + c) * 16 + o];
      }
    }"""
    kernel = parse(text, C)
    found = contraction(kernel, loop_labels(kernel)["x"])
    assert isinstance(found, Contraction)
    assert [lp.var for lp in found.reductions] == ["d", "c"]
    assert (found.a.load.buffer, found.b.load.buffer) == ("X", "W")


def test_units_fit_together() -> None:
    units = matrix_units("cuda")
    assert {u.factors[0].name for u in units} >= {"f16", "bf16", "i8", "u8", "f32", "f64"}
    for u in units:
        d, a, b, c = u.multiply.operands[:4]
        assert u.load_a.operands[0].declared == a.declared and u.load_b.operands[0].declared == b.declared
        assert u.fill.operands[0].declared == c.declared == d.declared
        assert u.store["row"].operands[1].declared == d.declared
