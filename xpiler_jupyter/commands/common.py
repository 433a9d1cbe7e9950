"""What several sub-commands need: files in and out, sizes, the platform of a text. Heavy imports stay inside."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from ..platforms.base import Platform


def add_kernel(parser: argparse.ArgumentParser) -> None:
    """FILE and what tells which kernel in it is meant."""
    parser.add_argument("file", metavar="FILE", help="the kernel's text; - reads standard input")
    parser.add_argument("--from", dest="source", metavar="P", help="its platform (default: told from the text)")
    parser.add_argument("--kernel", metavar="NAME", help="which kernel, when the file has several")
    parser.add_argument("--with", dest="with_", metavar="T=TYPE,N=4", action="append", default=[],
                        help="template arguments that no launch in the file says, by name: T=float,BLOCK=256")


def add_shape(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shape", metavar="K=V", nargs="+", action="extend", default=[],
                        help="sizes that the text does not say, e.g. n=1024 A=4096")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", metavar="D", default="auto", help="auto, sim, or a device such as cuda:0")


def add_switches(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arch", metavar="A", help="an architecture other than the platform's usual one, such as mtp_372")
    parser.add_argument("--flat", action="store_true",
                        help="run on the platform's tolerant simulator, which does not check operands")


def switches_of(args: argparse.Namespace) -> list[str]:
    return [*([args.arch] if args.arch else []), *(["flat"] if args.flat else [])]


def add_allow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow", metavar="T,T", default="",
                        help="narrower types that the port may compute in: int8, fp16, tf32; the verdict says what it assumes")


def add_prove(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prove", type=float, default=5.0, metavar="SECONDS",
                        help="what a proof may take, of equality for all inputs (default 5; 0 for no proofs)")


def add_assume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--assume", metavar="CONDITION", action="append", default=[],
                        help="what callers make sure of, e.g. 'n %% 256 == 0'; may be given again")


def templates(args: argparse.Namespace) -> dict[str, str]:
    """What --with says, by parameter name. Raises UsageError."""
    from ..notebook.arguments import template_arguments

    return template_arguments(args.with_)


def shapes(words: list[str]) -> dict[str, int]:
    """`["n=1024"]` as numbers. Raises UsageError."""
    from ..notebook.arguments import sizes

    return sizes(words, {})


def read_text(file: str) -> str:
    """The text of a kernel file, with the headers that lie beside it. Raises UsageError when there is none."""
    if file == "-":
        return sys.stdin.read()
    from ..frontend.included import with_headers

    try:
        return with_headers(Path(file).read_text(errors="replace"), Path(file))
    except OSError as err:
        raise UsageError(f"cannot read {file}: {err.strerror or err}") from None


def write_bytes(file: str | Path, data: bytes) -> None:
    """Writes a file whole or not at all. Raises UsageError when the place can't be written."""
    import tempfile

    path = Path(file)
    try:
        if path.exists() and not path.is_file():  # a pipe or /dev/stdout has nothing to replace
            path.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as err:
        raise UsageError(f"cannot write {file}: {err.strerror or err}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def platform_of(text: str, args: argparse.Namespace) -> Platform:
    """The platform that was named, or the one that the text is written for, with the switches that were asked for."""
    from ..platforms import registry

    found = registry.get(known_platform(args.source)) if args.source else registry.detect(text, args.file)
    return registry.switched(switches_of(args), found)[0]


def known_platform(name: str) -> str:
    """`name` if there is such a platform. Raises UsageError with a suggestion."""
    from ..notebook.arguments import choice
    from ..platforms import registry

    return choice(name, registry.names(), "platform")
