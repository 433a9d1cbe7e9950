"""What the BANG C platform is, as data: axes, memories per architecture, types, spellings.

Launch geometry: a job is what runs together and may meet, `UnionN` = N clusters of 4 cores, `Block` = one core. As a
`Launch`: `block` = (coreDim, clusterDim, 1) of one job, (1, 1, 1) for Block; `grid` = (jobs, taskDimY, taskDimZ). Then
taskDimX = jobs * clusterDim * coreDim and taskIdX = (job * clusterDim + clusterId) * coreDim + coreId.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...ir.types import BF16, F16, F32, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from .. import plain
from ..base import C_TYPES, Axis, Memory
from ..host_api import HostApi, JobType


@dataclass(frozen=True, slots=True)
class Arch:
    """One architecture: KiB of each memory, as the compiler's __MLU_*_SIZE__ say them."""

    name: str
    number: int
    nram: int
    wram: int
    sram: int
    reserved: int = 128  # KiB of NRAM and of SRAM that the compiler keeps for itself, as public kernels assume
    cores: int = 4
    vector_alignment: int = 1


# Sources: the public operator library's kernel header (128 KiB reserved of NRAM and SRAM, alignment), its developer
# guide (usable sizes of mtp_372: 655360 and 4063232 bytes; mtp_592 the same with 327680 and 1966080), its build script
# (512, 512 and 2048 KiB). mtp_290's are the build script's.
ARCHS = {
    "mtp_290": Arch("mtp_290", 290, 512, 512, 2048, vector_alignment=64),
    "mtp_372": Arch("mtp_372", 372, 768, 1024, 4096),
    "mtp_592": Arch("mtp_592", 592, 512, 512, 2048),
}
DEFAULT_ARCH = "mtp_592"
UNIONS = (1, 2, 4, 8, 16)  # clusters of one job

AXES = (
    # Which job a task belongs to has no built-in of its own.
    Axis("job", "grid", "jobs", 65535, "x", "taskIdX / (clusterDim * coreDim)", "taskDimX / (clusterDim * coreDim)"),
    Axis("taskIdY", "grid", "taskDimY", 65535, "y"),
    Axis("taskIdZ", "grid", "taskDimZ", 65535, "z"),
    Axis("coreId", "block", "coreDim", 4, "x"),
    Axis("clusterId", "block", "clusterDim", max(UNIONS), "y"),
)
# Built-ins that are sums of axes.
DERIVED = {
    "taskIdX": "(job * clusterDim + clusterId) * coreDim + coreId",
    "taskId": "(taskIdZ * taskDimY + taskIdY) * taskDimX + taskIdX",
    "taskDimX": "jobs * clusterDim * coreDim",
    "taskDim": "taskDimX * taskDimY * taskDimZ",
}
# What a kernel without a launch runs on: one job of four clusters, as the public kernels that we know assume.
USUAL = {"jobs": 1, "taskDimY": 1, "taskDimZ": 1, "coreDim": 4, "clusterDim": 4}
API = HostApi(
    prefix="cnrt",
    to_device=("cnrtMemcpyHostToDev", "CNRT_MEM_TRANS_DIR_HOST2DEV"),
    to_host=("cnrtMemcpyDevToHost", "CNRT_MEM_TRANS_DIR_DEV2HOST"),
    dim="cnrtDim3_t",
    jobs=(
        JobType("Block", ("cnrtFuncTypeBlock", "CNRT_FUNC_TYPE_BLOCK"), (1, 1, 1)),
        *(JobType(f"Union{n}", (f"cnrtFuncTypeUnion{n}", f"CNRT_FUNC_TYPE_UNION{n}"), (4, n, 1)) for n in UNIONS),
    ),
    queue="cnrtQueue_t",
    checks=("CNRT_CHECK",),
)


def memories(arch: str = DEFAULT_ARCH) -> tuple[Memory, ...]:
    """Address spaces with what a program may use of them. Scopes: a core is a thread, a cluster's SRAM is a block's, in
    which each cluster has its own."""
    a = ARCHS[arch]
    return (
        Memory("local", "", "thread", None),
        Memory("ldram", "__ldram__", "thread", None),
        Memory("nram", "__nram__", "thread", (a.nram << 10) - (a.reserved << 10), max(64, a.vector_alignment)),
        Memory("wram", "__wram__", "thread", a.wram << 10, 64, scalar=False),
        Memory("sram", "__mlu_shared__", "block", (a.sram << 10) - (a.reserved << 10), 64, shared_by=("coreId",)),
        Memory("global", "", "grid", None),
    )


TYPES: dict[ScalarType, str] = {
    **C_TYPES,
    F16: "half",
    BF16: "bfloat16_t",
    I8: "int8_t",
    U8: "uint8_t",
    I16: "int16_t",
    U16: "uint16_t",
    I32: "int",
    U32: "uint32_t",
    I64: "int64_t",
    U64: "uint64_t",
    F32: "float",
}
FUNCTIONS: dict[tuple[str, ScalarType], str] = {
    **plain.functions(),
    ("abs", I32): "abs",
    ("abs", I64): "llabs",
    **{(n, t): n for n in ("max", "min") for t in (I32, U32, I64, U64)},
}
BARRIERS = {"block": "__sync_all();", "cluster": "__sync_cluster();"}
KERNEL_QUALIFIER = "__mlu_global__"
MARKERS = ("__mlu_global__", "__mlu_entry__", "__bang_", "__nram__", "GDRAM2NRAM")
SUFFIXES = (".mlu", ".mluh")
HEADERS: dict[str, tuple[str, ...]] = {"bang.h": (), "cnrt.h": ("cnrt",)}


def predefined(arch: str = DEFAULT_ARCH) -> dict[str, int]:
    """The compiler's own macros; sizes in KiB."""
    a = ARCHS[arch]
    return {"__BANG__": 1, "__BANG_ARCH__": a.number, "__MLU_NRAM_SIZE__": a.nram, "__MLU_WRAM_SIZE__": a.wram,
            "__MLU_SRAM_SIZE__": a.sram}
