"""Testing one candidate against the prepared references."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CompileError, UnsupportedError, XpilerError
from ..execute.ahead import begin
from ..execute.api import Array, Compiled, Fault
from ..execute.lexical import blank
from ..ir.nodes import Param, Store
from ..ir.visit import walk
from .compare import Comparison, compare
from .evidence import Evidence
from .inputs import fill, is_intact, poison
from .interface import Mismatch, paired_buffers
from .numbers import all_ones
from .reference import Reference, passed, start
from .sizes import MAX_GROWN, SizeSet, longer
from .slices import Slice, cut
from .subject import Scalars, Subject

if TYPE_CHECKING:
    from .judge import Judge


def _whole(candidate: Subject, source: Subject) -> Subject:
    """A candidate that has the source's C function is judged by it, also where it is no wrapper that we understand."""
    name = source.entry_name
    if source.launched or not candidate.launched or name == candidate.entry_name or \
            not re.search(rf"\b{re.escape(name)}\s*\([^;{{}}]*\)\s*\{{", blank(candidate.text)):
        return candidate
    return Subject(candidate.text, candidate.platform, None, name)


class CandidateTest:
    """One candidate under one judge."""

    def __init__(self, judge: Judge, candidate: Subject) -> None:
        self.judge, self.candidate, self.source = judge, _whole(candidate, judge.original), judge.source
        self.compiled: dict[Any, Compiled] = {}
        self.runs = self.compared = 0
        self.slice: Slice | None = None
        self.exact = True
        self.max_ulp = self.max_rel = 0.0
        self.worst: list[Comparison] = []

    def begin(self) -> None:
        """Begins to compile, for `evidence` of another test of the same text to find it done. What is wrong with the
        candidate is for that test to say."""
        with suppress(Mismatch, XpilerError):
            self.pairs = self.match()
            entry = self.candidate.entry(self.scalars(self.judge.references[0].case.size.scalars))
            begin(self.judge.places.simulator(self.candidate.platform).compile, self.candidate.text, entry)

    def evidence(self) -> list[Evidence]:
        out: list[Evidence] = []
        began = time.perf_counter()
        try:
            self.pairs = self.match()
            self.executor = self.judge.places.simulator(self.candidate.platform)
            if self.judge.slice is not None:
                self.cut()
            log = self.at(self.judge.references[0]).log
        except CompileError as err:
            return [Evidence("compile", "fail", f"{err.place + ': ' if err.place else ''}{err.message}",
                             time.perf_counter() - began, {"line": err.line, "column": err.column})]
        except Mismatch as err:
            return [Evidence("interface", "fail", str(err), time.perf_counter() - began, err.data)]
        except XpilerError as err:
            return [Evidence("compile", "unknown", str(err), time.perf_counter() - began, {"line": err.line})]
        warnings = len(log.splitlines()) if log else 0
        out.append(Evidence("compile", "pass", "compiles" + (f" with {warnings} warnings" if warnings else ""),
                            time.perf_counter() - began, {"log": log} if log else {}))
        began = time.perf_counter()
        try:
            for reference in self.judge.references:
                self.one(reference)
        except Mismatch as err:
            out.append(Evidence("test", "fail", str(err), time.perf_counter() - began, err.data))
            return [*out, self.judge.gate]
        except XpilerError as err:
            out.append(Evidence("test", "unknown", str(err), time.perf_counter() - began))
            return out
        out.append(self.passed(time.perf_counter() - began))
        out += self.real_compiler()
        out += self.on_device()
        return [*out, self.judge.gate]

    def passed(self, seconds: float) -> Evidence:
        refs = self.judge.references
        model = "bit-exact" if self.exact else \
            f"real arithmetic, max error {self.max_ulp:.3g} ulp ({self.max_rel:.1e} relative)"
        sizes = list(dict.fromkeys(r.case.size.words() for r in refs))
        detail = (f"{len(refs)} inputs in two thread orders agree with the source "
                  f"({'bit for bit' if self.exact else f'worst {self.max_ulp:.3g} ulp'}; {'; '.join(sizes)}; "
                  f"seed {self.judge.seed})")
        if self.slice is not None and self.judge.slice is not None:
            detail += f"; too large to run whole: source {self.judge.slice.words}, candidate {self.slice.words}, " \
                      f"{self.compared} elements compared"
        data: dict[str, Any] = {
            "number_model": model, "inputs": len(refs), "seed": self.judge.seed, "sizes": sizes,
            "kinds": sorted({r.case.kind for r in refs}), "runs": self.runs,
            "buffers": [c.as_dict() for c in self.worst]}
        return Evidence("test", "pass", detail, seconds, data)

    def real_compiler(self) -> list[Evidence]:
        """What the platform's own compiler says of the text, where it is installed."""
        result = self.judge.places.check(self.candidate.platform, self.candidate.text)
        if result is None or result.status == "skip":
            return []
        return [Evidence("platform_compile", result.status, result.detail, result.seconds, dict(result.data))]

    def on_device(self) -> list[Evidence]:
        """The same inputs on a real device, where there is one. Its math functions may round differently: the bound is
        wider there, and exact results are not asked for."""
        began = time.perf_counter()
        place = self.judge.places.device(self.candidate.platform)
        if place is None or self.slice is not None:
            return []
        refs = [r for r in self.judge.references if r.case.kind != "special"]
        worst = 0.0
        try:
            for ref in refs:
                scalars = self.scalars(ref.case.size.scalars)
                compiled = place.compile(self.candidate.text, self.candidate.entry(scalars))
                before = start(ref.case, self.source, self.judge.runs.outputs, 1)
                result = compiled.run({a.name: before[b.name] for a, b in self.pairs}, passed(self.candidate, scalars),
                                      limits=self.judge.limits)
                if result.fault:
                    return [Evidence("device", "fail", f"{place.name}: {result.fault.message} ({ref.case.words()})",
                                     time.perf_counter() - began, self.data(ref, False))]
                for a, b in self.pairs:
                    if b.name not in ref.expected:
                        continue
                    wide = replace(ref.bound[b.name], bound=8 * ref.bound[b.name].bound)
                    got = compare(a.name, ref.expected[b.name], result.outputs[a.name].reshape(-1), b.dtype, wide,
                                  ref.defined[b.name])
                    worst = max(worst, got.max_ulp)
                    if not got.ok:
                        return [Evidence("device", "fail", f"{place.name}: {got.words} ({ref.case.words()})",
                                         time.perf_counter() - began,
                                         self.data(ref, False, a.name) | {"comparison": got.as_dict()})]
        except XpilerError as err:
            return [Evidence("device", "unknown", f"{place.name}: {err}", time.perf_counter() - began)]
        return [Evidence("device", "pass", f"{len(refs)} inputs agree on {place.name} (worst {worst:.3g} ulp)",
                         time.perf_counter() - began, {"device": place.name, "max_ulp": worst})]

    # -- matching the interfaces ---------------------------------------------------------------------------------------

    def match(self) -> list[tuple[Param, Param]]:
        """(candidate's pointer, source's pointer) pairs: by position in the C ABI; by name when just one of the two is
        a bare device kernel with the same names."""
        return paired_buffers(self.candidate, self.source)

    def scalars(self, given: Scalars) -> Scalars:
        """Values for the candidate's scalars: by name, else by position."""
        known: Scalars = {k: float(v) if isinstance(v, float) else int(v)
                          for k, v in {**self.source.kernel_scalars(given), **given}.items()
                          if np.asarray(v).shape == () and np.isfinite(v)}
        names = [p.name for p in self.judge.original.scalars]
        whole = replace(self.candidate, direct=False, names={})
        out: Scalars = {}
        for i, p in enumerate(whole.scalars):
            if p.name in known:
                out[p.name] = known[p.name]
            elif i < len(names) and names[i] in given:
                out[p.name] = given[names[i]]
            else:
                raise Mismatch(f"the candidate's scalar {p.name} has no counterpart in the source", {})
        if self.candidate.direct:
            inner = whole.kernel_scalars(out)
            out |= {p.name: float(inner[p.name]) if p.dtype.is_float else int(inner[p.name])
                    for p in self.candidate.params if not p.pointer}
        return out

    def cut(self) -> None:
        """Replaces the candidate by a slice of itself, as the source was. Raises UnsupportedError if it cannot."""
        size = self.judge.sizes.sets[0]
        back = {theirs.name: mine for mine, theirs in self.pairs}
        plan = SizeSet(self.scalars(size.scalars), {}, {back[k].name: v for k, v in size.top.items() if k in back})
        before = self.candidate
        part = cut(before, plan)
        if part is None:
            raise UnsupportedError("too large to run whole, and the outermost loop is not known to be independent",
                                   hint="give smaller sizes with --shape")
        self.candidate, self.slice = part.subject, part
        self.pairs = self.match()

    def at(self, ref: Reference) -> Compiled:
        scalars = self.scalars(ref.case.size.scalars)
        entry = self.candidate.entry(scalars)
        if entry not in self.compiled:
            self.compiled[entry] = self.executor.compile(self.candidate.text, entry)
        return self.compiled[entry]

    # -- one input -----------------------------------------------------------------------------------------------------

    def one(self, ref: Reference) -> None:
        """Both thread orders, each with its own poison. Raises Mismatch at the first wrong element."""
        for which, reverse in ((0, False), (1, True)):
            rng = np.random.default_rng((ref.case.seed, which, 7))
            outputs = self.judge.runs.outputs
            before: dict[str, Array] = {}
            for p in self.source.pointers:  # in the source's order, so that both see the same poison
                size = ref.case.buffers[p.name].size
                before[p.name] = poison(which, rng, size, p.dtype) if p.name in outputs else ref.case.buffers[p.name]
            limits = replace(self.judge.limits, max_blocks=self.slice.max_blocks if self.slice else None)
            while True:
                given = {a.name: self.padded(a, before[b.name], rng) for a, b in self.pairs}
                result = self.at(ref).run(given, passed(self.candidate, self.scalars(ref.case.size.scalars)),
                                          reverse=reverse, limits=limits)
                if result.fault is None or not self.reach_further(result.fault, given):
                    break
            self.runs += 1
            if result.fault:
                raise Mismatch(self.fault_words(result.fault, ref, reverse), self.data(ref, reverse) | {
                    "fault": result.fault.kind, "line": result.fault.line})
            for a, b in self.pairs:
                size = before[b.name].size
                self.check(ref, a, b, result.outputs[a.name].reshape(-1)[:size], before[b.name].reshape(-1), reverse)
        if self.slice is not None and not self.compared:
            raise UnsupportedError("the slices of source and candidate have no output in common",
                                   hint="give smaller sizes with --shape")

    def reach_further(self, fault: Fault, given: dict[str, Array]) -> bool:
        """Whether a fault only says that this slice touches other parts of a buffer of guessed extent than the source's
        slice does: then the buffer is longer for the next try."""
        if self.slice is None or fault.kind != "bounds" or fault.buffer not in self.slice.open:
            return False
        size = given[fault.buffer].size
        if size >= MAX_GROWN:
            return False
        self.slice = replace(self.slice, lengths={**self.slice.lengths, fault.buffer: longer(size)})
        return True

    def padded(self, pointer: Param, data: Array, rng: np.random.Generator) -> Array:
        """A slice of the candidate may reach further than the source's: more data of the same kind."""
        need = self.slice.lengths.get(pointer.name, 0) if self.slice is not None else 0
        if need <= data.size:
            return data
        return np.concatenate([data, fill("moderate", rng, need - data.size, pointer.dtype)])

    def check(self, ref: Reference, mine: Param, theirs: Param, got: Array, before: Array, reverse: bool) -> None:
        name = theirs.name
        if name not in ref.expected:
            if got.ctypes.data == before.ctypes.data:  # the very array that went in: found unchanged after the run
                return
            kept = is_intact(got, before)
            if not kept.all():
                raise Mismatch(f"{mine.name} is an input, but {mine.name}[{int(np.argmin(kept))}] was changed "
                               f"({self.where(ref, reverse)})", self.data(ref, reverse, mine.name))
            return
        kept = is_intact(got, before)
        defined = ref.defined[name]
        if self.slice is not None:
            defined = defined & ~kept & ~(all_ones(got) if theirs.dtype.is_float else np.zeros(kept.shape, dtype=bool))
            self.compared += int(defined.sum())
        stray = ref.untouched[name] & ~kept
        if stray.any() and self.slice is None:
            raise Mismatch(f"{mine.name}[{int(np.argmax(stray))}] was written, which the source leaves alone "
                           f"({self.where(ref, reverse)})", self.data(ref, reverse, mine.name))
        missing = kept & defined & (name in self.judge.runs.outputs)
        result = compare(mine.name, ref.expected[name], got, theirs.dtype, lambda: ref.bound[name], defined)
        if not result.ok:
            i = result.first["index"] if result.first else 0
            words = result.words
            if missing[i] and result.first:
                words = (f"{mine.name}[{i}] was not written, expected {result.first['expected']}; "
                         f"{int(missing.sum())} of {result.total} elements were not")
            raise Mismatch(f"{words} ({self.where(ref, reverse)})",
                           self.data(ref, reverse, mine.name) | {"comparison": result.as_dict()})
        self.exact &= result.bit_exact
        self.max_ulp, self.max_rel = max(self.max_ulp, result.max_ulp), max(self.max_rel, result.max_rel)
        self.keep(result)

    def keep(self, result: Comparison) -> None:
        """The worst comparison per buffer, for the views."""
        for i, old in enumerate(self.worst):
            if old.buffer == result.buffer:
                if result.max_ulp > old.max_ulp:
                    self.worst[i] = result
                return
        self.worst.append(result)

    def where(self, ref: Reference, reverse: bool) -> str:
        return ref.case.words() + (", threads in descending order" if reverse else "")

    def data(self, ref: Reference, reverse: bool, buffer: str | None = None) -> dict[str, Any]:
        out: dict[str, Any] = {"seed": ref.case.seed, "kind": ref.case.kind, "scalars": ref.case.size.scalars,
                               "lengths": ref.case.size.lengths, "reverse": reverse}
        if buffer is not None:
            out["buffer"] = buffer
            line = self.line_of(buffer)
            if line:
                out["line"] = line
        return out

    def line_of(self, buffer: str) -> int | None:
        """The line that writes a buffer, when there is just one."""
        kernel = self.candidate.kernel
        if kernel is None:
            return None
        behind = {p.name for p in kernel.params if self.candidate.origin(p.name) == buffer}
        lines = {n.span.line for n in walk(kernel.body) if isinstance(n, Store) and n.buffer in behind and n.span}
        return lines.pop() if len(lines) == 1 else None

    def fault_words(self, fault: Fault, ref: Reference, reverse: bool) -> str:
        place = f"line {fault.line}: " if fault.line and f"line {fault.line}" not in fault.message else ""
        return f"{place}{fault.message} ({self.where(ref, reverse)})"
