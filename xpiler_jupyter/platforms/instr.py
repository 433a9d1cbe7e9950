"""What an instr is: its meaning as plain C over its operands, its operands' memories and rules, and its text.

From one row come: reading (the call in a kernel becomes an `InstrCall`), Detensorize (inline the meaning), Tensorize
(match the meaning), simulation checks, proofs, the manual page, and the prompt text. The idea is Exo's (Ikarashi et al.,
PLDI 2022): an instruction is a procedure with a template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from ..ir.types import ScalarType

_RESULT = re.compile(r"\{(\w+)\}\s*=")
_WORD = re.compile(r"(?:\{\w+\}\s*=\s*)?(?:\w+::)*(\w+)\s*\(")


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand, in call order.

    Attributes:
        name: as in `meaning`.
        dtype: a scalar type, or the name of a type variable of the instr ("T").
        memory: of a buffer operand, the memories it may live in; empty for a scalar passed by value.
        access: "r", "w" or "rw" for buffers.
        alignment: of the buffer's address, in bytes.
        extent: elements touched, as a C expression over scalar operands (for bounds and manual pages).
        shape: of a buffer that is a value of its own, such as a fragment: its dimensions, by which `meaning` indexes it.
        declared: the type that such a value is declared with.
        untyped: a void pointer in the text, which may point to other elements of the same size.
        per_lane: each of the `lanes` threads passes a value of its own; in `meaning` the operand has one more dimension in
            front, the lane.
        selects: of a scalar: its own type in the text chooses the row, since no pointer does (a fill of a void pointer).
        default: of a scalar: the number that a call may leave unsaid at its end, or that stands in no call.
        values: of a scalar: the constants that choose this row.
    """

    name: str
    dtype: ScalarType | str
    memory: tuple[str, ...] = ()
    access: str = "r"
    alignment: int = 1
    extent: str = ""
    shape: tuple[int, ...] = ()
    declared: str = ""
    untyped: bool = False
    selects: bool = False
    per_lane: bool = False
    default: str = ""
    values: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Instr:
    """One intrinsic.

    Attributes:
        name: the word in the text; overloads share it and differ in operands.
        doc: one sentence.
        operands: in call order.
        meaning: C statements over the operands (buffers are flat arrays of their type, scalars are values); what the
            instr does, element by element, in an order that gives its exact result when `exact`.
        types: the choices of each type variable.
        rules: C conditions over scalar operands that must hold, each with its reason, e.g. ("n % 64 == 0", "...").
        overlap: whether destination and sources may share elements ("none", "same" start, "any").
        exact: False when hardware may round differently than `meaning` (tables, reassociated sums).
        lanes: threads that execute it together: 1, or the platform's lane width.
        arch: architectures that have it; empty: all.
        needs: the word of `--allow` (`ir/narrow.py`) without which nobody may use it for a kernel that did not: it keeps
            fewer bits of its operands than their types have.
        atomic: other threads see what it does as one step, or (a fence) it orders what they see. Where one thread is left,
            its meaning is all there is to it; no loop ever becomes one.
        deferred: it may run until a wait that follows, so nothing may touch its operands before that wait.
        source: manual and section.
        assumption: what we decided where the manual is silent; printed on the page.
        template: the call, operands in braces, e.g. "mma({d}, {a}, {b})"; empty: `name` and the operands in order. An
            instr that gives a value starts with the operand that takes it: "{dst} = add({a}, {b})".
        also: other calls that a text may write for it.
    """

    name: str
    doc: str
    operands: tuple[Operand, ...]
    meaning: str
    types: dict[str, tuple[ScalarType, ...]] = field(default_factory=dict)
    rules: tuple[tuple[str, str], ...] = ()
    overlap: str = "same"
    exact: bool = True
    lanes: int = 1
    arch: tuple[str, ...] = ()
    needs: str = ""
    atomic: bool = False
    deferred: bool = False
    source: str = ""
    assumption: str = ""
    template: str = ""
    also: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The call as it stands in a kernel, operands in braces."""
        return self.template or f"{self.name}({', '.join('{' + o.name + '}' for o in self.operands)})"

    @property
    def result(self) -> str | None:
        """The operand that takes the value of the call: what stands left of the assignment, if there is one."""
        m = _RESULT.match(self.text)
        return m[1] if m else None

    @property
    def word(self) -> str:
        """The function's name in a text, without name spaces: `wmma::mma_sync` is `mma_sync`."""
        m = _WORD.match(self.text)
        return m[1] if m else self.name


def choices(row: Instr) -> Iterator[dict[str, ScalarType]]:
    """Every assignment of the row's type variables; one empty one for a row without."""
    for picked in product(*row.types.values()):
        yield dict(zip(row.types, picked, strict=True))


def dtype_of(operand: Operand, chosen: Mapping[str, ScalarType]) -> ScalarType:
    """The operand's type under a choice of the row's type variables."""
    return chosen[operand.dtype] if isinstance(operand.dtype, str) else operand.dtype
