"""The judge: prepares tests from the source once, then tests any number of candidates against them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import CompileError, MissingSizeError, SourceFaultError, UsageError, XpilerError
from ..execute.api import Array, Fault, Limits
from ..ir.types import ScalarType
from .allowed import assumptions, has_specials
from .candidate import CandidateTest
from .compare import compare, tolerance
from .evidence import Evidence
from .footprint import roles
from .gate import accepted_trivia, more_kinds
from .lanes import misled
from .numbers import decode, encode
from .order import REVEALS, revealing
from .places import Executors, Places, real_places
from .reference import Case, Faulted, Reference, SourceRuns, make_case, reduction_length
from .sizes import MAX_WORK, Search, Sizes, SizeSet, enlarged, grow
from .slices import Slice, cut, too_big, wrapper_values
from .subject import Subject

PLAN = {"representative": ("mixed", "integers", "moderate", "special"), "tail": ("mixed", "integers"),
        "small": ("mixed",)}
HUGE = 1 << 25  # elements of all buffers together, beyond which one input must do


class Judge:
    """Judges candidates against one source.

    Args:
        source: the unmodified text, the reference.
        shape: sizes and buffer lengths that the person gave, by name.
        ref: a NumPy function that computes the same from the read buffers (in order), as one more reference.
        seed: of all inputs; printed in the evidence.
        device: where candidates run besides their simulator: "auto", "sim" (nowhere) or a device.
        limits: of one run.
        specials: False leaves NaN and infinities out of the inputs.
        broad: many more sizes and inputs, to tell equivalent kernels from lucky ones.
        executors: stand-ins for the simulators (for tests).
        allow: narrower types that candidates compute in by leave of the person (`ir.narrow`): inputs keep to what that
            assumes, and the assumption is on every verdict.
        patience: how much larger than usual a source may be that is run whole and not cut to a slice: candidates whose
            launch is one job have no blocks to leave out.

    Raises:
        SourceFaultError: the source has no meaning to preserve.
        MissingSizeError: a size that no one told.
        CompileError: the source does not compile.
    """

    def __init__(self, source: Subject, *, shape: dict[str, int] | None = None, ref: Callable[..., Any] | None = None,
                 seed: int = 0, device: str = "auto", limits: Limits | None = None, specials: bool = True,
                 broad: bool = False, executors: Executors | None = None, allow: tuple[str, ...] = (),
                 patience: float = 1.0) -> None:
        began = time.perf_counter()
        self.original, self.source, self.ref, self.seed, self.specials = source, source, ref, seed, specials
        self.broad, self.allow = broad, allow
        self.slice: Slice | None = None
        self.shape = dict(shape or {})
        self.limits = limits or Limits()
        self.places = Places(executors) if executors else real_places(device)
        self.evidence: list[Evidence] = []
        self.references: list[Reference] = []
        self.runs: SourceRuns
        self.sizes: Sizes
        self._assumptions: list[str] = []
        self._prepare(patience)
        fault = misled(self.original, self)
        if fault is not None:
            raise fault
        self.seconds = time.perf_counter() - began

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must hold for any verdict of this judge: contracts of the source, aliasing."""
        return tuple(dict.fromkeys(self._assumptions))

    # -- preparing -----------------------------------------------------------------------------------------------------

    def _prepare(self, patience: float) -> None:
        began = time.perf_counter()
        source = self.source
        search = Search(source, self.shape, np.random.default_rng(self.seed))
        first = search.confirm(None).sets[0]
        if too_big(source, first, patience):
            source, first = self._sliced(first)
        try:
            self.runs = SourceRuns(source, self.places.simulator(source.platform), self.limits, first, self.allow)
        except CompileError as err:
            raise self._located(err, "the source does not compile: ") from err
        self._roles = roles(source.kernel) if source.kernel else None
        self.written = self._written()
        self.runs.outputs = self.written if self._roles else frozenset()
        if self.slice:
            self.sizes = Sizes((grow(first, self.runs.probe) or first,))
        else:
            self.sizes = search.confirm(self.runs.probe, each=6 if self.broad else 1)
        self._assumptions += self.sizes.assumptions
        self._assumptions += assumptions(self.allow, ((p.name, p.dtype) for p in source.pointers
                                                      if p.name not in self.written))
        self.sizes = replace(self.sizes, sets=tuple(self._settled(s) if s.open else s for s in self.sizes.sets))
        while not self._referenced():
            pass
        self._check_order()
        self.references.sort(key=lambda r: r.case.size.work)
        self._gate()
        self._reference_function()
        self.references.sort(key=lambda r: (r.case.size.work, r.case.kind != "integers"))
        if len([p for p in source.pointers]) > 1 and not all(p.restrict for p in source.pointers):
            self._assumptions.append("the buffers do not overlap")
        took = time.perf_counter() - began
        kinds = sorted({r.case.kind for r in self.references})
        note, part = "", f"; too large to run whole: {self.slice.words}" if self.slice else ""
        if self.runs.inout:
            note = f"; {', '.join(sorted(self.runs.inout))}: contents before the call matter (read before written)"
        self.evidence.insert(0, Evidence(
            "source", "pass", f"the source runs on {len(self.references)} inputs ({', '.join(kinds)}; "
            f"{'; '.join(s.words() for s in self.sizes.sets)}), the same in both thread orders{note}{part}", took,
            {"seed": self.seed, "sizes": [{"label": s.label, "scalars": s.scalars, "lengths": s.lengths}
                                          for s in self.sizes.sets],
             "inout": sorted(self.runs.inout), "outputs": sorted(self.runs.outputs)}))

    def _referenced(self) -> bool:
        """Runs the source on all inputs. False when a buffer of guessed extent was too short for one of them: it is
        longer now. Raises what `source_fault` makes of any other fault."""
        try:
            self._learn()
            for size in self.sizes.sets:
                self._add_references(size)
        except Faulted as err:
            larger = enlarged(err.case.size, err.fault)
            if larger is None:
                raise self.source_fault(err.fault, err.case.size) from err
            sets = tuple(larger if s is err.case.size else s for s in self.sizes.sets)
            self.sizes = replace(self.sizes, sets=sets)
            self.references.clear()
            return False
        return True

    def _sliced(self, first: SizeSet) -> tuple[Subject, SizeSet]:
        """The source cut down to what runs quickly; as it is when it cannot be cut."""
        part = cut(self.source, first)
        if part is None:
            return self.source, first
        inner = {k: float(v) if isinstance(v, float) else int(v)
                 for k, v in wrapper_values(part.subject, first.scalars).items() if np.isfinite(v)}
        back = {v: k for k, v in part.subject.names.items()}
        top = {back.get(k, k): v for k, v in first.top.items()}
        self.slice, self.source = part, part.subject
        self.limits = replace(self.limits, max_blocks=part.max_blocks)
        return part.subject, replace(first, scalars={**inner, **first.scalars}, lengths=part.lengths, top=top,
                                     work=part.work, open=part.open)

    def _written(self) -> frozenset[str]:
        if self._roles is None:
            return frozenset(p.name for p in self.source.pointers if not p.const)
        return frozenset(o for b in self._roles.written if (o := self.source.origin(b)))

    def _origins(self, names: frozenset[str]) -> frozenset[str]:
        return frozenset(o for b in names if (o := self.source.origin(b)))

    def _learn(self) -> None:
        small = min(self.sizes.sets, key=lambda s: s.work)
        if self._roles is None:  # no IR to say what is written: a run says it
            self.written = self.runs.changed(self.case("moderate", small, self.seed))
        read = self._origins(self._roles.read) if self._roles else self.written
        self.runs.learn_outputs(self.case("moderate", small, self.seed), self.written, read)
        if not self.written:
            raise SourceFaultError("the source writes no buffer", source=self.source.text)

    def case(self, kind: str, size: SizeSet, seed: int) -> Case:
        """One input of the source."""
        ascending = self._origins(self._roles.bounds) if self._roles else frozenset()
        return make_case(self.source, kind, size, seed, ascending, self.allow, self.written)

    def _settled(self, size: SizeSet) -> SizeSet:
        """`size` with buffers of guessed extent as long as one run on each kind of input asks for: cheap, before the
        references are built with them."""
        for i, kind in enumerate(self._kinds(size)):
            while kind != "special":
                fault = self.runs.run(self.case(kind, size, self.seed + i), 0, reverse=False).fault
                larger = enlarged(size, fault) if fault is not None else None
                if larger is None:
                    break
                size = larger
        return size

    def _kinds(self, size: SizeSet) -> list[str]:
        """The kinds of input to test with at these sizes."""
        kinds = list(PLAN["representative"] if self.broad else PLAN.get(size.label, ("mixed",)))
        if self._roles and self._roles.float_index:
            kinds = ["unit", *(k for k in kinds if k != "special")]
        if not self.specials or not has_specials(self.allow):
            kinds = [k for k in kinds if k != "special"]
        if size.work > MAX_WORK / 8 or sum(size.lengths.values()) > 1 << 20:
            kinds = kinds[:2] if sum(size.lengths.values()) < HUGE else kinds[:1]
        return kinds

    def _add_references(self, size: SizeSet) -> None:
        kinds = self._kinds(size)
        length = reduction_length(self.source, size.scalars)
        for i, kind in enumerate(kinds):
            options = ("mixed", "moderate", "unit", "positive") if kind in ("mixed", "moderate") else (kind,)
            best: Reference | None = None
            for option in options:
                try:
                    got = self.runs.reference(self.case(option, size, self.seed + i), length)
                except Faulted:
                    if kind == "special":
                        self._assumptions.append("float inputs are finite (the source faults on NaN or infinity)")
                        break
                    raise
                if best is None or got.finite() > best.finite():
                    best = got
                if kind == "special" or got.finite() >= 0.9:
                    break
            if best is not None and not any(r.case.kind == best.case.kind and r.case.size is size
                                            for r in self.references):
                self.references.append(best)

    def _check_order(self) -> None:
        for r in self.references:
            if r.unwritten:
                raise SourceFaultError(f"the source reads local memory that it never wrote: {r.unwritten}",
                                       source=self.source.text, hint="An initialisation is missing or misses its place.")
            if r.order_dependent:
                self._order_matters(r.order_dependent)
                raise SourceFaultError(f"the source's result depends on the order of its threads: {r.order_dependent}",
                                       source=self.source.text, hint="Two threads race for one place: add a barrier.")
        if any(r.rounding_order for r in self.references):
            self.evidence.append(Evidence("order", "unknown", "the source rounds differently in another thread order "
                                          "(atomic sums): results are compared within its own spread"))
        if not any(bool(d.any()) for r in self.references for d in r.defined.values()):
            words = "nothing that the kernel writes reaches the caller" if self.source.wrapped else \
                "the source leaves every output as it was"
            raise SourceFaultError(words, source=self.source.text,
                                   hint="Look at the order of the launch's arguments." if self.source.wrapped else None)

    def _order_matters(self, words: str) -> None:
        """Raises the error for a source whose atomics let the order of its threads be seen; returns for one that races."""
        found = revealing(self.source.kernel) if self.source.kernel is not None else None
        if found is not None:
            raise SourceFaultError(f"the source's result depends on the order of its threads: {REVEALS} ({words})",
                                   source=self.source.text, line=found.span.line if found.span else None,
                                   column=found.span.column if found.span else None,
                                   hint="Let each result's place follow from the thread's index, by a prefix sum for example.")

    def _gate(self) -> None:
        left = accepted_trivia(self.source, self.references)
        size, length = self.sizes.sets[0], reduction_length(self.source, self.sizes.sets[0].scalars)
        if left:
            for kind, offset in more_kinds():
                try:
                    extra = self.runs.reference(self.case(kind, size, self.seed + offset), length)
                except Faulted:
                    continue
                if len(accepted_trivia(self.source, [*self.references, extra])) < len(left):
                    self.references.append(extra)
                    left = accepted_trivia(self.source, self.references)
                if not left:
                    break
        self.gate = Evidence(
            "triviality", "unknown" if left else "pass",
            f"the tests cannot tell the source from {' or '.join(left)}" if left else
            "the tests reject zeros, ones, doing nothing and copies of each input", data={"accepted": left})
        self.evidence.append(self.gate)

    def source_fault(self, fault: Fault, size: SizeSet) -> XpilerError:
        """The error for a source that faults: undefined behaviour has no meaning to preserve."""
        place = f" at {size.words()}" if size.scalars else ""
        if fault.kind == "timeout":
            return SourceFaultError(f"the source does not finish within {self.limits.seconds:g} s{place}",
                                    source=self.source.text, line=fault.line, hint="Give smaller sizes with --shape.")
        unknown = [p.name for p in self.source.scalars if p.name not in self.shape]
        if self._roles is None and unknown:
            return MissingSizeError(f"no values of {', '.join(unknown)} were found at which the source runs: "
                                    f"{fault.message}", hint=f"Say --shape {','.join(n + '=...' for n in unknown)}")
        if fault.kind == "bounds" and size.open:
            name = sorted(size.open)[0]
            return MissingSizeError(f"the length of {name} is not known (its accesses depend on data): {fault.message}",
                                    source=self.source.text, line=fault.line, hint=f"Say --shape {name}=...")
        return SourceFaultError(f"the source is at fault{place}: {fault.message}", source=self.source.text,
                                line=fault.line, hint="Such a kernel has no meaning to preserve: correct it first, or "
                                "give other sizes with --shape, or say with --assume which there are.")

    def _located(self, err: XpilerError, prefix: str) -> XpilerError:
        return type(err)(prefix + err.message, source=self.source.text, line=err.line, column=err.column, hint=err.hint)

    # -- --ref ---------------------------------------------------------------------------------------------------------

    def _reference_function(self) -> None:
        """Compares the source with the person's NumPy function."""
        if self.ref is None:
            return
        began = time.perf_counter()
        read = self._origins(self._roles.read) if self._roles else frozenset(p.name for p in self.source.pointers)
        inputs = [p for p in self.source.pointers if p.name in read and p.name not in self.runs.outputs]
        outputs = [p for p in self.source.pointers if p.name in self.written]
        for r in self.references:
            if r.case.kind == "special":
                continue
            given = [decode(r.case.buffers[p.name], p.dtype) if p.dtype.is_float else r.case.buffers[p.name].copy()
                     for p in inputs]
            try:
                with np.errstate(all="ignore"):
                    got = self.ref(*given)
            except Exception as err:
                raise UsageError(f"the reference function failed: {type(err).__name__}: {err}",
                                 hint=f"It gets flat arrays: {', '.join(p.name for p in inputs)}.") from err
            results = got if isinstance(got, tuple) else (got,)
            for p, value in zip(outputs, results, strict=False):
                wrong = self._differs(r, p.name, p.dtype, np.asarray(value))
                if wrong:
                    words = f"the source differs from the reference function: {wrong} ({r.case.words()})"
                    self.evidence.append(Evidence("ref", "fail", words, time.perf_counter() - began))
                    return
        self.evidence.append(Evidence("ref", "pass", "the source agrees with the reference function",
                                      time.perf_counter() - began))

    def _differs(self, r: Reference, name: str, dtype: ScalarType, value: Array) -> str:
        expected = r.expected[name]
        if value.size != expected.size:
            return f"it returns {value.size} elements for {name}, which has {expected.size}"
        length = reduction_length(self.source, r.case.size.scalars)
        scale = np.maximum(r.bound[name].bound, tolerance(expected, dtype, length=length).bound)
        out = compare(name, encode(value.reshape(-1), dtype), expected, dtype, replace(r.bound[name], bound=scale),
                      r.defined[name])
        return "" if out.ok else out.words

    # -- testing -------------------------------------------------------------------------------------------------------

    def expect(self, candidates: Iterable[Subject]) -> None:
        """These will be tested soon: their compiler may begin. (A slice of one is not known before the test.)"""
        for candidate in candidates if self.slice is None else ():
            CandidateTest(self, candidate).begin()

    def test(self, candidate: Subject) -> list[Evidence]:
        """Compiles and runs one candidate. Never raises for what the candidate does."""
        return CandidateTest(self, candidate).evidence()
