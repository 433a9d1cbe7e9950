"""What lanes do together: every row can be written and read back, and means on loops what the simulator does on lanes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from xpiler_jupyter.errors import SourceFaultError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir.nodes import InstrCall
from xpiler_jupyter.ir.types import BOOL, I32, ScalarType
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.passes import _registry as passes
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.base import Platform
from xpiler_jupyter.platforms.instr import Instr
from xpiler_jupyter.platforms.kernel_text import definitions
from xpiler_jupyter.running import run_text, subject_of
from xpiler_jupyter.verify.judge import Judge
from xpiler_jupyter.verify.source_check import check_source

C = registry.meeting_point()
PLATFORMS = {name: registry.get(name) for name in ("cuda", "hip", "hip@wave32")}
ROWS = [(name, r.name) for name, p in PLATFORMS.items() for r in p.instrs if any(o.name == "active" for o in r.operands)]
KINDS = sorted({(name, row.split(".")[0], row.split(".")[1]) for name, row in ROWS})
# What the call's other operands are: the lane that each names, how far, which bits.
BY = {"at": "(threadIdx.x * 7 + 3) % 64", "delta": "3", "bits": "5", "width": "8", "p": "v > w"}


def _types(row: Instr) -> tuple[ScalarType, ScalarType]:
    """The types of the result and of the value that is passed."""
    by_name = {o.name: o for o in row.operands}
    d, v = by_name["d"].dtype, by_name["v"].dtype if "v" in by_name else I32
    assert isinstance(d, ScalarType) and isinstance(v, ScalarType)
    return d, v


def text_of(p: Platform, row: Instr) -> str:
    """A kernel of 128 threads whose lanes do what the row says, on a value and a limit from memory."""
    d, v = _types(row)
    width = 64 if ".64" in row.name else 8
    mask = "0xffffffffffffffffull" if row.lanes == 64 else "0xffffffffu"
    call = row.text.format(d="T r", v="v", mask=mask, active="", **{**BY, "width": str(width)}) + ";"
    body = (f"  {p.types[v]} v = x[blockIdx.x * 128 + threadIdx.x], w = x[0];\n  {call.replace('T r', p.types[d] + ' r')}\n"
            "  out[blockIdx.x * 128 + threadIdx.x] = r;\n")
    kernel = f"__global__ void k(const {p.types[v]}* x, {p.types[d]}* out) {{\n{body}}}\n"
    launch = f'extern "C" void k_host(const {p.types[v]}* x, {p.types[d]}* out) {{\n  k<<<2, 128>>>(x, out);\n}}\n'
    includes = "\n".join(f"#include <{h}>" for h in p.headers)
    return "\n".join([includes, *definitions(kernel, p), kernel, launch])


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[f"{n}-{r}" for n, r in ROWS])
def test_a_row_is_read_as_it_is_written(name: str, row: str) -> None:
    found = PLATFORMS[name].instr(row)
    assert found is not None
    kernel = parse(text_of(PLATFORMS[name], found), PLATFORMS[name])
    assert [n.instr for n in walk(kernel.body) if isinstance(n, InstrCall)] == [row]
    assert all(o.dtype == BOOL for o in found.operands if o.name == "active")


@pytest.mark.parametrize(("name", "kind", "lanes"), KINDS, ids=["-".join(k) for k in KINDS])
def test_loops_do_what_lanes_do(name: str, kind: str, lanes: str) -> None:
    """The first three types of a kind: the simulator runs the text on lanes, plain C runs what recovery makes of it."""
    platform = PLATFORMS[name]
    rows = [r for r in platform.instrs if r.name.startswith(f"{kind}.{lanes}") and any(o.name == "active" for o in r.operands)]
    for row in rows[:3]:
        text, (d, v) = text_of(platform, row), _types(row)
        loops = C.emit(passes.get("loop_recovery").apply(parse(text, platform), C).kernel)
        rng = np.random.default_rng(5)
        x = rng.integers(-40, 40, 256).astype(_dtype(v))
        results = [run_text(t, p, {"x": x.copy(), "out": np.zeros(256, _dtype(d))}, {}, kernel=None)["out"]
                   for t, p in ((text, platform), (loops, C))]
        np.testing.assert_array_equal(*results, err_msg=row.name)


def _dtype(t: ScalarType) -> str:
    return {"f": "f", "i": "i", "u": "u"}[t.name[0]] + str(t.bytes)


SUMS = """#include <hip/hip_runtime.h>
__global__ void sums(const float* x, float* y) {
  int t = blockIdx.x * 128 + threadIdx.x;
  float v = x[t];
  for (int d = WIDTH / 2; d > 0; d /= 2) v += __shfl_xor(v, d);
  if (threadIdx.x % WIDTH == 0) y[t / WIDTH] = v;
}
extern "C" void sums_host(const float* x, float* y) {
  float *d_x, *d_y;
  hipMalloc((void**)&d_x, 256 * sizeof(float));
  hipMalloc((void**)&d_y, 256 / WIDTH * sizeof(float));
  hipMemcpy(d_x, x, 256 * sizeof(float), hipMemcpyHostToDevice);
  sums<<<2, 128>>>(d_x, d_y);
  hipMemcpy(y, d_y, 256 / WIDTH * sizeof(float), hipMemcpyDeviceToHost);
}
"""


def test_a_text_for_another_width_is_told_its_line() -> None:
    """The vote of 64 lanes where 32 are meant; a sum of 64 lanes on a machine of 32 is another sum."""
    text = SUMS.replace("WIDTH", "64")
    platform = PLATFORMS["hip@wave32"]
    with pytest.raises(SourceFaultError, match=re.escape("__shfl_xor(v, d) counts on 64 lanes, but a warp of AMD HIP, waves of 32 "
                                                           "has 32")) as e:
        Judge(subject_of(text, platform, None, {}))
    assert e.value.line == 5


def test_another_number_beside_ones_own_width_is_no_fault() -> None:
    """A group of two warps is no wrong warp."""
    text = SUMS.replace("WIDTH", "64").replace("% 64 == 0) y[t / 64] = v", "% 32 == 0) y[t / 32] = v").replace("256 / 64", "8")
    assert Judge(subject_of(text, PLATFORMS["hip"], None, {})).references


@pytest.mark.parametrize(("width", "said"), [("64", "note: this text is for warps of 64 lanes (line 5: __shfl_xor(v, d))"),
                                             ("32", "the result is the same with warps of 64 and of 32 lanes")])
def test_check_says_what_depends_on_the_width(width: str, said: str) -> None:
    found = check_source(subject_of(SUMS.replace("WIDTH", width), PLATFORMS["hip"], None, {}))
    assert any(e.kind == "lanes" and e.status == "pass" and said in e.detail for e in found), found
