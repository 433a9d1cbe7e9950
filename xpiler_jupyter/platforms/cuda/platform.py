"""NVIDIA CUDA C++. Limits: CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"."""

from __future__ import annotations

from pathlib import Path

from ...ir.nodes import Kernel
from ...ir.types import BF16, F16
from .. import atomics, groups, simt
from ..base import Memory, Platform
from ..host_api import two_level
from ..kernel_text import emit_kernel
from .instrs import INSTRS, TYPES
from .warp import DEFINITIONS


def emit(kernel: Kernel) -> str:
    """The __global__ function and its host wrapper."""
    return emit_kernel(kernel, PLATFORM)


PLATFORM = Platform(
    name="cuda",
    title="NVIDIA CUDA",
    language="cuda",
    suffixes=(".cu", ".cuh"),
    axes=simt.AXES,
    # Shared: what needs no asking the driver; local: per thread.
    memories=(*simt.memories(48 << 10, 512 << 10), Memory("fragment", "", "warp", None)),
    lane_width=32,
    max_threads=1024,
    kernel_qualifier="__global__",
    barriers={**simt.BARRIERS, "warp": "__syncwarp();"},
    votes=simt.VOTES,
    short_vectors=simt.SHORT_VECTORS,
    emit=emit,
    dynamic_shared=True,
    simulator=Path(__file__).parent / "sim.hpp",
    api=two_level("cuda"),
    predefined={"__CUDACC__": 1, "__NVCC__": 1, "__CUDA_ARCH__": 900},
    headers={"mma.h": ("wmma::",), "cuda_fp16.h": ("half",), "cuda_bf16.h": ("__nv_bfloat16",),
             "cstdint": ("int8_t", "int16_t", "int64_t")},
    namespaces=("nvcuda",),
    types=TYPES,
    functions=simt.functions(),
    markers=("cudaMalloc", "cuda_runtime", "cudaMemcpy", "nvcuda"),
    instrs=(*INSTRS, *atomics.rows({"atomicAdd": (F16, BF16)})),
    synonyms=atomics.SYNONYMS,
    definitions=DEFINITIONS,
    derived=simt.DERIVED,
    groups=groups.source("__shfl{kind}_sync((0xffffffffu >> (32 - N)) << (threadRank % 32 / N * N), v, {by}, N)",
                         "__ballot_sync((0xffffffffu >> (32 - N)) << (threadRank % 32 / N * N), p)", 32),
    widths={64: ("-DXRT_LANES=64",)},
    weak_markers=("__global__", "blockIdx", "threadIdx"),
)
