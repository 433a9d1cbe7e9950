"""What is wrong with a source, with lines: before anyone ports it, and to count such sources apart."""

from __future__ import annotations

import time

from ..dataflow.extents import bounds_report
from ..errors import CompileError, MissingSizeError, SourceFaultError, XpilerError
from ..execute.api import Limits
from .evidence import Evidence
from .idle_guards import idle_guards
from .judge import Judge
from .lanes import check_lanes
from .places import Executors
from .subject import Scalars, Subject


def check_source(subject: Subject, *, shape: dict[str, int] | None = None, seed: int = 0, limits: Limits | None = None,
                 executors: Executors | None = None) -> list[Evidence]:
    """Checks of one source: "bounds" (by integer sets), "run" (faults in its simulator, at sizes found or given),
    "order" (does the thread order matter), "lanes" (does the lane width), "inout" (outputs read before they are
    written). Never raises for what the source does."""
    began = time.perf_counter()
    out: list[Evidence] = []
    try:
        judge = Judge(subject, shape=shape, seed=seed, limits=limits, executors=executors)
    except SourceFaultError as err:
        kind = "order" if "order of its threads" in err.message else "lanes" if "lane width" in err.message else "run"
        out.append(_failure(kind, "fail", err, began))
        if subject.kernel is not None and shape:
            out += static_bounds(subject, dict(shape))
        return out
    except CompileError as err:
        return [_failure("compile", "fail", err, began)]
    except MissingSizeError as err:
        return [_failure("sizes", "unknown", err, began)]
    except XpilerError as err:
        return [_failure("run", "unknown", err, began)]
    first = judge.sizes.sets[0]
    out += static_bounds(subject, first.scalars, first.lengths)
    out += judge.evidence
    out += check_lanes(subject, judge)
    for name in sorted(judge.runs.inout):
        out.append(Evidence("inout", "pass", f"note: {name} is read before it is written; its contents before the call "
                            "matter", data={"buffer": name}))
    contracts = [words for words in judge.assumptions if "source itself" in words]
    out += [Evidence("contract", "pass", f"note: {words}") for words in contracts]
    if contracts and subject.kernel is not None:
        for line in idle_guards(subject.kernel):
            where = f"line {line}: this guard always holds and stops none of these accesses; a term seems to be missing"
            out.append(Evidence("guard", "pass", f"note: {where}", data={"line": line}))
    return out


def static_bounds(subject: Subject, scalars: Scalars, lengths: dict[str, int] | None = None) -> list[Evidence]:
    """Accesses that provably leave their buffers at these sizes, each with an example."""
    del lengths
    if subject.kernel is None:
        return []
    began = time.perf_counter()
    known = {k: int(v) for k, v in subject.kernel_scalars(scalars).items() if not isinstance(v, float) or v == int(v)}
    try:
        found = bounds_report(subject.kernel, known)
    except XpilerError as err:
        return [Evidence("bounds", "unknown", str(err), time.perf_counter() - began)]
    outside = [v for v in found if v.kind == "outside"]
    unknown = [v for v in found if v.kind != "outside"]
    seconds = time.perf_counter() - began
    if outside:
        return [Evidence("bounds", "fail", f"{_line(v.node)}{v.reason}", seconds, {
            "buffer": v.buffer, "line": v.node.span.line if v.node.span else None}) for v in outside[:8]]
    if unknown:
        words = f"{len(unknown)} accesses could not be decided, for example {unknown[0].reason}"
        return [Evidence("bounds", "unknown", words,
                         seconds)]
    return [Evidence("bounds", "pass", "every access stays in its buffer", seconds)]


def _line(node: object) -> str:
    span = getattr(node, "span", None)
    return f"line {span.line}: " if span else ""


def _failure(kind: str, status: str, err: XpilerError, began: float) -> Evidence:
    return Evidence(kind, status, str(err), time.perf_counter() - began,
                    {"line": err.line, "column": err.column, "hint": err.hint})
