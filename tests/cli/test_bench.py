"""The benchmark: its table from canned results, its workers, and going on where it stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xpiler_jupyter.commands import bench_pool, bench_table

Xpiler = Callable[..., Any]


def result(file: str, seconds: float = 1.0, **kw: Any) -> dict[str, Any]:
    return {"file": file, "from": "c", "to": "cuda", "sha": "0", "seconds": seconds, **kw}


def error(kind: str, message: str, line: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "message": message, "line": line, "column": None}


CANNED = [
    result("add_4.c", 0.5, ported=True, verdict="tested", instrs={"vector": 3, "copy": 4}),
    result("add_9.c", 0.7, ported=True, verdict="compiled", instrs={"copy": 4}),
    result("oob.c", 0.2, ported=False, error=error("source_fault", "B[128] is out of bounds", 7)),
    result("asm.c", 0.1, ported=False, error=error("unsupported", "`asm` with 3 operands is not supported", 2)),
    result("asm2.c", 0.1, ported=False, error=error("unsupported", "`asm` with 5 operands is not supported", 9)),
    result("bug.c", 9.0, ported=False, error=error("internal", "internal: KeyError: 'x' (judge.py:3)")),
    result("bad.c", 1.0, ported=False, verdict="wrong", error=error("wrong", "B[0] is 1, expected 2")),
]


def test_report_golden(golden: Callable[[str, str], None]) -> None:
    golden("cli/bench_report", bench_table.report(CANNED) + "\n")


def test_summary_counts_every_file_once() -> None:
    row, = bench_table.summary(CANNED)
    outcomes = ("ported", "source at fault", "unsupported", "other failures", "internal")
    assert row["files"] == 7 == sum(row[k] for k in outcomes)
    assert row["tested equal"] == 1 and row["compiled"] == 2 and row["median s"] == 0.5 and row["p95 s"] == 9.0
    assert row["vector"] == 1 and row["matrix"] == 0


@pytest.mark.parametrize("words", [
    ("/nowhere", "--from", "c", "--to", "cuda"), ("{}", "--from", "c", "--to", "cuda", "--only", "none*"),
    ("{}", "--from", "x", "--to", "cuda"), ("{}", "--from", "c", "--to", ","), ("{}", "--from", "c", "--to", "cuda,x"),
    ("{}", "--from", "c", "--to", "cuda", "--json", "{}/scale.c"), ("{}", "--from", "c", "--to", "cuda", "--jobs", "0"),
    ("{}", "--from", "c", "--to", "cuda", "--every", "0"), ("{}", "--from", "c", "--to", "cuda", "--allow", "int7"),
])
def test_wrong_usage(xpiler: Xpiler, kernels: Path, words: tuple[str, ...]) -> None:
    ran = xpiler("bench", *(w.format(kernels) for w in words))
    assert ran.status == 2 and ran.err.startswith("xpiler: ")


def test_a_folder(xpiler: Xpiler, kernels: Path) -> None:
    out = kernels / "result.json"
    words = ("bench", kernels, "--from", "c", "--to", "cuda,hip", "--jobs", "2", "--json", out,
             "--out", kernels / "ported")
    ran = xpiler(*words)
    assert ran.status == 0, ran.err
    found = {(r["file"], r["to"]): r for r in json.loads(out.read_text())["results"]}
    assert len(found) == 6
    assert found["scale.c", "cuda"]["ported"] and found["scale.c", "hip"]["verdict"] == "proved"
    assert found["broken.c", "cuda"]["error"]["kind"] == "parse"
    assert found["outside.c", "cuda"]["error"]["kind"] == "unsupported"
    assert "__global__" in (kernels / "ported/cuda/scale.cu").read_text()
    assert "failures (4):" in ran.out and "broken.c" in ran.out

    again = xpiler(*words)
    assert "6 of 6 are done already" in again.err and again.out == ran.out
    (kernels / "scale.c").write_text((kernels / "scale.c").read_text().replace("2.0f", "3.0f"))
    assert "4 of 6 are done already" in xpiler(*words).err
    assert len(json.loads(out.read_text())["results"]) == 6


def sleepy(task: dict[str, Any]) -> dict[str, Any]:
    """Stands in for a port that hangs or dies."""
    if "hang" in task["file"]:
        time.sleep(60)
    if "die" in task["file"]:
        os._exit(3)
    return {**task, "ported": True, "seconds": 0.0}


def test_hangs_and_deaths_cost_one_task_each(monkeypatch: pytest.MonkeyPatch) -> None:
    import multiprocessing

    monkeypatch.setattr(bench_pool, "do_one", sleepy)
    fork = multiprocessing.get_context("fork")  # the patched function must be there in the workers
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: fork)
    tasks = [{"file": f, "from": "c", "to": "hip", "sha": ""} for f in ("a", "hang", "b", "die", "c", "d")]
    results = {r["file"]: r for r in bench_pool.Pool(2, 1.0).run(tasks)}
    assert {f for f, r in results.items() if r["ported"]} == {"a", "b", "c", "d"}
    assert "no result after 1 s" in results["hang"]["error"]["message"]
    assert "exit status 3" in results["die"]["error"]["message"]


def test_ctrl_c_keeps_what_is_done(kernels: Path) -> None:
    for k in range(30):
        (kernels / f"s{k}.c").write_text((kernels / "scale.c").read_text().replace("2.0f", f"{k}.5f"))
    out = kernels / "result.json"
    command = [sys.executable, "-m", "xpiler_jupyter", "bench", str(kernels), "--from", "c", "--to", "cuda",
               "--jobs", "1", "--json", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not out.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err
    assert "interrupted after" in err and "direction" in said
    assert 1 <= len(json.loads(out.read_text())["results"]) < 33


def test_sources_are_judged_alone(xpiler: Xpiler, kernels: Path) -> None:
    out = kernels / "result.json"
    (kernels / "late.c").write_text("void late(const float* A, float* B) {\n  float t[4];\n  for (int i = 0; i < 8; i++) {\n"
                                    "    t[i] = A[i];\n    B[i] = t[i];\n  }\n}\n")
    ran = xpiler("bench", kernels, "--from", "c", "--check", "--jobs", "2", "--json", out)
    assert ran.status == 0, ran.err
    found = {r["file"]: r for r in json.loads(out.read_text())["results"]}
    assert found["scale.c"]["verdict"] == "sound" and found["scale.c"]["ported"]
    assert found["late.c"]["verdict"] == "faulty" and found["late.c"]["error"]["line"] == 4
    assert found["broken.c"]["error"]["kind"] == "parse"
    assert "c (sources)" in ran.out and "sources at fault (1):" in ran.out and "late.c" in ran.out
    assert xpiler("bench", kernels, "--from", "c").status == 2, "--to or --check"
