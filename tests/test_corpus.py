"""Our own kernels, one or more per construct that people write: each computes what its reference says, on every platform."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from corpus_kit import TARGETS, Sample, arguments, differs, samples

from xpiler_jupyter.errors import XpilerError
from xpiler_jupyter.platforms import registry
from xpiler_jupyter.running import run_text, subject_of
from xpiler_jupyter.suite import start
from xpiler_jupyter.verify.evidence import LADDER
from xpiler_jupyter.verify.source_check import check_source

SAMPLES, WRONG = samples(), samples("wrong")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.platform}-{s.path.stem}")
def test_the_source_computes_its_reference(sample: Sample) -> None:
    """Holds the simulators and the references to each other; no pass is involved."""
    arrays, numbers = arguments(sample.inputs())
    got = run_text(sample.text, registry.get(sample.platform), arrays, numbers, kernel=sample.options.get("kernel"))
    assert not (difference := differs(got, sample.expected())), difference


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.platform}-{s.path.stem}")
def test_a_port_computes_the_reference(sample: Sample, target: str,
                                       record_property: Callable[[str, object], None]) -> None:
    """Judged equal by the port itself, and against NumPy on arrays that the judge did not choose. What came of it is
    recorded for the table (`benchmarks/own_corpus.py`)."""
    if target == sample.platform:
        pytest.skip("the source's own platform")
    refused = sample.about.get("REFUSED", {}).get(target)
    if refused is not None:
        with pytest.raises(XpilerError, match=refused) as told:
            port = start(sample.text, target, **sample.options).run()
            raise port.error or AssertionError(f"ported to {target}: {port.verdict}")
        record_property("verdict", f"refused: {told.value}")
        return
    port = start(sample.text, target, **sample.options).run()
    assert port.error is None and port.finished, port.error
    assert LADDER.index(port.verdict.level) >= LADDER.index("tested"), port.verdict
    arrays, numbers = arguments(sample.inputs())
    got = run_text(port.code, port.platform, arrays, numbers)
    assert not (difference := differs(got, sample.expected())), difference
    record_property("verdict", port.verdict.level)


@pytest.mark.parametrize("sample", WRONG, ids=lambda s: s.path.stem)
def test_a_wrong_kernel_is_told_so(sample: Sample) -> None:
    """With the words and the line that it must get; and no port of it passes as tested."""
    message, line = sample.about["MESSAGE"], sample.about["LINE"]
    kernel, shape = sample.options.get("kernel"), sample.options.get("shape")
    platform = registry.get(sample.platform)
    try:
        found = check_source(subject_of(sample.text, platform, kernel, shape), shape=shape)
        said = [(e.detail, e.data.get("line")) for e in found if e.status == "fail"]
    except XpilerError as err:
        said = [(str(err), err.line)]
    assert any(message in words and at == line for words, at in said), said
    try:
        verdict = start(sample.text, "c", **sample.options).run().verdict
    except XpilerError:
        return
    assert LADDER.index(verdict.level) < LADDER.index("tested"), verdict
