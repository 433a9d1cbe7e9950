"""The magics and views on the real port: what the canned one promises holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fakes
import numpy as np
import pytest

Run = Callable[[str], Any]


def test_c_to_cuda_and_back(run: Run, shell: Any) -> None:
    ran = run(f"%%xpile --to cuda -o p\n{fakes.SOURCE}")
    assert ran.success and ran.value.verdict.level == "proved" and "__global__" in ran.value.code
    assert "bit-exact" in ran.data["text/html"] and "[proved for all sizes]" in ran.data["text/plain"]
    a = np.arange(300, dtype=np.float32)
    np.testing.assert_array_equal(shell.user_ns["p"](a, np.zeros_like(a), 300), 2 * a)
    back = run(f"%%xpile --to c\n{ran.value.code}").value
    assert back.finished and "__global__" not in back.code


def test_a_wrong_edit_names_the_element(run: Run) -> None:
    port = run(f"%%xpile --to cuda --step\n{fakes.SOURCE}").value
    ran = run("%%xpile_edit\n" + fakes.SOURCE.replace("2.0f * A[i]", "2.0f * A[i] + (i == 20)"))
    assert port.pending.verdict.level == "wrong"
    assert "first wrong element: B[20]" in ran.data["text/plain"] and "B[20]" in ran.data["text/html"]
    assert not run("%xpile_accept").success
    run("%xpile_undo")
    assert run("%xpile_next --all").value.finished


def test_a_pass_of_ones_own_choice(run: Run) -> None:
    port = run(f"%%xpile --to cuda --step\n{fakes.SOURCE}").value
    run("%xpile_reject")
    ran = run("%xpile_next loop_split loop=i factor=8")
    assert port.pending.knobs == {"loop": "i", "factor": 8} and "8" in ran.data["text/plain"]
    run("%xpile_reject")
    for line, words in (("loop_split loop=zz factor=8", "zz"), ("loop_splt", "loop_split"), ("loop_split loop=i factr=8", "factor")):
        ran = run(f"%xpile_next {line}")
        assert not ran.success and words in ran.err and not port.pending


def test_a_text_that_is_no_kernel(run: Run, shell: Any) -> None:
    shell.user_ns.pop("broken", None)
    ran = run("%%xpile --to cuda -o broken\nvoid f(float* A) {\n  A[0] = ;\n}")
    assert not ran.success and "line 2" in ran.err and "^" in ran.err and "broken" not in shell.user_ns


def test_a_kernel_that_is_not_there(run: Run) -> None:
    ran = run(f"%%xpile --to cuda --kernel none\n{fakes.SOURCE}")
    assert ran.err.startswith("UsageError: ") and "none" in ran.err


def test_the_package_is_a_function_too() -> None:
    import xpiler_jupyter
    import xpiler_jupyter.port as module

    assert xpiler_jupyter.Port is module.Port
    assert xpiler_jupyter.port(fakes.SOURCE, to="hip").finished
    with pytest.raises(AttributeError):
        _ = xpiler_jupyter.nothing
