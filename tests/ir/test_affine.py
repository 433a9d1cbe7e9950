"""Linear forms and strides."""

from __future__ import annotations

from xpiler_jupyter.ir.affine import affine, unit_stride
from xpiler_jupyter.ir.algebra import Scope
from xpiler_jupyter.ir.build import add, integer, mod, mul, var
from xpiler_jupyter.ir.nodes import Let
from xpiler_jupyter.ir.poly import Poly
from xpiler_jupyter.ir.types import I32

i, j, n = var("i"), var("j"), var("n")


def test_strides() -> None:
    form = affine(add(mul(add(i, integer(1)), n), j), ["i", "j"])
    assert form is not None
    assert form["i"] == Poly.atom(n) and form.rest == Poly.atom(n)
    assert form.stride("i") is None and form.stride("j") == 1 and form.stride("k") == 0


def test_what_is_not_linear() -> None:
    assert affine(mul(i, j), ["i", "j"]) is None
    assert affine(mul(i, j), ["i"]) is not None
    assert affine(mod(i, integer(4)), ["i"]) is None
    assert affine(mul(i, i), ["i"]) is None


def test_lets_are_seen_through() -> None:
    scope = Scope()._bind("i").let(Let("row", I32, add(mul(i, integer(64)), j)))
    assert unit_stride(var("row"), "j", scope)
    form = affine(var("row"), ["i"], scope)
    assert form is not None and form.stride("i") == 64
