"""A whole text: every kernel in it lowered, or the located reason why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import ParseError, UsageError, XpilerError, header_hint
from ..ir.nodes import Kernel
from ..platforms import registry
from ..platforms.base import Platform
from .functions import Function
from .groups import with_groups
from .kernel_instances import explicit_instances, kernel_instance
from .launch import find_launch, launched_instances
from .lower import Lowering, lower_kernel
from .preprocess import prepare
from .refusals import UNDECLARED
from .source import Source
from .unit import Signature, Unit


@dataclass(frozen=True, slots=True)
class Module:
    """What a text holds. `failures` are the located errors of functions that look like kernels but cannot be lowered,
    by function name; `signatures` describe every function that could be read."""

    kernels: tuple[Kernel, ...]
    failures: dict[str, XpilerError]
    signatures: tuple[Signature, ...]


def parse_module(text: str, platform: Platform | str, filename: str | None = None,
                 launches: dict[str, int] | None = None, with_: Mapping[str, str] | None = None) -> Module:
    """Lower every kernel of a text.

    Args:
        text: the kernel text, host code included if there is some.
        platform: the platform it is written for, or its name.
        filename: where it came from, for messages.
        launches: of kernels that are launched several times, which launch is meant, counted from 1.
        with_: template arguments by parameter name, where the text does not say them.
    Raises:
        ParseError: the text as a whole cannot be read.
        UnsupportedError: a directive or macro that we will not guess about.
    """
    source = Source(text, filename)
    target = registry.get(platform) if isinstance(platform, str) else platform
    try:
        return _module(source, target, launches or {}, with_ or {})
    except RecursionError:
        raise source.unsupported(0, "this text is nested too deeply") from None


def parse(text: str, platform: Platform | str, kernel: str | None = None,
          with_: Mapping[str, str] | None = None) -> Kernel:
    """The only kernel of a text, or the one called `kernel`; `name#2` means the kernel in its second launch. `with_` are
    template arguments by parameter name, where the text does not say them.

    Raises:
        ParseError, UnsupportedError: located; the kernel cannot be lowered, or the text has none.
        UsageError: the text has several kernels and none was named, or none of that name.
    """
    kernel, nth = _numbered(kernel)
    module = parse_module(text, platform, launches={kernel: nth} if kernel is not None and nth is not None else None,
                          with_=with_)
    found = {k.name: k for k in module.kernels}
    names = [*found, *(n for n in module.failures if n not in found)]
    if kernel is not None:
        if kernel in found:
            return found[kernel]
        if kernel in module.failures:
            raise module.failures[kernel]
        raise UsageError(f"there is no kernel {kernel!r} in this text",
                         hint=f"It has: {', '.join(names)}." if names else None)
    if len(names) > 1:
        raise UsageError(f"this text has several kernels: {', '.join(names)}", hint="Name the one to port.")
    if module.failures:
        raise next(iter(module.failures.values()))
    return module.kernels[0]


def _numbered(kernel: str | None) -> tuple[str | None, int | None]:
    """`name#2` taken apart. Raises UsageError."""
    if kernel is None or "#" not in kernel:
        return kernel, None
    name, _, nth = kernel.partition("#")
    if not nth.isdigit():
        raise UsageError(f"{kernel!r} names no launch", hint=f"For the second launch of {name}: {name}#2.")
    return name, int(nth)


def _module(source: Source, platform: Platform, launches: dict[str, int], with_: Mapping[str, str]) -> Module:
    if _looks_like_python(source.text):
        raise ParseError("this looks like Python, not C/C++", source=source.text, line=_first_line(source.text),
                         column=1, hint="The cell must hold the kernel's text.")
    unit = Unit(with_groups(prepare(source, platform), platform), platform)
    chosen = unit.kernels()
    kernels: list[Kernel] = []
    failures: dict[str, XpilerError] = {}
    for f in chosen:
        try:
            kernels.append(_lower(unit, f, launches.get(f.name), with_))
        except XpilerError as e:
            if e.source is None:
                e.source = source.text
            if e.hint in UNDECLARED:
                e.hint = header_hint(source.text) or e.hint
            failures.setdefault(f.name, e)
    if not chosen:
        raise _nothing(unit)
    signatures = tuple(unit.signature(f) for f in unit.all_functions() if f.failure is None and not f.is_template)
    return Module(tuple(kernels), failures, signatures)


def _lower(unit: Unit, f: Function, nth: int | None, with_: Mapping[str, str]) -> Kernel:
    if f.failure is not None:
        raise f.failure
    if len([g for g in unit.functions[f.name] if g.is_kernel == f.is_kernel]) > 1:
        raise unit.tree.unsupported(f.node, f"several functions are called {f.name}: overloads are not supported",
                                    "Give them different names.")
    notes = list(unit.tree.prepared.notes)
    try:
        if f.is_template:
            f = kernel_instance(unit, f, [*launched_instances(unit, f, with_), *explicit_instances(unit, f)], with_, notes)
        f = Lowering(unit, f, None).apart(f, True)
        kernel = lower_kernel(unit, f, find_launch(unit, f, nth, with_))
        return replace(kernel, notes=(*notes, *kernel.notes)) if notes else kernel
    except RecursionError:
        raise unit.tree.unsupported(f.node, f"{f.name} is nested too deeply") from None


def _nothing(unit: Unit) -> XpilerError:
    """Why a text without kernels has none: a syntax error first."""
    error = unit.tree.syntax_error(unit.tree.root)
    if error is not None:
        return error
    broken = next((f.failure for f in unit.all_functions() if f.failure is not None), None)
    if broken is not None:
        return broken
    text, title = unit.source.text, unit.platform.title
    word = unit.platform.kernel_qualifier
    if not text.strip():
        return ParseError("the text is empty", source=text, line=1, column=1)
    if word:
        hint = "Is the source platform the right one?" if unit.functions else f"Paste a function marked {word}."
        return ParseError(f"this text has no {title} kernel: no function is marked {word}", source=text,
                          line=_first_line(text), column=1, hint=hint)
    return ParseError("this text has no kernel: no function takes a pointer", source=text, line=_first_line(text),
                      column=1)


def _first_line(text: str) -> int:
    return next((k for k, line in enumerate(text.splitlines(), 1) if line.strip()), 1)


_PYTHON = re.compile(r"^(?:def \w+\(.*\).*:|class \w+.*:|import \w[\w.]*(?: as \w+)?|from \w[\w.]* import .*|"
                     r"@\w[\w.]*.*|(?:if|for|while|with) .*[^{]:|elif .*:|print\(.*\)|\w+ = .*[^;{,(\[\\])\s*(?:#.*)?$",
                     re.MULTILINE)
_C_SIGNS = re.compile(r";\s*(?://.*|/\*.*)?$|^\s*#\s*(?:include|define|pragma|if)|\{\s*$|__global__|\bvoid\b",
                      re.MULTILINE)


def _looks_like_python(text: str) -> bool:
    return bool(_PYTHON.search(text)) and not _C_SIGNS.search(text)
