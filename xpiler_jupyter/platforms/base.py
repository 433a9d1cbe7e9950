"""What a platform is: tables. A platform folder fills one `Platform` in and adds a host simulator header."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..ir.nodes import Kernel
from ..ir.types import BF16, BOOL, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from .host_api import HostApi
from .instr import Instr

C_TYPES: dict[ScalarType, str] = {
    BOOL: "bool", I8: "int8_t", I16: "int16_t", I32: "int", I64: "int64_t", U8: "uint8_t", U16: "uint16_t",
    U32: "unsigned int", U64: "uint64_t", F16: "_Float16", BF16: "__bf16", F32: "float", F64: "double",
}


@dataclass(frozen=True, slots=True)
class Axis:
    """A parallel index. `level` is "grid" (independent instances) or "block" (instances that share memory and meet at
    barriers); `extent_name` is the built-in that holds its size; `max_extent` the largest legal launch; `place` the
    coordinate of the launch that gives its extent; `text` and `extent_text` how the two are written where no built-in
    has the name; `pragma` the line in front of the loop of a `Platform.loop_axis`."""

    name: str
    level: str
    extent_name: str
    max_extent: int
    place: str = "x"
    text: str = ""
    extent_text: str = ""
    pragma: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """An address space. `qualifier` is its declaration word; `capacity` in bytes per `scope` ("thread", "warp", "block",
    "grid"), None when only the machine limits it; `alignment` in bytes of an array in it; `scalar`: plain loads and
    stores reach it, not only instrs; `shared_by` the block axes whose indices share one array of it, where not all do."""

    name: str
    qualifier: str
    scope: str
    capacity: int | None
    alignment: int = 1
    scalar: bool = True
    shared_by: tuple[str, ...] = ()

    def shares(self, axis: str | None) -> bool:
        """Do the indices of this block axis share an array of the memory?"""
        return not self.shared_by or axis in self.shared_by


@dataclass(frozen=True, slots=True)
class CopyRows:
    """Instrs that copy from one memory to another. A row's name is the one here and the element type, `{plain}.f32`;
    the strided one is the second of that name, `{strided}.f32.2`. Operands: dst, src, size in bytes; strided also
    dst_stride and src_stride in bytes and segnum, segments minus one. `later` ones may run until `wait`. The size of a
    segment must be a multiple of `granule` bytes."""

    plain: str
    strided: str = ""
    later: str = ""
    later_strided: str = ""
    wait: str = ""
    granule: int = 1


@dataclass(frozen=True, slots=True)
class Platform:
    """One deep-learning system as data.

    Attributes:
        name: the word on the command line; title: the words for people.
        language: Pygments lexer name for its kernels.
        suffixes: file name endings that suggest it.
        axes: its parallel indices, fastest-varying thread axis first within a level; empty on plain C.
        loop_axis: the parallel index that is no launch but an ordinary loop with a pragma in front of it.
        memories: its address spaces.
        expects: what its kernels are expected to be made of, in a word for people ("AVX-512"): a port that uses none of
            `instrs` says so. Empty: plain code is what one expects.
        lane_width: threads that run in lock step (1 on plain C).
        widths: other lane widths under which the same text may run one day, on devices of its own or of a platform with
            the same words: each with the switches of the simulator that has them.
        max_threads: threads per block at most (1 on plain C).
        kernel_qualifier: what marks a kernel, e.g. "__global__"; empty: an extern "C" function.
        barriers: text per barrier scope.
        dynamic_shared: may the launch say how large an array in a block's memory is?
        completes: its calls that wait for everything that runs behind (`Instr.deferred`), barriers among them.
        votes: its barriers of a block that also vote, and what their value is: "count", "and", "or".
        types: text per scalar type.
        type_names: its own words for scalar types, beside C's; vectors: bytes of its vector types, values that only
            instrs touch.
        short_vectors: its words for vectors of a few scalars with fields x, y, z, w: their element and how many there are.
        functions: text per (canonical function, dtype); missing ones follow C's <math.h> naming.
        api: the host run-time calls; None: there is no host/device split.
        predefined: the macros that its compiler defines, with their values.
        macros: what its headers #define with parameters, as it stands after the word.
        headers: include -> words of a text that ask for it; no words: always.
        namespaces: those that a text opens when it names something of theirs.
        emit: prints a kernel in this platform's language.
        meeting_point: the one platform that all directions go through.
        markers: words that only this platform's texts have.
        weak_markers: words that suggest it when nothing else tells.
        simulator: the header that gives an unmodified text its meaning on the host.
        defines: switches of the simulator.
        native_flags: compiler flags by which the simulator uses this processor's own instructions; native_cpu: the
            words of /proc/cpuinfo that such a processor has.
        instrs: the intrinsics whose meaning is known; copies: those that copy, by source and destination memory.
        groups: cooperative groups in its own words, read behind a text that uses them.
        synonyms: word of a text -> the word of a row that does the same, or as much and more.
        variants: a pattern of what in an instr's name tells variants of one apart (width, mask), for manual pages.
        derived: built-in -> its value as a sum of products of axes, their extents and other built-ins.
        usual: extents, by their built-ins' names, of the launch that a kernel gets when nothing says how it is started;
            empty: they follow from the kernel's guards.
        definitions: word -> a type or function of ours that stands before a kernel whose text has the word.
        switches: word -> what it chooses: an architecture, another simulator. `registry.get("name@word")` has it on.
    """

    name: str
    title: str
    language: str
    suffixes: tuple[str, ...]
    axes: tuple[Axis, ...]
    memories: tuple[Memory, ...]
    lane_width: int
    max_threads: int
    kernel_qualifier: str
    barriers: dict[str, str]
    emit: Callable[[Kernel], str]
    simulator: Path
    dynamic_shared: bool = False
    completes: tuple[str, ...] = ()
    votes: dict[str, str] = field(default_factory=dict)
    api: HostApi | None = None
    predefined: dict[str, int] = field(default_factory=dict)
    macros: tuple[str, ...] = ()
    headers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    types: dict[ScalarType, str] = field(default_factory=lambda: dict(C_TYPES))
    type_names: dict[str, ScalarType] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    short_vectors: dict[str, tuple[ScalarType, int]] = field(default_factory=dict)
    functions: dict[tuple[str, ScalarType], str] = field(default_factory=dict)
    markers: tuple[str, ...] = ()
    weak_markers: tuple[str, ...] = ()
    meeting_point: bool = False
    loop_axis: Axis | None = None
    expects: str = ""
    defines: tuple[str, ...] = ()
    native_flags: tuple[str, ...] = ()
    native_cpu: tuple[str, ...] = ()
    instrs: Sequence[Instr] = ()
    copies: Mapping[tuple[str, str], CopyRows] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)
    widths: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    groups: str = ""
    variants: str = ""
    derived: dict[str, str] = field(default_factory=dict)
    usual: dict[str, int] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)
    _by_name: dict[str, Instr] = field(init=False, compare=False, repr=False, default_factory=dict)
    _by_word: dict[str, list[Instr]] = field(init=False, compare=False, repr=False, default_factory=dict)

    @property
    def family(self) -> str:
        """The name without switches: that of the platform's folder."""
        return self.name.split("@")[0]

    def axis(self, name: str) -> Axis | None:
        return next((a for a in self.axes if a.name == name), None)

    def is_axis(self, name: str) -> bool:
        """Whether the name is that of an axis or of its extent: a built-in of the platform."""
        return any(name in (a.name, a.extent_name) for a in self.axes)

    def memory(self, name: str) -> Memory | None:
        return next((m for m in self.memories if m.name == name), None)

    def instr(self, name: str) -> Instr | None:
        """The row of that name."""
        self._index()
        return self._by_name.get(name)

    def overloads(self, word: str) -> list[Instr]:
        """The rows that a call of `word` may mean, in the table's order."""
        self._index()
        return self._by_word.get(self.synonyms.get(word, word), [])

    def _index(self) -> None:
        """Fills the look-up tables at the first question: a table may be worked out only then (`concrete.Rows`)."""
        if self._by_name:
            return
        words: dict[str, list[Instr]] = {}
        for row in self.instrs:
            words.setdefault(row.word, []).append(row)
            for other in row.also:
                written = replace(row, template=other, also=())
                words.setdefault(written.word, []).append(written)
        self._by_word.update(words)
        self._by_name.update({row.name: row for row in reversed(self.instrs)})  # of two with one name the first
