#!/usr/bin/env python3
"""Sets everything up in .venv and runs it. Needs only Python 3.11 or newer.

    python3 start.py demo     port a real kernel in the terminal, then open the demo notebook
    python3 start.py test     format, type and law checks, and all tests that can run on this machine
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def run(*command: str | Path, quiet: bool = False) -> None:
    """One command, its output shown; a failure ends the script with its status."""
    result = subprocess.run([str(c) for c in command], cwd=ROOT, stdout=subprocess.DEVNULL if quiet else None)
    if result.returncode:
        sys.exit(result.returncode)


def make_venv() -> None:
    """A virtual environment in .venv. Debian ships Python without the part that makes one: install it there."""
    if PYTHON.exists() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    apt = shutil.which("apt-get")
    if not apt:
        sys.exit("Python's venv module is missing: install it with your system's package manager, then run this again.")
    print("Installing python3-venv (this Python comes without it) ...", flush=True)
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    run(*sudo, apt, "update", "-q", quiet=True)
    run(*sudo, apt, "install", "-y", "-q", "--no-install-recommends", "python3-venv", quiet=True)
    run(sys.executable, "-m", "venv", VENV)


def install(*what: str) -> None:
    print(f"Installing {' '.join(what)} into .venv ...", flush=True)
    run(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *what)


def demo() -> None:
    began = time.time()
    make_venv()
    install("-e", ".")
    kernels = ROOT / "demo_notebooks" / "kernels"
    for file, target in (("blur.c", "cuda"), ("row_softmax.cu", "c")):
        print(f"\n$ xpiler port demo_notebooks/kernels/{file} --to {target} --steps\n", flush=True)
        run(VENV / "bin" / "xpiler", "port", kernels / file, "--to", target, "--steps")
    print(f"\nFirst ports on screen after {time.time() - began:.0f} s, set-up included.\n", flush=True)
    install("-e", ".[notebook]")
    root = ["--allow-root"] if os.geteuid() == 0 else []
    print("Opening the demo notebook; Ctrl-C ends it.", flush=True)
    run(VENV / "bin" / "jupyter", "lab", *root, "demo_notebooks/01-first-port.ipynb")


def test() -> None:
    make_venv()
    install("-e", ".[dev,nvrtc]")
    run(PYTHON, "-m", "ruff", "check", ".")
    run(PYTHON, "-m", "mypy")
    run(PYTHON, "-m", "pytest", "-n", "2", *sys.argv[2:])


if __name__ == "__main__":
    commands = {"demo": demo, "test": test}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    try:
        commands[sys.argv[1]]()
    except KeyboardInterrupt:
        print()
