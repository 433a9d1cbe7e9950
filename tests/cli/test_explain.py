"""`xpiler explain`: a page for every word of every table, and near words for one that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from xpiler_jupyter.errors import UsageError
from xpiler_jupyter.pages import explain
from xpiler_jupyter.platforms import manual, registry

Xpiler = Callable[..., Any]


def test_an_instr_of_bang(xpiler: Xpiler) -> None:
    page = xpiler("explain", "__bang_maxpool").out
    for words in ("# __bang_maxpool", "T is one of", "`dst`: T", "height * width * channel elements", "nram, written",
                  "the window must fit into the input: `kernel_height <= height && kernel_width <= width`",
                  "```c\n", "We assume: ", "Source: BANG C guide", "Source and destination must not overlap"):
        assert words in page, words


def test_overloads_share_a_page() -> None:
    page = explain("__bang_div")["bang"]
    assert "__bang_div(T* dst, T* src0, T* src1, u32 elem_count)" in page
    assert "__bang_div(T* dst, T* src0, T src1, u32 elem_count)" in page
    page = explain("__memcpy")["bang"]
    assert page.count("Meaning") >= 2 and "`GDRAM2NRAM`" in page and "`NRAM2WRAM`" in page


def test_values_shapes_and_names_of_rows() -> None:
    page = explain("vnni:_mm512_dpbusd_epi32")["vnni"]
    assert "__m512i dst = _mm512_dpbusd_epi32(__m512i src, __m512i a, __m512i b)" in page
    assert "`a`: u8[64], register, read" in page and "Needs avx512vnni." in page
    assert explain("wmma::mma_sync") == explain("mma_sync")
    row = registry.get("cuda").instrs[0]
    assert explain(row.name) == explain(row.word)


def test_passes_and_platforms_have_pages_too(xpiler: Xpiler) -> None:
    assert explain("loop_split")["pass"].startswith("# loop_split")
    assert "| memory |" in explain("bang")["platform"]
    assert "pages" in json.loads(xpiler("explain", "cuda", "--json").out)


@pytest.mark.parametrize(("word", "near"), [("__bang_maxpol", "__bang_maxpool"), ("loop_spit", "loop_split"),
                                            ("vnni:_mm512_ad_ps", "_mm512_add_ps")])
def test_an_unknown_word_has_near_ones(word: str, near: str) -> None:
    with pytest.raises(UsageError, match=near):
        explain(word)


def test_a_platform_in_front_is_the_only_one_asked(xpiler: Xpiler) -> None:
    with pytest.raises(UsageError, match="on NVIDIA CUDA"):
        explain("cuda:__bang_add")
    assert xpiler("explain", "nothing:__bang_add").status == 2


@pytest.mark.parametrize("platform", registry.names())
def test_every_word_has_a_page_and_is_in_the_reference(platform: str) -> None:
    p = registry.get(platform)
    reference = "\n".join(manual.pages(p).values())
    for word in {r.word for r in p.instrs}:
        assert f"`{word}" in reference or f"## {word}\n" in reference, word
        page = manual.entry(word, p)
        assert "{" not in page.split("```")[0], f"an operand without a type: {page[:300]}"
