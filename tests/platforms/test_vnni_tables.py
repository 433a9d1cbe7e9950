"""The AVX-512 rows as data: complete, consistent, spelled as C spells them."""

from __future__ import annotations

import re
from collections import Counter

from xpiler_jupyter.ir.types import F32, I8, U8, U64
from xpiler_jupyter.platforms.instr import Instr, choices, dtype_of
from xpiler_jupyter.platforms.vnni import tables
from xpiler_jupyter.platforms.vnni.instrs import BY_NAME, FAMILIES, INSTRS
from xpiler_jupyter.platforms.vnni.meanings import parameters, result_of

# What public kernels of this platform call, in families; the benchmark's own sources use a handful of these.
NEEDED = [
    "_mm512_setzero_si512", "_mm512_loadu_si512", "_mm512_load_si512", "_mm512_storeu_si512", "_mm512_store_si512",
    "_mm512_dpbusd_epi32", "_mm512_dpbusds_epi32", "_mm512_dpwssd_epi32", "_mm512_dpwssds_epi32", "_mm_setzero_si128",
    "_mm_loadu_si128", "_mm_storeu_si128", "_mm_dpbusds_epi32", "_mm256_dpbusd_epi32", "_mm512_loadu_ps",
    "_mm512_storeu_ps", "_mm512_mask_storeu_ps", "_mm512_maskz_loadu_ps", "_mm512_set1_ps", "_mm512_fmadd_ps",
    "_mm512_max_ps", "_mm512_reduce_add_ps", "_mm512_reduce_max_ps", "_mm512_reduce_add_epi32", "_mm512_cvtepi32_ps",
    "_mm512_cvtps_epi32", "_mm512_cvtsepi32_epi8", "_mm512_cvtusepi32_epi8", "_mm512_cvtepi8_epi32", "_mm512_xor_si512",
    "_mm512_unpacklo_epi8", "_mm512_permutexvar_epi32", "_mm512_shuffle_epi8", "_mm512_inserti32x4",
    "_mm256_maddubs_epi16",
]


def test_the_table_has_what_kernels_use() -> None:
    assert len(BY_NAME) == len(INSTRS) >= 120 and set(FAMILIES) == {
        "memory", "set", "arithmetic", "integer", "vnni", "compare", "convert", "shuffle", "reduce"}
    assert not [n for n in NEEDED if n not in BY_NAME]


def complaint(row: Instr) -> str:
    names = [o.name for o in row.operands]
    words = set(re.findall(r"[A-Za-z_]\w*", row.meaning))
    if not (row.doc.endswith(".") and row.source.startswith("Intel Intrinsics Guide, ") and row.meaning):
        return "lacks its sentence, source or meaning"
    if len(row.arch) != 1 or row.arch[0] not in tables.ARCHS:
        return f"architecture {row.arch}"
    if any(n > 1 for n in Counter(names).values()):
        return "two operands of one name"
    unused = {o.name for o in row.operands} - words - {"imm"}
    if unused:
        return f"the meaning never uses {unused}"
    if any(not o.memory and o.access != "r" for o in row.operands):
        return "a value that is written"
    written = {o.name for o in row.operands if o.access != "r"}
    if len(written) != 1:
        return f"writes {written}"
    said = {name for condition, _ in row.rules for name in re.findall(r"[A-Za-z_]\w*", condition)}
    return "" if said <= set(names) else f"a rule speaks of {said - set(names)}"


def test_rows_are_complete() -> None:
    assert not {row.name: complaint(row) for row in INSTRS if complaint(row)}


def test_constants_have_rules() -> None:
    for row in INSTRS:
        for o in row.operands:
            if o.name in ("imm", "scale"):
                assert any(o.name in condition for condition, _ in row.rules), row.name


def test_signedness_and_masks() -> None:
    row = BY_NAME["_mm512_mask_dpbusd_epi32"]
    assert [(o.name, o.dtype, o.extent) for o in row.operands[3:]] == [("a", U8, "64"), ("b", I8, "64")]
    k = BY_NAME["_mm512_mask_add_epi8"].operands[2]
    assert k.name == "k" and k.dtype == U64 and not k.memory


def test_words() -> None:
    def signature(name: str) -> list[str]:
        row = BY_NAME[name]
        chosen = next(choices(row))
        ops = [o for o in (result_of(row), *parameters(row)) if o is not None]
        return [tables.word_of(row, o, dtype_of(o, chosen)) for o in ops]

    assert signature("_mm512_castps_si512") == ["__m512i", "__m512"]
    assert signature("_mm_cvtss_f32") == ["float", "__m128"]
    assert signature("_mm512_cvtepi8_epi32") == ["__m512i", "__m128i"]
    assert signature("_mm256_xor_pd") == ["__m256d", "__m256d", "__m256d"]
    assert tables.VECTORS["__m512"].lanes == 16 and tables.VECTORS["__m512"].lane == F32
    assert all(m.name in ("register", "local", "global") for m in tables.MEMORIES)
