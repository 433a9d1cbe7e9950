"""The options of the magics: parsed like a command line, wrong ones answered with what was probably meant."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NoReturn

from ..errors import UsageError

EXAMPLE = """example:
  %%xpile --to cuda -o p
  void add(const float* A, const float* B, float* C, int n) {
    for (int i = 0; i < n; ++i) C[i] = A[i] + B[i];
  }

then:
  p(a, b)         run the ported kernel on NumPy arrays
  p.code          its text
  %xpile_steps    the passes, with diffs and evidence
"""


class MagicParser(argparse.ArgumentParser):
    """An argument parser that never exits, and whose errors are ours. `-h` only sets `help`."""

    def __init__(self, prog: str, description: str, epilog: str | None = None) -> None:
        super().__init__(prog=prog, description=description, epilog=epilog, add_help=False, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument("-h", "--help", action="store_true", help="show this help")

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", hint=f"{self.prog} -h shows every option.")

    def options(self) -> list[str]:
        return [o for action in self._actions for o in action.option_strings]

    def parse_line(self, line: str) -> argparse.Namespace:
        """The options of `line`. Raises UsageError, with a suggestion for a misspelt option."""
        try:
            words = shlex.split(line)
        except ValueError as err:
            self.error(f"{str(err).lower()} in {line.strip()!r}")
        found, rest = self.parse_known_args(words)
        if found.help:
            return found
        if rest:
            word = rest[0]
            if word.startswith("-"):
                self.error(f"there is no option {word.split('=')[0]}{suggestion(word.split('=')[0], self.options())}")
            self.error(f"{word!r} was not expected")
        return found


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?`, or nothing when no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def choice(word: str, known: Iterable[str], what: str) -> str:
    """`word` if it is known. Raises UsageError that lists what is known."""
    names = list(known)
    if word not in names:
        raise UsageError(f"there is no {what} {word!r}{suggestion(word.lower(), names)}",
                         hint=f"Known: {', '.join(names)}.")
    return word


def template_arguments(words: Iterable[str]) -> dict[str, str]:
    """`["T=float,BLOCK=256"]` by parameter name. Raises UsageError for what is no assignment."""
    out: dict[str, str] = {}
    for word in words:
        for part in re.split(r",(?![^<>]*>)", word):
            name, eq, value = (x.strip() for x in part.partition("="))
            if not eq or not name.isidentifier() or not value:
                raise UsageError(f"--with {word}: not understood", hint="Write --with T=float,BLOCK=256.")
            out[name] = value
    return out


def port_parser(platforms: Mapping[str, str]) -> MagicParser:
    """Options of `%%xpile`. `platforms`: name to title."""
    known = "\n".join(f"  {k:6} {v}" for k, v in platforms.items())
    parser = MagicParser("%%xpile", "Port the kernel in this cell to another platform, pass by pass, each step judged."
                                    f"\n\nplatforms:\n{known}", EXAMPLE)
    parser.add_argument("--to", metavar="PLATFORM", help="the platform to reach")
    parser.add_argument("--from", dest="source", metavar="PLATFORM",
                        help="the platform of the cell (default: told from the text)")
    parser.add_argument("--kernel", metavar="NAME", help="which kernel, when the cell has several")
    parser.add_argument("--with", dest="with_", metavar="T=TYPE,N=4", action="append", default=[],
                        help="template arguments that no launch in the cell says, by name: T=float,BLOCK=256")
    parser.add_argument("--shape", metavar="NAME=N", nargs="+", action="extend", default=[],
                        help="sizes that the text does not say: scalars (n=1024) or buffer lengths (A=4096); "
                             "N may be the name of an int of the notebook")
    parser.add_argument("--ref", metavar="FUNCTION", help="a NumPy function of the notebook that computes the same")
    parser.add_argument("--allow", metavar="T,T", default="",
                        help="narrower types that passes may compute in: int8, fp16, tf32")
    parser.add_argument("--assume", metavar="CONDITION", action="append", default=[],
                        help="what callers make sure of, such as 'n %% 256 == 0'; may be given again")
    parser.add_argument("--arch", metavar="ARCH",
                        help="an architecture other than the platform's usual one, such as mtp_372")
    parser.add_argument("--flat", action="store_true",
                        help="run on the platform's tolerant simulator, which does not check operands")
    parser.add_argument("--prove", type=float, default=5.0, metavar="SECONDS",
                        help="what a proof may take, of equality for all inputs (default 5; 0 for no proofs)")
    parser.add_argument("--step", action="store_true",
                        help="stop after each proposal; then %%xpile_accept, %%xpile_next ...")
    parser.add_argument("-o", "--output", metavar="NAME", help="also keep the port under this name")
    parser.add_argument("--file", metavar="FILE", help="read the kernel from a file (for the line form %%xpile)")
    parser.add_argument("--save", metavar="FILE", help="write the port as JSON when it is done")
    parser.add_argument("--engine", default="rules", metavar="ENGINE", help="who proposes passes: rules (default)")
    parser.add_argument("--device", default="auto", metavar="DEVICE",
                        help="where tests run: auto, sim, or a device such as cuda:0")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the test inputs")
    return parser


def step_parser(magic: str) -> MagicParser:
    """Options of the magics that act on a port that is there."""
    what = {
        "steps": "Show the latest port, or one of its steps.",
        "next": "Propose the next planned pass, or a pass of your choice with its knobs,\n"
                "e.g. %xpile_next loop_split loop=i factor=8.",
        "why": "Explain the proof: which output is made of what in the source and in the port, what each step's proof\n"
               "says, or what stopped it.",
        "accept": "Take the proposal that waits.",
        "reject": "Put the proposal that waits aside.",
        "undo": "Take the last change back.",
        "edit": "Your own text instead of the proposal that waits (or of the current kernel), judged like any other\n"
                "step. As a line magic, %xpile_edit puts the current text into the next cell, ready to edit.",
    }[magic]
    prog = f"%{'%' if magic == 'edit' else ''}xpile_{magic}"
    parser = MagicParser(prog, what)
    parser.add_argument("-p", "--port", metavar="NAME", help="a port by its name (default: the latest)")
    if magic == "steps":
        parser.add_argument("step", nargs="?", type=int, metavar="K", help="only step K")
    if magic == "next":
        parser.add_argument("pass_name", nargs="?", metavar="PASS", help="a pass other than the planned one")
        parser.add_argument("knobs", nargs="*", metavar="KNOB=VALUE", help="its settings")
        parser.add_argument("--all", action="store_true", help="accept and go on until the target is reached")
    if magic == "accept":
        parser.add_argument("-f", "--force", action="store_true", help="even if it is known to be wrong")
    if magic == "undo":
        parser.add_argument("--to", type=int, metavar="K", help="keep only the first K steps")
    if magic == "edit":
        parser.add_argument("--step", type=int, metavar="K", help="replace step K; the steps after it are done again")
    return parser


def sizes(words: list[str], names: Mapping[str, Any]) -> dict[str, int]:
    """`["n=1024", "m=N"]` as numbers; `names` are the notebook's variables."""
    out = {}
    for word in (w for given in words for w in given.split(",") if w):
        name, eq, value = word.partition("=")
        if not eq or not all(part.isidentifier() for part in name.split(".")):  # blockDim.x is a size too
            raise UsageError(f"--shape wants NAME=N, not {word!r}", hint="For example --shape n=1024 m=32.")
        number: Any = names.get(value, _integer(value))
        if isinstance(number, bool) or not hasattr(number, "__index__"):
            raise UsageError(f"--shape {name}: {value!r} is not an integer"
                             + (", nor one of the notebook's" if names and value.isidentifier() else ""))
        out[name] = int(number)
    return out


def knobs(words: list[str]) -> dict[str, Any]:
    """`["loop=i", "factor=8", "order=i,j"]` as settings: Python literals, else words."""
    out: dict[str, Any] = {}
    for word in words:
        name, eq, value = word.partition("=")
        if not eq or not name.isidentifier():
            raise UsageError(f"a knob is NAME=VALUE, not {word!r}")
        parts = [_literal(v) for v in value.split(",")]
        out[name] = parts[0] if len(parts) == 1 and not value.startswith(("[", "(")) else _literal(value, parts)
    return out


def _integer(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _literal(text: str, otherwise: Any = None) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text if otherwise is None else otherwise


def is_python(cell: str) -> bool:
    """True for a cell that Python would accept: no kernel of the C family is that."""
    try:
        tree = ast.parse(cell)
    except (SyntaxError, ValueError):
        return False
    return bool(tree.body)
