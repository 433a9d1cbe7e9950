"""A condition over a kernel's sizes that a person says (`--assume "n % 256 == 0"`), as an expression."""

from __future__ import annotations

from ..errors import UsageError, XpilerError
from ..ir.nodes import Expr, Kernel, Param, Var
from ..ir.types import BOOL
from ..platforms.base import Platform
from .lower import Lowering
from .preprocess import prepare
from .source import Source
from .symbols import Value
from .tree import preorder
from .unit import Unit


def condition(text: str, kernel: Kernel, platform: Platform) -> Expr:
    """What `text` says of the kernel's scalars, its sizes and its wrapper's parameters.

    Raises:
        UsageError: it is no condition over these names.
    """
    scalars: dict[str, Param] = {p.name: p for p in (*(kernel.host.params if kernel.host else ()), *kernel.sizes,
                                                     *kernel.params) if not p.pointer and "." not in p.name}

    def wrong(why: str) -> UsageError:
        return UsageError(f"--assume {text!r}: {why}", hint=f"A condition over {', '.join(scalars) or 'sizes'}, such as "
                          "n % 256 == 0.")
    try:
        unit = Unit(prepare(Source(f"void said() {{ said_so({text}); }}"), platform), platform)
        f = unit.functions["said"][0]
        if f.failure is not None:
            raise f.failure
        low = Lowering(unit, f, None)
        for p in scalars.values():
            low.define(p.name, Value(Var(p.name, p.dtype)))
        call = next(n for n in preorder(f.node) if n.type == "call_expression")
        args = low.arguments(call)
        if len(args) != 1:
            raise wrong("it must be one condition")
        with low.unhoisted():
            found = low.condition(args[0])
    except UsageError:
        raise
    except XpilerError as err:
        raise wrong(err.message) from None
    except (KeyError, IndexError, StopIteration):
        raise wrong("it cannot be read") from None
    if found.dtype != BOOL or isinstance(found, Var):
        raise wrong("it is no condition")
    return low.folded(found)
