"""A kernel text that can be run: which function is called, with which arguments, launched how."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..errors import MissingSizeError, UnsupportedError, UsageError
from ..execute.api import Argument, Entry, Launch
from ..execute.lexical import blank
from ..ir.nodes import Alloc, For, Kernel, Param
from ..ir.types import BF16, BOOL, F16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, ScalarType
from ..ir.visit import free_vars, walk
from ..platforms.base import Platform
from .footprint import evaluate
from .interval import Bound

Scalars = dict[str, "int | float"]

_WORDS: dict[str, ScalarType] = {
    "bool": BOOL, "char": I8, "int8_t": I8, "uint8_t": U8, "short": I16, "int16_t": I16, "uint16_t": U16, "int": I32,
    "int32_t": I32, "unsigned": U32, "uint32_t": U32, "long": I64, "int64_t": I64, "uint64_t": U64, "size_t": U64,
    "half": F16, "__half": F16, "_Float16": F16, "bfloat16": BF16, "__nv_bfloat16": BF16, "hip_bfloat16": BF16,
    "float": F32, "double": F64,
}


@dataclass
class Subject:
    """One text with what is known about it.

    Args:
        text: the kernel as a person sees it, run unmodified.
        platform: whose language it is.
        kernel: its IR, or None when the front end does not understand the text (it can still be run).
        function: the C ABI function to call, when there is no IR to say so.
        direct: launch the device kernel itself even if the text has a host wrapper.
    """

    text: str
    platform: Platform
    kernel: Kernel | None = None
    function: str | None = None
    direct: bool = False
    names: dict[str, str] = field(default_factory=dict)  # with `direct`: argument -> the wrapper's

    @property
    def wrapped(self) -> bool:
        """True when the entry is a host wrapper around a device kernel."""
        return self.kernel is not None and self.kernel.host is not None and not self.direct

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """The parameters of the function that is called, in order."""
        if self.kernel is None:
            return self._scanned[1]
        if self.wrapped:
            assert self.kernel.host is not None
            return self.kernel.host.params
        return self.kernel.params

    @cached_property
    def launched(self) -> bool:
        """True when the entry is a device kernel that needs a launch geometry."""
        return self.kernel is not None and bool(self.platform.axes) and not self.wrapped

    @cached_property
    def scalars(self) -> tuple[Param, ...]:
        """Scalars that must have a value before this can run: the entry's, and sizes of a direct launch."""
        own = tuple(p for p in self.params if not p.pointer)
        extra = self.kernel.sizes if self.kernel is not None and self.launched else ()
        return own + tuple(p for p in extra if p.name not in {q.name for q in own})

    @property
    def pointers(self) -> tuple[Param, ...]:
        return tuple(p for p in self.params if p.pointer)

    @property
    def entry_name(self) -> str:
        """The function that is called."""
        if self.kernel is None:
            return self._scanned[0]
        return self.kernel.host.name if self.wrapped and self.kernel.host else self.kernel.instance or self.kernel.name

    def slot(self, pointer: Param) -> int:
        """Which buffer of the C ABI function a pointer of the entry stands for, counted from 0."""
        if self.direct and self.names and self.kernel is not None and self.kernel.host is not None:
            outside = [p.name for p in self.kernel.host.params if p.pointer]
            return outside.index(self.names[pointer.name]) if self.names.get(pointer.name) in outside else -1
        return self.pointers.index(pointer)

    def entry(self, scalars: Scalars) -> Entry:
        """How to call this text with these scalar values."""
        args = tuple(Argument(p.name, p.dtype, p.pointer) for p in self.params)
        return Entry(self.entry_name, args, self.launch(scalars) if self.launched else None)

    def launch(self, scalars: Scalars) -> Launch:
        """The geometry: the extents of the axis loops for these sizes."""
        assert self.kernel is not None
        known = self.kernel_scalars(scalars)
        extents = {"grid": [1, 1, 1], "block": [1, 1, 1]}
        for node in walk(self.kernel.body):
            if isinstance(node, For) and node.axis is not None:
                axis = self.platform.axis(node.axis)
                if axis is None:
                    raise UnsupportedError(f"{self.platform.title} has no axis {node.axis}")
                value = float(evaluate(node.hi, known))
                if not np.isfinite(value):
                    names = sorted(free_vars(node.hi) - set(known)) or sorted(free_vars(node.hi))
                    raise MissingSizeError(f"the launch extent of {node.axis} is not known: it depends on "
                                           f"{', '.join(names)}", hint=f"Say --shape {' '.join(n + '=N' for n in names)}.")
                extents[axis.level]["xyz".index(axis.place)] = int(value)
        gx, gy, gz = extents["grid"]
        bx, by, bz = extents["block"]
        return Launch((gx, gy, gz), (bx, by, bz), self._dynamic_bytes(known))

    def _dynamic_bytes(self, known: dict[str, Bound]) -> int:
        """Bytes of the block's arrays whose sizes the text leaves to its launch."""
        assert self.kernel is not None
        text, total = blank(self.text), 0
        for n in walk(self.kernel.body):
            memory = self.platform.memory(n.memory) if isinstance(n, Alloc) else None
            if not isinstance(n, Alloc) or memory is None or memory.scope != "block" or not memory.qualifier:
                continue
            word = re.escape(memory.qualifier)
            if not re.search(rf"\bextern\s+{word}\b", text) or re.search(rf"\b{word}[^;()]*\b{n.name}\s*\[[^\]]", text):
                continue
            size = float(np.prod([float(evaluate(d, known)) for d in n.shape])) * n.dtype.bytes
            total += int(size) if np.isfinite(size) else 0
        return total

    def kernel_scalars(self, scalars: Mapping[str, Bound]) -> dict[str, Bound]:
        """Values of the device kernel's own scalars and sizes, from the entry's (arrays of choices pass through)."""
        known: dict[str, Bound] = dict(scalars)
        if self.kernel is not None and self.wrapped:
            assert self.kernel.host is not None
            for arg in self.kernel.host.args:
                if arg.value is not None:
                    known[arg.param] = evaluate(arg.value, dict(scalars))
        return known

    def origin(self, buffer: str) -> str | None:
        """The entry's pointer behind a buffer parameter of the device kernel; None for the wrapper's own scratch."""
        if self.kernel is None or not self.wrapped:
            return buffer
        assert self.kernel.host is not None
        return next((a.source for a in self.kernel.host.args if a.param == buffer), None)

    @cached_property
    def _scanned(self) -> tuple[str, tuple[Param, ...]]:
        """Name and parameters of the C ABI function of a text without IR, read off its signature."""
        text = re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: " " * len(m.group()), self.text, flags=re.S)
        want = re.escape(self.function) if self.function else r"\w+"
        found = re.search(rf'extern\s+"C"\s+(?:\w+\s+)*?void\s+({want})\s*\(([^()]*)\)\s*\{{', text) \
            or re.search(rf"(?:^|\n)\s*void\s+({want})\s*\(([^()]*)\)\s*\{{", text)
        if not found:
            raise UsageError("the text has no C function that could be called",
                             hint='add a host wrapper: extern "C" void name(...)')
        return found.group(1), tuple(_parameter(p) for p in found.group(2).split(",") if p.strip() not in ("", "void"))


def _parameter(text: str) -> Param:
    """One declaration of a plain C signature."""
    pointer, const = "*" in text or "[" in text, bool(re.search(r"\bconst\b", text))
    words = [w for w in re.findall(r"\w+", re.sub(r"\[[^\]]*\]", "", text)) if w not in ("const", "restrict", "signed",
                                                                                        "__restrict__", "__restrict")]
    if len(words) < 2:
        raise UsageError(f"the parameter '{text.strip()}' has no name or no type")
    kinds = [w for w in words[:-1] if w in _WORDS]
    if not kinds:
        raise UnsupportedError(f"the type of parameter '{text.strip()}' is not understood")
    dtype = _WORDS[kinds[-1]]
    if "unsigned" in kinds and dtype.kind == "int":
        dtype = {8: U8, 16: U16, 32: U32, 64: U64}[dtype.bits]
    return Param(words[-1], dtype, pointer, const)
