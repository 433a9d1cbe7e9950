"""Copies between memories, fills, and the waits that complete what runs asynchronously.

`void*` operands are bytes here (dtype u8). Every direction of __memcpy is a row of its own: the word `dir` selects it,
and with it the memories of both sides.
"""

from __future__ import annotations

from ...ir.types import BF16, BOOL, F16, F32, I8, I16, I32, U8, ScalarType
from ..instr import Instr, Operand
from .rows import EVERY, NEW_BF16, Rule, aligned, arch_of, buf, out, positive, scalar, section, whole

MEMORIES = ("gdram", "ldram", "sram", "nram", "wram")
# The order of the constants is ours; only their names are part of the language.
DIRECTIONS: tuple[str, ...] = tuple(
    f"{s.upper()}2{d.upper()}" for s in MEMORIES for d in MEMORIES if (s, d) != ("wram", "wram")
)
PIPES = ("io", "move", "compute")


def sides(direction: str) -> tuple[str, str]:
    """(source, destination) memory of a direction."""
    s, d = direction.lower().split("2")
    return s, d


def pipe(direction: str) -> str:
    """Which queue performs it: what touches memory outside the core is I/O, the rest moves."""
    return "io" if set(sides(direction)) & {"gdram", "ldram", "sram"} else "move"


_ONE = "for (unsigned int i = 0; i < size; i++)\n  dst[i] = src[i];"
_TWO = (
    "for (unsigned int k = 0; k <= segnum; k++)\n  for (unsigned int i = 0; i < size; i++)\n"
    "    dst[k * dst_stride + i] = src[(int)k * src_stride + (int)i];"
)
_THREE = (
    "for (unsigned int k = 0; k < (dst_segnum1 + 1) * (dst_segnum2 + 1); k++)\n"
    "  for (unsigned int i = 0; i < size; i++)\n"
    "    dst[(int)(k / (dst_segnum1 + 1)) * dst_stride1 + (int)(k % (dst_segnum1 + 1)) * dst_stride0 + (int)i] =\n"
    "        src[(int)(k / (src_segnum1 + 1)) * src_stride1 + (int)(k % (src_segnum1 + 1)) * src_stride0 + (int)i];"
)
_SEGMENTS = (
    ("dst_stride0", I32),
    ("dst_segnum1", None),
    ("dst_stride1", I32),
    ("dst_segnum2", None),
    ("src_stride0", I32),
    ("src_segnum1", None),
    ("src_stride1", I32),
    ("src_segnum2", None),
)


def _size_rules(direction: str) -> list[Rule]:
    rules: list[Rule] = [*positive("size")]
    if "WRAM" in direction:
        rules.append(
            (
                "size % (__BANG_ARCH__ < 300 ? 64 : 16) == 0",
                "size must be divisible by 16 (64 on mtp_2xx) when WRAM is a side",
            )
        )
    if direction == "NRAM2NRAM":
        rules += [
            ("__BANG_ARCH__ >= 300 || size % 128 == 0", "size must be divisible by 128 on mtp_2xx"),
            *aligned("dst", "src"),
        ]
    return rules


def _copy(direction: str, rank: int, later: bool) -> Instr:
    s, d = sides(direction)
    extent = {
        1: ("size", "size"),
        2: ("segnum * dst_stride + size", "segnum * src_stride + size"),
        3: (
            "dst_segnum2 * dst_stride1 + dst_segnum1 * dst_stride0 + size",
            "src_segnum2 * src_stride1 + src_segnum1 * src_stride0 + size",
        ),
    }[rank]
    align = {"wram": 8}
    operands: list[Operand] = [
        out("dst", extent[0], U8, (d,), alignment=align.get(d, 1)),
        buf("src", extent[1], U8, (s,), align.get(s, 1)),
        scalar("size"),
        scalar("dir", I32),
    ]
    rules = _size_rules(direction)
    if rank == 2:
        operands += [scalar("dst_stride"), scalar("src_stride", I32), scalar("segnum")]
        rules += [
            ("segnum <= 65535", "segnum (segments minus one) must be in [0, 65535]"),
            ("segnum == 0 || dst_stride >= size", "dst_stride must be at least size"),
        ]
    elif rank == 3:
        operands += [scalar(n, t) if t else scalar(n) for n, t in _SEGMENTS]
        rules += [
            (
                "(dst_segnum1 + 1) * (dst_segnum2 + 1) == (src_segnum1 + 1) * (src_segnum2 + 1)",
                "both sides must have the same number of segments",
            )
        ]
    rules.append((f"dir == {direction}", "this row is this direction"))
    what = {
        1: "",
        2: ", one segment per stride; segnum is the number of segments minus one",
        3: ", segments in two strided dimensions per side; segment numbers are minus one",
    }[rank]
    ends = f" It may run until a wait for the {pipe(direction)} queue." if later else ""
    at = {
        (1, False): "3.1.2",
        (2, False): "3.3.2",
        (3, False): "3.7.2",
        (1, True): "3.1.3",
        (2, True): "3.3.3",
        (3, True): "3.7.3",
    }[rank, later]
    note = "Sides may not overlap. Segments are copied in order."
    if "SRAM" in direction:
        note += (
            " The guide runs copies between SRAM and DRAM once, on the cluster's memory core; "
            "here every core that calls performs them."
        )
    return Instr(
        "__memcpy_async" if later else "__memcpy",
        f"Copies size bytes from {s} to {d}{what}.{ends}",
        tuple(operands),
        {1: _ONE, 2: _TWO, 3: _THREE}[rank],
        {},
        tuple(rules),
        "none",
        arch=arch_of(200 if rank < 3 else 322),
        deferred=later,
        source=section(at),
        assumption=note,
    )


def _moves() -> list[Instr]:
    both = (out("dst", "size", U8), buf("src", "size", U8), scalar("size"))
    old: tuple[Rule, ...] = (
        ("__BANG_ARCH__ >= 300 || size % 128 == 0", "size must be divisible by 128 on mtp_2xx"),
        *aligned("dst", "src"),
    )
    two = (
        out("dst", "segnum * dst_stride + size", U8),
        buf("src", "segnum * src_stride + size", U8),
        scalar("size"),
        scalar("dst_stride"),
        scalar("src_stride"),
        scalar("segnum"),
    )
    body = _TWO.replace("(int)k * src_stride + (int)i", "k * src_stride + i")
    return [
        Instr(
            "__bang_move",
            "Copies size bytes within NRAM.",
            both,
            _ONE,
            {},
            (*positive("size"), *old),
            source=section("3.1.1"),
            assumption="The guide allows overlap; refused here unless both start at one place.",
        ),
        Instr(
            "__bang_move",
            "Copies segments within NRAM; segnum is the number of segments minus one.",
            two,
            body,
            {},
            (*positive("size"), *old, ("segnum == 0 || dst_stride >= size", "dst_stride must be at least size")),
            "none",
            source=section("3.3.1"),
            assumption="The guide allows overlap on some architectures; refused here.",
        ),
    ]


def _fills() -> list[Instr]:
    rows: list[Instr] = []
    one = "for (unsigned int i = 0; i < elem_count; i++)\n  dst[i] = value;"
    two = (
        "for (unsigned int k = 0; k <= segnum; k++)\n  for (unsigned int i = 0; i < elem_count; i++)\n"
        "    dst[k * (stride / sizeof(T)) + i] = value;"
    )
    types: dict[str, tuple[ScalarType, ...]] = {"T": (I8, I16, F16, BF16, F32, I32)}
    note = "dst is a void pointer: the value's type says how wide an element is."
    for name, memory, at, at2 in (
        ("__gdramset", "gdram", "3.2.3", "3.4.1"),
        ("__ldramset", "ldram", "3.2.4", "3.4.2"),
        ("__memset_nram", "nram", "3.2.5", ""),
        ("__sramset", "sram", "3.2.7", "3.4.5"),
        ("__nramset", "nram", "4.52", "3.4.3"),
    ):
        for suffix in ("", "_async") if memory in ("nram", "sram") else ("",):
            later = " It may run until a wait." if suffix else ""
            operands = (out("dst", "elem_count", memory=(memory,)), scalar("elem_count"), scalar("value", "T"))
            rules = (*positive("elem_count"), NEW_BF16)
            if name == "__nramset":
                rules = (*rules, *aligned("dst"), whole("elem_count", 64))
            rows.append(
                Instr(
                    f"{name}{suffix}",
                    f"Fills elements in {memory} with a value.{later}",
                    operands,
                    one,
                    types,
                    rules,
                    deferred=bool(suffix),
                    source=section(at),
                    assumption=note,
                )
            )
            if at2:
                segmented = (
                    out("dst", "segnum * (stride / sizeof(T)) + elem_count", memory=(memory,)),
                    scalar("elem_count"),
                    scalar("value", "T"),
                    scalar("stride"),
                    scalar("segnum"),
                )
                rules = (
                    *positive("elem_count"),
                    NEW_BF16,
                    (
                        "stride % sizeof(T) == 0 && stride >= elem_count * sizeof(T)",
                        "stride must hold the segment in whole elements",
                    ),
                )
                rows.append(
                    Instr(
                        f"{name}{suffix}",
                        f"Fills segments in {memory} with a value; segnum is minus one.{later}",
                        segmented,
                        two,
                        types,
                        rules,
                        arch=arch_of(322),
                        deferred=bool(suffix),
                        source=section(at2),
                        assumption=note,
                    )
                )
    zero = (out("dst", "elem_count"), scalar("elem_count"))
    rules = (*positive("elem_count"), NEW_BF16, *aligned("dst"), whole("elem_count"))
    rows.append(
        Instr(
            "__bang_write_zero",
            "Fills a vector with zeros.",
            zero,
            one.replace("value", "(T)0"),
            {"T": EVERY},
            rules,
            source=section("3.2.2"),
        )
    )
    rules = (*positive("elem_count"), NEW_BF16, *aligned("dst"), whole("elem_count", 64))
    rows.append(
        Instr(
            "__bang_write_value",
            "Fills a vector with a value.",
            (out("dst", "elem_count"), scalar("elem_count"), scalar("value", "T")),
            one,
            types,
            rules,
            source=section("3.2.1"),
            assumption=note,
        )
    )
    return rows


def _waits() -> list[Instr]:
    rows = [
        Instr(name, doc, (), "", source=section(at), assumption=note)
        for name, doc, at, note in (
            ("__sync", "Waits for everything that this core started.", "3.19.1", ""),
            ("__sync_io", "Waits for this core's copies from and to memory outside it.", "3.19.3", ""),
            ("__sync_move", "Waits for this core's copies within it.", "3.19.5", ""),
            ("__sync_compute", "Waits for this core's computations.", "3.19.2", "Computations never run behind here."),
            (
                "__sync_cluster",
                "All cores of the cluster meet; completes what they started.",
                "3.18.7",
                "Cores must meet at the same call.",
            ),
            (
                "__sync_all",
                "All cores of the task's union meet; completes what they started.",
                "3.18.1",
                "Cores must meet at the same call.",
            ),
            (
                "__sync_all_ipu",
                "All cores of the task's union meet, without the memory cores.",
                "3.18.3",
                "Cores must meet at the same call.",
            ),
        )
    ]
    flags = tuple(scalar(f"{p}{w}", BOOL) for w in ("producer", "consumer") for p in PIPES)
    rows.append(
        Instr(
            "__sync_io_move_compute",
            "Waits between chosen queues of this core; all of them when none is chosen.",
            flags,
            "",
            {},
            (
                ("ioproducer || moveproducer || computeproducer", "some producer must be chosen"),
                ("ioconsumer || moveconsumer || computeconsumer", "some consumer must be chosen"),
            ),
            source=section("3.19.4"),
            assumption="Completes the chosen producers whoever the consumer is.",
        )
    )
    return rows


BARRIERS = ("__sync_cluster", "__sync_all", "__sync_all_ipu")
INSTRS: tuple[Instr, ...] = (
    *(_copy(d, rank, later) for later in (False, True) for rank in (1, 2, 3) for d in DIRECTIONS),
    *_moves(),
    *_fills(),
    *_waits(),
)
