"""The notebook side: magics and views over a `Port`. Only this folder knows IPython."""

from __future__ import annotations

from typing import Any

NAMES = ("xpile", "xpile_steps", "xpile_next", "xpile_accept", "xpile_reject", "xpile_undo", "xpile_edit")


def load(shell: Any) -> None:
    """Registers the magics and displays with an IPython shell."""
    from .display import register
    from .magic import XpileMagics

    shell.register_magics(XpileMagics(shell))
    register(shell)


def unload(shell: Any) -> None:
    """Takes back what `load` did; ports that exist stay usable from Python."""
    from .display import unregister

    for kind in ("line", "cell"):
        for name in NAMES:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.magics_manager.registry.pop("XpileMagics", None)
    unregister(shell)
