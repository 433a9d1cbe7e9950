"""Ports tensor kernels between deep-learning systems, one visible, judged pass at a time.

In a notebook: `%load_ext xpiler_jupyter`, then `%%xpile --to cuda`. In Python: `xpiler_jupyter.port(text, to="cuda")`.
Importing this package loads nothing else; the parts come when they are used.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .port import Port
    from .suite import Suite

__version__ = "0.1.0"
__all__ = ["Port", "__version__", "load_ipython_extension", "port", "unload_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext xpiler_jupyter`: registers the magics and teaches the shell to show ports."""
    from .notebook import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext xpiler_jupyter`: takes the magics and the displays away again."""
    from .notebook import unload

    unload(shell)


class _PortModule(ModuleType):
    """The module `xpiler_jupyter.port`, which is also the function `port`: Python binds the name of a sub-module in its
    package, so the two must be one object."""

    def __call__(self, text: str, to: str, **options: Any) -> Port | Suite:
        """Ports `text` to the platform `to` and returns the finished `Port`, or the `Suite` of a file whose host function
        runs several kernels. Options are those of `Port`: source, kernel, shape, ref, device, seed. Raises XpilerError
        when it can't be ported."""
        from .suite import start

        return start(text, to, **options).run()


class _Package(ModuleType):
    """This package: makes its `port` callable the moment that it is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "port" and isinstance(value, ModuleType):
            value.__class__ = _PortModule
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in ("port", "Port"):
        from importlib import import_module

        module = import_module(".port", __name__)
        return module if name == "port" else module.Port
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
