"""The magics: options, the state of the latest port, and no traceback for anything that a person can do wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakes
import pytest

Run = Callable[[str], Any]
pytestmark = pytest.mark.usefixtures("canned")
KERNEL = fakes.SOURCE


def test_a_port_is_the_value_of_the_cell(run: Run, shell: Any) -> None:
    ran = run(f"%%xpile --to cuda -o p --shape n=8 m=0x10 --shape A=64 --seed 3 --kernel scale --from c\n{KERNEL}")
    assert ran.success and ran.value is shell.user_ns["p"] and ran.value.finished
    assert ran.value.options["shape"] == {"n": 8, "m": 16, "A": 64} and ran.value.options["seed"] == 3
    assert ran.value.source_text == KERNEL
    assert set(ran.data) == {"text/plain", "text/html"} and "\x1b" not in ran.data["text/plain"]
    assert "blockIdx.x" in ran.data["text/plain"] and "<details" in ran.data["text/html"]


@pytest.mark.parametrize(("line", "words"), [
    ("", ["usage: %%xpile", "--shape", "NVIDIA CUDA"]), ("-h", ["usage: %%xpile", "platforms:"]),
    ("--to cuda", ["usage: %%xpile"]),
])
def test_help(run: Run, line: str, words: list[str]) -> None:
    ran = run(f"%%xpile {line}")
    assert ran.success and ran.value is None and all(w in ran.out for w in words)


def test_why(run: Run) -> None:
    run(f"%%xpile --to cuda --prove 2.5\n{KERNEL}")
    assert "equal to the source for all inputs" in run("%xpile_why").out


@pytest.mark.parametrize("magic", ["steps", "next", "accept", "reject", "undo", "edit", "why"])
def test_every_magic_has_help(run: Run, magic: str) -> None:
    ran = run(f"%xpile_{magic} -h")
    assert ran.success and f"xpile_{magic} [-h]" in ran.out


@pytest.mark.parametrize(("line", "body", "words"), [
    ("", KERNEL, "where to? Say --to PLATFORM"),
    ("--to cdua", KERNEL, "there is no platform 'cdua'; did you mean cuda?"),
    ("--to CUDA", KERNEL, "did you mean cuda?"),
    ("--to cuda --from hpi", KERNEL, "did you mean hip?"),
    ("--to cuda --shpae n=4", KERNEL, "there is no option --shpae; did you mean --shape?"),
    ("--to cuda --engine llm", KERNEL, "there is no engine 'llm'"),
    ("--to cuda --shape n", KERNEL, "--shape wants NAME=N, not 'n'"),
    ("--to cuda --shape n=many", KERNEL, "'many' is not an integer"),
    ("--to cuda --shape n=1.5", KERNEL, "'1.5' is not an integer"),
    ("--to cuda --seed x", KERNEL, "invalid int value: 'x'"),
    ("--to cuda --ref nothing", KERNEL, "the notebook has no function 'nothing'"),
    ("--to cuda --ref number", KERNEL, "'number' is no function but a int"),
    ("--to cuda -o 1p", KERNEL, "must be an identifier"),
    ("--to cuda extra", KERNEL, "'extra' was not expected"),
    ("--to cuda 'half", KERNEL, "no closing quotation"),
    ("--to", KERNEL, "expected one argument"),
    ("--to cuda --file /nowhere/k.c", "\n", "cannot read /nowhere/k.c"),
    ("--to cuda", "import numpy as np\nprint(np.ones(3))", "this cell is Python"),
    ("--to cuda", "%%cuda\n" + KERNEL, "begins with another magic (%%cuda)"),
    ("--to cuda", "void f() {\n  broken\n}",
     "line 2, column 3: expected ';'\n      broken\n      ^\nClose the statement."),
])
def test_mistakes_are_one_line(run: Run, shell: Any, line: str, body: str, words: str) -> None:
    shell.user_ns["number"] = 3
    ran = run(f"%%xpile {line}\n{body}")
    assert not ran.success and ran.value is None
    assert words in ran.err and ran.err.startswith("UsageError: ")


def test_nothing_in_the_line_is_expanded(run: Run) -> None:
    ran = run("%%xpile --to {1+1}\n" + KERNEL)
    assert "there is no platform '{1+1}'" in ran.err


def test_sizes_and_references_come_from_the_notebook(run: Run, shell: Any) -> None:
    run("N = 96\ndef twice(A): return 2 * A")
    port = run(f"%%xpile --to cuda --shape n=N --ref twice\n{KERNEL}").value
    assert port.options["shape"] == {"n": 96} and port.options["ref"] is shell.user_ns["twice"]
    assert "did you mean twice?" in run(f"%%xpile --to cuda --ref twise\n{KERNEL}").err


def test_step_by_step(run: Run) -> None:
    port = run(f"%%xpile --to cuda --step\n{KERNEL}").value
    assert port.pending and port.pending.pass_name == "loop_split"
    assert "waits for you" in run("%xpile_steps").data["text/html"]
    assert run("%xpile_next").err.startswith("UsageError: a proposal is waiting")
    run("%xpile_reject")
    run("%xpile_next")
    run("%xpile_accept")
    assert [s.state for s in port.steps] == ["rejected", "accepted"]
    assert run("%xpile_accept").err == "UsageError: no proposal is waiting\nPropose the next pass first.\n"
    run("%xpile_next --all")
    assert port.finished and port.code == fakes.BOUND
    assert "is reached" in run("%xpile_next").out
    run("%xpile_undo")
    assert port.pending
    run("%xpile_undo --to 1")
    assert len(port.steps) == 1 and run("%xpile_steps 1").value.pass_name == "loop_split"
    assert "there is no step 9" in run("%xpile_steps 9").err


def test_a_pass_of_ones_own_choice(run: Run) -> None:
    port = run(f"%%xpile --to cuda --step\n{KERNEL}").value
    run("%xpile_reject")
    run("%xpile_next loop_reorder order=i,j factor=8 name=x")
    assert port.pending.pass_name == "loop_reorder"
    assert port.pending.knobs == {"order": ["i", "j"], "factor": 8, "name": "x"}
    assert "a knob is NAME=VALUE" in run("%xpile_next loop_split 8").err


def test_a_wrong_edit_is_shown_and_held_back(run: Run) -> None:
    port = run(f"%%xpile --to cuda --step\n{KERNEL}").value
    ran = run("%%xpile_edit\n" + fakes.SPLIT.replace("n) {", "n + 1) {"))
    assert port.pending.verdict.level == "wrong" and "first wrong element: B[255]" in ran.data["text/plain"]
    assert "this step is wrong" in run("%xpile_accept").err
    assert port.pending
    run("%xpile_accept -f")
    assert port.code == port.steps[-1].after
    run("%xpile_undo")
    run("%xpile_undo")
    assert port.pending.pass_name == "loop_split"


def test_edit_as_a_line_fills_the_next_cell(run: Run, shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    monkeypatch.setattr(shell, "set_next_input", given.append)
    run(f"%%xpile --to cuda --step -o q\n{KERNEL}")
    run("%xpile_edit -p q")
    assert given == ["%%xpile_edit -p q\n" + fakes.SPLIT]
    assert "the cell is empty" in run("%%xpile_edit\n\n").err
    assert "this cell is Python" in run("%%xpile_edit\nx = 1").err


def test_ports_by_name(run: Run) -> None:
    assert "there is no port yet" in run("%xpile_steps").err
    run(f"%%xpile --to cuda -o first\n{KERNEL}")
    run(f"%%xpile --to cuda --step -o second\n{KERNEL}")
    assert run("%xpile_steps -p first").value.finished
    assert "did you mean second?" in run("%xpile_steps -p secnd").err
    assert run("%xpile_accept -p second").value.steps[0].state == "accepted"


def test_a_failure_leaves_the_port(run: Run, shell: Any) -> None:
    ran = run(f"%%xpile --to cuda -o p\n{KERNEL.replace('twice', 'stuck')}")
    assert ran.success and ran.value is shell.user_ns["p"]
    assert "loop i carries the sum into B" in ran.data["text/html"]
    ran = run(f"%%xpile --to cuda --step -o r\n{KERNEL.replace('twice', 'stuck')}")
    assert not ran.success and "no pass applies" in ran.err and shell.user_ns["r"].steps == ()


def test_an_interrupt_keeps_what_was_done(run: Run) -> None:
    ran = run(f"%%xpile --to cuda\n{KERNEL.replace('twice', 'hang')}")
    assert ran.success and "Interrupted: 1 pass kept" in ran.out and len(ran.value.steps) == 1
    run("%xpile_next --all")
    assert ran.value.finished


def test_file_and_save(run: Run, tmp_path: Path) -> None:
    (tmp_path / "k.c").write_text(KERNEL)
    port = run(f"%xpile --to cuda --file {tmp_path}/k.c --save {tmp_path}/port.json").value
    assert port.finished and port.options["filename"].endswith("k.c") and (tmp_path / "port.json").exists()
    assert "which one?" in run(f"%%xpile --to cuda --file {tmp_path}/k.c\n{KERNEL}").err
    assert "cannot write /nowhere/p" in run(f"%%xpile --to cuda --save /nowhere/p\n{KERNEL}").err


def test_our_errors_from_python_have_no_traceback(run: Run) -> None:
    port = run(f"%%xpile --to cuda -o p\n{KERNEL}").value
    ran = run("x = 1\np.accept()")
    assert not ran.success and port.finished
    assert "StateError: no proposal is waiting" in ran.out and "line 2: p.accept()" in ran.out


def test_unload_and_load_again(run: Run, shell: Any) -> None:
    run(f"%%xpile --to cuda -o p\n{KERNEL}")
    try:
        run("%unload_ext xpiler_jupyter")
        assert "xpile" not in shell.magics_manager.magics["cell"]
        assert "text/html" not in run("p").data
    finally:
        run("%load_ext xpiler_jupyter")
    assert "text/html" in run("p").data


def test_explain(run: Run) -> None:
    shown, = run("%xpile_explain __bang_add").shown
    assert shown["text/plain"].startswith("# __bang_add") and shown["text/markdown"] == shown["text/plain"]
    ran = run("%xpile_explain __bang_ad")
    assert not ran.success and "near: " in ran.err and "__bang_add" in ran.err
