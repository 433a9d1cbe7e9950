"""The matcher on one big core's table: every family accepted in its usual spellings, and refused when one thing is off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matchkit import kernel, loop_of, refused, taken, tried

from xpiler_jupyter.ir.build import convert, integer, mul, var
from xpiler_jupyter.ir.nodes import Const, InstrCall, Kernel, Ref
from xpiler_jupyter.ir.types import U32
from xpiler_jupyter.passes._match import candidates, find_sites, match
from xpiler_jupyter.platforms import registry as platforms

BANG = platforms.get("bang")


def sizes(call: InstrCall) -> list[object]:
    """The scalar operands."""
    return [a.value if isinstance(a, Const) else a for a in call.args if not isinstance(a, Ref)]


def buffers(call: InstrCall) -> list[str]:
    return [a.buffer for a in call.args if isinstance(a, Ref)]


# -- matrix products ---------------------------------------------------------------------------------------------------

PRODUCT = """(const T* A, const T* B, float* C) {
  T a[4][16]; T b[8][16]; float c[4][8];
  for (int i = 0; i < 4; i++) for (int k = 0; k < 16; k++) a[i][k] = A[i * 16 + k];
  for (int j = 0; j < 8; j++) for (int k = 0; k < 16; k++) b[j][k] = B[k * 8 + j];
  NEST
  for (int i = 0; i < 4; i++) for (int j = 0; j < 8; j++) C[i * 8 + j] = c[i][j];
}"""
LOCAL = """for (int p = 0; p < 4; p++) for (int q = 0; q < 8; q++) {
  float s = 0.0f; for (int r = 0; r < 16; r++) s += TERM; c[p][q] = s; }"""
IN_PLACE = """for (int p = 0; p < 4; p++) for (int q = 0; q < 8; q++) {
  c[p][q] = 0; for (int r = 0; r < 16; r++) c[p][q] += TERM; }"""
OUTER = """for (int q = 0; q < 8; q++) for (int p = 0; p < 4; p++) {
  float s = 0.0f; for (int r = 0; r < 16; r++) s = TERM + s; c[p][q] = s; }"""
FILLED = """for (int x = 0; x < 4; x++) for (int y = 0; y < 8; y++) c[x][y] = 0.0f;
  for (int r = 0; r < 16; r++) for (int p = 0; p < 4; p++) for (int q = 0; q < 8; q++) c[p][q] += TERM;"""
SPLIT = """for (int p = 0; p < 4; p++) for (int q = 0; q < 8; q++) { c[p][q] = 0;
  for (int r = 0; r < 4; r++) for (int t = 0; t < 4; t++) c[p][q] += a[p][r * 4 + t] * b[q][r * 4 + t]; }"""


def product(nest: str, term: str = "a[p][r] * b[q][r]", t: str = "float", b: str = "wram", c: str = "nram",
            depth: int = 16) -> Kernel:
    text = PRODUCT.replace("NEST", nest).replace("TERM", term).replace("T ", f"{t} ").replace("T*", f"{t}*")
    return kernel("bang", text.replace("16", str(depth)), a="nram", b=b, c=c)


@pytest.mark.parametrize(("nest", "label"), [(LOCAL, "p"), (IN_PLACE, "p"), (OUTER, "q"), (FILLED, "r"), (SPLIT, "p")])
def test_a_product_in_every_spelling(nest: str, label: str) -> None:
    call = taken(product(nest), "__bang_matmul.f32", label)
    assert buffers(call) == ["c", "a", "b"] and sizes(call) == [4, 16, 8]


def test_the_fill_in_front_goes_with_the_product() -> None:
    answer = tried(product(FILLED), "__bang_matmul.f32", "r")
    assert not isinstance(answer, str) and len(answer.covers) == 2


def test_factors_in_either_order_and_bytes() -> None:
    assert buffers(taken(product(LOCAL, "b[q][r] * a[p][r]"), "__bang_matmul.f32", "p")) == ["c", "a", "b"]
    exact = LOCAL.replace("float s = 0.0f", "int s = 0")
    call = taken(product(exact, "(int)a[p][r] * b[q][r]", "signed char", depth=64), "__bang_matmul.f32.2", "p")
    assert sizes(call) == [4, 64, 8, 0]


def test_products_that_are_something_else() -> None:
    row = "__bang_matmul.f32"
    refused(product(LOCAL, "a[p][r] * b[r / 2][q]"), row, label="p")
    refused(product(LOCAL, b="nram"), row, "b lies in nram memory", "wram", label="p")
    refused(product(LOCAL, c="wram"), row, "c lies in wram", label="p")
    refused(product(LOCAL, "a[p][r] + b[q][r]"), row, "a product", "a sum", label="p")
    refused(product(LOCAL, "a[p][r] * a[q / 2][r]"), row, label="p")
    refused(product(FILLED.split("\n")[1].replace("TERM", "a[p][r] * b[q][r]")), row, "goes on from what c holds", label="r")
    refused(product(LOCAL.replace("s = 0.0f", "s = 1.0f")), row, "0.0", "1.0", label="p")
    refused(product(LOCAL.replace("r = 0; r < 16", "r = 0; r < 12")), row, "16", "12", label="p")
    refused(product(LOCAL.replace("r = 0", "r = 1")), row, label="p")
    refused(product(LOCAL, "a[p][15 - r] * b[q][r]"), row, label="p")


def test_a_transposed_factor_says_how_it_moves() -> None:
    text = PRODUCT.replace("b[8][16]", "b[16][8]").replace("b[j][k] =", "b[k][j] =").replace(
        "NEST", LOCAL.replace("TERM", "a[p][r] * b[r][q]")).replace("T ", "float ").replace("T*", "float*")
    k = kernel("bang", text, a="nram", b="wram", c="nram")
    refused(k, "__bang_matmul.f32", "b moves by", label="p")


def test_a_product_of_a_wide_line_keeps_its_line_rule() -> None:
    refused(product(LOCAL, depth=12), "__bang_matmul.f32", "multiple of 64 bytes", label="p")


VECTOR = """(const float* A, const float* B, float* C) { float a[16]; float b[8][16]; float c[8];
  for (int k = 0; k < 16; k++) a[k] = A[k];
  for (int j = 0; j < 8; j++) for (int k = 0; k < 16; k++) b[j][k] = B[j * 16 + k];
  for (int p = 0; p < 8; p++) { c[p] = 0; for (int r = 0; r < 16; r++) c[p] += b[p][r] * a[r]; }
  for (int j = 0; j < 8; j++) C[j] = c[j]; }"""


def test_a_matrix_times_a_vector() -> None:
    k = kernel("bang", VECTOR, a="nram", b="wram", c="nram")
    assert sizes(taken(k, "__bang_mlp.f32", "p")) == [8, 16]
    assert sizes(taken(k, "__bang_matmul.f32", "p")) == [1, 16, 8]


CONV = """(const float* A, const float* B, float* C) { float a[560]; float b[4][3][2][16]; float c[3][2][4];
  for (int i = 0; i < 560; i++) a[i] = A[i];
  for (int i = 0; i < 384; i++) b[i / 96][i / 32 % 3][i / 16 % 2][i % 16] = B[i];
  for (int h = 0; h < 3; h++) for (int w = 0; w < 2; w++) for (int o = 0; o < 4; o++) { c[h][w][o] = 0;
    for (int p = 0; p < 3; p++) for (int q = 0; q < 2; q++) for (int i = 0; i < 16; i++)
      c[h][w][o] += a[AT] * b[o][p][q][i]; }
  for (int i = 0; i < 24; i++) C[i] = c[i / 8][i / 4 % 2][i % 4]; }"""


def test_a_convolution() -> None:
    k = kernel("bang", CONV.replace("AT", "((h * 2 + p) * 5 + w * 3 + q) * 16 + i"), a="nram", b="wram", c="nram")
    assert sizes(taken(k, "__bang_conv.f32", "h")) == [16, 7, 5, 3, 2, 3, 2, 4]
    flipped = kernel("bang", CONV.replace("AT", "((h * 2 + 2 - p) * 5 + w * 3 + q) * 16 + i"), a="nram", b="wram", c="nram")
    refused(flipped, "__bang_conv.f32", label="h")


# -- pooling and sums --------------------------------------------------------------------------------------------------

POOL = """(const float* A, float* C) { float a[560]; float o[96];
  for (int i = 0; i < 560; i++) a[i] = A[i];
  for (int h = 0; h < 3; h++) for (int w = 0; w < 2; w++) for (int c = 0; c < 16; c++) { float s = START;
    for (int p = 0; p < 3; p++) for (int q = 0; q < 2; q++) STEP
    o[(h * 2 + w) * 16 + c] = END; }
  for (int i = 0; i < 96; i++) C[i] = o[i]; }"""
CELL = "a[((h * 2 + p) * 5 + w * 3 + q) * 16 + c]"
CORNER = "a[((h * 2) * 5 + w * 3) * 16 + c]"


def pool(start: str, step: str, end: str = "s", cell: str = CELL) -> Kernel:
    text = POOL.replace("START", start).replace("STEP", step.replace("$", cell)).replace("END", end)
    return kernel("bang", text, a="nram", o="nram")


POOLS = {
    "sum": ("0.0f", "s += $;", "s", "__bang_sumpool.f32"),
    "mean": ("0.0f", "s += $;", "s / 6", "__bang_avgpool.f32"),
    "max from the corner": (CORNER, "if ($ > s) s = $;", "s", "__bang_maxpool.f32"),
    "max from the least": ("-3.402823466e+38f", "{ float v = $; s = v > s ? v : s; }", "s", "__bang_maxpool.f32"),
    "max by function": ("-INFINITY", "s = fmaxf(s, $);", "s", "__bang_maxpool.f32"),
    "min": ("3.402823466e+38f", "if ($ < s) s = $;", "s", "__bang_minpool.f32"),
}


@pytest.mark.parametrize("name", POOLS)
def test_pooling(name: str) -> None:
    start, step, end, row = POOLS[name]
    assert sizes(taken(pool(start, step, end), row, "h")) == [16, 7, 5, 3, 2, 3, 2]


def test_what_an_extreme_assumes_is_said() -> None:
    answer = tried(pool(*POOLS["max from the least"][:3]), "__bang_maxpool.f32", "h")
    assert not isinstance(answer, str) and set(answer.assumptions) == {"every value is finite", "no value is NaN"}
    exact = tried(pool(*POOLS["sum"][:3]), "__bang_sumpool.f32", "h")
    assert not isinstance(exact, str) and exact.assumptions == ()


def test_pooling_that_is_something_else() -> None:
    refused(pool("0.0f", "s += $;", "s / 5"), "__bang_avgpool.f32", "5", "6", label="h")
    refused(pool("0.0f", "s += $;"), "__bang_avgpool.f32", "a quotient", label="h")
    refused(pool("0.0f", "if ($ > s) s = $;"), "__bang_maxpool.f32", label="h")
    refused(pool("0.0f", "s += $;"), "__bang_maxpool.f32", "a maximum", "a sum", label="h")
    refused(pool(CORNER, "if ($ < s) s = $;"), "__bang_maxpool.f32", "a minimum", label="h")
    refused(pool("0.0f", "s += $;", cell=CELL.replace("* 16 + c", "* 16 + 15 - c")), "__bang_sumpool.f32", label="h")
    refused(pool("0.0f", "s -= $;"), "__bang_sumpool.f32", "no sum", label="h")


FOLD = """(const float* A, float* C) { float a[64]; float s; float m[1];
  for (int i = 0; i < 64; i++) a[i] = A[i];
  for (int p = 0; p < 1; p++) { s = START; } ONE
  for (int r = FROM; r < 64; r++) STEP
  C[0] = END; }"""


def test_the_sum_of_a_vector_with_its_start_in_front() -> None:
    text = FOLD.replace("for (int p = 0; p < 1; p++) { s = START; } ONE", "s = 0.0f;").replace("FROM", "0")
    k = kernel("bang", text.replace("STEP", "s += a[r];").replace("END", "s"), a="nram")
    call = taken(k, "__bang_sum.f32", "r")
    assert buffers(call) == ["s", "a"] and sizes(call) == [64]


def test_the_largest_of_a_vector_is_pooling_with_one_window() -> None:
    text = FOLD.replace("for (int p = 0; p < 1; p++) { s = START; } ONE", "m[0] = a[0];").replace("FROM", "1")
    k = kernel("bang", text.replace("STEP", "if (a[r] > m[0]) m[0] = a[r];").replace("END", "m[0]"), a="nram", m="nram")
    assert sizes(taken(k, "__bang_maxpool.f32", "r")) == [1, 64, 1, 64, 1, 1, 1]
    far = text.replace("FROM", "1").replace("r = 1", "r = 2")
    k = kernel("bang", far.replace("STEP", "if (a[r] > m[0]) m[0] = a[r];").replace("END", "m[0]"), a="nram", m="nram")
    refused(k, "__bang_maxpool.f32", label="r")


# -- copies, fills, layouts --------------------------------------------------------------------------------------------

COPY = """(const float* A, float* C, int m) { float a[8][16];
  for (int i = 0; i < 8; i++) for (int j = 0; j < 16; j++) a[i][j] = A[AT];
  for (int p = 0; p < 8; p++) for (int q = 0; q < 16; q++) C[p * 16 + q] = a[p][q]; }"""


def copy(at: str, memory: str = "nram") -> Kernel:
    return kernel("bang", COPY.replace("AT", at), a=memory)


def test_copies_of_whole_rows_are_one_run_of_bytes() -> None:
    call = taken(copy("m * 4 + i * 16 + j"), "__memcpy.GDRAM2NRAM.f32", m=3)
    assert sizes(call) == [512]
    assert sizes(taken(copy("i * 16 + j"), "__memcpy.NRAM2GDRAM.f32", "p", m=0)) == [512]
    assert sizes(taken(copy("i * 16 + j", "wram"), "__memcpy.GDRAM2WRAM.f32", m=0)) == [512]


def test_copies_with_strides() -> None:
    assert sizes(taken(copy("i * 24 + j + m"), "__memcpy.GDRAM2NRAM.f32.2", m=1)) == [64, 64, 96, 7]
    refused(copy("i * 24 + j + m"), "__memcpy.GDRAM2NRAM.f32", "cannot be merged")
    back = taken(kernel("bang", """(const float* A, float* C, int m) { float a[128];
      for (int i = 0; i < 128; i++) a[i] = A[i];
      for (int p = 0; p < 8; p++) for (int q = 0; q < 16; q++) C[p * 40 + q] = a[p * 16 + q]; }""", a="nram"),
                 "__memcpy.NRAM2GDRAM.f32.2", "p", m=0)
    assert sizes(back) == [64, 160, 64, 7]


def test_copies_that_are_something_else() -> None:
    refused(copy("i + 8 * j"), "__memcpy.GDRAM2NRAM.f32", label="i")
    refused(copy("i + 8 * j"), "__memcpy.GDRAM2NRAM.f32.2", label="i")
    refused(copy("i * 16 + j / 2"), "__memcpy.GDRAM2NRAM.f32", label="i")
    refused(copy("i * 16 + j"), "__memcpy.GDRAM2WRAM.f32", "nram", "wram", label="i")
    refused(copy("i * 16 + j"), "__memcpy.GDRAM2NRAM.f16", "f16", label="i")
    odd = kernel("bang", COPY.replace("AT", "i * 16 + j").replace("16", "3").replace("8", "5"), a="wram")
    refused(odd, "__memcpy.GDRAM2WRAM.f32", "size must be divisible by 16")


def test_a_run_time_length_must_be_shown_to_be_positive() -> None:
    text = """(const float* A, float* C, int m) { float a[64];
      for (int b = 0; b < 8; b++) GUARD { for (int i = 0; i < LENGTH; i++) a[i] = A[b * 8 + i];
        for (int i = 0; i < LENGTH; i++) C[b * 8 + i] = a[i]; } }"""
    k = kernel("bang", text.replace("GUARD", "if (m > 0)").replace("LENGTH", "m"), a="nram")
    call = taken(k, "__memcpy.GDRAM2NRAM.f32", m=8)
    assert sizes(call) == [convert(mul(var("m"), integer(4)), U32)]
    refused(kernel("bang", text.replace("GUARD", "").replace("LENGTH", "m"), a="nram"), "__memcpy.GDRAM2NRAM.f32", "not shown")


def test_fills() -> None:
    text = """(float* C, float v) { float a[8][16];
      for (int i = 0; i < 8; i++) for (int j = 0; j < 16; j++) a[i][j] = VALUE;
      for (int p = 0; p < 128; p++) C[p] = a[p / 16][p % 16]; }"""
    zero = kernel("bang", text.replace("VALUE", "0"), a="nram")
    assert sizes(taken(zero, "__bang_write_zero.f32", v=0)) == [128]
    assert sizes(taken(zero, "__memset_nram.f32", v=0)) == [128, 0.0]
    assert sizes(taken(kernel("bang", text.replace("VALUE", "v"), a="nram"), "__memset_nram.f32", v=3))[0] == 128
    refused(kernel("bang", text.replace("VALUE", "v"), a="nram"), "__bang_write_zero.f32", "v", "0.0")
    refused(kernel("bang", text.replace("VALUE", "(float)j"), a="nram"), "__memset_nram.f32", "2 (i, j)")


MOVE = """(const float* A, float* C) { float a[6][16]; float b[96];
  for (int i = 0; i < 96; i++) a[i / 16][i % 16] = A[i];
  for (int p = 0; p < 16; p++) for (int q = 0; q < 6; q++) b[TO] = a[q][p];
  for (int i = 0; i < 96; i++) C[i] = b[i]; }"""


@pytest.mark.parametrize(("to", "row"), [
    ("p * 6 + q", "__bang_transpose.f32"),
    ("p * 6 + 5 - q", "__bang_rotate90.f32"),
    ("(5 - q) * 16 + 15 - p", "__bang_rotate180.f32"),
    ("(15 - p) * 6 + q", "__bang_rotate270.f32"),
    ("q * 16 + 15 - p", "__bang_mirror.f32"),
])
def test_layouts(to: str, row: str) -> None:
    k = kernel("bang", MOVE.replace("TO", to), a="nram", b="nram")
    assert sizes(taken(k, row, "p")) == [6, 16]
    assert next(r for label, r in find_sites(k, BANG) if label == "p") == row


def test_layouts_are_told_apart() -> None:
    k = kernel("bang", MOVE.replace("TO", "p * 6 + q"), a="nram", b="nram")
    for other in ("rotate90", "rotate180", "rotate270", "mirror"):
        refused(k, f"__bang_{other}.f32", label="p")


# -- what any nest may hold --------------------------------------------------------------------------------------------


def test_nests_that_no_instr_can_be() -> None:
    def told(body: str, *said: str, label: str = "i") -> None:
        k = kernel("bang", f"(const float* A, float* C, int m) {{ float a[64]; float b[64]; {body} "
                       "for (int x = 0; x < 64; x++) C[x] = a[x] + b[x]; }", a="nram", b="nram")
        refused(k, "__memcpy.NRAM2NRAM.f32", *said, label=label)

    told("for (int i = 1; i < 64; i++) a[i] = a[i - 1];", "reads a where another round")
    told("for (int i = 0; i < 64; i++) a[i / 2] = b[i];")
    told("for (int i = 0; i < 64; i++) { a[i] = 0; b[i] = 1; }", "it writes a, b")
    told("for (int i = 0; i < 8; i++) for (int j = 0; j < i; j++) a[i * 8 + j] = b[j];", "depends on a loop around it")
    told("for (int i = 0; i < 32; i++) for (int j = 0; j < 8; j++) a[i + j] = b[j];")
    told("for (int i = 0; i < 64; i++) if (m > i) a[i] = b[i];")
    told("for (int i = 0; i < 64; i += 2) a[i] = b[i];", "moves by 2")
    told("for (int i = 0; i < 64; i++) { if (m) break; a[i] = b[i]; }", "break")


def test_operands_that_may_not_overlap() -> None:
    k = kernel("bang", """(float* C) { float a[64]; for (int i = 0; i < 32; i++) a[i + 32] = a[i];
      for (int i = 0; i < 64; i++) C[i] = a[i]; }""", a="nram")
    refused(k, "__memcpy.NRAM2NRAM.f32")


@settings(max_examples=25, deadline=None)
@given(m=st.integers(1, 6), n=st.integers(1, 6), k=st.integers(1, 3), pad=st.integers(0, 3), order=st.permutations("mn"),
       seed=st.integers(0, 9))
def test_products_of_any_size(m: int, n: int, k: int, pad: int, order: list[str], seed: int) -> None:
    k *= 16
    loops = "".join({"m": f"for (int p = 0; p < {m}; p++) ", "n": f"for (int q = 0; q < {n}; q++) "}[x] for x in order)
    text = f"""(const float* A, const float* B, float* C) {{ float a[{m * k}]; float b[{n * k}]; float c[{m * n + pad}];
      for (int i = 0; i < {m}; i++) for (int x = 0; x < {k}; x++) a[i * {k} + x] = A[i * {k + pad} + x];
      for (int i = 0; i < {n * k}; i++) b[i] = B[i];
      {loops} {{ float s = 0; for (int r = 0; r < {k}; r++) s += b[q * {k} + r] * a[p * {k} + r]; c[{pad} + p * {n} + q] = s; }}
      for (int i = 0; i < {m * n}; i++) C[i] = c[i + {pad}]; }}"""
    nest = kernel("bang", text, a="nram", b="wram", c="nram")
    label = "p" if order[0] == "m" else "q"
    call = taken(nest, "__bang_matmul.f32", label, seed)
    assert sizes(call) == [m, k, n]
    assert isinstance(match(nest, loop_of(nest, "i"), _row("__memcpy.GDRAM2NRAM.f32.2"), BANG), InstrCall)


def _row(name: str):  # type: ignore[no-untyped-def]
    row = BANG.instr(name)
    assert row is not None
    return row


# -- which rows to try -------------------------------------------------------------------------------------------------


def test_few_rows_are_tried_and_sites_are_found_outermost_first() -> None:
    k = product(IN_PLACE)
    assert len(candidates(k, loop_of(k, "p"), BANG)) < 12
    sites = find_sites(k, BANG)
    assert ("p", "__bang_matmul.f32") in sites and ("i", "__memcpy.GDRAM2NRAM.f32") in sites
    assert not any(label in ("q", "r") for label, _ in sites)


def test_what_runs_until_a_wait_is_not_taken_for_what_is_done() -> None:
    refused(copy("i * 16 + j"), "__memcpy_async.GDRAM2NRAM.f32", "wait")
    assert not any("async" in row for _, row in find_sites(copy("i * 16 + j"), BANG))


def test_what_stands_in_front_may_be_no_fill() -> None:
    text = """(const float* A, float* C) { float a[64]; float b[64]; float s;
      for (int i = 0; i < 64; i++) { a[i] = A[i]; }
      for (int i = 0; i < 64; i++) { b[i] = a[i]; C[i] = 1.0f; }
      for (int i = 0; i < 64; i++) { if (a[i] > 0) C[i] = b[i]; } }"""
    k = kernel("bang", text, a="nram", b="nram")
    refused(k, "__memcpy.NRAM2GDRAM.f32", label="i#3")
    assert "i#3" not in {label for label, _ in find_sites(k, BANG)}
