"""Reference runs: what the unmodified source computes on one input, which elements mean something, how exact it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..errors import CompileError
from ..execute.api import Argument, Array, Compiled, Entry, Executor, Fault, Limits, RunResult
from ..ir.nodes import Const, For, Load, Store
from ..ir.types import F16, F32, F64, ScalarType
from ..ir.visit import walk
from .allowed import restricted, rounding
from .compare import Tolerance, tolerance
from .double import double_text
from .footprint import footprint
from .inputs import BLOCK, fill, freeze, is_intact, perturb, poison
from .interval import Env, Range, value_range
from .numbers import Floats, Mask, all_ones, decode, encode, eps_of, same_bits
from .sizes import SizeSet
from .subject import Scalars, Subject


@dataclass(frozen=True, slots=True)
class Case:
    """One input: `buffers` holds data for every pointer of the source's entry, by name."""

    kind: str
    size: SizeSet
    seed: int
    buffers: dict[str, Array]

    def words(self) -> str:
        return f"{self.kind} input, {self.size.words()}, seed {self.seed}"


class Bounds(dict[str, Tolerance]):
    """Tolerance per output, worked out when first asked: it takes runs, and most candidates agree bit for bit."""

    def __init__(self, make: Callable[[str], Tolerance] | None = None) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, name: str) -> Tolerance:
        if self.make is None:
            raise KeyError(name)
        self[name] = self.make(name)
        return self[name]


@dataclass(slots=True)
class Reference:
    """What the source does to one case. Per output: the values, where they mean something (`defined`), where the source
    leaves the caller's memory alone (`untouched`), and the tolerance."""

    case: Case
    expected: dict[str, Array] = field(default_factory=dict)
    defined: dict[str, Mask] = field(default_factory=dict)
    untouched: dict[str, Mask] = field(default_factory=dict)
    bound: Bounds = field(default_factory=Bounds)
    seconds: float = 0.0
    inout: frozenset[str] = frozenset()  # outputs whose contents before the run matter
    unwritten: str = ""  # an output that follows what lay in memory before, in words
    order_dependent: str = ""  # an output that differs between the two thread orders, in words
    rounding_order: bool = False  # ... but only by rounding (atomic float sums)

    def finite(self) -> float:
        """The part of the defined output elements that is finite."""
        count = good = 0
        for name, array in self.expected.items():
            values = array.reshape(-1)[self.defined[name]]
            count += values.size
            good += int(np.isfinite(values).sum()) if values.dtype.kind == "f" else values.size
        return good / count if count else 1.0


class Faulted(Exception):
    """A run of the source ended in a fault."""

    def __init__(self, fault: Fault, case: Case) -> None:
        super().__init__(fault.message)
        self.fault, self.case = fault, case


def make_case(subject: Subject, kind: str, size: SizeSet, seed: int, ascending: frozenset[str] = frozenset(),
              allow: tuple[str, ...] = (), free: frozenset[str] = frozenset()) -> Case:
    """Data for every pointer of the entry at these sizes; what `allow` assumes of inputs holds but for those in `free`."""
    rng = np.random.default_rng(seed)
    buffers = {p.name: fill(kind, rng, size.lengths[p.name], p.dtype, top=size.top.get(p.name),
                            ascending=p.name in ascending) for p in subject.pointers}
    for p in subject.pointers if allow else ():
        if p.name not in free and p.name not in ascending and p.name not in size.top:
            buffers[p.name] = restricted(buffers[p.name], p.dtype, allow, kind)
    for array in buffers.values():
        freeze(array)
    return Case(kind, size, seed, buffers)


def start(case: Case, subject: Subject, outputs: frozenset[str], which: int) -> dict[str, Array]:
    """The buffers before a run: data, and poison pattern `which` in pure outputs."""
    rng = np.random.default_rng((case.seed, which, 7))
    return {p.name: poison(which, rng, case.buffers[p.name].size, p.dtype) if p.name in outputs
            else case.buffers[p.name] for p in subject.pointers}


def passed(subject: Subject, scalars: Scalars) -> Scalars:
    """The scalars that the entry function takes."""
    return {p.name: scalars[p.name] for p in subject.params if not p.pointer}


class SourceRuns:
    """The compiled source and, if there is one, its double-precision twin."""

    def __init__(self, subject: Subject, executor: Executor, limits: Limits, size: SizeSet,
                 allow: tuple[str, ...] = ()) -> None:
        self.subject, self.executor, self.limits, self.allow = subject, executor, limits, allow
        self.compiled = executor.compile(subject.text, subject.entry(size.scalars))
        self._launches: dict[Entry, Compiled] = {subject.entry(size.scalars): self.compiled}
        self._twin: dict[Entry, Compiled | None] = {}
        self.outputs: frozenset[str] = frozenset()  # pure outputs: what they hold before does not matter
        self.inout: frozenset[str] = frozenset()

    def at(self, scalars: Scalars) -> Compiled:
        """The compiled source for these sizes (a direct launch has its geometry in the entry)."""
        entry = self.subject.entry(scalars)
        if entry not in self._launches:
            self._launches[entry] = self.executor.compile(self.subject.text, entry)
        return self._launches[entry]

    def twin(self, scalars: Scalars) -> Compiled | None:
        """The source in double precision, or None when its text has no such twin."""
        entry = self.subject.entry(scalars)
        wide = dataclasses.replace(entry, args=tuple(
            Argument(a.name, F64 if a.dtype == F32 else a.dtype, a.pointer) for a in entry.args))
        if wide not in self._twin:
            text = double_text(self.subject.text)
            got: Compiled | None = None
            if text is not None:
                try:
                    got = self.executor.compile(text, wide)
                except CompileError:  # whatever the compiler dislikes about our edit, there is just no yardstick then
                    got = None
            self._twin[wide] = got
        return self._twin[wide]

    def run(self, case: Case, which: int, *, reverse: bool) -> RunResult:
        return self.run_on(case, start(case, self.subject, self.outputs, which), reverse=reverse)

    def run_on(self, case: Case, buffers: dict[str, Array], *, reverse: bool = False) -> RunResult:
        return self.at(case.size.scalars).run(buffers, passed(self.subject, case.size.scalars), reverse=reverse,
                                              limits=self.limits)

    def probe(self, size: SizeSet) -> Fault | None:
        """The fault of the source on easy inputs at these sizes."""
        return self.run(make_case(self.subject, "moderate", size, 1), 1, reverse=False).fault

    def changed(self, case: Case) -> frozenset[str]:
        """Buffers that a run changes, all of them given data."""
        result = self.run(case, 0, reverse=False)
        if result.fault:
            raise Faulted(result.fault, case)
        return frozenset(n for n, v in result.outputs.items() if not same_bits(v, case.buffers[n]).all())

    def learn_outputs(self, case: Case, written: frozenset[str], read: frozenset[str]) -> None:
        """Tells pure outputs from in/out buffers by running with two different initial contents."""
        self.outputs = written
        first, second = self.run(case, 0, reverse=False), self.run(case, 1, reverse=False)
        for result in (first, second):
            if result.fault:
                if result.fault.kind == "uninitialised":
                    continue
                raise Faulted(result.fault, case)
        if first.fault or second.fault:
            self.outputs, self.inout = frozenset(), written
            return
        a, b = start(case, self.subject, written, 0), start(case, self.subject, written, 1)
        depends = {n for n in written if bool(np.any(
            ~same_bits(first.outputs[n], second.outputs[n])
            & ~(is_intact(first.outputs[n], a[n]) & is_intact(second.outputs[n], b[n]))))}
        # Equal numbers everywhere may be what the kernel leaves alone (a spreading maximum): its own data will tell.
        depends |= {n for n in written & read if bool(np.all(is_intact(first.outputs[n], a[n])
                                                             & is_intact(second.outputs[n], b[n])))}
        if depends:
            depends |= {n for n in written if n in read} if depends - read else set()
        self.outputs, self.inout = written - depends, frozenset(depends)

    # -- one reference -------------------------------------------------------------------------------------------------

    def reference(self, case: Case, length: float, *, yardstick: bool = True) -> Reference:
        """Runs the source in both thread orders with different poison. Raises Faulted."""
        forward, backward = self.run(case, 0, reverse=False), self.run(case, 1, reverse=True)
        for result in (forward, backward):
            if result.fault:
                raise Faulted(result.fault, case)
        out = Reference(case, seconds=forward.seconds, inout=self.inout)
        before = [start(case, self.subject, self.outputs, w) for w in (0, 1)]
        measured: list[tuple[dict[str, Floats] | None, dict[str, Floats]]] = []
        types = {p.name: p.dtype for p in self.subject.pointers}

        def bound(name: str) -> Tolerance:
            if not measured:
                double = self.doubles(case, before[0]) if yardstick else None
                measured.append((double, self.sensitivity(case, double) if yardstick else {}))
            double, sensitivity = measured[0]
            return tolerance(out.expected[name], types[name], double=double[name] if double else None,
                             sensitivity=sensitivity.get(name), length=length, work_eps=self.work_eps(types[name]),
                             narrowed=rounding(self.allow))

        out.bound = Bounds(bound)
        for p in self.subject.pointers:
            n = p.name
            if n not in self.outputs and n not in self.inout:
                continue
            a, b = forward.outputs[n].reshape(-1), backward.outputs[n].reshape(-1)
            intact = is_intact(a, before[0][n]) & is_intact(b, before[1][n])
            if n in self.inout:
                intact = np.zeros(intact.shape, dtype=bool)
            fresh = self.fresh(n, p.dtype, a, b, case)
            out.expected[n], out.untouched[n], out.defined[n] = a, intact, ~intact & ~fresh
            differ = out.defined[n] & ~same_bits(a, b)
            if differ.any():
                x, y = decode(a, p.dtype), decode(b, p.dtype)
                with np.errstate(all="ignore"):
                    near = (np.abs(x - y) <= out.bound[n].bound) | (np.isnan(x) & np.isnan(y)) | (x == y)
                if bool(np.all(near | ~differ)):
                    out.rounding_order = bool(np.any(differ & (x != y) & ~np.isnan(x))) or out.rounding_order
                elif bool(np.any(odd := differ & (np.isnan(x) != np.isnan(y)))):
                    i = int(np.argmax(odd))
                    out.unwritten = f"{n}[{i}] is {x[i]:.6g} or {y[i]:.6g}, by what lay there before"
                elif _left_over(a[i := int(np.argmax(differ & ~near))], b[i], types[n]):
                    out.unwritten = f"{n}[{i}] is {a[i]} or {b[i]}, by what lay there before"
                else:
                    out.order_dependent = f"{n}[{i}] is {x[i]:.6g} with threads ascending and {y[i]:.6g} descending"
        return out

    def fresh(self, name: str, dtype: ScalarType, a: Array, b: Array, case: Case) -> Mask:
        """Elements that a wrapper copied out of memory it allocated and never wrote: they mean nothing. The simulators
        fill fresh memory with ones, which is a NaN; for integers the kernel's reach decides."""
        if not self.subject.wrapped or self.subject.kernel is None:
            return np.zeros(a.shape, dtype=bool)
        ones = all_ones(a) & all_ones(b)
        if dtype.is_float or not ones.any():
            return np.asarray(ones)
        kernel = self.subject.kernel
        reach = footprint(kernel, self.subject.kernel_scalars(case.size.scalars)).top
        top = max((float(np.max(v)) for k, v in reach.items() if self.subject.origin(k) == name), default=0.0)
        return np.asarray(ones & (np.arange(a.size) >= top))

    def doubles(self, case: Case, before: dict[str, Array]) -> dict[str, Floats] | None:
        """Outputs of the double-precision twin on these buffers (single or double), or None."""
        twin = self.twin(case.size.scalars)
        if twin is None:
            return None
        given = {p.name: encode(before[p.name], F64) if p.dtype == F32 else before[p.name]
                 for p in self.subject.pointers}
        result = twin.run(given, passed(self.subject, case.size.scalars), limits=self.limits)
        if result.fault:
            return None
        return {n: np.asarray(result.outputs[n], dtype=np.float64).reshape(-1) for n in self.outputs | self.inout}

    def sensitivity(self, case: Case, base: dict[str, Floats] | None) -> dict[str, Floats]:
        """How much each output element moves per relative change of all inputs: the size of the terms behind it."""
        rng = np.random.default_rng((case.seed, 99))
        half = any(p.dtype.is_float and p.dtype.bits == 16 for p in self.subject.pointers)
        delta = 2.0**-12 if base is not None else 2.0**-6 if half else 2.0**-9
        before = start(case, self.subject, self.outputs, 1)
        plain = base if base is not None else self._plain(case, before)
        out: dict[str, Floats] = {}
        if plain is None:
            return out
        draws = 3 if sum(a.size for a in before.values()) < 1 << 19 else 1
        for _ in range(draws):
            moved = {p.name: before[p.name] if p.name in self.outputs or p.name in case.size.top
                     else self._perturbed(before[p.name], p.dtype, rng, delta, base is not None)
                     for p in self.subject.pointers}
            got = self.doubles(case, moved) if base is not None else self._plain(case, moved)
            if got is None:
                return out
            for n in self.outputs | self.inout:
                with np.errstate(all="ignore"):
                    out[n] = out.get(n, 0.0) + ((got[n] - plain[n]) / delta) ** 2 / draws
        return {n: 2.0 * np.sqrt(v) for n, v in out.items()}  # the rms of the draws is 0.58 of the root of squares

    def _perturbed(self, array: Array, dtype: ScalarType, rng: np.random.Generator, delta: float, wide: bool) -> Array:
        if wide and dtype == F32:
            x = decode(array, F32)
            factors = rng.uniform(1.0 - delta, 1.0 + delta, min(BLOCK, x.size))
            for k in range(0, x.size, BLOCK):
                part = x[k:k + BLOCK]
                part *= factors[:part.size]
            return x
        return perturb(array, dtype, rng, delta)

    def _plain(self, case: Case, given: dict[str, Array]) -> dict[str, Floats] | None:
        result = self.run_on(case, given)
        if result.fault:
            return None
        return {p.name: decode(result.outputs[p.name].reshape(-1), p.dtype) for p in self.subject.pointers
                if p.name in self.outputs | self.inout}

    def work_eps(self, dtype: ScalarType) -> float | None:
        """The coarsest precision that the source computes in, when its text or its IR shows one below the output's."""
        kernel = self.subject.kernel
        if not dtype.is_float:
            return None
        if kernel is None:
            return eps_of(F16) if "half" in self.subject.text else None
        # A copy rounds nothing: only what is computed, or narrowed, into a half counts.
        stored = {n.dtype for n in walk(kernel.body) if isinstance(n, Store) and not isinstance(n.value, Load | Const)}
        return max((eps_of(t) for t in stored if t.is_float and t.bits == 16), default=None)


def reduction_length(subject: Subject, scalars: Scalars) -> float:
    """The longest chain of accumulation, in terms: trips of serial loops around a store that adds to its own place, and
    of all loops and threads around an atomic update, which many of them may add to one place."""
    kernel = subject.kernel
    if kernel is None:
        return 1024.0
    env = Env({k: Range(v, v) for k, v in subject.kernel_scalars(scalars).items()})
    together = {a.name for a in subject.platform.axes if a.level == "block"}
    best = 1.0
    block = 1.0
    tree = False

    def visit(node: object, trips: float, threads: float, known: Env) -> None:
        nonlocal best, block, tree
        if isinstance(node, For):
            lo, hi, step = value_range(node.lo, known), value_range(node.hi, known), value_range(node.step, known)
            count = float(np.ceil((np.asarray(hi.hi) - lo.lo) / np.maximum(step.lo, 1)))
            count = count if np.isfinite(count) else 64.0
            inner = known.child()
            inner.names[node.var] = Range(lo.lo, np.asarray(hi.hi) - 1.0)
            if node.axis in together:
                block *= count
            if node.kind != "parallel":
                trips *= max(count, 1.0)
            else:
                threads *= max(count, 1.0)
            for s in node.body.stmts:
                visit(s, trips, threads, inner)
            return
        if isinstance(node, Store):
            loads = [n for n in walk(node.value) if isinstance(n, Load) and n.buffer == node.buffer]
            if loads:
                best = max(best, trips * threads if node.atomic else trips)
                tree = tree or any(n.indices != node.indices for n in loads)
            return
        for attr in ("stmts", "then", "orelse", "body"):
            value = getattr(node, attr, None)
            for s in value if isinstance(value, tuple) else (value,) if value is not None else ():
                visit(s, trips, threads, known)

    visit(kernel.body, 1.0, 1.0, env)
    return best * (block if tree else 1.0)


def _left_over(a: np.generic, b: np.generic, dtype: ScalarType) -> bool:
    """Do two integers differ by just what the simulators leave in shared memory in the one order (-1) and in the other?"""
    if not dtype.is_integer:
        return False
    return (int(b) - int(a) - int.from_bytes(b"\x7f" * dtype.bytes, "big") - 1) % (1 << dtype.bits) == 0
