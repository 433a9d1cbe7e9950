"""A launch that a `// launch: grid(...) block(...)` comment says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..errors import ParseError, XpilerError
from ..ir import build
from ..ir.nodes import Const, Expr, Var
from ..ir.types import I32
from ..ir.visit import map_children
from .host_facts import jobs_of
from .lower import Launch, Lowering
from .preprocess import Remark, prepare
from .sizes import narrowed
from .source import Source
from .symbols import Value
from .unit import Function, Unit


def launch_comment(unit: Unit, f: Function) -> Remark | None:
    """The launch comment in front of or inside a kernel; for a text with one kernel, wherever it stands."""
    found = [c for c in unit.tree.prepared.comments if re.match(r"launch\s*:", c.text)]
    end = unit.tree.origin(f.node)[1]
    before = [unit.tree.origin(g.node)[1] for g in unit.all_functions() if g.node.end_byte <= f.node.start_byte]
    near = [c for c in found if max(before, default=0) <= c.start < end]
    if len(near) > 1:
        raise unit.source.unsupported(near[1].start, f"there are two launch comments for {f.name}", "Keep one.")
    if near:
        return near[0]
    return found[0] if len(found) == 1 and len(unit.kernels()) == 1 else None


def from_comment(unit: Unit, f: Function, comment: Remark) -> Launch:
    """`launch: grid(a, b) block(c)`, or where tasks are counted `launch: dim(a, b) Union4`. The expressions are read as
    a call at the end of the text, so that its macros and constants hold; names are the kernel's scalar parameters."""
    api = unit.platform.api
    by_jobs = api.jobs if api is not None else ()
    form = "dim(x, y, z) " + " | ".join(j.name for j in by_jobs) if by_jobs else "grid(gx, gy, gz) block(bx, by, bz)"

    def wrong(why: str) -> ParseError:
        return unit.source.parse_error(comment.start, f"this launch comment cannot be read: {why}",
                                       f"Write // launch: {form}")
    names = ("launch_grid", "launch_block", "launch_shared")
    tasks = re.match(r"launch\s*:\s*dim\s*(\(.*\))\s*,?\s*(\w+)\s*\.?\s*$", comment.text, re.DOTALL) if by_jobs else None
    job = api.job(tasks[2]) if tasks is not None and api is not None else None
    if tasks is not None:
        if job is None:
            raise wrong(f"{tasks[2]} is no type of job")
        groups: tuple[str | None, ...] = (tasks[1], str(job.block), None)
    else:
        m = re.match(r"launch\s*:\s*grid\s*(\(.*\))\s*,?\s*block\s*(\(.*?\))\s*(?:shared\s*(\(.*\)))?\s*\.?\s*$",
                     comment.text, re.DOTALL)
        if m is None:
            raise wrong(f"it needs {'dim(...) and a type of job' if by_jobs else 'grid(...) and block(...)'}")
        groups = m.groups()
    calls = "".join(f"{name}{part};" for name, part in zip(names, groups, strict=True) if part)
    text = "\n".join((unit.source.text, f"void launch_comment() {{ {calls} }}"))
    try:
        inner = Unit(prepare(Source(text), unit.platform), unit.platform)
        reader = inner.functions["launch_comment"][0]
        if reader.failure is not None or reader.body is None:
            raise wrong(reader.failure.message if reader.failure else "it is empty")
        low = Lowering(inner, reader, None)
        for p in f.params:
            if p.name is not None and p.type.base is not None and not (p.type.pointers or p.type.dims or p.type.row):
                low.define(unit.tree.text_of(p.name), Value(Var(unit.tree.text_of(p.name), p.type.base)))
        parts: dict[str, list[Expr]] = {}
        with low.unhoisted():
            for s in reader.body.named_children:
                call = s.named_children[0]
                values = [narrowed(low.folded(low.expr(a))) for a in low.arguments(call)]
                parts[low.text(low.child(call, "function"))] = values
    except (KeyError, IndexError):
        raise wrong("its brackets do not fit") from None
    except XpilerError as e:
        raise wrong(e.message) from None
    if not all(1 <= len(parts.get(n, ())) <= 3 for n in names[:2]):
        raise wrong("grid and block take one to three values each")
    if job is not None:
        jobs = jobs_of(parts[names[0]][0], job)
        if jobs is None:
            raise wrong(f"dim's x is no multiple of the {job.tasks} tasks of a {job.name}")
        parts[names[0]][0] = jobs
    extents: dict[str, Expr] = {}
    for axis in unit.platform.axes:
        sizes = parts[names[0] if axis.level == "grid" else names[1]]
        k = "xyz".index(axis.place)
        extent = _placeless(sizes[k]) if k < len(sizes) else build.integer(1)
        if not extent.dtype.is_integer or (isinstance(extent, Const) and int(extent.value) <= 0):
            raise wrong("extents are positive integers")
        extents[axis.name] = build.convert(extent, I32)
    shared = parts.get(names[2], [None])[0]
    return Launch(extents, _placeless(shared) if shared is not None else None)


def _placeless(e: Any) -> Any:
    """Without spans: they would point behind the end of the text."""
    return replace(map_children(e, _placeless), span=None)
