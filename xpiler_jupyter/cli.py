"""`xpiler`: ports, runs and checks kernels from a shell. One file per sub-command in `commands/`.

Exit status: 0 when it worked, 1 for a kernel that can't be ported or is wrong, 2 for wrong usage, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import __version__
from .errors import UsageError, XpilerError


class Parser(argparse.ArgumentParser):
    """Wrong usage is an error of ours, so that `--json` can report it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"{self.prog} --help shows every option.")


def parser() -> Parser:
    """The command line."""
    from .commands import bench, check, doc, doctor, explain, port, prove, run

    top = Parser(prog="xpiler",
                 description="Port tensor kernels between C, CUDA and HIP, pass by pass, each step judged.")
    top.add_argument("--version", action="version", version=f"xpiler-jupyter {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for module in (port, run, check, prove, explain, doctor, bench, doc):
        name = module.__name__.rsplit(".", 1)[1]
        sub = commands.add_parser(name, help=module.HELP, description=module.__doc__, allow_abbrev=False,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words and words[0] != "bench"
    try:
        args = parser().parse_args(words)
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except XpilerError as err:
        if as_json:
            print(json.dumps({"error": err.as_dict()}))
        else:
            print(f"xpiler: {err.render()}", file=sys.stderr)
        return 2 if isinstance(err, UsageError) else 1
    except KeyboardInterrupt:
        print("xpiler: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader went away; keep Python's own farewell quiet
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as err:  # a bug of ours: said as such, where to look goes to stderr
        if as_json:
            print(json.dumps({"error": {"kind": "internal", "message": f"internal: {type(err).__name__}: {err}",
                                        "line": None, "column": None}}))
        import traceback

        traceback.print_exc()
        print("xpiler: this is a bug of xpiler-jupyter, not a mistake of yours; please report it", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
