"""The triviality gate: a test set is worth nothing if it would accept a kernel that does nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..execute.api import Array
from .compare import compare
from .numbers import decode, encode
from .reference import Reference
from .subject import Subject

SAMPLE = 4096


def accepted_trivia(subject: Subject, references: list[Reference]) -> list[str]:
    """Names of trivial kernels that every reference would let pass: "zeros", "ones", "nothing", "a copy of A"."""
    names = ["nothing", "zeros", "ones", *(f"a copy of {p.name}" for p in subject.pointers)]
    return [name for name in names if references and all(_passes(subject, r, name) for r in references)]


def _passes(subject: Subject, ref: Reference, name: str) -> bool:
    for p in subject.pointers:
        if p.name not in ref.expected or not ref.defined[p.name].any():
            continue
        expected = ref.expected[p.name]
        got = _output(subject, ref, name, p.name, expected)
        if got is None:
            return False
        some = slice(None, None, max(1, expected.size // SAMPLE))  # most trivia differ nearly everywhere
        tol, defined = ref.bound[p.name], ref.defined[p.name]
        if not compare(p.name, expected[some], got[some], p.dtype, tol.take(some), defined[some]).ok or \
                not compare(p.name, expected, got, p.dtype, tol, defined).ok:
            return False
    return True


def _output(subject: Subject, ref: Reference, name: str, buffer: str, expected: Array) -> Array | None:
    """What the trivial kernel `name` would leave in `buffer`; None: nothing that could pass."""
    dtype = next(p.dtype for p in subject.pointers if p.name == buffer)
    if name in ("zeros", "ones"):
        return encode(np.full(expected.size, 0.0 if name == "zeros" else 1.0), dtype)
    if name == "nothing":
        # Pure outputs would keep their poison, which differs between the runs; in/out buffers keep their data.
        return ref.case.buffers[buffer].reshape(-1) if not ref.untouched[buffer].any() and _kept(ref, buffer) else None
    source = name.removeprefix("a copy of ")
    if source == buffer:
        return None
    given = next(p for p in subject.pointers if p.name == source)
    data = decode(ref.case.buffers[source].reshape(-1)[:expected.size], given.dtype)
    return encode(np.resize(data, expected.size), dtype) if data.size else None


def _kept(ref: Reference, buffer: str) -> bool:
    return buffer in ref.inout


def more_kinds() -> Iterator[tuple[str, int]]:
    """Further inputs to try when the gate is not passed: kind and seed offset."""
    for offset in (101, 202):
        for kind in ("mixed", "moderate", "positive", "unit"):
            yield kind, offset
