"""From an address inside a compiled kernel to the kernel text's own line, by its DWARF tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from .prepare import LABEL


@lru_cache(maxsize=256)  # a source is run again and again where its sizes are being found; files are named by content
def line_of(library: Path, offset: int) -> int | None:
    """The kernel's line that holds the code at `offset` of the library; None when it is not the kernel's code."""
    try:
        from elftools.common.exceptions import DWARFError, ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError:
        return None
    try:
        with library.open("rb") as f:
            dwarf = ELFFile(f).get_dwarf_info()
            for unit in dwarf.iter_CUs():
                line = _in_unit(dwarf, unit, offset)
                if line:
                    return line
    except (OSError, ELFError, DWARFError, KeyError, ValueError, IndexError):
        pass
    return None


def _in_unit(dwarf: Any, unit: Any, offset: int) -> int | None:
    program = dwarf.line_program_for_CU(unit)
    if program is None:
        return None
    base = 0 if program.header["version"] >= 5 else 1
    names = [f.name.decode("utf-8", "replace").rsplit("/", 1)[-1] for f in program.header["file_entry"]]

    def at_home(file: int) -> bool:
        return 0 <= file - base < len(names) and names[file - base] == LABEL

    previous = nearest = None
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if previous is not None and previous.address <= offset < state.address:
            if at_home(previous.file) and previous.line:
                return int(previous.line)
            break
        if at_home(state.file) and state.line and state.address <= offset:
            nearest = state.line
        previous = None if state.end_sequence else state
    else:
        return None
    # Code of a header, or of a check that the compiler added: the call site that it was inlined into.
    for die in reversed(list(_inlined(dwarf, unit, offset))):
        file, line = die.attributes.get("DW_AT_call_file"), die.attributes.get("DW_AT_call_line")
        if file and line and at_home(file.value) and line.value:
            return int(line.value)
    return nearest


def _inlined(dwarf: Any, unit: Any, offset: int) -> Iterator[Any]:
    """Inlined calls around an address, outermost first."""
    for die in unit.iter_DIEs():
        if die.tag == "DW_TAG_inlined_subroutine" and any(a <= offset < b for a, b in _ranges(dwarf, unit, die)):
            yield die


def _ranges(dwarf: Any, unit: Any, die: Any) -> Iterator[tuple[int, int]]:
    low, high = die.attributes.get("DW_AT_low_pc"), die.attributes.get("DW_AT_high_pc")
    if low and high:
        yield low.value, high.value + (low.value if high.form != "DW_FORM_addr" else 0)
        return
    ranges = die.attributes.get("DW_AT_ranges")
    if ranges is None:
        return
    base = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
    start = base.value if base else 0
    for r in dwarf.range_lists().get_range_list_at_offset(ranges.value, unit):
        if hasattr(r, "base_address"):
            start = r.base_address
        elif getattr(r, "is_absolute", False):
            yield r.begin_offset, r.end_offset
        else:
            yield start + r.begin_offset, start + r.end_offset
