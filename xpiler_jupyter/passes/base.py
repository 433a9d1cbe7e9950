"""What a pass is: a named, checked transformation of one kernel; and how loops are named in knobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..errors import IllegalPassError
from ..ir.nodes import For, Kernel
from ..ir.visit import Rewriter, walk
from ..platforms.base import Platform


@dataclass(frozen=True, slots=True)
class PassResult:
    """The kernel after the pass, what was done in one sentence, old to new names of buffers that were renamed or
    staged, assumptions that the result rests on, and the words of `--allow` that it made use of (`_allow.py`)."""

    kernel: Kernel
    note: str
    names: dict[str, str] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


class Pass:
    """Base class. A subclass sets the class variables and defines `sites` and `apply`; its docstring shows
    `before -> after`. One pass is one file that ends with `PASS = TheClass()`."""

    name: ClassVar[str]
    kind: ClassVar[str]  # "parallel", "loop", "memory" or "tensor"
    summary: ClassVar[str]  # one sentence for menus and pages
    knobs: ClassVar[dict[str, str]] = {}  # knob name -> what it means

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        """Knob settings worth offering here, the default first; each is accepted by `apply` or refused with a reason."""
        raise NotImplementedError

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        """The transformed kernel. Raises IllegalPassError with the precise reason; never returns a wrong kernel."""
        raise NotImplementedError

    def known(self, knobs: dict[str, Any]) -> None:
        """Refuses a knob that the pass does not have."""
        unknown = sorted(set(knobs) - set(self.knobs))
        if unknown:
            raise self.refuse(f"there is no knob {unknown[0]!r}", hint=f"Knobs: {', '.join(self.knobs) or 'none'}.")

    def refuse(self, reason: str, node: Any = None, hint: str | None = None) -> IllegalPassError:
        """The error to raise: the pass' name, the reason, the place."""
        err = IllegalPassError.at(node, f"{self.name}: {reason}", hint=hint)
        assert isinstance(err, IllegalPassError)
        return err


def loop_labels(kernel: Kernel) -> dict[str, For]:
    """Every loop by the label that knobs use: its variable's name, or `name#2`, `name#3` ... for later loops (in text
    order) with the same variable."""
    out: dict[str, For] = {}
    seen: dict[str, int] = {}
    for node in walk(kernel.body):
        if isinstance(node, For):
            seen[node.var] = seen.get(node.var, 0) + 1
            out[node.var if seen[node.var] == 1 else f"{node.var}#{seen[node.var]}"] = node
    return out


class _Replace(Rewriter):
    def __init__(self, old: Any, new: Any) -> None:
        self.old, self.new = old, new

    def visit(self, node: Any) -> Any:
        return self.new if node is self.old else super().visit(node)


def replace_node(kernel: Kernel, old: Any, new: Any) -> Kernel:
    """`kernel` with the very object `old` replaced by `new` (in a statement list: also by a tuple of statements)."""
    return _Replace(old, new).visit(kernel)  # type: ignore[no-any-return]
