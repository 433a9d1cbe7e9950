"""Which sizes to test with. The person's word first, then what the text says, else a search for values at which the
source is sound: every access in bounds of the declared buffers, the launch legal, the guards reached."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..dataflow.extents import extents
from ..dataflow.sets import TooHard
from ..errors import MissingSizeError, UsageError
from ..execute.api import Fault
from ..ir.nodes import For, Param
from ..ir.visit import walk
from .candidates import assignments, candidates, constants, divisors, neighbours
from .contracts import broken
from .footprint import Roles, evaluate, footprint, roles
from .inputs import scalar as float_scalar
from .interval import INF, Bound, Range
from .subject import Scalars, Subject

Probe = Callable[["SizeSet"], Fault | None]
WORK = 2.0e5  # statement instances of a comfortable run
MAX_WORK = 1.0e8  # with sizes to choose, a run should not do more than this, nor move more bytes
MAX_BYTES = 1 << 23
MAX_GROWN = 1 << 28  # elements of a buffer whose extent only a run can tell
MAX_TOTAL = 4 << 30  # bytes of all buffers together; beyond it nothing is run


@dataclass(frozen=True, slots=True)
class SizeSet:
    """One choice: scalar values of the entry, elements per buffer, largest value in index buffers. `slice` > 0: only so
    many iterations of the outermost dimension are run."""

    scalars: Scalars
    lengths: dict[str, int]
    top: dict[str, int] = field(default_factory=dict)
    label: str = "representative"
    work: float = 0.0
    open: frozenset[str] = frozenset()  # buffers whose extent only a run can tell

    def words(self) -> str:
        parts = [f"{k}={v}" for k, v in self.scalars.items()]
        return ", ".join(parts) if parts else "the sizes of the text"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size sets to test with (the representative one first), and contracts found on the way, in words."""

    sets: tuple[SizeSet, ...]
    assumptions: tuple[str, ...] = ()


def choose(subject: Subject, shape: dict[str, int] | None = None, *, probe: Probe | None = None,
           seed: int = 0) -> Sizes:
    """Size sets for `subject`: a representative one, and a small one and one with a tail where they differ.

    Args:
        shape: what the person said: values of scalars, or lengths of buffers, by name.
        probe: runs the source once at a size set and returns its fault; confirms what intervals only estimate.

    Raises:
        MissingSizeError: no consistent values were found; names one size to give.
    """
    return Search(subject, dict(shape or {}), np.random.default_rng(seed)).confirm(probe)


def grow(option: SizeSet, probe: Probe) -> SizeSet | None:
    """`option` once it runs: buffers of unknown extent grow until no access leaves them. None if it faults anyway."""
    larger: SizeSet | None = option
    while larger is not None:
        option = larger
        fault = probe(option)
        if fault is None:
            return option
        larger = enlarged(option, fault)
    return None


def enlarged(option: SizeSet, fault: Fault) -> SizeSet | None:
    """`option` with more room for the buffer that was left, where its extent was only a guess; else None."""
    names = {fault.buffer} if fault.buffer in option.open else option.open
    if fault.kind != "bounds" or all(option.lengths[k] >= MAX_GROWN for k in names):
        return None
    return replace(option, lengths={k: longer(v) if k in names else v for k, v in option.lengths.items()})


def longer(length: int) -> int:
    """The next length to try: in big steps while that is cheap, then by doubling; large ones in whole pages, so that they
    lie at the same place in both orders of the threads."""
    more = length * (8 if length < 1 << 22 else 2)
    return min(more if more < 1 << 20 else -(-more // 4096) * 4096, MAX_GROWN)


class Search:
    """The search space of one subject: its unknown integers, and how good an assignment of them is."""

    def __init__(self, subject: Subject, shape: dict[str, int], rng: np.random.Generator) -> None:
        self.subject, self.shape, self.rng = subject, shape, rng
        self.roles: Roles | None = roles(subject.kernel) if subject.kernel else None
        names = {p.name for p in subject.scalars + subject.params}
        if subject.kernel:
            names |= {p.name for p in subject.kernel.params + subject.kernel.sizes}
        for name in shape:
            if name not in names:
                raise UsageError(f"--shape names {name}, which the kernel does not have",
                                 hint=f"It has {', '.join(sorted(names))}.")
        try:
            self.exact = extents(subject.kernel) if subject.kernel else {}
        except TooHard:  # a set that the solver cannot bound: the intervals estimate it anyway
            self.exact = {}
        self.fixed: Scalars = {}
        self.free: list[str] = []
        for p in subject.scalars:
            if p.name in shape:
                self.fixed[p.name] = shape[p.name]
            elif p.dtype.is_float:
                self.fixed[p.name] = float_scalar(rng, p.dtype)
            else:
                self.free.append(p.name)
        self.index = sorted(self.roles.index) if self.roles else []
        self.literals = [float(c) for c in constants(subject)]
        # Sizes that the kernel itself computes with should differ and not be tiny; those that only scale a launch and
        # its buffers should above all fit.
        inside = {p.name for p in subject.kernel.params} if subject.kernel else set()
        self.weight = {n: 1.0 if n in inside else 0.05 for n in self.free}

    # -- scoring -------------------------------------------------------------------------------------------------------

    def score(self, choice: dict[str, Bound]) -> dict[str, Bound]:
        """Arrays per assignment: `violation` (0 is sound), `coverage`, `loose`, `same`, `work`, `tail`, and for each
        buffer `len:name`."""
        subject, kernel = self.subject, self.subject.kernel
        assert kernel is not None
        values = {k: v for k, v in choice.items() if not k.startswith("@")}
        known = {**values, **subject.kernel_scalars(values)}
        data = {b: Range(0.0, choice["@" + b]) for b in self.index}
        n: Any = np.broadcast(*choice.values()).shape if choice else ()
        fp = footprint(kernel, known, data)
        out: dict[str, Bound] = {"violation": np.zeros(n), "loose": np.zeros(n)}
        for p in kernel.params:
            if not p.pointer:
                continue
            entry = subject.origin(p.name)
            need, low = fp.top.get(p.name, 0.0), fp.bottom.get(p.name, 0.0)
            exact = self.exact.get(p.name)
            if exact is not None and p.name in fp.top:
                got = evaluate(exact, known)
                need = np.where(np.isnan(got), need, np.minimum(need, np.maximum(got, 0.0)))
            extent = self.extent(p, entry, known)
            finite = np.isfinite(need)
            if extent is None:
                out["len:" + (entry or p.name)] = need
                out["violation"] = out["violation"] + np.where(low < 0, 1.0, 0.0)
                continue
            out["violation"] = out["violation"] + np.where(extent >= 1, 0.0, 4.0)
            used = np.asarray(np.where(finite, need, extent), dtype=float)
            ratio = np.log2((used + 1.0) / (np.maximum(extent, 0.0) + 1.0))
            out["violation"] = out["violation"] + np.maximum(ratio, 0.0) + np.where((low < 0) & finite, 1.0, 0.0)
            out["loose"] = out["loose"] + np.minimum(np.maximum(-ratio, 0.0), 8.0)
            if entry is not None:
                out["len:" + entry] = extent
        out["violation"] = out["violation"] + 4.0 * broken(kernel, known)
        self.launch_rules(known, out)
        covered = [np.clip((g.reach + 1.0) / np.maximum(g.bound, 1.0), 0.0, 1.0) for g in fp.guards]
        out["coverage"] = sum(covered, np.zeros(n)) / len(covered) if covered else np.ones(n)
        out["tail"], out["thin"] = np.zeros(n), np.zeros(n)
        for g in fp.guards:
            out["tail"] = out["tail"] + np.asarray(g.reach >= g.bound, dtype=float)
            over = np.maximum(g.reach + 1.0, 1.0) / np.maximum(g.bound, 1.0)
            out["loose"] = out["loose"] + np.clip(np.log2(over), 0.0, 8.0)
        for k in self.free:
            v = np.asarray(choice[k])
            out["tail"] = out["tail"] + np.where(v % 2 == 1, 0.25, 0.0)
            out["thin"] = out["thin"] + self.weight[k] * np.maximum(0.0, 3.0 - np.log2(np.maximum(v, 1.0)))
            if self.weight[k] < 1.0:  # all else equal, a number that the text itself says
                out["thin"] = out["thin"] + np.where(np.isin(v, self.literals), 0.0, 0.1)
        pairs = [(a, b) for i, a in enumerate(self.free) for b in self.free[i + 1:]]
        for b in self.index:
            out["thin"] = out["thin"] + np.maximum(0.0, 4.0 - 2.0 * np.log2(np.asarray(choice["@" + b]) + 1.0))
        widths = {p.name: p.dtype.bytes for p in self.subject.pointers}
        out["bytes"] = sum((np.nan_to_num(np.asarray(v, dtype=float), posinf=0.0) * widths.get(k[4:], 4)
                            for k, v in out.items() if k.startswith("len:")), np.zeros(n))
        out["same"] = sum((min(self.weight[a], self.weight[b]) * np.asarray(choice[a] == choice[b], dtype=float)
                           for a, b in pairs), np.zeros(n))
        out["work"] = np.broadcast_to(np.asarray(fp.work, dtype=float), n)
        return {k: np.broadcast_to(np.asarray(v, dtype=float), n) for k, v in out.items()}

    def extent(self, p: Param, entry: str | None, known: dict[str, Bound]) -> Bound | None:
        """Declared elements of a buffer: the person's word, else the text's; None when neither says."""
        for name in (p.name, entry):
            if name in self.shape:
                return float(self.shape[name])
        declared = p.extent
        if declared is None and entry is not None and self.subject.wrapped:
            declared = next((q.extent for q in self.subject.params if q.name == entry), None)
        if declared is None:
            return None
        got = evaluate(declared, known)
        return None if np.any(np.isnan(got)) else got

    def launch_rules(self, known: dict[str, Bound], out: dict[str, Bound]) -> None:
        """Launches that no device accepts are violations; a stated launch bound should be met exactly."""
        kernel, platform = self.subject.kernel, self.subject.platform
        assert kernel is not None
        for launched in kernel.body.stmts:  # one, or one after the other
            threads: Bound = 1.0
            for node in walk(launched):
                if isinstance(node, For) and node.axis is not None and (axis := platform.axis(node.axis)):
                    extent = np.nan_to_num(evaluate(node.hi, known), nan=1.0)
                    bad = (extent < 1) | (extent > axis.max_extent)
                    out["violation"] = out["violation"] + np.where(bad, 4.0, 0.0)
                    if axis.level == "block":
                        threads = threads * extent
            if platform.axes:
                limit = kernel.max_threads or platform.max_threads
                out["violation"] = out["violation"] + np.where(threads > limit, 4.0, 0.0)

    def confirm(self, probe: Probe | None, each: int = 1) -> Sizes:
        """The best sets that also run, up to `each` per label, and contracts met on the way."""
        plan = self.plan
        sets: list[SizeSet] = []
        for label, options in plan.items():
            found = 0
            for option in options[:48 if label == "representative" else 2 * each]:
                if any(s.scalars == option.scalars and s.lengths == option.lengths for s in sets):
                    continue
                if probe is not None:  # what is too big may still be run on a slice
                    self.fits(option)
                got = grow(option, probe) if probe else option
                if got is not None:
                    sets.append(replace(got, label=label))
                    found += 1
                    if found == each:
                        break
            if label == "representative" and not sets:
                sets.append(options[0])  # let the caller see the fault for itself
                return Sizes(tuple(sets))
        return Sizes(tuple(sets), self.contracts(sets[0], probe) if probe else ())

    def fits(self, option: SizeSet) -> None:
        """Raises MissingSizeError when the buffers would not fit a test run."""
        size = {p.name: option.lengths[p.name] * p.dtype.bytes for p in self.subject.pointers}
        if sum(size.values()) > MAX_TOTAL:
            name = max(size, key=lambda k: size[k])
            raise MissingSizeError(f"buffer {name!r} would take {size[name] / 2**30:.1f} GiB, too much for a test run",
                                   hint="Give smaller sizes with --shape, or check the index.")

    # -- planning ------------------------------------------------------------------------------------------------------

    @cached_property
    def plan(self) -> dict[str, list[SizeSet]]:
        """Ranked options per label."""
        subject = self.subject
        if subject.kernel is None:
            return {"representative": self.blind()}
        names = [*self.free, *("@" + b for b in self.index)]
        pool = {n: candidates(subject, n, self.fixed) for n in names}
        fixed: dict[str, Bound] = {k: float(v) for k, v in self.fixed.items()}
        choice = assignments(pool, lambda c: self.rank(self.score({**fixed, **c})), self.rng)
        score = self.score({**fixed, **choice})
        sound = score["violation"] <= 1e-9
        if not choice:
            return {"representative": [self.make({**fixed}, score, ())]}
        if not sound.any():
            least = np.argsort(score["violation"], kind="stable")[:8]
            return {"representative": [self.make({**fixed, **choice}, score, (int(i),)) for i in least]}
        full = float(score["coverage"][sound].max())
        base = np.where(sound, 0.0, INF)
        reach = np.where(score["coverage"] >= full - 1e-9, 0.0, 10.0 * (full - score["coverage"]))
        heavy = np.log2(np.maximum(score["work"] / WORK, 1.0)) + 4 * np.maximum(
            np.log2(np.maximum(score["bytes"], 1.0) / MAX_BYTES), 0.0) + 0.5 * np.maximum(
            np.log2(np.maximum(score["bytes"], 1.0) / (1 << 20)), 0.0)
        light = np.log2(np.maximum(WORK / np.maximum(score["work"], 1.0), 1.0))
        wanted = {
            "representative": base + 4 * reach + score["loose"] + 2 * score["same"] + 0.5 * heavy + 0.25 * light
            + score["thin"],
            "tail": base + 4 * reach - 2 * score["tail"] + 0.25 * score["loose"] + score["same"] + 0.5 * heavy
            + 0.5 * score["thin"],
            "small": base + np.log2(np.maximum(score["work"], 1.0)) + np.where(score["work"] > 0, 0.0, 64.0)
            + score["same"],
        }
        out: dict[str, list[SizeSet]] = {}
        big = (score["work"] > MAX_WORK) | (score["bytes"] > MAX_BYTES)
        for label, cost in wanted.items():
            if label != "representative" or (sound & ~big).any():
                cost = np.where(big, INF, cost)  # only when there is no other choice: then it is run on a slice
            order = [int(i) for i in np.argsort(cost, kind="stable")[:8] if np.isfinite(cost[i])]
            if not order:
                continue
            out[label] = [self.make({**fixed, **choice}, score, (i,)) for i in order]
        return out

    def blind(self) -> list[SizeSet]:
        """Options for a text without IR: its own literals as sizes, different ones first, buffers that are long enough for
        anything. Runs must tell."""
        subject = self.subject
        lengths = {p.name: self.shape.get(p.name, 4096 if not self.free else 1 << 18) for p in subject.pointers}
        unknown = frozenset(set(lengths) - set(self.shape))
        if not self.free:
            return [SizeSet(self.fixed, lengths, open=unknown)]
        literals = [c for c in constants(subject) if c <= 4096][:6]
        combos = [c for c in itertools.product(literals, repeat=len(self.free)) if math.prod(c) < 1 << 26]
        self.rng.shuffle(combos)
        combos.sort(key=lambda c: -len(set(c)))
        if not combos:
            raise MissingSizeError(f"the value of {self.free[0]} is not known", hint=f"Say --shape {self.free[0]}=...")
        return [SizeSet({**self.fixed, **dict(zip(self.free, c, strict=True))}, lengths) for c in combos[:48]]

    def rank(self, score: dict[str, Bound]) -> Bound:
        """The scalar that the search descends on."""
        return (8 * score["violation"] + 10 * (1 - score["coverage"]) + score["loose"] + score["same"]
                + 0.25 * np.log2(np.maximum(score["work"] / WORK, 1.0)))

    def make(self, choice: dict[str, Bound], score: dict[str, Bound], at: tuple[int, ...]) -> SizeSet:
        def value(x: Bound) -> float:
            a = np.asarray(x)
            return float(a[at] if a.shape else a)

        scalars: Scalars = {p.name: self.fixed[p.name] if p.name in self.fixed else int(value(choice[p.name]))
                            for p in self.subject.scalars}
        lengths: dict[str, int] = {}
        unknown: set[str] = set()
        for p in self.subject.pointers:
            got = value(score["len:" + p.name]) if "len:" + p.name in score else float(self.shape.get(p.name, 0))
            if not np.isfinite(got) or got > 2.0**40:
                got = 4096.0
                unknown.add(p.name)
            lengths[p.name] = max(1, int(got))
        top = {self.subject.origin(b) or b: int(value(choice["@" + b])) for b in self.index}
        return SizeSet(scalars, lengths, top, work=value(score["work"]), open=frozenset(unknown))

    # -- contracts -----------------------------------------------------------------------------------------------------

    def contracts(self, base: SizeSet, probe: Probe | None) -> tuple[str, ...]:
        """What the source silently demands of its free scalars, found by running it next to the chosen values."""
        if probe is None or self.subject.kernel is None or base.work > MAX_WORK / 8 or len(self.free) > 2:
            return ()
        out: list[str] = []
        for name in self.free:
            value = int(base.scalars[name])
            up = self.faults(base, name, value + 1, probe)
            down = self.faults(base, name, value - 1, probe) if value > 1 else ""
            if not up and not down:
                continue
            why = up or down
            unit = next((m for m in neighbours(self.subject, value) if value % m == 0
                         and not self.faults(base, name, value + m, probe)), None) if up else None
            if unit:
                out.append(f"{name} is a multiple of {unit}, or the source itself {why}")
            elif down and not up:
                out.append(f"{name} is at least {value}, or the source itself {why}")
            else:
                out.append(f"{name} is {value}, or the source itself {why}")
        return tuple(out)

    def faults(self, base: SizeSet, name: str, value: int, probe: Probe) -> str:
        """What goes wrong with `name` at `value`, the rest as in `base`; empty when nothing does."""
        scalars: Scalars = {**base.scalars, name: value}
        assert self.subject.kernel is not None
        if np.any(broken(self.subject.kernel, self.subject.kernel_scalars({k: float(v) for k, v in scalars.items()}))):
            return ""  # known already: it is an assumption
        score = self.score({**{k: float(v) for k, v in scalars.items()},
                            **{"@" + b: float(base.top[self.subject.origin(b) or b]) for b in self.index}})
        at = self.make({k: float(v) for k, v in scalars.items()} | {
            "@" + b: float(base.top[self.subject.origin(b) or b]) for b in self.index}, score, ())
        lengths = {k: max(v, base.lengths[k]) if k in at.open else v for k, v in at.lengths.items()}
        fault = probe(replace(at, scalars=scalars, lengths=lengths))
        words = {"bounds": "accesses out of bounds", "launch": "cannot be launched"}
        return "" if fault is None else words.get(fault.kind, f"fails ({fault.kind})")


def solve_sizes(subject: Subject, lengths: dict[str, int], given: Scalars | None = None) -> Scalars:
    """The scalars of `subject` from the lengths of the arrays a person passes, e.g. n from len(A).

    Raises:
        MissingSizeError: the lengths do not determine them.
    """
    shape = {**{k: int(v) for k, v in (given or {}).items() if isinstance(v, int | np.integer)}, **lengths}
    search = Search(subject, shape, np.random.default_rng(0))
    exact = _direct(subject, search, lengths)
    search.fixed.update(exact)
    search.free = [n for n in search.free if n not in exact]
    for name, v in (given or {}).items():
        search.fixed[name] = v
        search.free = [n for n in search.free if n != name]
    if not search.free:
        return {p.name: search.fixed[p.name] for p in subject.scalars}
    pool = {n: divisors(lengths.values()) for n in search.free}
    for b in search.index:
        pool["@" + b] = [1]
    fixed: dict[str, Bound] = {k: float(v) for k, v in search.fixed.items()}

    def cost(tried: dict[str, Bound]) -> Bound:
        score = search.score({**fixed, **tried})
        return 64 * score["violation"] + score["loose"]

    choice = assignments(pool, cost, search.rng)
    total = np.asarray(cost(choice))
    best = int(np.argmin(total))
    ties = np.flatnonzero(total <= total[best] + 1e-9)
    for name in search.free:
        values = {float(np.asarray(choice[name])[i]) for i in ties}
        if total[best] >= 64 or len(values) > 1:
            raise MissingSizeError(f"the arrays do not determine {name}", hint=f"Pass {name}=... as well.")
        search.fixed[name] = int(values.pop())
    return {p.name: search.fixed[p.name] for p in subject.scalars}


def _direct(subject: Subject, search: Search, lengths: dict[str, int]) -> Scalars:
    """Scalars that are the declared extent of an array themselves."""
    out: Scalars = {}
    params = list(subject.params) + (list(subject.kernel.params) if subject.kernel else [])
    for p in params:
        name = getattr(p.extent, "name", None)
        if p.pointer and p.name in lengths and isinstance(name, str) and name in search.free:
            out[name] = lengths[p.name]
    return out


