"""Loops that add up a tile kept in a private array: the loop over the terms belongs inside the loops over the elements.

    float t[16][16];                                                  for (i < 16) for (j < 16) {
    for (i) for (j) t[i][j] = 0;                                        float t = 0;
    for (k) for (i) for (j) t[i][j] += A[i][k] * B[k][j];      ->       for (k) t += A[i][k] * B[k][j];
    for (i) for (j) C[i][j] = t[i][j];                                  C[i][j] = t;
                                                                      }
"""

from __future__ import annotations

from collections.abc import Iterator

from ..ir.nodes import Alloc, For, Kernel, Store
from ..ir.visit import walk
from ._loops import label_of, perfect_inner, serial_loops


def inward(kernel: Kernel) -> Iterator[list[str]]:
    """Orders in which a loop that writes only elements of private arrays stands inside the nest that it holds."""
    private = {n.name for n in walk(kernel.body) if isinstance(n, Alloc)}
    arrays = {n.name for n in walk(kernel.body) if isinstance(n, Alloc) and n.shape}
    for label, loop in serial_loops(kernel):
        written = {n.buffer for n in walk(loop) if isinstance(n, Store)}
        if not written & arrays or not written <= private:
            continue
        order: list[str] = []
        inner = perfect_inner(loop)
        while inner is not None and inner[1].kind != "parallel" and _indexes(loop, inner[1], arrays & written):
            order.append(label_of(kernel, inner[1]))
            inner = perfect_inner(inner[1])
        if order:
            yield [*order, label]


def _indexes(outer: For, loop: For, arrays: set[str]) -> bool:
    """Does the loop choose an element of the arrays, and the one around it none?"""
    names = {v for n in walk(loop) if isinstance(n, Store) and n.buffer in arrays for i in n.indices
             for v in (getattr(x, "name", None) for x in walk(i))}
    return loop.var in names and outer.var not in names
