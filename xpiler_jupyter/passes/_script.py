"""Default plans as straight-line code. A script is a generator: it yields the next move and gets back the kernel that
the move leads to, or the pass' refusal as an exception that it may catch.

    def tiles(kernel, target):
        kernel = yield Move("loop_split", target, {"loop": "i", "factor": 16})
        kernel = yield Move("loop_bind", target, {"bind": {"i_outer": "blockIdx.x"}})

A script is rehearsed as a whole before its first move is proposed, so that no port stops half-way: what a pass further
down refuses makes the planner take another plan. The rehearsal is remembered by kernel; whoever goes on from one of its
kernels (the port, after each accepted step) gets the next move.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable
from typing import Any

from ..errors import IllegalPassError, UnsupportedError
from ..ir.nodes import Kernel
from ..ir.simplify import simplify
from ..platforms import registry as platforms
from ..platforms.base import Platform
from . import _registry as passes
from ._plan import Move
from .base import PassResult

Script = Generator[Move, Kernel, None]
_REMEMBERED = 64
_AHEAD = 2  # steps whose texts are compiled while another is tested
MOST_TRIES = 200  # moves that one script may ask for: plans take a dozen, one that asks on and on is going in circles

Key = tuple[str, tuple[str, ...]]
_results: OrderedDict[tuple[Kernel, Callable[..., PassResult], str, str], PassResult] = OrderedDict()
_next: OrderedDict[tuple[Key, Kernel], Move] = OrderedDict()
_refusals: OrderedDict[tuple[str, Kernel], str] = OrderedDict()


def next_move(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> Move | None:
    """The move that follows in the script which led to `kernel`; None where no script did, or it is at its end."""
    return _next.get(((target.name, allow), kernel))


def rehearse(kernel: Kernel, target: Platform, allow: tuple[str, ...], scripts: Iterable[Callable[[], Script]]) -> bool:
    """Remembers the first script that runs to its end from `kernel`. False when all are refused."""
    for start in scripts:
        steps, refused = _run(kernel, allow, start())
        if not steps:
            _refusals.setdefault((target.name, kernel), refused)
            while len(_refusals) > _REMEMBERED:
                _refusals.popitem(last=False)
            continue
        for before, move in steps:
            _next[(target.name, allow), before] = move
        while len(_next) > _REMEMBERED:
            _next.popitem(last=False)
        return True
    return False


def stepwise(kernel: Kernel, target: Platform, plan: Callable[[Kernel, Platform], Iterable[Move]]) -> Script:
    """A plan that looks at each kernel anew, as a script: of its candidates the first that no pass refuses, until the
    kernel is one of the target."""
    while kernel.platform != target.name:
        refused: IllegalPassError | UnsupportedError | None = None
        for move in plan(kernel, target):
            try:
                kernel = yield move
                break
            except (IllegalPassError, UnsupportedError) as refusal:
                refused = refusal
        else:
            raise refused or IllegalPassError("no pass applies")


def applied(kernel: Kernel, pass_name: str, target: Platform, knobs: dict[str, Any]) -> PassResult:
    """The pass' result, from the rehearsal where there was one. Raises IllegalPassError."""
    rewrite = passes.get(pass_name).apply
    key = (kernel, rewrite, target.name, repr(sorted(knobs.items(), key=repr)))
    if key not in _results:
        _results[key] = rewrite(kernel, target, **knobs)
        while len(_results) > _REMEMBERED:
            _results.popitem(last=False)
    return _results[key]


def after(kernel: Kernel, move: Move, allow: tuple[str, ...] = ()) -> Kernel:
    """What the port makes of a move. Raises IllegalPassError, or UnsupportedError when the result cannot be printed."""
    knobs = dict(move.knobs)
    if allow and "allow" in passes.get(move.pass_name).knobs:
        knobs.setdefault("allow", allow)
    result = simplify(applied(kernel, move.pass_name, move.target, knobs).kernel)
    platforms.get(result.platform).emit(result)
    return result


def ahead(kernel: Kernel, target: Platform, allow: tuple[str, ...]) -> list[tuple[str, Platform, Kernel]]:
    """The next few kernels of the script that led to `kernel`, each with its text and its platform."""
    found: list[tuple[str, Platform, Kernel]] = []
    while len(found) < _AHEAD and (move := next_move(kernel, target, allow)) is not None:
        kernel = after(kernel, move, allow)
        platform = platforms.get(kernel.platform)
        found.append((platform.emit(kernel), platform, kernel))
    return found


def why_not(kernel: Kernel, target: Platform) -> str:
    """What stopped the first of the scripts that were rehearsed from `kernel`; empty when none was."""
    return _refusals.get((target.name, kernel), "")


def _run(kernel: Kernel, allow: tuple[str, ...], script: Script) -> tuple[list[tuple[Kernel, Move]], str]:
    """The kernels on the way, each with the move that leaves it; none, but the reason, when the script gives up."""
    steps: list[tuple[Kernel, Move]] = []
    try:
        move = next(script)
        for _ in range(MOST_TRIES):
            try:
                result = after(kernel, move, allow)
            except (IllegalPassError, UnsupportedError) as refusal:
                move = script.throw(refusal)
                continue
            steps.append((kernel, move))
            kernel = result
            move = script.send(result)
        return [], f"the plan does not end within {MOST_TRIES} tries"
    except StopIteration:
        return steps, ""
    except (IllegalPassError, UnsupportedError) as refusal:
        return [], refusal.message
