"""Are two kernels equal for all inputs? Of any two platforms. At the sizes of --shape when it says them all, and for all
sizes. Exit status 0 when it is proved, 1 when not (which does not mean that they differ: the reason says what stopped it)."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from . import common

if TYPE_CHECKING:
    from ..verify.subject import Subject

HELP = "prove two kernels equal for all inputs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for side, words in (("a", "one kernel's text"), ("b", "the other's; - reads standard input")):
        parser.add_argument(side, metavar=side.upper(), help=words)
    for side in "ab":
        parser.add_argument(f"--kernel-{side}", metavar="NAME", help=f"which kernel of {side.upper()}, when it has several")
        parser.add_argument(f"--from-{side}", metavar="P", help=f"platform of {side.upper()} (default: told from the text)")
    common.add_shape(parser)
    common.add_prove(parser)
    parser.add_argument("--why", action="store_true", help="also say what each output is made of")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    from ..verify.proofs import Question, first_proof
    from ..verify.verdict import verdict_of_proof

    if args.prove <= 0:
        raise UsageError("--prove wants some seconds here")
    if args.a == args.b == "-":
        raise UsageError("only one of the two texts can come from standard input")
    sizes = common.shapes(args.shape)
    a, b = _subject(args, "a", sizes), _subject(args, "b", sizes)
    names = [p.name for p in a.scalars]
    unknown = [k for k in sizes if k not in names]
    if unknown and not a.launched and not b.launched:
        raise UsageError(f"--shape: {args.a} has no size {unknown[0]!r}", hint=f"Its sizes: {', '.join(names) or 'none'}.")
    given: Any = sizes if names and all(n in sizes for n in names) else None
    question = Question(a, b, given, "equivalence", args.a, reread=False, names=(f"of {args.a}", f"of {args.b}"))
    found, *safe = first_proof(question, args.prove)
    verdict = verdict_of_proof(found, safe)
    lines: list[str] = []
    if args.why:
        from ..verify.why import explained

        lines = explained(question, args.prove)
    if args.json:
        level = verdict.level if found.status == "pass" else "unknown"
        print(json.dumps({
            "verdict": level, "number_model": verdict.number_model, "assumptions": list(verdict.assumptions),
            "reason": found.detail, "line": found.data.get("line"), "seconds": round(found.seconds, 4),
            "counterexample": None, **({"why": lines} if args.why else {})}))
    else:
        _print(found, verdict, lines)
    return 0 if found.status == "pass" else 1


def _print(found: Any, verdict: Any, lines: list[str]) -> None:
    from ..notebook.snapshot import BADGES, seconds_text

    word = BADGES[verdict.level][0] if found.status == "pass" else "not proved"
    print(f"[{word}] {found.detail.removeprefix('not proved ')} ({seconds_text(found.seconds)})")
    if verdict.number_model:
        print(f"numbers: {verdict.number_model}")
    if verdict.assumptions:
        print("this holds if:")
        for a in verdict.assumptions:
            print(f"  - {a}")
    for line in lines:
        print(line)


def _subject(args: argparse.Namespace, side: str, sizes: dict[str, int]) -> Subject:
    """One of the two kernels."""
    from ..platforms import registry
    from ..running import subject_of

    file, name = getattr(args, side), getattr(args, f"from_{side}")
    text = common.read_text(file)
    platform = registry.get(common.known_platform(name)) if name else registry.detect(text, file)
    return subject_of(text, platform, getattr(args, f"kernel_{side}"), sizes)
