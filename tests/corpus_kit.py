"""The kernels of tests/corpus: a text, and beside it a Python file that says what the kernel computes.

`<name>.cu` or `.hip` has a sibling `<name>.py` with

    FEATURES    words for the table: what the kernel is about
    OPTIONS     keyword arguments for Port (optional)
    inputs(rng) the arguments of the host wrapper by name: arrays and numbers
    reference   NumPy: takes the same arguments, returns the buffers written, by name
    REFUSED     targets that must refuse, with a part of the message (optional)

and one in `wrong/` has MESSAGE and LINE instead: what must be said about it, and where.
"""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CORPUS = Path(__file__).parent / "corpus"
SUFFIXES = {".cu": "cuda", ".hip": "hip", ".cpp": "c"}
TARGETS = ("c", "vnni", "cuda", "hip", "bang")


@dataclass(frozen=True)
class Sample:
    """One kernel of the corpus. `about` holds what its Python file defines."""

    path: Path
    platform: str
    about: dict[str, Any]

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.about.get("OPTIONS", {}))

    def inputs(self) -> dict[str, Any]:
        """Fresh arguments, the same ones each time."""
        return dict(self.about["inputs"](np.random.default_rng(7)))

    def expected(self) -> dict[str, np.ndarray]:
        """What the buffers hold afterwards."""
        return dict(self.about["reference"](**self.inputs()))


def samples(folder: str | None = None) -> list[Sample]:
    """The kernels that have a Python file beside them, in `folder` or in all but `wrong`."""
    paths = sorted(p for p in CORPUS.glob("*/*") if p.suffix in SUFFIXES and p.with_suffix(".py").exists())
    return [Sample(p, SUFFIXES[p.suffix], runpy.run_path(str(p.with_suffix(".py"))))
            for p in paths if (p.parent.name == folder if folder else p.parent.name != "wrong")]


def arguments(inputs: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, int | float]]:
    """Arrays and numbers apart, as `running.run_text` takes them."""
    arrays = {k: np.array(v) for k, v in inputs.items() if isinstance(v, np.ndarray)}
    return arrays, {k: v for k, v in inputs.items() if k not in arrays}


def differs(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> str:
    """The first buffer that is not what the reference says, in words; empty when all are. Integers must be equal; floats
    may differ by what a different order of their sums gives (a NumPy reference adds pairwise)."""
    for name, want in expected.items():
        have = got[name].reshape(-1)
        want = np.asarray(want).reshape(-1)
        if have.shape != want.shape:
            return f"{name}: {have.size} elements, not {want.size}"
        if want.dtype.kind == "f":
            eps = float(np.finfo(have.dtype).eps)
            near = np.allclose(have.astype("f8"), want.astype("f8"), rtol=256 * eps, atol=64 * eps * _scale(want),
                               equal_nan=True)
        else:
            near = bool(np.array_equal(have, want))
        if not near:
            k = int(np.argmax(~np.isclose(have.astype("f8"), want.astype("f8"), rtol=1e-3, atol=1e-3, equal_nan=True)))
            return f"{name}[{k}] is {have[k]}, not {want[k]}"
    return ""


def _scale(want: np.ndarray) -> float:
    finite = want[np.isfinite(want)]
    return float(np.abs(finite).max(initial=1.0))
