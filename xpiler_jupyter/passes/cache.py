"""Stages what a loop touches of a buffer in another memory, with copies in and out; and takes such an array out again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, cast

from ..ir.nodes import Alloc, Block, For, Kernel, Load, Store
from ..ir.visit import all_names, fresh_name, rename, walk
from ..platforms import registry
from ..platforms.base import Memory, Platform
from ._loops import find_loop, serial_loops
from ._room import place_alloc
from ._stage import Plan, stage
from ._unstage import unstage
from .base import Pass, PassResult, replace_node


class Cache(Pass):
    """    for (t < 16)
          for (i < 64) C[t * 64 + i] = A[t * 64 + i] + 1;          with buffer="A", memory="nram", at="t"
    ->
        nram float A_nram[64];
        for (t < 16) {
          for (i < 64) A_nram[i] = A[t * 64 + i];
          for (i < 64) C[t * 64 + i] = A_nram[i] + 1;
        }

    What is written is copied out again, what is read first is copied in; a memory that threads share is filled by all
    of them together, between barriers. With `inverse` the staging array goes: its readers read what it was copied from,
    or its writers write what it is copied to.
    """

    name = "cache"
    kind = "memory"
    summary = "Stages what a loop touches of a buffer in a faster memory, with copies in and out, or undoes that."
    knobs: ClassVar[dict[str, str]] = {
        "buffer": "the buffer to stage; with inverse, the staging array",
        "memory": "the memory of the target to stage it in",
        "at": 'the loop whose every iteration stages what it touches; "" for the whole text of a thread',
        "layout": "order of the tile's dimensions in the staging array, e.g. [1, 0] for a transposed one",
        "flat": "True: the staging array has one dimension",
        "via": "a memory that the tile passes through on its way",
        "pad": "a number that fills the part of the tile that does not exist",
        "round": "the array's inner extent is rounded up to a multiple of this",
        "into": "name of the staging array",
        "copy_in": "False: the values from before are not needed (refused where they are)",
        "inverse": "True: take the staging array out",
    }

    def sites(self, kernel: Kernel, target: Platform) -> list[dict[str, Any]]:
        platform = _platform(kernel, target)
        out: list[dict[str, Any]] = []
        private = [m.name for m in platform.memories if m.scope == "thread"]
        shared = [m.name for m in platform.memories if m.scope == "block"]
        axes = any(isinstance(n, For) and n.kind == "parallel" for n in walk(kernel.body))
        own = [m for m in private if m != "local"][:1] or private[:1]
        memories = (shared[:1] if axes else []) + own
        pointers = [p.name for p in kernel.params if p.pointer]
        for label, loop in serial_loops(kernel):
            used = {n.buffer for n in walk(loop.body) if isinstance(n, Load | Store)}
            inner = any(isinstance(n, For) for n in walk(loop.body))
            if inner:
                out += [{"buffer": b, "memory": m, "at": label} for b in pointers if b in used for m in memories]
        for a in (n for n in walk(kernel.body) if isinstance(n, Alloc) and n.shape):
            out.append({"buffer": a.name, "inverse": True})
        return out

    def apply(self, kernel: Kernel, target: Platform, **knobs: Any) -> PassResult:
        self.known(knobs)
        buffer = knobs.get("buffer")
        allocs = {n.name: n for n in walk(kernel.body) if isinstance(n, Alloc)}
        known = [p.name for p in kernel.params if p.pointer] + list(allocs)
        if not buffer or buffer not in known:
            raise self.refuse(f"there is no buffer {buffer!r}" if buffer else "the knob 'buffer' is missing",
                              hint=f"Buffers: {', '.join(known) or 'none'}.")
        platform = _platform(kernel, target)
        if knobs.get("inverse") in (True, "true"):
            if buffer not in allocs:
                raise self.refuse(f"{buffer} is a parameter, not a staging array")
            return unstage(self, kernel, allocs[str(buffer)])
        memory = self._memory(platform, knobs.get("memory"), "memory")
        via = self._memory(platform, knobs["via"], "via") if knobs.get("via") else None
        at = knobs.get("at") or ""
        if at:
            find_loop(self, kernel, at, "at")
        pad, whole = knobs.get("pad"), knobs.get("round")
        if pad is not None and (isinstance(pad, bool) or not isinstance(pad, int | float)):
            raise self.refuse(f"pad must be a number, not {pad!r}")
        if whole is not None and (isinstance(whole, bool) or not isinstance(whole, int) or whole < 1):
            raise self.refuse(f"round must be a whole number of at least 1, not {whole!r}")
        plan = Plan(str(buffer), memory, str(at), knobs.get("layout"), knobs.get("flat") in (True, "true"), pad, whole or 1,
                    knobs.get("into"), knobs.get("copy_in") not in (False, "false"))
        own = allocs.get(str(buffer))
        if own is not None and own.memory == "local" and memory.scope == "thread" and not at:
            return self._moved(kernel, own, memory, platform)
        if via is None:
            return stage(self, kernel, platform, plan)[0]
        if any(isinstance(n, Store) and n.buffer == buffer for n in walk(kernel.body)):
            raise self.refuse(f"{buffer} is written: only what is read can pass through {via.name}")
        first, need = stage(self, kernel, platform, replace(plan, memory=via, layout=None, flat=False, round=1, into=None))
        filled = need.copy_in if pad is None and need.copy_in is not None else ()
        between = first.names[plan.buffer]
        second, _ = stage(self, first.kernel, platform, replace(plan, buffer=between, pad=None, filled=filled))
        return PassResult(second.kernel, f"{first.note} {second.note}", {plan.buffer: second.names[between]})

    def _moved(self, kernel: Kernel, own: Alloc, memory: Memory, platform: Platform) -> PassResult:
        """A thread's own array needs no copies: it stands in the other memory from the start."""
        if own.zeroed:
            raise self.refuse(f"{own.name} starts with zeros, but {memory.name} memory cannot be initialised", own)
        twins = sum(isinstance(n, Alloc) and n.name == own.name for n in walk(kernel.body))
        if twins > 1 and memory.qualifier:  # at the top of the text its name must be its own
            block = next(n for n in walk(kernel.body) if isinstance(n, Block) and any(s is own for s in n.stmts))
            at, name = next(k for k, s in enumerate(block.stmts) if s is own), fresh_name(own.name, all_names(kernel))
            renamed = rename(block, {own.name: name})
            kernel, own = replace_node(kernel, block, renamed), cast(Alloc, renamed.stmts[at])
        alloc = replace(own, memory=memory.name)
        if memory.qualifier:
            moved = place_alloc(self.refuse, replace_node(kernel, own, None), platform, alloc, memory, None)
        else:
            moved = replace_node(kernel, own, alloc)
        return PassResult(moved, f"{own.name} stands in {memory.name} memory.")

    def _memory(self, platform: Platform, name: Any, knob: str) -> Memory:
        names = ", ".join(m.name for m in platform.memories if m.scope != "grid")
        if not name:
            raise self.refuse(f"the knob {knob!r} is missing", hint=f"Memories of {platform.title}: {names}.")
        found = platform.memory(str(name))
        if found is None:
            raise self.refuse(f"{platform.title} has no {name} memory", hint=f"It has {names}.")
        if found.scope == "grid":
            raise self.refuse(f"{found.name} memory is where the buffers are already", hint=f"Choose one of {names}.")
        return found


def _platform(kernel: Kernel, target: Platform) -> Platform:
    """The platform that the kernel is one of: its memories are what its arrays can stand in."""
    return target if kernel.platform == target.name else registry.get(kernel.platform)


PASS = Cache()
