"""cache where the target copies by instrs: one run, strided segments, clipped ones, memories that only instrs reach."""

from __future__ import annotations

from typing import Any

from cachekit import apply, emit, kernel_of, refused, same

TASKS = "// launch: dim(4, 1, 1) Union1\n"
ADD = TASKS + """__mlu_global__ void k(const float* A, float* C, int n) {
  for (int t = taskId; t < (n + 63) / 64; t += 4)
    for (int i = 0; i < 64; i++)
      if (t * 64 + i < n) C[t * 64 + i] = A[t * 64 + i] + 1.0f;
}"""
MATMUL = TASKS + """__mlu_global__ void k(const float* A, const float* B, float* C) {
  for (int i0 = coreId; i0 < 5; i0 += 4)
    for (int j0 = 0; j0 < 2; j0++)
      for (int k0 = 0; k0 < 3; k0++)
        for (int i = 0; i < 4; i++)
          for (int j = 0; j < 16; j++)
            for (int k = 0; k < 8; k++)
              C[(i0 * 4 + i) * 32 + j0 * 16 + j] += A[(i0 * 4 + i) * 24 + k0 * 8 + k] * B[(k0 * 8 + k) * 32 + j0 * 16 + j];
}"""
LENGTHS = {"A": 20 * 24, "B": 24 * 32, "C": 20 * 32}


def test_a_run(golden: Any) -> None:
    before = kernel_of(ADD, "bang")
    kernel = apply("cache", before, buffer="A", memory="nram", at="t").kernel
    kernel = apply("cache", kernel, buffer="C", memory="nram", at="t").kernel
    golden("cache/copies_run", emit(kernel))
    for n in (0, 1, 64, 300):
        same(before, kernel, {"A": n, "C": n}, n=n)


def test_segments(golden: Any) -> None:
    before = kernel_of(MATMUL, "bang")
    kernel = before
    for buffer, at in (("A", "k0"), ("B", "k0"), ("C", "j0")):
        kernel = apply("cache", kernel, buffer=buffer, memory="nram", at=at).kernel
    text = emit(kernel)
    assert text.count("__memcpy") == 4 and "for (int i_in" not in text
    golden("cache/copies_segments", text)
    same(before, kernel, LENGTHS)


def test_whole_rows_are_one_run() -> None:
    before = kernel_of(MATMUL, "bang")
    result = apply("cache", before, buffer="B", memory="nram", at="i0")
    assert "__memcpy(&B_nram[0][0], B, 3072, GDRAM2NRAM);" in emit(result.kernel).replace("[0][0][0][0]", "[0][0]")
    same(before, result.kernel, LENGTHS)


def test_a_transposed_tile_is_turned_on_chip(golden: Any) -> None:
    before = kernel_of(MATMUL, "bang")
    result = apply("cache", before, buffer="B", memory="nram", at="k0", layout=[1, 0], via="nram", into="B_turned")
    golden("cache/copies_turned", emit(result.kernel))
    same(before, result.kernel, LENGTHS)


def test_what_only_instrs_reach() -> None:
    before = kernel_of(MATMUL, "bang")
    result = apply("cache", before, buffer="B", memory="wram", at="k0", via="nram")
    assert "NRAM2WRAM" in emit(result.kernel)
    same(before, result.kernel, LENGTHS)
    refused("cache", MATMUL, "wram is filled by copies of whole runs only", "bang", buffer="B", memory="wram", at="k0",
            layout=[1, 0])
    refused("cache", MATMUL.replace("k < 8", "k < 3"), "no copy fits", "bang", buffer="A", memory="wram", at="k0")


def test_padding_is_written_first(golden: Any) -> None:
    before = kernel_of(ADD, "bang")
    result = apply("cache", before, buffer="A", memory="nram", at="t", pad=0, round=128)
    golden("cache/copies_pad", emit(result.kernel))
    same(before, result.kernel, {"A": 100, "C": 100}, n=100)


def test_room_counts_what_stands_there_already() -> None:
    big = ADD.replace("64", "60000").replace("63", "59999")
    kernel = apply("cache", kernel_of(big, "bang"), buffer="A", memory="nram", at="t").kernel
    refused("cache", emit(kernel), "C_nram takes 240000 bytes of nram, 153216 are left beside A_nram", "bang",
            buffer="C", memory="nram", at="t")
