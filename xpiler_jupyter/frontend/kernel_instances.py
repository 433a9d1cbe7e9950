"""Kernel templates: which instance of each is meant, by the person's word, by the launches in the text, or by defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import UsageError, XpilerError
from ..ir import build
from ..ir.nodes import Const
from ..ir.types import BOOL
from .functions import Function
from .literals import number
from .lower import Lowering
from .symbols import Value
from .templates import Bindings, TemplateParam
from .typenames import CType
from .unit import Unit


def said_bindings(unit: Unit, params: Sequence[TemplateParam], said: Mapping[str, str]) -> Bindings:
    """What `T=float,BLOCK=256` says about these parameters. Raises UsageError for a value that cannot be read."""
    bound = Bindings()
    low: Lowering | None = None
    for p in params:
        if p.name not in said:
            continue
        word = " ".join(said[p.name].split())
        if p.declared is None:
            bound.types[p.name] = _type(unit, p.name, word)
            continue
        low = low or Lowering(unit, Function("", unit.tree.root, CType(None), (), None), None)
        value = Const(word == "true", BOOL) if word in ("true", "false") else number(word)
        if value is None:
            symbol = low.global_symbol(word, unit.tree.root)
            value = symbol.const if isinstance(symbol, Value) else None
        if value is None:
            raise UsageError(f"the template argument {p.name}={word} is no number that is known here")
        with low.closed(bound.types, bound.values):
            t = low.types.specifier(p.declared)
        got = build.convert(value, t.base) if t.base is not None else value
        bound.values[p.name] = got if isinstance(got, Const) else value
    return bound


def _type(unit: Unit, name: str, word: str) -> CType:
    words = word.removeprefix("std::").split()
    sized = unit.types.sized(words)
    found = CType(sized) if sized is not None else unit.types.named(" ".join(words))
    if found is None:
        raise UsageError(f"the template argument {name}={word} is no type that is known here",
                         hint="Say a type such as float, or a struct of the text.")
    return found


def kernel_instance(unit: Unit, f: Function, launched: Sequence[Function], said: Mapping[str, str],
                    notes: list[str] | None = None) -> Function:
    """The one instance of the kernel template `f` that is meant: of several, the first.

    Args:
        launched: the instances that host code launches.
        said: template arguments by name, as the person says them.
        notes: takes a sentence where the text launches several that fit.
    Raises:
        XpilerError: nothing says some argument, or several are launched and `notes` is None.
    """
    mine = said_bindings(unit, f.template, said)
    fitting = {g.instance: g for g in launched if _agrees(g, mine)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if len(fitting) > 1:
        a, b = list(fitting)[:2]
        differing = next((p.name for p in f.template if _word(fitting[a], p.name) != _word(fitting[b], p.name)), "T")
        if notes is not None:
            notes.append(f"{f.name} is {a}, the first of the {len(fitting)} instances that are launched (--with "
                         f"{differing}={_word(fitting[b], differing)} takes another)")
            return fitting[a]
        raise unit.tree.unsupported(f.node, f"{f.name} is launched as {a} and as {b}",
                                    f"Choose with --with {differing}={_word(fitting[a], differing)}.")
    missing = [p for p in f.template if not mine.has(p.name) and p.default is None and p.name]
    if missing:
        names = ",".join(f"{p.name}={'float' if p.declared is None else '...'}" for p in missing)
        raise unit.tree.unsupported(f.node, f"the kernel {f.name} is a template, and nothing says its "
                                    f"{', '.join(p.name for p in missing)}", f"Say it: --with {names}")
    low = Lowering(unit, Function("", unit.tree.root, CType(None), (), None), None)
    low.bind_defaults(f.node, f.name, f.template, mine)
    return low.instance(f, mine)


def _agrees(g: Function, said: Bindings) -> bool:
    return all(g.types.get(k) == v for k, v in said.types.items()) and \
        all(g.values.get(k) is not None and g.values[k].value == v.value for k, v in said.values.items())


def _word(g: Function, name: str) -> str:
    if name in g.types:
        return g.types[name].words()
    return str(g.values[name].value) if name in g.values else ""


def explicit_instances(unit: Unit, f: Function) -> list[Function]:
    """`template __global__ void k<float, 256>(...);` in the text."""
    low = Lowering(unit, Function("", unit.tree.root, CType(None), (), None), None)
    out = []
    for args in unit.instantiations.get(f.name, ()):
        try:
            out.append(low.instance(f, low.bind_explicit(f.node, f.name, f.template, args)))
        except XpilerError:
            continue  # an instance of something else of this name
    return out
