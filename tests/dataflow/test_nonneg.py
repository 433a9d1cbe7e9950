"""What is known not to be negative, also where it is not affine."""

from __future__ import annotations

import pytest

from xpiler_jupyter.dataflow import poly as P
from xpiler_jupyter.dataflow.sets import compare, nonneg, universe

ROWS = compare(">=", P.atom(0), {}, universe(1))  # one loop from 0


@pytest.mark.parametrize(("p", "known"), [
    ({(0, "m"): 1}, True),
    ({(0, "m"): 1, (0,): 3, (): 1}, True),
    ({(0, "m"): -1}, False),
    (P.atom(("fdiv", P.freeze({(0, "m"): 1}), P.freeze({("k",): 1}))), False),  # no quasi-affine form at all
    ({(0, 0): 1}, True),
])
def test_products_of_what_is_not_negative(p: P.Poly, known: bool) -> None:
    assert nonneg(p, ROWS) is known
