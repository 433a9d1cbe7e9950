"""Texts with AVX-512 intrinsics: read, printed again, and meaning the same as loops."""

from __future__ import annotations

import re

import pytest

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.frontend import parse
from xpiler_jupyter.ir import spec
from xpiler_jupyter.ir.nodes import Alloc, InstrCall
from xpiler_jupyter.ir.visit import walk
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.port import Port

VNNI = registry.get("vnni")
HEAD = "#include <immintrin.h>\n"


def _kernel(body: str, params: str = "const float* A, const int8_t* B, float* C, int n") -> str:
    return f'{HEAD}extern "C" void f({params}) {{\n{body}\n}}\n'


DOT = _kernel("""  __m512 sums[2];
  sums[0] = _mm512_setzero_ps();
  sums[1] = sums[0];
  const __m512 half = _mm512_set1_ps(0.5f);
  int i = 0;
  for (; i + 32 <= n; i += 32) {
    sums[0] = _mm512_fmadd_ps(_mm512_loadu_ps(A + i), half, sums[0]);
    sums[1] = _mm512_max_ps(_mm512_loadu_ps(&A[i + 16]), sums[1]);
    sums[1] = _mm512_permutexvar_ps(_mm512_set_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), sums[1]);
  }
  float rest = _mm512_reduce_add_ps(sums[0]);
  for (; i < n; i++) rest += A[i] * 0.5f;
  __mmask16 small = _mm512_cmp_ps_mask(sums[0], sums[1], _CMP_LE_OQ);
  auto chosen = _mm512_mask_blend_ps(small, sums[0], sums[1]);
  C[0] = rest + _mm512_reduce_max_ps(sums[1]) + (float)small;
  C[1] = _mm512_reduce_add_ps(chosen);""")
BYTES = _kernel("""  const __m512i* rows = (const __m512i*)B;
  __m512i acc = _mm512_setzero_si512();
  for (int i = 0; i < 4; i++) {
    __m512i x = _mm512_loadu_si512(rows + i);
    __m512i low = _mm512_and_si512(x, _mm512_set1_epi8(15));
    acc = _mm512_dpbusd_epi32(acc, low, _mm512_loadu_si512(reinterpret_cast<const void*>(B + 64 * i)));
    x = _mm512_add_epi16(x, low);
    x = _mm512_srli_epi32(x, 3);
    acc = _mm512_add_epi32(acc, x);
  }
  alignas(64) int out[16];
  _mm512_store_si512((__m512i*)out, acc);
  for (int i = 0; i < 16; i++) C[i] = (float)out[i];
  __m128i few = _mm512_castsi512_si128(acc);
  C[16] = (float)_mm_cvtsi128_si32(few);
  _mm512_mask_storeu_ps(C + 17, 0x0F0F, _mm512_cvtepi32_ps(acc));""")


@pytest.mark.parametrize("text", [DOT, BYTES], ids=["dot", "bytes"])
def test_reading_and_printing_is_a_fixpoint(text: str) -> None:
    kernel = spec.check(parse(text, VNNI))
    printed = VNNI.emit(kernel)
    assert VNNI.emit(parse(printed, VNNI)) == printed
    written = re.findall(r"_mm\w+(?=\()", text)
    assert sorted(re.findall(r"_mm\w+(?=\()", printed)) == sorted(written)


@pytest.mark.parametrize(("text", "shape"), [(DOT, {"n": 70, "A": 70, "B": 1, "C": 2}), (BYTES, {"n": 1, "A": 1, "B": 256, "C": 33})],
                         ids=["dot", "bytes"])
def test_the_loops_compute_what_the_intrinsics_do(text: str, shape: dict[str, int]) -> None:
    port = Port(text, "c", source="vnni", shape=shape).run()
    assert port.verdict.reaches("tested"), port.verdict
    assert "_mm" not in port.code and "__m" not in port.code


def test_a_register_has_the_narrowest_lanes_that_are_written() -> None:
    kernel = parse(BYTES, VNNI)
    lanes = {n.name: str(n.dtype) for n in walk(kernel.body) if isinstance(n, Alloc) and n.memory == "register"}
    assert lanes["acc"] == "i32"
    assert lanes["x"] == "i8"
    assert lanes["low"] == "u8"
    zero = next(n for n in walk(kernel.body) if isinstance(n, InstrCall) and "setzero" in n.instr)
    assert zero.instr == "_mm512_setzero_si512.i32"


def test_a_scalar_goes_straight_to_what_takes_it() -> None:
    text = VNNI.emit(parse(_kernel("  C[3] = _mm512_reduce_add_ps(_mm512_loadu_ps(A));\n"
                                   "  float m = _mm512_reduce_max_ps(_mm512_loadu_ps(A + 16));\n  C[4] = m;"), VNNI))
    assert "C[3] = _mm512_reduce_add_ps(loadu);" in text
    assert "float m = _mm512_reduce_max_ps(loadu_1);" in text


@pytest.mark.parametrize(("line", "reason"), [
    ("__m512 x = _mm512_loadu_ps(A); x += x;", r"\+= on registers"),
    ("__m512 x = _mm256_loadu_ps(A);", "gives a __m256, but a __m512 is needed"),
    ("__m512i x = _mm512_add_epi32(_mm512_loadu_ps(A), _mm512_setzero_si512());", "with these operands"),
    ("__m512 x = *(const __m512*)A;", "is no value for a __m512"),
    ("const __m512* v = (const __m512*)A; C[0] = v[1];", "through a pointer"),
    ("if (n > 0 && _mm512_reduce_add_ps(_mm512_loadu_ps(A)) > 0.0f) C[0] = 1.0f;", "inside a condition"),
    ("__m512 x = _mm512_exp_ps(_mm512_loadu_ps(A));", "_mm512_exp_ps"),
])
def test_what_cannot_be_read_is_refused_with_its_place(line: str, reason: str) -> None:
    with pytest.raises(XpilerError, match=reason) as caught:
        parse(_kernel(line), VNNI)
    assert caught.value.line == 3
