"""Port a kernel file to another platform: the code on stdout (or --out), the verdict on stderr."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from ..errors import UsageError, XpilerError
from . import common

if TYPE_CHECKING:
    from ..suite import AnyPort

HELP = "port a kernel to another platform"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_kernel(parser)
    parser.add_argument("--to", required=True, metavar="P", help="the platform to reach")
    common.add_shape(parser)
    parser.add_argument("--out", metavar="FILE", help="write the ported kernel here instead of to stdout")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout: verdict, code, steps, evidence")
    parser.add_argument("--steps", action="store_true", help="show every pass with its diff and evidence on stdout")
    common.add_allow(parser)
    common.add_assume(parser)
    common.add_prove(parser)
    common.add_device(parser)
    common.add_switches(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the test inputs")


def run(args: argparse.Namespace) -> int:
    text = common.read_text(args.file)
    target = common.known_platform(args.to)
    source = common.known_platform(args.source) if args.source else None
    sizes = common.shapes(args.shape)
    from ..suite import start

    port = start(text, target, source=source, kernel=args.kernel, shape=sizes, device=args.device,
                 seed=args.seed, filename=args.file, allow=[args.allow], arch=args.arch, flat=args.flat,
                 assume=args.assume, with_=common.templates(args), prove=args.prove)
    try:
        port.run()
    except UsageError:
        raise
    except XpilerError as err:
        return _failed(port, err, args)
    if args.out:
        common.write_bytes(args.out, port.code.encode())
    if args.json:
        print(json.dumps(port.as_dict()))
    else:
        _show(port, args)
    return 0 if port.finished and port.verdict.level != "wrong" else 1


def _show(port: AnyPort, args: argparse.Namespace) -> None:
    from ..notebook.render_text import port_text, verdict_line
    from ..notebook.snapshot import Snapshot

    snap = Snapshot.of(port)
    if args.steps:
        print(port_text(snap, color=sys.stdout.isatty(), hints=False))
    elif not args.out:
        print(port.code.rstrip("\n"))
    sys.stdout.flush()
    if not (args.steps and sys.stdout.isatty() and sys.stderr.isatty()):  # on one screen, once is enough
        print(verdict_line(snap, color=sys.stderr.isatty()), file=sys.stderr)


def _failed(port: AnyPort, err: XpilerError, args: argparse.Namespace) -> int:
    """What was reached is part of the report; there is no code to take."""
    if args.json:
        done = port.as_dict()
        kept = {k: done[k] for k in ("from", "to", "kernel", "seconds", "steps", "evidence")}
        print(json.dumps({"error": err.as_dict(), **kept}))
        return 1
    if args.steps:
        from ..notebook.render_text import port_text
        from ..notebook.snapshot import Snapshot

        print(port_text(Snapshot.of(port), color=sys.stdout.isatty(), hints=False))
    print(f"xpiler: {err.kind}: {err.render()}", file=sys.stderr)
    return 1
