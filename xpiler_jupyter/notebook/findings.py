"""Reads the first wrong element out of a piece of evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..verify.evidence import Evidence


@dataclass(frozen=True, slots=True)
class WrongElement:
    """An element of an output that differs, and how to see it again."""

    buffer: str
    index: int
    expected: str
    got: str
    bound: float
    wrong: int | None
    total: int | None
    inputs: str  # "n=64, seed 7": what the kernel was run on


def first_wrong(evidence: tuple[Evidence, ...]) -> WrongElement | None:
    """The first wrong element of the first failed check that names one."""
    for e in evidence:
        if e.status != "fail":
            continue
        for found in _comparisons(e.data):
            first = found["first"]
            return WrongElement(str(found.get("buffer", "output")), int(first["index"]), str(first["expected"]),
                                str(first["got"]), float(first.get("bound") or 0.0), _count(found.get("wrong")),
                                _count(found.get("total")), _inputs(e.data))
    return None


def _comparisons(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        first = value.get("first")
        if isinstance(first, dict) and {"index", "expected", "got"} <= first.keys():
            yield value
        for inner in value.values():
            yield from _comparisons(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _comparisons(inner)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _inputs(data: dict[str, Any]) -> str:
    sizes = data.get("sizes") or data.get("scalars") or {}
    words = [f"{k}={v}" for k, v in sizes.items()] if isinstance(sizes, dict) else []
    for key in ("policy", "inputs"):
        if isinstance(data.get(key), str):
            words.append(f"{data[key]} values")
    if data.get("seed") is not None:
        words.append(f"seed {data['seed']}")
    return ", ".join(words)
