"""The notebook side: magics and views over a `Port`. Only this folder knows IPython."""

from __future__ import annotations

from typing import Any

NAMES = ("xpile", "xpile_steps", "xpile_next", "xpile_accept", "xpile_reject", "xpile_undo", "xpile_edit")


def with_body(lines: list[str]) -> list[str]:
    """Lets `%%xpile -h` without a body reach us: IPython itself refuses a cell magic whose body is empty."""
    if len(lines) == 1 and lines[0].startswith("%%xpile"):
        return [lines[0].rstrip("\n") + "\n", "\n"]
    return lines


def load(shell: Any) -> None:
    """Registers the magics and displays with an IPython shell."""
    from .display import register
    from .magic import XpileMagics

    shell.register_magics(XpileMagics(shell))
    if with_body not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(with_body)
    register(shell)


def unload(shell: Any) -> None:
    """Takes back what `load` did; ports that exist stay usable from Python."""
    from .display import unregister

    for kind in ("line", "cell"):
        for name in NAMES:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.magics_manager.registry.pop("XpileMagics", None)
    if with_body in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(with_body)
    unregister(shell)
