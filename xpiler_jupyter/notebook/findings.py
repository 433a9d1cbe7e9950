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
    line: int | None = None  # of the text under test: the only line that writes this buffer


def first_wrong(evidence: tuple[Evidence, ...]) -> WrongElement | None:
    """The first wrong element of the first failed check that names one."""
    for e in evidence:
        if e.status != "fail":
            continue
        for found in _comparisons(e.data):
            first = found["first"]
            got = "not written" if "was not written" in e.detail else str(first["got"])
            return WrongElement(str(found.get("buffer", "output")), int(first["index"]), str(first["expected"]), got,
                                float(first.get("bound") or 0.0), _count(found.get("wrong")),
                                _count(found.get("total")), _inputs(e.data), _count(e.data.get("line")))
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
    sizes = data.get("scalars") or {}
    words = [f"{k}={v}" for k, v in sizes.items()] if isinstance(sizes, dict) else []
    if isinstance(data.get("kind"), str):
        words.append(f"{data['kind']} input")
    if data.get("seed") is not None:
        words.append(f"seed {data['seed']}")
    if data.get("reverse"):
        words.append("threads in descending order")
    return ", ".join(words)


def about(found: WrongElement) -> list[str]:
    """What a view says beside the element: how many, how far, on what."""
    out = [f"{found.wrong} of {found.total} elements differ"] if found.wrong is not None else []
    out += [f"allowed difference {found.bound:.2g}"] if found.bound else []
    out += [f"run with {found.inputs}"] if found.inputs else []
    return out


def line_of(text: str, number: int | None) -> str:
    """The line of a text that a finding names, without its indentation."""
    lines = text.split("\n")
    return lines[number - 1].strip() if number is not None and 1 <= number <= len(lines) else ""
