"""Values worth trying for an unknown size, and the search over combinations of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable

import numpy as np

from ..ir.nodes import Binary, Const, Expr, For, Node
from ..ir.visit import walk
from .contracts import moduli
from .interval import Bound
from .subject import Scalars, Subject

Table = np.ndarray[tuple[int, ...], np.dtype[np.float64]]  # one row per name, one column per combination

MAX_ELEMENTS = 1 << 24
SMALL = (1, 2, 3, 4, 5, 7, 8, 16)
GENERIC = (33, 64, 100, 129, 256, 1000, 1024)


def constants(subject: Subject) -> list[int]:
    """Positive integers of the kernel, most telling first: those in comparisons and loop bounds, launch extents, the
    stated thread limit, then the rest of the IR, then the text as written (which the IR may have folded)."""
    kernel = subject.kernel
    strong: dict[int, None] = {}
    weak: dict[int, None] = {}
    if kernel is not None:
        if kernel.max_threads:
            strong[kernel.max_threads] = None
        strong.update(dict.fromkeys(moduli(kernel)))
        for node in walk(kernel.body):
            parts: tuple[Expr, ...] = ()
            if isinstance(node, For):
                parts = (node.hi, node.step)
            elif isinstance(node, Binary) and node.op in ("<", "<=", ">", ">=", "=="):
                parts = (node.a, node.b)
            for part in parts:
                strong.update(dict.fromkeys(_ints(part)))
    weak.update(dict.fromkeys(int(m) for m in re.findall(r"(?<![\w.])(\d{1,9})(?![\w.])", subject.text)))
    if kernel is not None:
        weak.update(dict.fromkeys(_ints(kernel.body)))
    out = list(strong) + [c for c in weak if c not in strong]
    return [c for c in out if 0 < c <= MAX_ELEMENTS][:48]


def _ints(node: Node) -> list[int]:
    return [int(n.value) for n in walk(node) if isinstance(n, Const) and n.dtype.is_integer
            and not isinstance(n.value, bool)]


def candidates(subject: Subject, name: str, fixed: Scalars) -> list[int]:
    """Values for one unknown; `@b` asks for the largest element of index buffer `b`."""
    if name.startswith("@"):
        return [3, 0, 1, 2, 7, 15, 31]
    base = constants(subject) + [int(v) for v in fixed.values() if isinstance(v, int)]
    out: dict[int, None] = dict.fromkeys(base)
    out.update(dict.fromkeys(SMALL))
    short = base[:16]
    for c in short[:8]:
        out.update(dict.fromkeys((c - 1, c + 1, 2 * c, 2 * c + 1, 3 * c)))
    for a in base:
        for b in base:
            if b > 1 and a > b and a % b == 0:
                out[a // b] = None
    out.update(dict.fromkeys(GENERIC))
    for a in short:
        for b in short:
            out[a * b] = None
    return [v for v in out if 0 < v <= MAX_ELEMENTS][:160]


def neighbours(subject: Subject, value: int) -> list[int]:
    """Strides a size may have to be a multiple of: small powers of two and the kernel's own constants, ascending."""
    near = {2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, *constants(subject)}
    return sorted(m for m in near if 2 <= m <= value and value % m == 0)[-6:]


def divisors(lengths: Iterable[int]) -> list[int]:
    """Every divisor of every length, and the lengths' neighbours: what a dimension of such arrays can be."""
    out: set[int] = set()
    for n in lengths:
        out |= {n, n + 1, max(n - 1, 1)}
        for d in range(1, int(n**0.5) + 1):
            if n % d == 0:
                out |= {d, n // d}
    return sorted(out)


def assignments(pool: dict[str, list[int]], rank: Callable[[dict[str, Bound]], Bound], rng: np.random.Generator,
                limit: int = 10000) -> dict[str, Bound]:
    """Combinations to choose from, as one array per name: all of them when few, else random ones improved one
    or two coordinates at a time towards a low `rank`."""
    if not pool:
        return {}
    names = list(pool)
    count = 1
    for values in pool.values():
        count *= len(values)
    if count <= limit:
        grid = np.meshgrid(*(np.asarray(pool[n], dtype=float) for n in names), indexing="ij")
        return {n: g.reshape(-1) for n, g in zip(names, grid, strict=True)}
    each = int(limit ** (1 / len(names)))
    grid = np.meshgrid(*(np.asarray(pool[n][:each], dtype=float) for n in names), indexing="ij")
    table = np.concatenate([np.stack([g.reshape(-1) for g in grid]),  # all of the most telling ones, and random ones
                            np.stack([rng.choice(np.asarray(pool[n], dtype=float), 2000) for n in names])], axis=1)
    for _ in range(3):
        cost = np.asarray(rank({n: table[i] for i, n in enumerate(names)}))
        order = np.argsort(cost, kind="stable")
        best = _distinct(table[:, order])[:, :12]
        moves = [best]
        for i, n in enumerate(names):
            tried = np.asarray(pool[n], dtype=float)
            moved = np.repeat(best, len(tried), axis=1)
            moved[i] = np.tile(tried, best.shape[1])
            moves.append(moved)
        for i, j in itertools.combinations(range(len(names)), 2):
            a, b = (np.asarray(pool[names[k]][:14], dtype=float) for k in (i, j))
            moved = np.repeat(best[:, :3], len(a) * len(b), axis=1)
            moved[i] = np.tile(np.repeat(a, len(b)), min(3, best.shape[1]))
            moved[j] = np.tile(b, len(a) * min(3, best.shape[1]))
            moves.append(moved)
        table = _distinct(np.concatenate(moves, axis=1))
    return {n: table[i] for i, n in enumerate(names)}


def _distinct(table: Table) -> Table:
    """Columns without repetition, first occurrence first."""
    _, first = np.unique(table, axis=1, return_index=True)
    return np.asarray(table[:, np.sort(first)])
