"""From an address inside a compiled kernel to the kernel text's own line, by its DWARF line table."""

from __future__ import annotations

from pathlib import Path

from .prepare import LABEL


def line_of(library: Path, offset: int) -> int | None:
    """The kernel's line that holds the code at `offset` of the library; None when it is not the kernel's code."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        return None
    try:
        with library.open("rb") as f:
            return _search(ELFFile(f), offset)
    except (OSError, ELFError, KeyError, ValueError):
        return None


def _search(elf: object, offset: int) -> int | None:
    dwarf = elf.get_dwarf_info()  # type: ignore[attr-defined]
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        files = program.header["file_entry"]
        base = 0 if program.header["version"] >= 5 else 1
        previous = None
        best = None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if previous is not None and previous[0] <= offset < state.address and previous[1]:
                return previous[1]
            k = state.file - base
            name = files[k].name.decode("utf-8", "replace") if 0 <= k < len(files) else ""
            line = state.line if name.rsplit("/", 1)[-1] == LABEL and state.line else None
            if line is None and previous is not None and not state.end_sequence:
                line = previous[2]  # code of a header or of nobody: the last line of the kernel before it
            best = line
            previous = (state.address, best, best) if not state.end_sequence else None
    return None
