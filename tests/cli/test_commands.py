"""port, run, check and doctor on real kernels: the JSON contract, exit codes, arrays by name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Xpiler = Callable[..., Any]


def test_port_prints_the_code_and_a_verdict(xpiler: Xpiler, kernels: Path) -> None:
    ran = xpiler("port", kernels / "scale.c", "--to", "cuda")
    assert ran.status == 0 and "__global__" in ran.out and "[proved for all sizes]" in ran.err
    assert "numbers: bit-exact" in ran.err


def test_port_json(xpiler: Xpiler, kernels: Path) -> None:
    ran = xpiler("port", kernels / "scale.cu", "--to", "c", "--json", "--seed", "5", "--shape", "n=1000")
    d = ran.json
    assert ran.status == 0 and ran.err == ""
    assert set(d) >= {"from", "to", "kernel", "verdict", "number_model", "assumptions", "code", "seconds", "steps",
                      "evidence"}
    assert (d["from"], d["to"], d["verdict"], d["number_model"]) == ("cuda", "c", "proved", "bit-exact")
    assert "__global__" not in d["code"] and d["steps"]
    for step in d["steps"]:
        assert set(step) >= {"pass", "engine", "knobs", "verdict", "before", "after", "evidence"}
        for e in step["evidence"]:
            assert set(e) >= {"kind", "status", "detail", "seconds"}


def test_port_out_and_steps(xpiler: Xpiler, kernels: Path) -> None:
    out = kernels / "ported.hip"
    ran = xpiler("port", kernels / "scale.cu", "--to", "hip", "--out", out, "--steps")
    assert ran.status == 0 and "hipMalloc" in out.read_text()
    assert "+ " in ran.out and "%xpile" not in ran.out
    assert xpiler("port", kernels / "scale.cu", "--to", "hip", "--out", "/nowhere/x").status == 2


@pytest.mark.parametrize(("file", "kind", "line"), [("broken.c", "parse", 2), ("outside.c", "unsupported", 2)])
def test_what_cannot_be_ported_is_status_1(xpiler: Xpiler, kernels: Path, file: str, kind: str, line: int) -> None:
    ran = xpiler("port", kernels / file, "--to", "cuda", "--json")
    assert ran.status == 1 and ran.json["error"]["kind"] == kind and ran.json["error"]["line"] == line
    assert "code" not in ran.json
    ran = xpiler("port", kernels / file, "--to", "cuda")
    assert ran.status == 1 and ran.out == "" and f"line {line}" in ran.err and "^" in ran.err


def test_a_source_at_fault_is_named(xpiler: Xpiler, kernels: Path) -> None:
    ran = xpiler("port", kernels / "beyond.cu", "--to", "c", "--json")
    assert ran.status == 1 and ran.json["error"]["kind"] == "source_fault"


def test_stdin(xpiler: Xpiler, kernels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO((kernels / "scale.c").read_text()))
    assert "__global__" in xpiler("port", "-", "--to", "hip").out


@pytest.mark.parametrize("file", ["scale.c", "scale.cu"])
def test_run(xpiler: Xpiler, kernels: Path, file: str) -> None:
    a = np.linspace(-1, 1, 300, dtype=np.float32)
    np.savez(kernels / "in.npz", A=a)
    ran = xpiler("run", kernels / file, "--inputs", kernels / "in.npz", "--out", kernels / "out", "--shape", "n=300")
    assert ran.status == 0, ran.err
    with np.load(kernels / "out") as out:
        assert set(out.files) == {"A", "B"}
        np.testing.assert_array_equal(out["B"], 2 * a)
        np.testing.assert_array_equal(out["A"], a)


def test_run_takes_scalars_as_arrays_and_exact_conversions(xpiler: Xpiler, kernels: Path) -> None:
    np.savez(kernels / "in.npz", A=np.arange(4.0), B=np.zeros(4, np.float32), n=np.int64(4))
    assert xpiler("run", kernels / "scale.c", "--inputs", kernels / "in.npz", "--out", kernels / "o.npz").status == 0
    np.testing.assert_array_equal(np.load(kernels / "o.npz")["B"], [0, 2, 4, 6])
    np.savez(kernels / "in.npz", A=np.full(4, 0.1), n=4)
    ran = xpiler("run", kernels / "scale.c", "--inputs", kernels / "in.npz", "--out", kernels / "o.npz")
    assert ran.status == 2 and "would lose values" in ran.err


@pytest.mark.parametrize("contents", [b"", b"no zip", b"PK\x03\x04rest"])
def test_run_refuses_what_is_no_npz(xpiler: Xpiler, kernels: Path, contents: bytes) -> None:
    (kernels / "in.npz").write_bytes(contents)
    ran = xpiler("run", kernels / "scale.c", "--inputs", kernels / "in.npz", "--out", kernels / "o.npz")
    assert ran.status == 2 and ran.err.startswith("xpiler: ") and not (kernels / "o.npz").exists()


def test_run_refuses_pickles_and_single_arrays(xpiler: Xpiler, kernels: Path) -> None:
    np.savez(kernels / "in.npz", A=np.array([{}], dtype=object))
    assert xpiler("run", kernels / "scale.c", "--inputs", kernels / "in.npz", "--out", kernels / "o.npz").status == 2
    np.save(kernels / "in.npy", np.ones(3))
    assert xpiler("run", kernels / "scale.c", "--inputs", kernels / "in.npy", "--out", kernels / "o.npz").status == 2


def test_a_fault_while_running(xpiler: Xpiler, kernels: Path) -> None:
    np.savez(kernels / "in.npz", A=np.ones(100, np.float32), B=np.zeros(100, np.float32))
    ran = xpiler("run", kernels / "beyond.cu", "--inputs", kernels / "in.npz", "--out", kernels / "o.npz")
    assert ran.status == 1 and "line 3" in ran.err and not (kernels / "o.npz").exists()


def test_check(xpiler: Xpiler, kernels: Path) -> None:
    ran = xpiler("check", kernels / "scale.c")
    assert ran.status == 0 and "nothing wrong was found" in ran.out
    ran = xpiler("check", kernels / "beyond.cu")
    assert ran.status == 1 and "WRONG" in ran.out and "3 | B[i] = A[i];" in ran.out
    ran = xpiler("check", kernels / "beyond.cu", "--json")
    assert ran.status == 1 and ran.json["ok"] is False and ran.json["from"] == "cuda"
    assert any(e["status"] == "fail" and "line 3" in e["detail"] for e in ran.json["evidence"])
    ran = xpiler("check", kernels / "broken.c", "--json")
    assert ran.status == 1 and ran.json["error"]["kind"] == "parse"


def test_doctor(xpiler: Xpiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    ran = xpiler("doctor")
    assert ran.status == 0 and "yes  simulator" in ran.out and "would add" in ran.out
    assert "canary" not in ran.out
    found = json.loads(xpiler("doctor", "--json").out)
    assert found["works"] and {"group", "name", "present", "detail", "adds"} == set(found["findings"][0])


def test_an_architecture_and_the_tolerant_simulator(xpiler: Xpiler, kernels: Path) -> None:
    ran = xpiler("port", kernels / "scale.c", "--to", "bang", "--arch", "mtp_372", "--flat", "--json")
    assert ran.status == 0 and ran.json["to"] == "bang@mtp_372@flat" and ran.json["verdict"] == "proved"
    wrong = xpiler("port", kernels / "scale.c", "--to", "cuda", "--arch", "mtp_372")
    assert wrong.status != 0 and "neither plain C nor NVIDIA CUDA has switch 'mtp_372'" in wrong.err
    assert "no switch 'mtp_9'" in xpiler("check", kernels / "scale.cu", "--arch", "mtp_9").err
