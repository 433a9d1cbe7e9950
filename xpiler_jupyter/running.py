"""Runs a kernel text once on arrays that someone gives: behind `port(a, b)` and `xpiler run`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import RunError, UnsupportedError, UsageError
from .execute import device_module, executor
from .execute.api import Array, Limits
from .frontend.meanings import with_meanings
from .intake import program_in, take_in
from .ir.nodes import Kernel, Param
from .ir.program import as_one_kernel
from .ir.types import BF16, ScalarType
from .ir.visit import buffers_read, buffers_written
from .platforms.base import Platform
from .verify.footprint import evaluate
from .verify.sizes import solve_sizes
from .verify.subject import Subject

LIMITS = Limits(seconds=60.0, memory_bytes=16 << 30)
_NUMPY = {"bool": "bool", "f16": "float16", "f32": "float32", "f64": "float64"} | {
    f"{k}{b}": f"{'u' if k == 'u' else ''}int{b}" for k in "iu" for b in (8, 16, 32, 64)}


def subject_of(text: str, platform: Platform, kernel: str | None = None,
               shape: dict[str, int] | None = None, with_: dict[str, str] | None = None) -> Subject:
    """The text (with template arguments `with_`) as something to run; outside the IR it still runs when its C ABI function
    can be read off. A kernel without a launch gets the one that its guards ask for."""
    program, _ = program_in(text, platform, kernel)
    if program is not None:
        return Subject(text, platform, with_meanings(as_one_kernel(program)))
    try:
        return Subject(text, platform, with_meanings(take_in(text, platform, kernel, shape or {}, with_=with_)[0]))
    except UnsupportedError as err:
        subject = Subject(text, platform, None, kernel)
        try:
            _ = subject.params
        except UsageError:
            raise err from None
        return subject


def run_text(text: str, platform: Platform, arrays: dict[str, Array], scalars: dict[str, int | float] | None = None, *,
             kernel: str | None = None, device: str = "auto", limits: Limits = LIMITS,
             with_: dict[str, str] | None = None) -> dict[str, Array]:
    """Runs `text` on `arrays` by parameter name and returns every buffer after the run, by the same names.

    Names are those of the function that is called (the host wrapper when there is one); the device kernel's own names
    are understood too. Zero-dimensional arrays are scalars. Scalars that are missing are solved from array lengths;
    buffers that are only written may be missing.

    Raises:
        UsageError: a name, a length or a type does not fit.
        RunError: the kernel faulted, with the reason and the line.
    """
    shape = {k: int(v) for k, v in (scalars or {}).items()}
    return _run(subject_of(text, platform, kernel, shape, with_), dict(arrays), dict(scalars or {}), device, limits)


def call(text: str, platform: Platform, kernel: Kernel | None, arrays: tuple[Any, ...], scalars: dict[str, Any],
         shape: dict[str, int], device: str) -> Any:
    """`port(a, b, n=3)`: arguments in order of the parameters; returns the buffers written, one or a tuple."""
    subject = Subject(text, platform, with_meanings(kernel)) if kernel is not None else subject_of(text, platform)
    names = [p.name for p in subject.params]
    if len(arrays) > len(names):
        raise UsageError(f"{len(arrays)} arguments for {len(names)} parameters ({', '.join(names)})")
    given: dict[str, Any] = dict(zip(names, arrays, strict=False))
    for name, value in scalars.items():
        if name not in names and name not in {p.name for p in subject.scalars}:
            raise UsageError(f"there is no parameter {name!r}", hint=f"Parameters: {', '.join(names)}.")
        given[name] = value
    if any(hasattr(v, "__cuda_array_interface__") for v in given.values()):
        launch = subject.launch(_numbers(subject, given, shape))
        return _on_device(platform).call_in_place(text, launch, subject, given)
    inputs = {k: np.asarray(v) for k, v in given.items()}
    outputs = _run(subject, inputs, {k: v for k, v in shape.items() if k not in inputs}, device, LIMITS)
    written = [p.name for p in subject.pointers if p.name in _written(subject)]
    results = tuple(outputs[n] for n in written)
    return results[0] if len(results) == 1 else results


def raw_kernel(text: str, platform: Platform, kernel: Kernel) -> Any:
    """The device function as the real device's own kernel object. Raises UsageError where there is none."""
    return _on_device(platform).raw_kernel(text, kernel.name)


def _on_device(platform: Platform) -> Any:
    """The platform's device module, if it can hand out kernels at all."""
    module = device_module(platform)
    if module is None or not hasattr(module, "raw_kernel"):
        raise UsageError(f"{platform.title} has no real device here", hint="Run it on NumPy arrays.")
    return module


def _numbers(subject: Subject, given: dict[str, Any], shape: dict[str, int]) -> dict[str, int | float]:
    lengths = {p.name: int(np.prod(given[p.name].shape)) for p in subject.pointers if p.name in given}
    known = {**shape, **{p.name: given[p.name] for p in subject.scalars if p.name in given}}
    return _solve(subject, lengths, known)


def _run(subject: Subject, arrays: dict[str, Array], scalars: dict[str, int | float], device: str,
         limits: Limits) -> dict[str, Array]:
    alias = _aliases(subject)
    arrays = {alias.get(k, k): v for k, v in arrays.items()}
    entry_names = {p.name for p in (*subject.params, *subject.scalars)}
    unknown = [k for k in arrays if k not in entry_names]
    if unknown:
        raise UsageError(f"there is no parameter {unknown[0]!r}",
                         hint=f"Parameters: {', '.join(p.name for p in subject.params)}.")
    numbers = {k: v for k, v in scalars.items() if k in {p.name for p in subject.scalars}}
    for p in subject.scalars:
        if p.name in arrays:
            numbers[p.name] = arrays.pop(p.name).item() if arrays[p.name].size == 1 else _no_scalar(p)
    buffers = {p.name: _as_type(arrays[p.name], p) for p in subject.pointers if p.name in arrays}
    known = _solve(subject, {k: v.size for k, v in buffers.items()}, numbers)
    for p in subject.pointers:
        if p.name not in buffers:
            buffers[p.name] = _fresh(subject, p, known)
    shapes = {k: v.shape for k, v in buffers.items()}
    entry = subject.entry(known)
    compiled = executor(subject.platform, device).compile(subject.text, entry)
    passed = {p.name: known[p.name] for p in subject.params if not p.pointer}
    result = compiled.run({k: np.ascontiguousarray(v).reshape(-1) for k, v in buffers.items()}, passed, limits=limits)
    if result.fault:
        raise RunError(result.fault.message, source=subject.text, line=result.fault.line)
    return {k: v.reshape(shapes[k]) for k, v in result.outputs.items()}


def _aliases(subject: Subject) -> dict[str, str]:
    """Device kernel's parameter names to the wrapper's, where they are not the wrapper's own."""
    if subject.kernel is None or subject.kernel.host is None or not subject.wrapped:
        return {}
    own = {p.name for p in subject.params}
    return {a.param: a.source for a in subject.kernel.host.args if a.source and a.param not in own}


def _no_scalar(p: Param) -> int:
    raise UsageError(f"parameter {p.name!r} is a scalar, not an array")


def _solve(subject: Subject, lengths: dict[str, int], known: dict[str, int | float]) -> dict[str, int | float]:
    missing = [p.name for p in subject.scalars if p.name not in known]
    if not missing:
        return known
    if subject.kernel is None:
        raise UsageError(f"what is {missing[0]!r}?", hint=f"Give it: --shape {missing[0]}=N.")
    return {**solve_sizes(subject, lengths, known), **known}


def _as_type(a: Array, p: Param) -> Array:
    """The array as the parameter's element type, when every value survives."""
    want = _dtype(p.dtype)
    if a.dtype == want:
        return a
    with np.errstate(all="ignore"):
        out = a.astype(want)
    if not np.array_equal(out.astype(a.dtype), a, equal_nan=a.dtype.kind == "f"):
        raise UsageError(f"array {p.name!r} is {a.dtype} and would lose values as {want}", hint=f"Convert it to {want} first.")
    return out


def _dtype(t: ScalarType) -> np.dtype[Any]:
    if t == BF16:
        return np.dtype("uint16")  # NumPy has no bfloat16: its bits travel as uint16
    return np.dtype(_NUMPY[t.name])


def _written(subject: Subject) -> set[str]:
    """Entry pointers that the kernel may write; all non-const ones when there is no IR."""
    if subject.kernel is None:
        return {p.name for p in subject.pointers if not p.const}
    return {o for b in buffers_written(subject.kernel.body) if (o := subject.origin(b))}


def _fresh(subject: Subject, p: Param, known: dict[str, int | float]) -> Array:
    """A buffer that the caller left out: allowed when the kernel only writes it and its size is known."""
    if subject.kernel is not None and p.name in _written(subject):
        read = {subject.origin(b) for b in buffers_read(subject.kernel.body)}
        inner = next((q for q in subject.kernel.params if subject.origin(q.name) == p.name), p)
        extent = p.extent or inner.extent
        if extent is None:
            from .dataflow.extents import extents

            extent = extents(subject.kernel).get(inner.name)
        if p.name not in read and extent is not None:
            size = float(evaluate(extent, subject.kernel_scalars(known)))
            if np.isfinite(size):
                return np.frombuffer(b"\xff" * (int(size) * p.dtype.bytes), dtype=_dtype(p.dtype)).copy()
    raise UsageError(f"array {p.name!r} is missing")
