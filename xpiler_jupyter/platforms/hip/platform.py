"""AMD HIP C++. Limits: HIP programming model, "Hardware features"; 64 lanes as on CDNA. Its variant `hip@wave32` has 32."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from ...ir.nodes import Kernel
from ...ir.types import F32, F64, U64
from .. import atomics, groups, simt
from ..base import Memory, Platform
from ..host_api import two_level
from ..kernel_text import emit_kernel
from .instrs import DEFINITIONS, DEFINITIONS_32, INSTRS, INSTRS_32

_ATOMICS = atomics.rows({"atomicSub": (U64, F32, F64), "atomicMin": (F32, F64), "atomicMax": (F32, F64), "atomicExch": (F64,)})


def emit(kernel: Kernel) -> str:
    """The __global__ function and its host wrapper."""
    return emit_kernel(kernel, PLATFORM if kernel.platform == PLATFORM.name else variant(("wave32",)))


# HIP's first names for the axes, which its compiler still knows.
_OLD_NAMES = {f"hip{word[0].upper()}{word[1:]}_{d}": f"{word}.{d}"
              for word in ("threadIdx", "blockIdx", "blockDim", "gridDim") for d in "xyz"}

PLATFORM = Platform(
    name="hip",
    title="AMD HIP",
    language="cuda",
    suffixes=(".hip",),
    axes=simt.AXES,
    # The LDS of one workgroup; the stack frame that clang allows one thread; registers of a wave.
    memories=(*simt.memories(64 << 10, 131056), Memory("fragment", "", "warp", None)),
    lane_width=64,
    max_threads=1024,
    kernel_qualifier="__global__",
    barriers={**simt.BARRIERS, "warp": "sync_wave();"},
    votes=simt.VOTES,
    short_vectors=simt.SHORT_VECTORS,
    emit=emit,
    dynamic_shared=True,
    simulator=Path(__file__).parent / "sim.hpp",
    api=two_level("hip"),
    macros=("HIP_DYNAMIC_SHARED(type, name) extern __shared__ type name[];",),
    predefined={"__HIPCC__": 1, "__HIP__": 1, "__HIP_PLATFORM_AMD__": 1},
    headers={
        "hip/hip_runtime.h": (), "hip/hip_fp16.h": ("half",), "hip/hip_bf16.h": ("__hip_bfloat16",),
        "cstdint": ("int8_t", "int16_t", "int64_t"),
    },
    types=simt.types("__hip_bfloat16"),
    functions=simt.functions(),
    instrs=(*INSTRS, *_ATOMICS),
    # What the unsafe forms leave open is whether the hardware's own instruction may do it.
    synonyms={**atomics.SYNONYMS, "unsafeAtomicAdd": "atomicAdd", "safeAtomicAdd": "atomicAdd",
              "__syncwarp": "sync_wave", "__builtin_amdgcn_wave_barrier": "sync_wave"},
    definitions=DEFINITIONS,
    derived={**simt.DERIVED, **_OLD_NAMES},
    groups=groups.source("__shfl{kind}(v, {by}, N)", "__ballot(p)", 64),
    widths={32: ("-DXRT_LANES=32",)},
    switches={"wave32": "waves of 32 lanes, as on gfx10 and later"},
    markers=("hipMalloc", "hip_runtime", "hipMemcpy", "hipLaunchKernelGGL", "__builtin_amdgcn"),
)


@cache
def variant(switches: tuple[str, ...]) -> Platform:
    """The platform with these of its switches on."""
    if "wave32" not in switches:
        return PLATFORM
    return replace(PLATFORM, name=f"{PLATFORM.name}@wave32", title=f"{PLATFORM.title}, waves of 32", lane_width=32,
                   memories=simt.memories(64 << 10, 131056), instrs=(*INSTRS_32, *_ATOMICS), definitions=DEFINITIONS_32,
                   groups=groups.source("__shfl{kind}(v, {by}, N)", "(unsigned)__ballot(p)", 32),
                   defines=("-DXRT_LANES=32",), widths={64: ("-UXRT_LANES",)})
