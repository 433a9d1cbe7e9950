"""The rows that kernels use: every one's meaning is a kernel of ours, and its call is what a text says."""

from __future__ import annotations

import pytest

from xpiler_jupyter.frontend.meanings import _statements
from xpiler_jupyter.ir.types import F16, F32, U32
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.platforms.bang.instrs import INSTRS
from xpiler_jupyter.platforms.bang.typed import ELEMENTS, typed

BANG = registry.get("bang")


def test_every_row_of_the_tables_is_there_with_concrete_types() -> None:
    assert {r.word for r in BANG.instrs} == {r.name for r in INSTRS}
    assert len({r.name for r in BANG.instrs}) == len(BANG.instrs)
    assert not any(isinstance(o.dtype, str) for r in BANG.instrs for o in r.operands)
    known = {m.name for m in BANG.memories}
    assert all(set(o.memory) <= known for r in BANG.instrs for o in r.operands)


@pytest.mark.parametrize("part", range(8))
def test_every_meaning_is_read_as_statements(part: int) -> None:
    for row in BANG.instrs[part::8]:
        read, stmts = _statements("bang", row.name)
        assert read is row and (stmts or not row.meaning), row.name


def test_a_direction_is_a_word_of_the_call_and_sizes_stay_in_bytes() -> None:
    row = BANG.instr("__memcpy.GDRAM2NRAM.f16")
    assert row is not None
    assert row.text == "__memcpy({dst}, {src}, {size}, GDRAM2NRAM)" and row.word == "__memcpy"
    assert [o.memory for o in row.operands] == [("nram",), ("global",), ()]
    assert row.operands[0].dtype == F16 and "size / 2" in row.meaning and "(size / 2)" in row.operands[0].extent
    strided = BANG.instr("__memcpy.GDRAM2NRAM.f16.2")
    assert strided is not None and "k * (dst_stride / (unsigned int)2)" in strided.meaning
    assert len([r for r in BANG.overloads("__memcpy") if r.word == "__memcpy"]) == 24 * 3 * len(ELEMENTS)


def test_a_result_is_stored_to_the_first_operand() -> None:
    row = BANG.instr("__bang_count.f32")
    assert row is not None and row.operands[0].dtype == U32
    assert row.text == "{result} = __bang_count({src}, {elem_count})" and "return" not in row.meaning


def test_only_fills_are_selected_by_the_value() -> None:
    selected = {r.name for r in typed(INSTRS) if any(o.selects for o in r.operands)}
    assert "__memset_nram" in selected and "__bang_write_value" in selected and "__bang_add_scalar" not in selected
    row = BANG.instr("__bang_add_scalar.f32")
    assert row is not None and [o.dtype for o in row.operands] == [F32, F32, F32, U32]
