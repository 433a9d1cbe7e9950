"""Run a kernel file on arrays: every buffer after the run is written to --out by the same names.

Arrays are given by parameter name: of the host wrapper if the text has one (the kernel's own names work too).
Scalars are 0-d arrays or --shape; those that are missing are solved from the array lengths, and buffers that are only
written may be missing.
"""

from __future__ import annotations

import argparse
import io
import sys
from typing import Any

from ..errors import UsageError
from . import common

HELP = "run a kernel on NumPy arrays"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_kernel(parser)
    common.add_switches(parser)
    parser.add_argument("--inputs", required=True, metavar="NPZ", help="arrays by parameter name")
    parser.add_argument("--out", required=True, metavar="NPZ", help="where the buffers go after the run")
    common.add_shape(parser)
    common.add_device(parser)
    parser.add_argument("--timeout", type=float, default=60.0, metavar="S", help="give up after this long (60)")


def run(args: argparse.Namespace) -> int:
    import numpy as np

    text = common.read_text(args.file)
    platform = common.platform_of(text, args)
    arrays = load(args.inputs)
    scalars: dict[str, int | float] = dict(common.shapes(args.shape))
    from dataclasses import replace

    from ..running import LIMITS, run_text

    limits = replace(LIMITS, seconds=args.timeout)
    result = run_text(text, platform, arrays, scalars, kernel=args.kernel, device=args.device, limits=limits,
                      with_=common.templates(args))
    packed = io.BytesIO()
    np.savez(packed, **result)  # type: ignore[arg-type]
    common.write_bytes(args.out, packed.getvalue())
    said = ", ".join(f"{k} {list(v.shape)} {v.dtype}" for k, v in result.items())
    print(f"xpiler: wrote {said} to {args.out}", file=sys.stderr)
    return 0


def load(file: str) -> dict[str, Any]:
    """The arrays of an .npz file. Raises UsageError when it is none."""
    import zipfile
    import zlib

    import numpy as np

    try:
        found = np.load(file, allow_pickle=False)
        if not hasattr(found, "files"):
            raise UsageError(f"{file} holds one array without a name",
                             hint="Save with numpy.savez(file, A=..., B=...).")
        with found:
            return {name: found[name] for name in found.files}
    except OSError as err:
        raise UsageError(f"cannot read {file}: {err.strerror or err}") from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as err:
        raise UsageError(f"{file} is not an .npz file of plain arrays ({err})") from None
